"""Connection and Cursor of PEP 249, over a Lake. Both only read."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

import pyarrow as pa

from lakeq import connecting
from lakeq.dbapi import errors
from lakeq.dbapi.rows import RowStream
from lakeq.dbapi.types import Description, Row
from lakeq.errors import LakeqError
from lakeq.lake import Lake
from lakeq.planner.bind import Params
from lakeq.planner.estimate import Estimate
from lakeq.result import Result
from lakeq.storage.workers import stopped_by

T = TypeVar("T")


def connect(
    location: str | Path,
    *,
    max_bytes: int | str | None = None,
    max_cost: Decimal | float | str | None = None,
    **options: Any,
) -> Connection:
    """A Connection to a lake of its own, which is closed with it; `location` and `options` as for
    `lakeq.connect`, limits as for Connection."""
    with errors.translate_errors():
        lake = connecting.connect(location, **options)
    return Connection(lake, max_bytes=max_bytes, max_cost=max_cost, closes_lake=True)


class Connection:
    """A lake as PEP 249 has databases. Threads may share it; a context manager that closes it.

    `max_bytes` and `max_cost` are the limits of each query, as `Lake.sql` has them. The lake stays open when
    the connection is closed, unless it `closes_lake`.
    """

    Warning = errors.Warning
    Error = errors.Error
    InterfaceError = errors.InterfaceError
    DatabaseError = errors.DatabaseError
    DataError = errors.DataError
    OperationalError = errors.OperationalError
    IntegrityError = errors.IntegrityError
    InternalError = errors.InternalError
    ProgrammingError = errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    def __init__(
        self,
        lake: Lake,
        *,
        max_bytes: int | str | None = None,
        max_cost: Decimal | float | str | None = None,
        closes_lake: bool = False,
    ) -> None:
        self._lake = lake
        self._limits = (max_bytes, max_cost)
        self._closes_lake = closes_lake
        self._lock = threading.Lock()
        self._cursors: weakref.WeakSet[Cursor] = weakref.WeakSet()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def cursor(self) -> Cursor:
        """A new Cursor; each runs one query at a time."""
        with self._lock:
            self.check_open()
            cursor = Cursor(self)
            self._cursors.add(cursor)
        return cursor

    def commit(self) -> None:
        """Nothing: there is nothing to keep."""
        self.check_open()

    def rollback(self) -> NoReturn:
        """NotSupportedError: there are no transactions."""
        self.check_open()
        raise errors.NotSupportedError("There is nothing to roll back: lakeq only reads")

    def close(self) -> None:
        """Cancel what runs, and close the cursors. Doing so again does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            cursors = list(self._cursors)
        for cursor in cursors:
            cursor.close()
        if self._closes_lake:
            self._lake.close()

    def check_open(self) -> None:
        """InterfaceError on a closed connection."""
        if self._closed:
            raise errors.InterfaceError("The connection is closed")

    def plan_query(self, sql: str, parameters: Params) -> Result:
        """The query within the connection's limits, not begun."""
        max_bytes, max_cost = self._limits
        return self._lake.sql(sql, parameters, max_bytes=max_bytes, max_cost=max_cost)

    def estimate(self, sql: str, parameters: Params) -> Estimate:
        """See Cursor.estimate."""
        return self._lake.estimate(sql, parameters)


class Cursor:
    """One query at a time and its rows, which are streamed: they never are in memory all at once, unless
    `fetchall` or `fetch_arrow_table` asks for that.

    `cancel` and `close` may be called from another thread than the one that executes and fetches.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.arraysize = 1
        """Rows that `fetchmany` gives where it is not told how many."""
        self.messages: list[tuple[type[errors.Warning], errors.Warning]] = []
        """What is to be known of the answer, such as archived files that were left out."""
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._result: Result | None = None
        self._stream: RowStream | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Row:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    @property
    def description(self) -> tuple[Description, ...] | None:
        """A tuple a column: name, type_code (its SQL type), display_size (None), internal_size (bytes of a
        number), precision and scale (of a decimal), null_ok (None: not known). None without a query."""
        return self._stream.description if self._stream is not None else None

    @property
    def rowcount(self) -> int:
        """How many rows the query gives; -1 until that is known, at the last of them."""
        return self._stream.total if self._stream is not None else -1

    @property
    def rownumber(self) -> int | None:
        """The number of the next row, from 0; None without a query."""
        return self._stream.position if self._stream is not None else None

    def execute(self, operation: str, parameters: Params = None) -> Self:
        """Plan the query and begin it; the cursor itself. What an earlier one had left is dropped.

        `parameters` is a sequence for `?` and `$1`, a mapping for `$name`. NotSupportedError for what is
        not a query, OperationalError where it is over a limit.
        """
        with self._lock, errors.translate_errors():
            self._check_open()
            self._release()
            _check_query(operation, parameters)
            stopped = self._stopped = threading.Event()
            with stopped_by(stopped):
                self._result = self.connection.plan_query(operation, parameters)
                if stopped.is_set():
                    self._result.cancel()
                self._stream = self._begin(self._result)
            self.messages = [(errors.Warning, errors.Warning(note)) for note in self._result.notes]
        return self

    def executemany(self, operation: str, seq_of_parameters: Sequence[Any]) -> NoReturn:
        """NotSupportedError: it is for statements that give no rows, and every query gives some."""
        self._check_open()
        raise errors.NotSupportedError(
            "executemany is for statements that write. Execute each query by itself"
        )

    def estimate(self, operation: str, parameters: Params = None) -> Estimate:
        """What the query would scan and cost, as `Lake.estimate` tells it. Runs nothing, and leaves alone
        what the cursor reads."""
        with errors.translate_errors():
            self._check_open()
            _check_query(operation, parameters)
            return self.connection.estimate(operation, parameters)

    def fetchone(self) -> Row | None:
        """The next row; None when there is none left."""
        rows = self._take(lambda stream: stream.take_rows(1))
        return rows[0] if rows else None

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """The next `size` rows, or `arraysize`; an empty list when there is none left."""
        most = self.arraysize if size is None else size
        return self._take(lambda stream: stream.take_rows(most))

    def fetchall(self) -> list[Row]:
        """All rows left."""
        return self._take(lambda stream: stream.take_rows())

    def fetch_arrow_table(self) -> pa.Table:
        """All rows left, as an Arrow table."""
        return self._take(lambda s: pa.Table.from_batches(list(iter(s.take_batch, None)), s.schema))

    def fetch_record_batch(self) -> pa.RecordBatchReader:
        """A reader of the rows left, streamed. It fails once the cursor is closed, or executes again."""
        return self._take(lambda s: pa.RecordBatchReader.from_batches(s.schema, self._read_batches(s)))

    def cancel(self) -> None:
        """Stop the query from another thread: whoever executes or fetches gets OperationalError."""
        self._stopped.set()
        result = self._result
        if result is not None:
            result.cancel()

    def close(self) -> None:
        """Cancel the query and let go of it. Doing so again does nothing."""
        self._closed = True
        self.cancel()
        with self._lock:
            self._release()

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """Nothing: values have their sizes."""
        self._check_open()

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Nothing: values come whole."""
        self._check_open()

    def _read_batches(self, mine: RowStream) -> Iterator[pa.RecordBatch]:
        while True:
            is_mine, batch = self._take(lambda now: (now is mine, now.take_batch() if now is mine else None))
            if not is_mine:
                raise errors.InterfaceError("The cursor has executed another query since")
            if batch is None:
                return
            yield batch

    def _begin(self, result: Result) -> RowStream:
        try:
            return RowStream(result)
        except BaseException:
            self._release()
            raise

    def _take(self, take: Callable[[RowStream], T]) -> T:
        """What `take` takes of the rows, for one thread at a time. A query that fails is dropped: what is
        fetched after that must not look like its end."""
        with self._lock:
            self._check_open()
            if self._stream is None:
                raise errors.ProgrammingError("There are no rows to fetch: execute a query first")
            try:
                return take(self._stream)
            except LakeqError as error:
                self._release()
                raise errors.translate_error(error) from error
            except BaseException:
                self._release()
                raise

    def _release(self) -> None:
        result, self._result, self._stream, self.messages = self._result, None, None, []
        if result is not None:
            result.close()

    def _check_open(self) -> None:
        if self._closed:
            raise errors.InterfaceError("The cursor is closed")
        self.connection.check_open()


def _check_query(operation: object, parameters: object) -> None:
    if not isinstance(operation, str):
        raise errors.ProgrammingError(f"A query is text, not {type(operation).__name__}")
    is_text = isinstance(parameters, str | bytes)
    if parameters is not None and (is_text or not isinstance(parameters, Sequence | Mapping)):
        raise errors.ProgrammingError(
            f"Parameters are a sequence or a mapping, not {type(parameters).__name__}: write (value,) for one"
        )
