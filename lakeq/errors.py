"""The one exception tree: one branch a room, each error with data beside its words.

    LakeqError
    ├── ConfigError
    ├── StorageError            .location
    │   ├── ObjectNotFoundError     nothing is stored there
    │   ├── AccessDeniedError       it may be there, but not for you
    │   ├── StorageUnavailableError .is_passing; throttled, timed out, not reachable
    │   ├── ObjectChangedError      replaced or deleted after it was planned
    │   └── ObjectArchivedError     .files .size .restore_usd .restore_hours; must be restored first
    ├── CatalogError
    │   ├── TableNotFoundError      .name .near
    │   ├── PartitionLayoutError    .location .expected .found
    │   ├── SchemaConflictError     .column .types .paths
    │   └── UnsupportedTableError   .name .engine; another engine cannot be made to see it as lakeq does
    ├── FormatError             .path
    │   ├── UnknownFormatError
    │   ├── CorruptFileError
    │   └── ParquetKeyError         .key .column; encrypted with a key that is not there, or another
    ├── QueryError              .sql .line .column
    │   ├── SqlSyntaxError
    │   ├── ColumnNotFoundError     .near
    │   ├── UnsupportedSqlError     a statement or function that lakeq does not run
    │   └── UnsupportedVerbError    what a DataFrame cannot say in SQL
    ├── BudgetExceededError     .estimate .limit
    ├── AuditFailedError
    ├── ForkedProcessError      a process that was forked cannot use what its parent had opened
    └── EngineError             .engine
        ├── EngineNotInstalledError .extra
        ├── ExecutionError
        │   └── ResourceLimitError  .resource; took more memory, disk or time, or gave more rows, than it may
        └── QueryCancelledError

A message says what failed, which thing, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any


class LakeqError(Exception):
    """Base of every error that lakeq raises on purpose. Errors travel between processes with their data."""

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception's own way calls the class with the message alone, which ours do not take.
        return _restore_error, (type(self), self.args, vars(self))


def _restore_error(kind: type[LakeqError], args: tuple[Any, ...], data: dict[str, Any]) -> LakeqError:
    error = kind.__new__(kind, *args)
    vars(error).update(data)
    return error


class ConfigError(LakeqError):
    """A setting, an option or a `lakeq.toml` that cannot be used."""


class StorageError(LakeqError):
    """Reading or listing a location failed."""

    def __init__(self, message: str, location: str) -> None:
        super().__init__(message)
        self.location = location


class ObjectNotFoundError(StorageError):
    """Nothing is stored at the location."""


class AccessDeniedError(StorageError):
    """The credentials in use may not list or read the location."""


class StorageUnavailableError(StorageError):
    """The store did not answer, or kept refusing, within the time allowed. `is_passing`: asking again may
    help."""

    def __init__(self, message: str, location: str, is_passing: bool = True) -> None:
        super().__init__(message, location)
        self.is_passing = is_passing


class ObjectChangedError(StorageError):
    """An object was replaced or deleted after the plan was made."""


class ObjectArchivedError(StorageError):
    """Objects lie in an archive class and must be restored before they are read. `location` is one of them;
    of a query that was refused `files` and `size` (bytes) are those of all, `restore_usd` and `restore_hours`
    what a standard restore costs and takes at most."""

    def __init__(
        self,
        message: str,
        location: str,
        files: int = 1,
        size: int | None = None,
        restore_usd: Decimal | None = None,
        restore_hours: int | None = None,
    ) -> None:
        super().__init__(message, location)
        self.files = files
        self.size = size
        self.restore_usd = restore_usd
        self.restore_hours = restore_hours


class CatalogError(LakeqError):
    """The tables of a lake could not be worked out."""


class TableNotFoundError(CatalogError):
    """No table has this name; `near` lists the closest names."""

    def __init__(self, message: str, name: str, near: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.near = tuple(near)


class PartitionLayoutError(CatalogError):
    """Paths of one table disagree about its partition keys or their depth."""

    def __init__(self, message: str, location: str, expected: str = "", found: str = "") -> None:
        super().__init__(message)
        self.location = location
        self.expected = expected
        self.found = found


class SchemaConflictError(CatalogError):
    """A column has types in two files that no common type can hold."""

    def __init__(
        self, message: str, column: str, types: Sequence[str] = (), paths: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.column = column
        self.types = tuple(types)
        self.paths = tuple(paths)


class UnsupportedTableError(CatalogError):
    """No statement makes `engine` (None: any) see the table as lakeq does."""

    def __init__(self, message: str, name: str, engine: str | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.engine = engine


class FormatError(LakeqError):
    """A file could not be understood."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


class UnknownFormatError(FormatError):
    """Neither the content nor the name of a file tells its format."""


class CorruptFileError(FormatError):
    """A file is damaged, cut short, or not what its format says."""


class ParquetKeyError(FormatError):
    """A file, or one `column` of it, is encrypted with a `key` that was not given, or is another; "" where no
    name is told."""

    def __init__(self, message: str, path: str, key: str = "", column: str = "") -> None:
        super().__init__(message, path)
        self.key = key
        self.column = column


class QueryError(LakeqError):
    """The SQL cannot be planned; `line` and `column` count from 1, 0 when not known."""

    def __init__(self, message: str, sql: str = "", line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.sql = sql
        self.line = line
        self.column = column


class SqlSyntaxError(QueryError):
    """The text is not SQL."""


class ColumnNotFoundError(QueryError):
    """No table in the query has this column; `near` lists the closest names."""

    def __init__(
        self, message: str, sql: str = "", line: int = 0, column: int = 0, near: Sequence[str] = ()
    ) -> None:
        super().__init__(message, sql, line, column)
        self.near = tuple(near)


class UnsupportedSqlError(QueryError):
    """A statement or function that lakeq refuses: it reads, and only through its tables."""


class UnsupportedVerbError(QueryError):
    """A verb or expression of a DataFrame that has no SQL here; the message says what to write instead."""


class BudgetExceededError(LakeqError):
    """The query would read or cost more than allowed, or lacks a condition that a table requires (then
    `estimate` is None and `limit` names the columns); nothing was read. Or it read more than was estimated,
    and was stopped before it passed the limit."""

    def __init__(self, message: str, estimate: Any, limit: Any) -> None:
        super().__init__(message)
        self.estimate = estimate
        self.limit = limit


class AuditFailedError(LakeqError):
    """An audit that was to be strict found a risk."""


class ForkedProcessError(LakeqError):
    """What belongs to one process was to be used in another: one that was forked, or that it was sent to."""


class EngineError(LakeqError):
    """An engine could not run the plan."""

    def __init__(self, message: str, engine: str = "duckdb") -> None:
        super().__init__(message)
        self.engine = engine


class EngineNotInstalledError(EngineError):
    """The engine's package is missing; `extra` names what installs it."""

    def __init__(self, message: str, engine: str, extra: str) -> None:
        super().__init__(message, engine)
        self.extra = extra


class ExecutionError(EngineError):
    """The engine started the query and failed."""


class ResourceLimitError(ExecutionError):
    """A query took more than it may of `resource`: `"memory"`, `"temporary files"`, `"time"` or `"rows"`."""

    def __init__(self, message: str, resource: str, engine: str = "duckdb") -> None:
        super().__init__(message, engine)
        self.resource = resource


class QueryCancelledError(EngineError):
    """The query was interrupted before it ended."""
