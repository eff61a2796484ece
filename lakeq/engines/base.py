"""What an engine must do: run a ScanPlan, give Arrow back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from lakeq.planner.plan import ScanPlan


@dataclass(frozen=True, slots=True)
class QueryStats:
    """What a finished query read. `bytes_scanned` is data the engine decoded from (compressed, footers
    left out); `bytes_transferred` is all that came from the store for it, footers included, and
    `bytes_cached` what came from the disk cache instead. `requests` are those to the store, which
    `requests_by_kind` tells apart (`get`, `list`, `head`)."""

    rows: int
    bytes_scanned: int
    bytes_transferred: int
    requests: int
    seconds: float
    requests_by_kind: Mapping[str, int] = field(default_factory=dict)
    bytes_cached: int = 0


class QueryResult(Protocol):
    """A running query. Read it once, to its end, or close it."""

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the batches."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, streamed. Ends with the error of the query, if any; all rows are to be dropped then."""

    def cancel(self) -> None:
        """Stop the query from another thread; `batches` then raises QueryCancelledError."""

    def progress(self) -> float | None:
        """Share done, 0 to 1; None when unknown."""

    def read_progress(self) -> tuple[int, int, int, int]:
        """Bytes there, bytes planned, files there, files planned, of remote stores; 0 where there are none.

        What nobody foresaw is not among them."""

    def stats(self) -> QueryStats:
        """What was read so far; final once `batches` has ended."""

    def close(self) -> None:
        """Let go of everything the query holds."""


class Engine(Protocol):
    """One way of running plans."""

    @property
    def name(self) -> str:
        """`duckdb`, and later others."""

    def execute(self, plan: ScanPlan, max_bytes: int | None = None) -> QueryResult:
        """Start `plan.sql` over exactly the planned files. Its reader gets BudgetExceededError before it
        scans more than `max_bytes`."""

    def close(self) -> None:
        """Stop what runs and free it."""
