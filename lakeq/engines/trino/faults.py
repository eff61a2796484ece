"""What Trino and its client report, in the errors of lakeq's tree."""

from __future__ import annotations

import re

import trino.exceptions

from lakeq.engines.trino.target import TrinoTarget
from lakeq.errors import (
    AccessDeniedError,
    BudgetExceededError,
    ConfigError,
    EngineError,
    ExecutionError,
    LakeqError,
    QueryCancelledError,
    ResourceLimitError,
)
from lakeq.quantities import format_bytes

_ENGINE = "trino"
_STATUS = re.compile(r"error (\d{3})")
_PLACES = ("CATALOG_NOT_FOUND", "SCHEMA_NOT_FOUND", "MISSING_CATALOG_NAME", "MISSING_SCHEMA_NAME")
_MEMORY = ("EXCEEDED_LOCAL_MEMORY_LIMIT", "EXCEEDED_GLOBAL_MEMORY_LIMIT", "CLUSTER_OUT_OF_MEMORY")
_CANCELLED = ("USER_CANCELED", "ADMINISTRATIVELY_KILLED", "ADMINISTRATIVELY_PREEMPTED")


def over_budget(scanned: int, max_bytes: int) -> BudgetExceededError:
    """The error of a query that has scanned more than it may."""
    read = f", after {format_bytes(scanned)}" if scanned else ""
    return BudgetExceededError(
        f"Query stopped by Trino{read}: it scans more than the {format_bytes(max_bytes)} that it may. "
        "Add a condition on partition columns, or raise max_bytes.",
        None,
        max_bytes,
    )


def translate_fault(
    error: Exception, target: TrinoTarget, sql: str, scanned: int, max_bytes: int | None
) -> LakeqError:
    """What the client raised, or an answer that it could not read, while `sql` ran."""
    if isinstance(error, trino.exceptions.TrinoQueryError):
        return _translate_query_error(error, target, sql, scanned, max_bytes)
    if isinstance(error, trino.exceptions.TrinoConnectionError):
        return EngineError(
            f"Trino does not answer at {target.url}: {_find_cause(str(error))}. Is it running, and is this "
            "its URL? Until it does, engine='duckdb' runs the query here.",
            _ENGINE,
        )
    if isinstance(error, trino.exceptions.HttpError):
        return _translate_status(str(error), target)
    return ConfigError(
        f"What answers at {target.url} is no Trino ({type(error).__name__}). Check the URL and its port."
    )


def _translate_query_error(
    error: trino.exceptions.TrinoQueryError,
    target: TrinoTarget,
    sql: str,
    scanned: int,
    max_bytes: int | None,
) -> LakeqError:
    name, message = error.error_name or "", error.message.rstrip(".")
    if name == "EXCEEDED_SCAN_LIMIT":
        return over_budget(scanned, max_bytes or 0)
    if name in _CANCELLED:
        return QueryCancelledError(f"Query cancelled in Trino: {message}.", _ENGINE)
    if name == "EXCEEDED_TIME_LIMIT":
        return ResourceLimitError(
            f"Query stopped by Trino: {message}. Raise time_limit, or read less.", "time", _ENGINE
        )
    if name in _MEMORY:
        return ResourceLimitError(f"Query stopped by Trino: {message}.", "memory", _ENGINE)
    if name == "PERMISSION_DENIED":
        return AccessDeniedError(
            f"Trino refuses this to user {target.user!r}: {message}. Ask for the right, or name another.",
            target.url,
        )
    if name in _PLACES:
        return ConfigError(f"Trino at {target.url}: {message}. Check the URL: {target.url}/catalog/schema.")
    if name == "INVALID_SESSION_PROPERTY":
        return ConfigError(
            f"Trino does not know a property of its session: {message}. Those for times and ORC are of the "
            "Hive connector: in another catalog, set them to '' under 'session'."
        )
    if name == "TABLE_NOT_FOUND":
        return ExecutionError(
            f"Trino has no such table: {message}. What `lakeq ddl LAKE TABLE --dialect trino` prints makes "
            "it there; if it has another name, give that under 'tables'.",
            _ENGINE,
        )
    kind = "did not take" if error.error_type == "USER_ERROR" else "could not run"
    return ExecutionError(f"Trino {kind} the query: {message} ({name}). It was told: {sql}", _ENGINE)


def _translate_status(text: str, target: TrinoTarget) -> LakeqError:
    match = _STATUS.search(text)
    status = int(match[1]) if match else 0
    if status in (401, 403):
        how = (
            "Check the user and what is in the variable of password_env or token_env: it may have expired."
            if target.password_env or target.token_env
            else "Give password_env or token_env, the variable of the environment that has it, and https."
        )
        return AccessDeniedError(
            f"Trino at {target.url} refused user {target.user!r} ({status}). {how}", target.url
        )
    if 300 <= status < 500:
        return ConfigError(
            f"Not the URL of a Trino: {target.url} answered {status}. Check the URL and its port."
        )
    return EngineError(f"Trino at {target.url} answered {status or text}. Try later.", _ENGINE)


def _find_cause(text: str) -> str:
    """The short end of what the HTTP library tells: `Connection refused`."""
    for words in ("Connection refused", "timed out", "CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER"):
        if words.lower() in text.lower():
            return words
    if "resolve" in text or "Name or service" in text:
        return "its host is not known"
    return text.rpartition(": ")[2].strip("\"')(")[:200] or "no answer"
