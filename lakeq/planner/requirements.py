"""Tables that are only read with a condition on their partition columns."""

from __future__ import annotations

from collections.abc import Sequence

from lakeq.catalog.table import Table
from lakeq.errors import BudgetExceededError, ConfigError
from lakeq.planner.bind import TableReference
from lakeq.planner.pruning import plan_prefixes
from lakeq.quantities import format_bytes, format_count


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
