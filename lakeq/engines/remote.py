"""A query that a server runs: its rows as Arrow, its progress, and how it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Sequence
from typing import Any, Protocol

import pyarrow as pa

from lakeq.engines.answers import Decode, read_batch
from lakeq.engines.base import QueryStats
from lakeq.engines.limits import RunLimits, too_many_rows
from lakeq.engines.names import OUTSIDE
from lakeq.errors import ExecutionError, LakeqError, QueryCancelledError

Rows = Sequence[Sequence[Any]]


class RemoteQuery(Protocol):
    """A query as its server knows it. `pages` runs it, once; the rest may be asked from other threads."""

    @property
    def engine(self) -> str:
        """The name of its engine."""

    @property
    def bytes_scanned(self) -> int:
        """Bytes that the server says it has read of the tables so far."""

    @property
    def share(self) -> float | None:
        """Share done, 0 to 1; None when unknown."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of its answer."""

    def pages(self) -> Generator[Rows, None, None]:
        """The rows by page, values as the server spells them. Errors of lakeq's tree."""

    def stop(self) -> None:
        """End it on the server: nothing is left running there. No use once it has ended, and no error."""


class RemoteResult:
    """A query that starts when its batches are read. See QueryResult."""

    def __init__(self, query: RemoteQuery, schema: pa.Schema, decode: Decode, limits: RunLimits) -> None:
        """`schema` is that of the answer, which the server's values must fit."""
        self._query = query
        self.schema = schema
        self._decode = decode
        self._row_limit = limits.row_limit
        self._rows = 0
        self._seconds = 0.0
        self._cancelled = self._taken = self._runs = False
        self._process = os.getpid()

    @property
    def notes(self) -> tuple[str, ...]:
        """See QueryResult."""
        return self._query.notes

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, streamed; once."""
        if self._taken:
            raise ExecutionError(
                "The rows of this result were read already, or it was closed. Run the query again.",
                self._query.engine,
            )
        self._taken = True
        return self._stream()

    def cancel(self) -> None:
        """See QueryResult."""
        self._cancelled = True
        self._stop()

    def progress(self) -> float | None:
        """See QueryResult."""
        return self._query.share

    def read_progress(self) -> tuple[int, int, int, int]:
        """Nothing is read here."""
        return (0, 0, 0, 0)

    def stats(self) -> QueryStats:
        """What the server read. Nothing of it came here but the rows, which are not counted; `seconds` are
        those that the reader waited."""
        return QueryStats(self._rows, self._query.bytes_scanned, 0, 0, self._seconds)

    def close(self) -> None:
        """See QueryResult."""
        self._taken = True
        self._stop()

    def _stop(self) -> None:
        if self._runs and os.getpid() == self._process:
            self._query.stop()

    def _stream(self) -> Iterator[pa.RecordBatch]:
        pages = self._query.pages()
        self._runs = True
        try:
            while (batch := self._next(pages)) is not None:
                self._rows += batch.num_rows
                if self._row_limit is not None and self._rows > self._row_limit:
                    raise too_many_rows(self._row_limit, self._query.engine)
                yield batch
        finally:
            self._stop()
            self._runs = False
            pages.close()

    def _next(self, pages: Iterator[Rows]) -> pa.RecordBatch | None:
        began = time.perf_counter()
        try:
            if self._cancelled:
                raise QueryCancelledError("Query cancelled.", self._query.engine)
            rows = next(pages, None)
            return None if rows is None else read_batch(rows, self.schema, self._decode)
        except ValueError as error:
            raise ExecutionError(
                f"{OUTSIDE[self._query.engine]} answered what does not fit the columns that DuckDB gives "
                f"this query: {error}. Cast that column in the query, or run it with engine='duckdb'.",
                self._query.engine,
            ) from error
        except LakeqError as error:
            if self._cancelled and not isinstance(error, QueryCancelledError):
                raise QueryCancelledError("Query cancelled.", self._query.engine) from error
            raise
        finally:
            self._seconds += time.perf_counter() - began
