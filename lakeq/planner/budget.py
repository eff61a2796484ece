"""What refuses a query before a data byte is read: its limits, those of the day, and the conditions that a
table requires."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lakeq.catalog.definitions import TableDefinition
from lakeq.catalog.table import Table
from lakeq.errors import BudgetExceededError, ConfigError
from lakeq.planner.bind import TableReference
from lakeq.planner.estimate import Estimate, bytes_by_table, tell_scanned
from lakeq.planner.pricing import Pricing
from lakeq.planner.pruning import plan_prefixes
from lakeq.planner.scan import SAMPLED
from lakeq.quantities import format_bytes, format_count, format_dollars, parse_bytes, parse_dollars
from lakeq.settings import DECLARED, Found, find_setting


@dataclass(frozen=True, slots=True)
class Spent:
    """Bytes scanned, and dollars."""

    bytes: int
    cost: Decimal


NOTHING_SPENT = Spent(0, Decimal(0))
MAX_FOOTERS = 2_000
LEAST_FOOTERS = 100
"""Fewer say too little about the rest."""
ASK_ABOVE_BYTES = 100 * 1024**3
_DAY_NAMES = ("max_bytes_per_day", "max_cost_per_day")


@dataclass(frozen=True, slots=True)
class DayLimit:
    """The most bytes and dollars of all queries of a day (UTC) over `table`; None: over the whole lake."""

    table: str | None
    max_bytes: int | None
    max_cost: Decimal | None


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """The most bytes and dollars of a query, and those of its day."""

    max_bytes: int | None = None
    max_cost: Decimal | None = None
    days: tuple[DayLimit, ...] = ()

    @property
    def are_set(self) -> bool:
        """Whether there is any."""
        return self != QueryLimits()


@dataclass(frozen=True, slots=True)
class AskAbove:
    """The bytes, or the dollars, above which a query is asked about before it runs; both None: never."""

    bytes: int | None = None
    usd: Decimal | None = None

    def __str__(self) -> str:
        if self.usd is not None:
            return format_dollars(self.usd)
        return "off" if self.bytes is None else format_bytes(self.bytes)

    def is_below(self, estimate: Estimate) -> bool:
        """Whether a query with this estimate is asked about. Of an interval, its middle counts."""
        return (self.bytes is not None and estimate.bytes_scanned > self.bytes) or (
            self.usd is not None and estimate.dearest_usd > self.usd
        )


def find_limits(
    max_bytes: int | str | None,
    max_cost: Decimal | float | str | None,
    declared: Mapping[str, Any],
    tables: Iterable[TableDefinition] = (),
) -> QueryLimits:
    """The limits of a query, each as given, else as declared for the lake, else of the environment
    (LAKEQ_MAX_BYTES, LAKEQ_MAX_COST, LAKEQ_MAX_BYTES_PER_DAY, LAKEQ_MAX_COST_PER_DAY); and those of the day
    declared for its tables. ConfigError for what is no size or no amount."""
    found = [find_setting(name, None, declared) for name in _DAY_NAMES]
    days = [DayLimit(None, *_parse_limits(*found))]
    for table in tables:
        found = [Found(name, table.limits.get(name), DECLARED) for name in _DAY_NAMES]
        days.append(DayLimit(table.name, *_parse_limits(*found)))
    size = find_setting("max_bytes", max_bytes, declared)
    dollars = find_setting("max_cost", max_cost, declared)
    are_set = tuple(day for day in days if day.max_bytes is not None or day.max_cost is not None)
    return QueryLimits(*_parse_limits(size, dollars), are_set)


def _parse_limits(size: Found, dollars: Found) -> tuple[int | None, Decimal | None]:
    return size.parse(parse_bytes), dollars.parse(parse_dollars)


def find_ask_above(declared: Mapping[str, Any]) -> AskAbove:
    """Above what an interactive session asks before it runs a query: `ask_above` as declared for the lake,
    else of the environment (LAKEQ_ASK_ABOVE), else 100 GB, which is $0.49 at $5 a TB. ConfigError for what is
    no size (`100GB`), no amount (`$1`) and not `off`."""
    return find_setting("ask_above", None, declared).parse(parse_ask_above) or AskAbove(ASK_ABOVE_BYTES)


def parse_ask_above(text: str) -> AskAbove:
    """What `100GB`, `$1` or `off` stands for. ConfigError for anything else."""
    if text.strip().casefold() == "off":
        return AskAbove()
    if text.strip().startswith("$"):
        return AskAbove(usd=parse_dollars(text))
    try:
        return AskAbove(parse_bytes(text))
    except ConfigError as error:
        raise ConfigError(
            f"ask_above is a size such as 100GB, dollars such as $1, or off, not '{text}'."
        ) from error


def find_max_footers(given: int | None, declared: Mapping[str, Any]) -> int:
    """The most footers that an estimate reads: as given, else as declared for the lake, else of the
    environment (LAKEQ_MAX_FOOTERS), else 2,000. ConfigError for what is no such number."""
    return find_setting("max_footers", given, declared).parse(_parse_footers) or MAX_FOOTERS


def _parse_footers(text: str) -> int:
    if not text.isdecimal() or int(text) < LEAST_FOOTERS:
        raise ConfigError(f"max_footers is a whole number from {LEAST_FOOTERS}, not {text!r}")
    return int(text)


def check_budget(estimate: Estimate, limits: QueryLimits) -> None:
    """BudgetExceededError when the estimate is over a limit of the query; one from a sample, when all of its
    interval is. Nothing was read by then."""
    max_bytes, max_cost = limits.max_bytes, limits.max_cost
    unfiltered = [scan.table for scan in estimate.scans if not scan.predicate]
    keys = list(dict.fromkeys(column.name for table in unfiltered for column in table.partition_columns))
    advice = f"Add a filter on {' or '.join(keys[:3])}, or raise" if keys else "Narrow the filter, or raise"
    price, dearest = (format_dollars(usd) for usd in (estimate.cost_usd, estimate.dearest_usd))
    story = "Query not run: it would scan {}, over the limit of"
    is_sampled = estimate.accuracy == SAMPLED
    size = estimate.low if is_sampled else estimate.bytes_scanned
    cost = estimate.cost_low if is_sampled else estimate.dearest_usd
    if max_bytes is not None and size > max_bytes:
        refused = story.format(tell_scanned(estimate, price))
        message = f"{refused} {format_bytes(max_bytes)}. {advice} max_bytes."
        raise BudgetExceededError(message, estimate, max_bytes)
    if max_cost is not None and cost > max_cost:
        refused = story.format(tell_scanned(estimate, dearest))
        message = f"{refused} {format_dollars(max_cost)}. {advice} max_cost."
        raise BudgetExceededError(message, estimate, max_cost)


def check_day(estimate: Estimate, limits: Sequence[DayLimit], used: Callable[[str | None], Spent]) -> None:
    """BudgetExceededError when the estimate is more than a limit of the day leaves. `used` tells what was
    used of a table, or of the lake, so far."""
    for limit, added in _find_shares(estimate, limits):
        before = used(limit.table)
        name = "this lake" if limit.table is None else f"table '{limit.table}'"
        story = (
            f"Query not run: queries over {name} have used {format_bytes(before.bytes)} "
            f"({format_dollars(before.cost)}) today (UTC), this one would add {format_bytes(added.bytes)} "
            f"({format_dollars(added.cost)}), and the limit of a day is"
        )
        advice = "Narrow the filter, wait until 00:00 UTC, or raise"
        if limit.max_bytes is not None and before.bytes + added.bytes > limit.max_bytes:
            message = f"{story} {format_bytes(limit.max_bytes)}. {advice} max_bytes_per_day."
            raise BudgetExceededError(message, estimate, limit.max_bytes)
        if limit.max_cost is not None and before.cost + added.cost > limit.max_cost:
            message = f"{story} {format_dollars(limit.max_cost)}. {advice} max_cost_per_day."
            raise BudgetExceededError(message, estimate, limit.max_cost)


def find_most_bytes(
    estimate: Estimate, limits: QueryLimits, used: Callable[[str | None], Spent], pricing: Pricing
) -> int | None:
    """The bytes that a query may scan before it reaches a limit; None where there is none."""
    found = [_least_bytes(limits.max_bytes, limits.max_cost, pricing)]
    for limit, _ in _find_shares(estimate, limits.days):
        before = used(limit.table)
        size = None if limit.max_bytes is None else limit.max_bytes - before.bytes
        cost = None if limit.max_cost is None else limit.max_cost - before.cost
        found.append(_least_bytes(size, cost, pricing))
    return min((size for size in found if size is not None), default=None)


def _least_bytes(max_bytes: int | None, max_cost: Decimal | None, pricing: Pricing) -> int | None:
    affordable = None if max_cost is None else pricing.affordable_bytes(max_cost)
    return min((size for size in (max_bytes, affordable) if size is not None), default=None)


def _find_shares(estimate: Estimate, limits: Sequence[DayLimit]) -> Iterator[tuple[DayLimit, Spent]]:
    """Each limit that the query falls under, and what it would add there."""
    shares = {name.casefold(): size for name, size in bytes_by_table(estimate).items()}
    for limit in limits:
        if limit.table is None:
            yield limit, Spent(estimate.bytes_scanned, estimate.cost_usd)
        elif limit.table.casefold() in shares:
            size, total = shares[limit.table.casefold()], estimate.bytes_scanned
            share = Decimal(size) / total if total else Decimal(1) / len(shares)
            yield limit, Spent(size, estimate.cost_usd * share)


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
