"""The exceptions of PEP 249, and which of them an error of lakeq is.

    Warning
    Error
    ├── InterfaceError          a setting, a closed connection or cursor
    └── DatabaseError           any other error of lakeq
        ├── ProgrammingError        the SQL, its names, its parameters
        ├── NotSupportedError       what writes, and SQL that lakeq does not run
        ├── OperationalError        storage, files, limits, what fails or is stopped while it runs
        └── DataError, IntegrityError, InternalError    never raised

The error of lakeq, with its data, is the `__cause__`; the message is its own.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from contextlib import contextmanager

from lakeq import errors


class Warning(builtins.Warning):
    """What is to be known of an answer; found in `cursor.messages`, never raised."""


class Error(Exception):
    """Base of every error of this module."""


class InterfaceError(Error):
    """The connection or cursor cannot be used so, or a setting is wrong."""


class DatabaseError(Error):
    """The lake, its tables or the query."""


class DataError(DatabaseError):
    """Never raised: what values a query meets is an OperationalError."""


class OperationalError(DatabaseError):
    """Storage, files, a limit, or a query that failed or was cancelled while it ran."""


class IntegrityError(DatabaseError):
    """Never raised: nothing is written."""


class InternalError(DatabaseError):
    """Never raised."""


class ProgrammingError(DatabaseError):
    """The SQL, a table or column in it, or its parameters."""


class NotSupportedError(DatabaseError):
    """What writes, and SQL that lakeq does not run."""


_KINDS: tuple[tuple[type[errors.LakeqError], type[Error]], ...] = (
    (errors.UnsupportedSqlError, NotSupportedError),
    (errors.QueryError, ProgrammingError),
    (errors.TableNotFoundError, ProgrammingError),
    (errors.ConfigError, InterfaceError),
    (errors.EngineNotInstalledError, InterfaceError),
    (errors.ForkedProcessError, InterfaceError),
    (errors.StorageError, OperationalError),
    (errors.CatalogError, OperationalError),
    (errors.FormatError, OperationalError),
    (errors.BudgetExceededError, OperationalError),
    (errors.EngineError, OperationalError),
    (errors.AuditFailedError, OperationalError),
)
"""The first that fits counts."""


def translate_error(error: errors.LakeqError) -> Error:
    """The error of PEP 249 that one of lakeq is; raise it from that one."""
    kind = next((ours for theirs, ours in _KINDS if isinstance(error, theirs)), DatabaseError)
    return kind(str(error))


@contextmanager
def translate_errors() -> Iterator[None]:
    """Have errors of lakeq leave as those of PEP 249."""
    try:
        yield
    except errors.LakeqError as error:
        raise translate_error(error) from error
