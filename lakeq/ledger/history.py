"""The ledger as a table: one row a query, its estimate beside what it then read; and what that adds up to."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from lakeq.errors import ConfigError
from lakeq.ledger.entries import DONE, REFUSED, QueryEntry, join_entries
from lakeq.ledger.journal import Journal
from lakeq.ledger.ledger import utc_now
from lakeq.ledger.spending import count_query, divide
from lakeq.planner.budget import Spent
from lakeq.planner.scan import EXACT

_DOLLARS = pa.decimal128(38, 15)
_LAST_DIGIT = Decimal(1).scaleb(-15)
HISTORY_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("time", pa.timestamp("us", "UTC")),
        ("user", pa.string()),
        ("lake", pa.string()),
        ("sql", pa.string()),
        ("tables", pa.list_(pa.string())),
        ("outcome", pa.string()),
        ("estimated_bytes", pa.int64()),
        ("estimated_low", pa.int64()),
        ("estimated_high", pa.int64()),
        ("estimated_usd", _DOLLARS),
        ("accuracy", pa.string()),
        ("pricing", pa.string()),
        ("scanned_bytes", pa.int64()),
        ("scanned_usd", _DOLLARS),
        ("transferred_bytes", pa.int64()),
        ("cached_bytes", pa.int64()),
        ("requests", pa.int64()),
        ("seconds", pa.float64()),
        ("rows", pa.int64()),
        ("engine", pa.string()),
        ("error", pa.string()),
    ]
)

GROUPS = ("table", "day", "user")
_AGE = re.compile(r"(\d+)\s*(h|d|w)")
_HOURS = {"h": 1, "d": 24, "w": 168}


@dataclass(frozen=True, slots=True)
class EstimateErrors:
    """How far estimates were off, of the queries that ran to their end.

    `median` and `worst` are shares of what was scanned, over the `exact` estimates; None where there are
    none. Of the `bracketed` ones, which have a low and a high end, `within` were right.
    """

    exact: int
    median: float | None
    worst: float | None
    bracketed: int
    within: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Queries of one table, day or user: how many, and what they count with."""

    name: str
    queries: int
    refused: int
    counted: Spent


def read_history(
    journal: Journal | None, lake: str | None = None, since: str | dt.date | None = None
) -> list[QueryEntry]:
    """The queries since a moment (see parse_since), in the order in which they began: of one lake, or of all.
    ConfigError when they cannot be read."""
    if journal is None:
        return []
    first = None if since is None else parse_since(since, utc_now())
    found: list[QueryEntry] = []
    try:
        for entries in journal.read(None if first is None else first.date()):
            found += [one for one in join_entries(entries) if lake is None or one.begun.lake == lake]
    except OSError as error:
        raise ConfigError(f"The history cannot be read: {error}.") from error
    return sorted(
        (one for one in found if first is None or one.begun.moment >= first),
        key=lambda one: one.begun.moment,
    )


def parse_since(since: str | dt.date, now: dt.datetime) -> dt.datetime:
    """The moment in UTC that `2026-11-01`, `2026-11-01T12:00`, `12h`, `7d`, `2w`, a date or a datetime stands
    for. ConfigError for anything else."""
    if isinstance(since, str) and (age := _AGE.fullmatch(since.strip())):
        return now - dt.timedelta(hours=int(age.group(1)) * _HOURS[age.group(2)])
    try:
        moment = dt.datetime.fromisoformat(since) if isinstance(since, str) else since
    except ValueError as error:
        raise ConfigError(f"Not a moment: {since!r}. Give 2026-11-01, 12h, 7d or 2w.") from error
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime.combine(moment, dt.time())
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def tabulate(queries: Sequence[QueryEntry]) -> pa.Table:
    """One row a query, in HISTORY_SCHEMA."""
    return pa.Table.from_pylist([_to_row(query) for query in queries], HISTORY_SCHEMA)


def _to_row(query: QueryEntry) -> dict[str, Any]:
    begun, ended = query.begun, query.ended
    row: dict[str, Any] = {
        "id": begun.id,
        "time": begun.moment,
        "user": begun.user,
        "lake": begun.lake,
        "sql": begun.sql,
        "tables": [table.name for table in begun.tables],
        "outcome": query.outcome,
        "estimated_bytes": begun.bytes,
        "estimated_low": begun.low,
        "estimated_high": begun.high,
        "estimated_usd": _round(begun.cost),
        "accuracy": begun.accuracy,
        "pricing": begun.pricing,
        "engine": begun.engine,
    }
    if ended is not None:
        row |= {
            "scanned_bytes": ended.scanned,
            "scanned_usd": _round(ended.cost),
            "transferred_bytes": ended.transferred,
            "cached_bytes": ended.cached,
            "requests": ended.requests,
            "seconds": ended.seconds,
            "rows": ended.rows,
            "error": ended.error,
        }
    return row


def _round(cost: Decimal | None) -> Decimal | None:
    return None if cost is None else cost.quantize(_LAST_DIGIT)


def summarize(queries: Sequence[QueryEntry], by: str) -> list[Summary]:
    """What the queries add up to, for each `table`, `day` (UTC) or `user`, by name. A query over two tables
    counts with each, with the bytes that it scanned there. ConfigError for another word."""
    if by not in GROUPS:
        raise ConfigError(f"The history has no sums by {by!r}. There are: {', '.join(GROUPS)}")
    split: dict[str, Callable[[QueryEntry], list[tuple[str, Spent]]]] = {
        "table": _split_tables,
        "day": lambda query: [(query.begun.moment.date().isoformat(), count_query(query.begun, query.ended))],
        "user": lambda query: [(query.begun.user, count_query(query.begun, query.ended))],
    }
    groups: dict[str, list[tuple[QueryEntry, Spent]]] = defaultdict(list)
    for query in queries:
        for name, counted in split[by](query):
            groups[name].append((query, counted))
    return [_sum(name, groups[name]) for name in sorted(groups)]


def _split_tables(query: QueryEntry) -> list[tuple[str, Spent]]:
    names = [table.name for table in query.begun.tables]
    return list(zip(names, divide(query.begun, count_query(query.begun, query.ended)), strict=True))


def _sum(name: str, counted: Sequence[tuple[QueryEntry, Spent]]) -> Summary:
    return Summary(
        name,
        len(counted),
        sum(query.outcome == REFUSED for query, _ in counted),
        Spent(sum(s.bytes for _, s in counted), sum((s.cost for _, s in counted), Decimal(0))),
    )


def measure_errors(queries: Sequence[QueryEntry]) -> EstimateErrors:
    """How far the estimates of these queries were off."""
    from statistics import median  # nothing that a query needs

    off = [error for error in map(find_error, queries) if error is not None]
    bracketed = within = 0
    for query in queries:
        begun, ended = query.begun, query.ended
        if begun.accuracy in (None, EXACT) or ended is None or ended.outcome != DONE:
            continue
        bracketed += 1
        within += (begun.low or 0) <= (ended.scanned or 0) <= (begun.high or 0)
    return EstimateErrors(len(off), median(off) if off else None, max(off, default=None), bracketed, within)


def find_error(query: QueryEntry) -> float | None:
    """How far an `exact` estimate was off, as a share of what was scanned; None where there was none, or the
    query was not read to its end."""
    begun, ended = query.begun, query.ended
    if ended is None or ended.outcome != DONE or ended.scanned is None:
        return None
    if begun.bytes is None or begun.accuracy != EXACT:
        return None
    off = abs(begun.bytes - ended.scanned)
    return off / ended.scanned if ended.scanned else float(off > 0)
