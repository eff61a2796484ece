"""A query that runs: its batches, its progress, what it read, and how it ends."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection, DuckDBPyRelation

from lakeq.engines.base import QueryStats
from lakeq.engines.connection import find_closing
from lakeq.engines.files import OpenedFiles
from lakeq.engines.limits import too_many_rows
from lakeq.engines.profile import Profile, count_bytes, read_profile
from lakeq.engines.translation import translate_run_error
from lakeq.errors import ExecutionError, LakeqError, QueryCancelledError
from lakeq.storage.forks import check_process, keep_from_children
from lakeq.storage.workers import begin

BATCH_ROWS = 65536
"""Rows of a streamed batch, at most."""

# An interrupt that comes between two statements meets nothing that runs, so it is repeated.
_STOP_ATTEMPTS, _STOP_SECONDS = 100, 0.05

_WHAT = "This query"

T = TypeVar("T")


class DuckDBResult:
    """A bound query that starts at the first look at its schema or its batches. See QueryResult.

    One thread reads; others may ask for progress and stats, or cancel.
    """

    notes: tuple[str, ...] = ()

    def __init__(
        self,
        sql: str,
        connection: DuckDBPyConnection,
        relation: DuckDBPyRelation,
        start: Callable[[], None],
        files: OpenedFiles,
        seconds: float,
        profile: Profile | None = None,
        row_limit: int | None = None,
    ) -> None:
        """`start` has the files fetched, and lets the views see them all.

        `profile` is that of a query which ran while it was bound; one that gives more than `row_limit` rows
        ends with ResourceLimitError.
        """
        self._sql = sql
        self._connection = connection
        self._relation: DuckDBPyRelation | None = relation
        self._start_files = start
        self._files = files
        self._reader: pa.RecordBatchReader | None = None
        self._lock = threading.Lock()
        self._schema: pa.Schema | None = None
        self._taken = False
        self._step = threading.Lock()
        self._cancelled = False
        self._rows = 0
        self._row_limit = row_limit
        self._seconds = seconds
        self._ran, self._profile = profile is not None, profile
        self._process = os.getpid()
        self._release = weakref.finalize(self, _release, find_closing(connection), files, self._process)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the batches. Starts the query, and waits for its first rows."""
        if self._schema is None:
            self._schema = self._open().schema
        return self._schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, streamed; once. ObjectChangedError at the end when a file changed meanwhile."""
        if self._taken:
            raise ExecutionError("The rows of this result were read already. Run the query again.")
        self._taken = True
        return self._stream()

    def cancel(self) -> None:
        """Stop the query from another thread; `batches` then raises QueryCancelledError."""
        check_process(self._process, _WHAT)
        is_first, self._cancelled = not self._cancelled, True
        if self._release.alive:
            self._connection.interrupt()
            self._files.stop()
            if is_first:
                begin(self._insist)

    def _insist(self) -> None:
        """Interrupt until the thread that reads is out of DuckDB."""
        while not self._step.acquire(timeout=_STOP_SECONDS):
            with suppress(duckdb.Error):
                self._connection.interrupt()
        self._step.release()

    def progress(self) -> float | None:
        """Share done, 0 to 1; None when unknown."""
        percent = self._connection.query_progress() if self._release.alive else -1.0
        return None if percent < 0 else min(percent / 100, 1.0)

    def read_progress(self) -> tuple[int, int, int, int]:
        """See QueryResult.read_progress."""
        return self._files.counter.progress

    def stats(self) -> QueryStats:
        """What was read so far; final once `batches` has ended. See profile.count_bytes for what is counted.

        `seconds` leave out the time that the reader of the batches took between them.
        """
        read = count_bytes(self._profile, self._files.tables, self._files.counter.bytes_transferred)
        counter = self._files.counter
        kinds = counter.requests_by_kind
        requests = sum(kinds.values())
        scanned = self._files.scanned if self._profile is None else read.scanned
        return QueryStats(
            self._rows, scanned, read.transferred, requests, self._seconds, kinds, counter.bytes_cached
        )

    def stop(self) -> None:
        """Cancel, wait until the thread that reads is out of DuckDB, a few seconds at most, and close."""
        for _ in range(_STOP_ATTEMPTS):
            self.cancel()
            if self._step.acquire(timeout=_STOP_SECONDS):
                self._step.release()
                self.close()
                return

    def close(self) -> None:
        """Let go of everything the query holds. In a child of its process nothing is let go of."""
        if os.getpid() != self._process:
            return
        self._taken = True
        self._relation = None
        self._files.stop()  # before DuckDB waits for its threads, which may wait for a store
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
        self._release()

    def _open(self) -> pa.RecordBatchReader:
        check_process(self._process, _WHAT)
        with self._lock:
            if self._reader is None:
                if self._relation is None:
                    raise ExecutionError("This result is closed. Run the query again.")
                self._reader = self._timed(self._start, self._relation)
                self._schema = self._reader.schema
            return self._reader

    def _start(self, relation: DuckDBPyRelation) -> pa.RecordBatchReader:
        if not self._ran:
            self._start_files()
        # One row over the limit is as good as many: they need not be made before they are counted.
        most = BATCH_ROWS if self._row_limit is None else min(BATCH_ROWS, self._row_limit + 1)
        return keep_from_children(relation.to_arrow_reader(most))

    def _stream(self) -> Iterator[pa.RecordBatch]:
        try:
            reader = self._open()
            while (batch := self._timed(next, reader, None)) is not None:
                self._rows += batch.num_rows
                if self._row_limit is not None and self._rows > self._row_limit:
                    raise too_many_rows(self._row_limit)
                yield batch
            self._timed(self._files.finish)
            if not self._ran:
                self._profile = self._timed(read_profile, self._connection)
        finally:
            self.close()

    def _timed(self, step: Callable[..., T], *arguments: Any) -> T:
        """The outcome of `step`, its time added to the query's, its failure told in our words."""
        check_process(self._process, _WHAT)
        began = time.perf_counter()
        try:
            with self._step:
                if self._cancelled:
                    raise QueryCancelledError("Query cancelled.")
                return step(*arguments)
        except LakeqError:
            self.close()
            raise
        except Exception as error:
            cause = self._explain(str(error))
            self.close()
            raise cause from error
        finally:
            self._seconds += time.perf_counter() - began

    def _explain(self, text: str) -> LakeqError:
        if self._cancelled:
            return QueryCancelledError("Query cancelled.")
        return self._files.find_cause(text) or translate_run_error(text, self._sql)


def _release(close: Callable[[], None], files: OpenedFiles, process: int) -> None:
    if os.getpid() != process:
        return
    files.stop()  # DuckDB's threads may wait for a store, and DuckDB for them
    try:
        close()
    finally:
        files.close()
