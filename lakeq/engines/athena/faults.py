"""How a query on Athena ends that gives no answer, in the errors of lakeq's tree."""

from __future__ import annotations

import re

from lakeq.errors import (
    AccessDeniedError,
    BudgetExceededError,
    ConfigError,
    ExecutionError,
    LakeqError,
    QueryCancelledError,
    ResourceLimitError,
)
from lakeq.quantities import format_bytes
from lakeq.storage.athena import Execution

_ENGINE = "athena"


def over_budget(scanned: int, limit: int | None) -> BudgetExceededError:
    """The error of a query that has scanned more than it may; it is paid for."""
    allowed = f"the {format_bytes(limit)} that it may" if limit is not None else "its workgroup lets it"
    return BudgetExceededError(
        f"Query stopped by Athena, after {format_bytes(scanned)}, which it charges for: it scans more than "
        f"{allowed}. Add a condition on partition columns, or raise max_bytes or the workgroup's limit.",
        None,
        limit,
    )


def translate_end(execution: Execution, sql: str, max_bytes: int | None) -> LakeqError:
    """Why a query has FAILED or was CANCELLED."""
    reason = execution.reason.rstrip(".")
    if re.search("bytes scanned limit", reason, re.IGNORECASE):
        return over_budget(execution.scanned, max_bytes)
    if execution.state == "CANCELLED":
        return QueryCancelledError(f"Query cancelled in Athena{f': {reason}' if reason else ''}.", _ENGINE)
    if "TABLE_NOT_FOUND" in reason or re.search(r"table .* does not exist", reason, re.IGNORECASE):
        return ExecutionError(
            f"Athena has no such table: {reason}. What `lakeq ddl LAKE TABLE --dialect athena` prints makes "
            "it there; if it has another name, give that under 'tables'.",
            _ENGINE,
        )
    if "SCHEMA_NOT_FOUND" in reason or "CATALOG_NOT_FOUND" in reason:
        return ConfigError(f"Athena: {reason}. Check database and catalog under [engines.athena].")
    if re.search(r"access ?denied|PERMISSION_DENIED|not authorized", reason, re.IGNORECASE):
        return AccessDeniedError(
            f"Athena may not read for this user: {reason}. Give the right to the tables' bucket, to the "
            "output's, and to the catalog.",
            _ENGINE,
        )
    if re.search("exhausted resources", reason, re.IGNORECASE):
        return ResourceLimitError(f"Query stopped by Athena: {reason}.", "memory", _ENGINE)
    return ExecutionError(
        f"Athena could not run the query: {reason or 'no reason given'}. It was told: {sql}", _ENGINE
    )


def tell_cutoff(workgroup: str, cutoff: int | None, limit: int) -> str:
    """What stands between the budget and the workgroup's own limit, and the command that mends it."""
    has = "does not cut off" if cutoff is None else f"cuts off only at {format_bytes(cutoff)}"
    return (
        f"Workgroup {workgroup!r} {has}: this query's budget was kept by lakeq's own looks at it alone. A "
        f"workgroup that keeps it: {_tell_command(limit)}"
    )


def no_cutoff(workgroup: str, cutoff: int | None, limit: int) -> ConfigError:
    """The refusal to run with a budget where the workgroup has no such limit, and one is required."""
    has = "does not cut queries off" if cutoff is None else f"cuts queries off at {format_bytes(cutoff)}"
    return ConfigError(
        f"Query not run: workgroup {workgroup!r} {has}, the budget is {format_bytes(limit)}, and "
        f"require_cutoff is set. Name a workgroup that does: {_tell_command(limit)}"
    )


def _tell_command(limit: int) -> str:
    return (
        "aws athena create-work-group --name lakeq --configuration "
        f"EnforceWorkGroupConfiguration=false,BytesScannedCutoffPerQuery={limit}"
    )
