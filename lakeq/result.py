"""Result: a planned query, run when it is first read."""

from __future__ import annotations

import datetime as dt
import os
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Any, NoReturn, Self

import pyarrow as pa

from lakeq.engines.base import QueryResult, QueryStats
from lakeq.engines.choice import Chosen
from lakeq.errors import EngineNotInstalledError, ForkedProcessError
from lakeq.html.markup import Markup, draw_note, join
from lakeq.html.tables import draw_rows
from lakeq.ledger.entries import CANCELLED, DONE
from lakeq.ledger.ledger import QueryRecord
from lakeq.planner.estimate import Estimate
from lakeq.planner.plan import ScanPlan
from lakeq.storage.forks import check_process
from lakeq.storage.progress import Progress
from lakeq.storage.tally import Tally, count_into
from lakeq.storage.workers import stopped_by
from lakeq.text_table import format_table

Prepare = Callable[[ScanPlan, dt.datetime | None], ScanPlan]
"""Makes a plan ready to run at the engine's own time."""


class Result:
    """A query that was planned and is within its limits. Lazy: reading it runs it, once.

    `arrow`, `df`, `pl`, `fetchall` and `show` keep the rows, so that they can be called one after the other;
    `batches` streams them and keeps none. Nothing of a query that fails is ever handed out as whole.
    """

    def __init__(
        self,
        plan: ScanPlan,
        estimate: Estimate,
        chosen: Chosen,
        prepare: Prepare,
        record: QueryRecord,
        planning: Tally | None = None,
    ) -> None:
        """`record` is kept of how it ends, and tells how much it may scan; `planning` is what the plan has
        cost in requests and bytes so far."""
        self.shown_rows = 20
        """How many rows a notebook shows of it."""
        self._plan = plan
        self._estimate = estimate
        self._engine, self._why = chosen.engine, chosen.why
        self._prepare = prepare
        self._record = record
        self._process = os.getpid()
        weakref.finalize(self, record.leave)
        self._planning = planning or Tally()
        self._running: QueryResult | None = None
        self._table: pa.Table | None = None
        self._cancelled = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise ForkedProcessError(
            "A Result cannot be sent to another process. Send its rows, as arrow() gives them, or its plan."
        )

    def __repr__(self) -> str:
        return f"Result({self._plan.text!r}, {self._estimate})"

    def _repr_html_(self) -> str:
        """For notebooks: the first rows if they were read. Showing a Result does not run it: then its
        estimate, and how to."""
        if self._table is not None:
            return draw_rows(self._table, self.shown_rows)
        how = "Not run yet: .df(), .pl(), .arrow() or .show() reads the rows; .batches() streams them."
        return join([draw_note(how), Markup(self._estimate._repr_html_())])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """The same as text, for IPython in a terminal."""
        is_read = self._table is not None
        printer.text(format_table(self._table, self.shown_rows) if is_read else repr(self))

    @property
    def plan(self) -> ScanPlan:
        """What will be read."""
        return self._plan

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the answer, such as archived files that were left out, files that hold
        other times than their table declares, or why an engine was chosen for it; once it runs, also what
        that engine does otherwise."""
        warnings = (warning for scan in self._plan.scans for warning in scan.warnings)
        running = self._running.notes if self._running is not None else ()
        return (*self._plan.notes, *warnings, *([self._why] if self._why else []), *running)

    @property
    def engine(self) -> str:
        """The name of the engine that runs it."""
        return self._engine.name

    @property
    def estimate(self) -> Estimate:
        """What it will scan and cost."""
        return self._estimate

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the rows. Starts the query."""
        if self._table is not None:
            return self._table.schema
        running = self._start()
        with self._record.failing(self._tell_stats):
            return running.schema

    @property
    def stats(self) -> QueryStats:
        """What was read, planning included. Final once the rows have been read."""
        running = self._running.stats() if self._running is not None else QueryStats(0, 0, 0, 0, 0.0)
        kinds = Counter(running.requests_by_kind) + Counter(self._planning.requests)
        return replace(
            running,
            bytes_transferred=running.bytes_transferred + self._planning.bytes_transferred,
            requests=sum(kinds.values()),
            requests_by_kind=dict(sorted(kinds.items())),
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows as record batches, streamed as they are made. An error at the end makes them all void."""
        if self._table is not None:
            return iter(self._table.to_batches())
        return self._read(self._start().batches())

    def arrow(self) -> pa.Table:
        """All rows as an Arrow table."""
        if self._table is None:
            running = self._start()
            schema = self.schema
            self._table = pa.Table.from_batches(list(self._read(running.batches())), schema)
        return self._table

    def df(self) -> Any:
        """All rows as a pandas DataFrame."""
        self._require("pandas")
        return self.arrow().to_pandas()

    def pl(self) -> Any:
        """All rows as a Polars DataFrame."""
        self._require("polars")
        import polars

        return polars.from_arrow(self.arrow())

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows as tuples of Python values."""
        columns = [column.to_pylist() for column in self.arrow().columns]
        return list(zip(*columns, strict=True)) if columns else []

    def show(self, rows: int = 20) -> None:
        """Print the first rows as a table."""
        sys.stdout.write(format_table(self.arrow(), rows) + "\n")

    def progress(self) -> float | None:
        """Share done, 0 to 1; None when unknown."""
        return self._running.progress() if self._running is not None else None

    def read_progress(self) -> Progress | None:
        """How far it is: what was fetched of remote files, or else how much of the planned bytes the engine
        says it has scanned. None before it began, or while neither is known."""
        if self._running is None:
            return None
        seconds = self._running.stats().seconds
        size, size_total, files, files_total = self._running.read_progress()
        if files_total:
            return Progress("reading", files, files_total, size, size_total, seconds)
        share, size, files = self.progress(), self._estimate.bytes_scanned, self._estimate.files
        if not share or not size:
            return None
        return Progress("scanning", round(share * files), files, round(share * size), size, seconds)

    def cancel(self) -> None:
        """Stop the query from another thread: its reader gets QueryCancelledError."""
        self._cancelled.set()
        if self._running is not None:
            self._running.cancel()

    def close(self) -> None:
        """Let go of what the query holds; rows kept by `arrow` stay."""
        if self._running is not None:
            self._running.close()
        self._record.end(CANCELLED, self.stats)

    def _read(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with self._record.failing(self._tell_stats):
            yield from batches
        self._record.end(DONE, self.stats)

    def _tell_stats(self) -> QueryStats:
        return self.stats

    def _start(self) -> QueryResult:
        """The query, begun: entered in the ledger first, so that what it reads is never missed there."""
        if self._running is None:
            check_process(self._process, "This query")
            max_bytes = self._record.begin()
            with self._record.failing(self._tell_stats):
                self._running = self._run(max_bytes)
            if self._cancelled.is_set():
                self._running.cancel()
        return self._running

    def _run(self, max_bytes: int | None) -> QueryResult:
        if self._plan.clock is None:
            with count_into(self._planning), stopped_by(self._cancelled):
                self._plan = self._prepare(self._plan, None)
            return self._engine.execute(self._plan, max_bytes)
        session = self._engine.session(self._plan)
        with count_into(self._planning), stopped_by(self._cancelled):
            self._plan = self._prepare(self._plan, session.now)
        return session.execute(self._plan, max_bytes)

    @staticmethod
    def _require(package: str) -> None:
        try:
            __import__(package)
        except ImportError as error:
            raise EngineNotInstalledError(
                f"{package} is not installed. Install it: pip install 'lakeq[{package}]'", package, package
            ) from error
