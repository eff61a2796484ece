"""A query that runs in Spark: its rows, its progress, what it read, and how it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lakeq.engines.base import QueryStats
from lakeq.engines.limits import RunLimits, too_long, too_many_rows
from lakeq.engines.spark.answers import conform_answer
from lakeq.engines.spark.faults import translate_run
from lakeq.engines.spark.jobs import Job
from lakeq.errors import (
    BudgetExceededError,
    ExecutionError,
    LakeqError,
    QueryCancelledError,
)
from lakeq.quantities import format_bytes

_BATCH_ROWS = 65536
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """A query that Spark has taken: the DataFrame of its rows, the job that is to run it, and the columns
    that they are to have (None: as they come). `check` raises what became of a file; `release` lets go of
    views and lists of files."""

    sql: str
    frame: Any
    job: Job
    schema: pa.Schema | None
    check: Callable[[], None]
    release: Callable[[], None]


class SparkResult:
    """See QueryResult. The rows are handed out when all of them are there and no file has changed."""

    notes: tuple[str, ...] = ()

    def __init__(
        self, query: PreparedQuery, limits: RunLimits, max_bytes: int | None, seconds: float
    ) -> None:
        self._query = query
        self._limits = limits
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._rows = self._bytes = 0
        self._table: pa.Table | None = None
        self._taken = self._closed = False
        self._stopped: LakeqError | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the batches. Runs the query where only its rows tell it."""
        return self._query.schema if self._query.schema is not None else self._run().schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows; once. Nothing of a query that failed is handed out."""
        if self._taken:
            raise ExecutionError("The rows of this result were read already. Run the query again.", "spark")
        self._taken = True
        return self._stream()

    def cancel(self) -> None:
        """Stop the query from another thread; `batches` then raises QueryCancelledError."""
        self._stop(QueryCancelledError("Query cancelled.", "spark"))

    def progress(self) -> float | None:
        """The share of the tasks of the stages begun so far that are done; None before the first."""
        if self._ended.is_set():
            return 1.0
        with suppress(Exception):
            return self._query.job.look()[0]
        return None

    def read_progress(self) -> tuple[int, int, int, int]:
        """What Spark reads goes past this process."""
        return 0, 0, 0, 0

    def stats(self) -> QueryStats:
        """Rows and seconds, and the bytes that Spark's tasks say they have read, footers among them. Its
        requests are not told."""
        if not self._ended.is_set():
            self._count()
        return QueryStats(self._rows, self._bytes, self._bytes, 0, self._seconds)

    def close(self) -> None:
        """Stop what runs, and let go of everything that the query holds."""
        self.cancel()
        with self._lock:
            is_first, self._closed = not self._closed, True
        if is_first:
            self._table = None
            self._query.release()

    def _stream(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._run().to_batches(_BATCH_ROWS)
        finally:
            self.close()

    def _run(self) -> pa.Table:
        if self._table is None:
            if self._closed:
                raise ExecutionError("This result is closed. Run the query again.", "spark")
            began = time.perf_counter()
            watcher = threading.Thread(target=self._watch, args=(began,), name="lakeq-spark", daemon=True)
            watcher.start()
            try:
                self._table = self._collect()
            finally:
                self._ended.set()
                self._seconds += time.perf_counter() - began
        return self._table

    def _collect(self) -> pa.Table:
        query = self._query
        query.check()
        self._raise_if_stopped()
        try:
            answer = query.job.run(query.frame)
        except BaseException as error:
            with suppress(Exception):
                query.job.cancel()
            self._settle()
            self._raise_if_stopped()
            if not isinstance(error, Exception):
                raise
            query.check()
            raise translate_run(error, query.sql) from error
        self._settle()
        self._raise_if_stopped()
        query.check()
        if self._limits.row_limit is not None and answer.num_rows > self._limits.row_limit:
            raise too_many_rows(self._limits.row_limit, "spark")
        self._rows = answer.num_rows
        return conform_answer(answer, query.schema)

    def _settle(self) -> None:
        self._query.job.settle()
        self._count()
        self._check_bytes()

    def _count(self) -> None:
        with suppress(Exception):
            self._bytes = max(self._bytes, self._query.job.look()[1])

    def _watch(self, began: float) -> None:
        """Stop the query when it takes more than it may, and again until it has stopped."""
        while not self._ended.wait(_LOOK_SECONDS):
            limit, seconds = self._limits.time_limit, time.perf_counter() - began
            if limit is not None and seconds > limit:
                self._stop(too_long("spark"))
            with suppress(Exception):
                obstacle = self._query.job.find_obstacle(seconds)
                if obstacle is not None:
                    self._stop(obstacle)
            if self._max_bytes is not None:
                self._count()
                self._check_bytes()
            if self._stopped is not None:
                with suppress(Exception):
                    self._query.job.cancel()

    def _check_bytes(self) -> None:
        if self._max_bytes is not None and self._bytes > self._max_bytes:
            self._stop(_too_many_bytes(self._bytes, self._max_bytes))

    def _stop(self, reason: LakeqError) -> None:
        if not self._ended.is_set():
            self._stopped = self._stopped or reason

    def _raise_if_stopped(self) -> None:
        if self._stopped is not None:
            raise self._stopped


def _too_many_bytes(read: int, limit: int) -> BudgetExceededError:
    return BudgetExceededError(
        f"Query stopped: Spark has read {format_bytes(read)}, over the limit of {format_bytes(limit)}. "
        "Raise max_bytes, or read fewer columns or partitions.",
        None,
        limit,
    )
