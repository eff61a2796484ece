"""What refuses a query before a data byte is read: its limits, and the conditions that a table requires."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from lakeq.catalog.table import Table
from lakeq.errors import BudgetExceededError, ConfigError
from lakeq.planner.bind import TableReference
from lakeq.planner.estimate import Estimate
from lakeq.planner.pruning import plan_prefixes
from lakeq.quantities import format_bytes, format_count, format_dollars, parse_bytes, parse_dollars

NO_LIMITS = (None, None)


def find_limits(
    max_bytes: int | str | None, max_cost: Decimal | float | str | None, declared: Mapping[str, Any]
) -> tuple[int | None, Decimal | None]:
    """The most bytes and dollars of a query: each as given, else as declared for the lake, else of the
    environment (LAKEQ_MAX_BYTES, LAKEQ_MAX_COST). ConfigError for what is no size or no amount."""
    size, dollars = (
        given if given is not None else declared.get(name, os.environ.get(f"LAKEQ_{name.upper()}") or None)
        for name, given in (("max_bytes", max_bytes), ("max_cost", max_cost))
    )
    return (
        None if size is None else parse_bytes(str(size)),
        None if dollars is None else parse_dollars(str(dollars)),
    )


def check_budget(estimate: Estimate, max_bytes: int | None, max_cost: Decimal | None) -> None:
    """BudgetExceededError when the estimate is over a limit. Nothing was read by then."""
    unfiltered = [scan.table for scan in estimate.scans if not scan.predicate]
    keys = list(dict.fromkeys(column.name for table in unfiltered for column in table.partition_columns))
    advice = f"Add a filter on {' or '.join(keys[:3])}, or raise" if keys else "Narrow the filter, or raise"
    size, cost = format_bytes(estimate.bytes_scanned), format_dollars(estimate.dearest_usd)
    refused = f"Query not run: it would scan {size} ({cost}), over the limit of"
    if max_bytes is not None and estimate.bytes_scanned > max_bytes:
        message = f"{refused} {format_bytes(max_bytes)}. {advice} max_bytes."
        raise BudgetExceededError(message, estimate, max_bytes)
    if max_cost is not None and estimate.dearest_usd > max_cost:
        message = f"{refused} {format_dollars(max_cost)}. {advice} max_cost."
        raise BudgetExceededError(message, estimate, max_cost)


def check_required_keys(table: Table, reference: TableReference, required: Sequence[str]) -> None:
    """BudgetExceededError unless conditions on all `required` partition columns (empty: on any) may leave
    something out of the table. Nothing is listed or read for it. ConfigError for a name that is none."""
    names = {column.name.casefold(): column.name for column in table.partition_columns}
    for key in required:
        if key.casefold() not in names:
            raise ConfigError(
                f"Table '{table.name}' requires a filter on '{key}', which is no partition column. "
                f"It has: {', '.join(names.values()) or 'none'}"
            )
    filtered = {list(names)[position] for position in plan_prefixes(table, reference.predicate).keys}
    missing = [names[key.casefold()] for key in required if key.casefold() not in filtered]
    if missing or (not required and names and not filtered):
        wanted = " and ".join(missing) or " or ".join(names.values())
        raise BudgetExceededError(
            f"Query not run: table '{table.name}' is only read with a filter on {wanted}{_tell_size(table)}. "
            f"Add a condition such as {missing[0] if missing else next(iter(names.values()))} = …",
            estimate=None,
            limit=tuple(missing) or tuple(names.values()),
        )


def _tell_size(table: Table) -> str:
    if table.partitions_total is None or table.bytes_total is None:
        return ""
    return f"; it has {format_count(table.partitions_total)} partitions, {format_bytes(table.bytes_total)}"
