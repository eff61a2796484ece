"""What an engine must do: run a ScanPlan, give Arrow back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from lakeq.engines.limits import RunLimits
from lakeq.planner.plan import ScanPlan
from lakeq.storage.base import Store


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

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the answer because this engine gives it, as sentences."""

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


class Session(Protocol):
    """What runs one plan at its own time."""

    @property
    def now(self) -> datetime | None:
        """The time that SQL's clock shows to the query; None when it does not matter."""

    def execute(self, plan: ScanPlan, max_bytes: int | None = None) -> QueryResult:
        """See Engine.execute."""


class Engine(Protocol):
    """One way of running plans."""

    @property
    def name(self) -> str:
        """One of lakeq.engines.names.NAMES."""

    @property
    def opens_files(self) -> bool:
        """Whether it is given the planned files and the schema of each; else it finds them by itself."""

    def check(self, plan: ScanPlan) -> None:
        """Raise what is known to be in the way of the plan before anything runs: UnsupportedSqlError names
        the construct that this engine cannot be told."""

    def session(self, plan: ScanPlan) -> Session:
        """What runs a plan that asks the clock: plan anew with its `now`, then run that."""

    def execute(self, plan: ScanPlan, max_bytes: int | None = None) -> QueryResult:
        """Start `plan.sql` over exactly the planned files. Its reader gets BudgetExceededError before it
        scans more than `max_bytes`."""

    def close(self) -> None:
        """Stop what runs and free it."""


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """The session of an engine whose queries have the time of their plan written into them."""

    engine: Engine
    now: datetime | None

    def execute(self, plan: ScanPlan, max_bytes: int | None = None) -> QueryResult:
        """See Engine.execute."""
        return self.engine.execute(plan, max_bytes)


@dataclass(frozen=True, slots=True)
class EngineContext:
    """What an engine outside of this process is given of the lake whose queries it runs.

    `store` gives the store of a table's `store_root`; `answer_schema` the columns that DuckDB gives the
    answer to a plan, None where they depend on its rows (a PIVOT). `storage` are the options of the lake's
    store as given and declared: `endpoint_url`, `profile`, `region`, `key`, ….
    """

    store: Callable[[str], Store]
    answer_schema: Callable[[ScanPlan], pa.Schema | None]
    storage: Mapping[str, Any] = field(repr=False)
    limits: RunLimits = field(default_factory=RunLimits)
