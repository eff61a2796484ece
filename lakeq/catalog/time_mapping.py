"""TimeMapping: what a user promises about the times of the rows in a folder, and the bounds that follow.

A folder stands for an interval of time `[start, end)`: the year, month, day or hour that its partition values
name. The promise is that every row in it has `column` in `[start - lateness, end + earliness)`, or NULL. The
bounds that follow are SQL over the index's partition columns; NULL where the values form no date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from lakeq.catalog.database import partition_column
from lakeq.catalog.row_groups import leaf_types
from lakeq.errors import ConfigError
from lakeq.formats.base import Column
from lakeq.formats.types import quote_text, sql_type
from lakeq.quantities import format_duration

UNITS = ("year", "month", "day", "hour")
_EPOCH_YEAR = 2000
_RANGES = {"month": (1, 12), "day": (1, 31), "hour": (0, 23)}
_TICKS = {"s": "SECOND", "ms": "MILLISECOND", "us": "MICROSECOND"}
_CLOCK_CHANGE = 3600
"""Seconds that a clock may be set back: such an hour is named twice in a zone that has summer time."""
_COMPACT = r"\d{4}(-\d\d(-\d\d([T _-]\d\d)?)?)?|\d{6}|\d{8}|\d{10}"


@dataclass(frozen=True, slots=True)
class TimeMapping:
    """Which partition columns name the time of a table's rows, coarse to fine, and how exactly.

    `column` may be a nested field, as a dotted path. The first of `keys` holds years, or is a date, or spells
    a date in digits (202611, 2026-11, 20261103, 2026110314); those after it hold the next smaller units.
    `lateness` and `earliness` are seconds: by how much a row's time may lie before its folder's interval, as
    it does when events land late, and behind it. Folders are named in UTC, or in `zone`.
    """

    column: str
    keys: tuple[str, ...]
    lateness: int = 0
    earliness: int = 0
    zone: str | None = None

    def positions(self, columns: Sequence[Column]) -> tuple[int, ...]:
        """The numbers of `keys` among a table's partition columns, as far as there are such."""
        numbers = {column.name.casefold(): i for i, column in enumerate(columns)}
        return tuple(numbers[key.casefold()] for key in self.keys if key.casefold() in numbers)

    def __str__(self) -> str:
        late = f" lands at most {format_duration(self.lateness)} late" if self.lateness else ""
        early = f" runs at most {format_duration(self.earliness)} ahead" if self.earliness else ""
        told = " and".join(part for part in (late, early) if part) or " lies in its folder's time"
        return f"declared: {self.column}{told}"


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """SQL for the least and the greatest value that a folder's rows may have; NULL where nothing tells."""

    low: str
    high: str


def find_leaf(columns: Sequence[Column], path: str) -> tuple[str, pa.DataType] | None:
    """The leaf column at a dotted path, any case: its path as it is spelled, and its type."""
    leaves = (leaf for column in columns for leaf in leaf_types(column))
    return next((leaf for leaf in leaves if leaf[0].casefold() == path.casefold()), None)


def check_mapping(
    mapping: TimeMapping, name: str, columns: Sequence[Column], keys: Sequence[Column], is_complete: bool
) -> None:
    """ConfigError for a mapping that does not fit its table; `is_complete`: no other columns can turn up."""
    where = f"Setting 'time' of table {name!r}"
    named = {key.name.casefold(): key for key in keys}
    units = [UNITS.index(key.casefold()) for key in mapping.keys if key.casefold() in UNITS]
    if units != sorted(units):
        raise ConfigError(f"{where}: 'from' goes from coarse to fine, not {list(mapping.keys)!r}.")
    for key in mapping.keys:
        column = named.get(key.casefold())
        if column is None:
            raise ConfigError(
                f"{where}: {key!r} in 'from' is no partition column. There are: "
                f"{', '.join(k.name for k in keys) or 'none'}."
            )
        if pa.types.is_timestamp(column.type) or pa.types.is_boolean(column.type):
            raise ConfigError(
                f"{where}: partition column {key!r} is of type {sql_type(column.type)}, which names no "
                "interval. Declare it as bigint, date or text such as 2026-11 under 'partition_types'."
            )
    if mapping.column.casefold() in named:
        raise ConfigError(f"{where}: {mapping.column!r} is a partition column, which prunes by itself.")
    leaf = find_leaf(columns, mapping.column)
    if leaf is None:
        if is_complete:
            raise ConfigError(f"{where}: the files have no column {mapping.column!r}.")
        return
    kind = leaf[1]
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise ConfigError(
            f"{where}: column {mapping.column!r} is of type {sql_type(kind)}, not a timestamp or a date."
        )
    if mapping.zone is not None and getattr(kind, "tz", None) is None:
        raise ConfigError(
            f"{where}: 'zone' is for columns with a time zone, and {mapping.column!r} has none. Leave it out."
        )


def promised_bounds(
    mapping: TimeMapping, keys: Sequence[Column], kind: pa.DataType, known: frozenset[int] | None = None
) -> TimeBounds | None:
    """The bounds of a column of this type that the partition columns `keys` tell; with `known`, those that
    the keys of these numbers tell. None when these tell nothing."""
    positions = mapping.positions(keys)
    if len(positions) < len(mapping.keys):
        return None
    told: list[int] = []
    for position in positions:
        if known is not None and position not in known:
            break
        told.append(position)
    if not told:
        return None
    first = _moment_number(partition_column(told[0]), keys[told[0]].type)
    rest = [_small_number(partition_column(i), keys[i].type) for i in told[1:]]
    years = (1700, 2200) if getattr(kind, "unit", "") == "ns" else (1000, 9999)
    possible = (2,) if pa.types.is_date(keys[told[0]].type) else range(len(UNITS))
    forms = [_read_form(first, form, rest, years) for form in possible if form + len(positions) <= len(UNITS)]
    if not forms:
        return None
    start, end = (f"CASE {' '.join(form[side] for form in forms)} END" for side in (0, 1))
    return TimeBounds(*_as_type(mapping, start, end, kind))


def _read_form(first: str, form: int, rest: Sequence[str], years: tuple[int, int]) -> tuple[str, str]:
    """`WHEN … THEN start` and `WHEN … THEN end`, for a first key that spells a date down to UNITS[form]."""
    parts = {UNITS[form - i]: f"({first} // {100**i}) % 100" for i in range(form)}
    parts["year"] = f"{first} // {100**form}"
    finest = form + len(rest)
    parts |= dict(zip(UNITS[form + 1 :], rest, strict=False))
    tests = [f"{first} BETWEEN {years[0] * 100**form} AND {years[1] * 100**form + 100**form - 1}"]
    tests += [
        f"{parts[unit]} BETWEEN {_RANGES[unit][0]} AND {_RANGES[unit][1]}" for unit in UNITS[1 : finest + 1]
    ]
    months = f"({parts['year']} - {_EPOCH_YEAR}) * 12 + {parts.get('month', '1')} - 1"
    start = f"TIMESTAMP '{_EPOCH_YEAR}-01-01' + to_months(CAST({months} AS INTEGER))"
    if "day" in parts:
        start += f" + to_days(CAST({parts['day']} - 1 AS INTEGER))"
        real = f"day({start}) = {parts['day']}"  # not the 31st of February
    else:
        real = "TRUE"
    if "hour" in parts:
        start += f" + to_hours({parts['hour']})"
    when = f"WHEN {' AND '.join(tests)} THEN CASE WHEN {real} THEN {start}"
    return f"{when} END", f"{when} + INTERVAL 1 {UNITS[finest].upper()} END"


def _moment_number(column: str, kind: pa.DataType) -> str:
    """The digits of a key that spells a year, or a date down to some unit, as SQL of an integer."""
    if pa.types.is_integer(kind):
        return f"CAST({column} AS BIGINT)"
    if pa.types.is_date(kind):
        return f"(year({column}) * 10000 + month({column}) * 100 + day({column}))"
    text = f"CAST({column} AS VARCHAR)"
    digits = f"CAST(regexp_replace({text}, '[^0-9]', '', 'g') AS BIGINT)"
    return f"(CASE WHEN regexp_full_match({text}, {quote_text(_COMPACT)}) THEN {digits} END)"


def _small_number(column: str, kind: pa.DataType) -> str:
    """A key that holds a month, day or hour as SQL of an integer."""
    if pa.types.is_integer(kind):
        return f"CAST({column} AS BIGINT)"
    text = f"CAST({column} AS VARCHAR)"
    return rf"(CASE WHEN regexp_full_match({text}, '\d{{1,2}}') THEN CAST({text} AS BIGINT) END)"


def _as_type(mapping: TimeMapping, start: str, end: str, kind: pa.DataType) -> tuple[str, str]:
    """The first and the last moment of a promise, in the column's own type and precision."""
    before, behind = mapping.lateness, mapping.earliness
    if getattr(kind, "tz", None) is not None:
        if mapping.zone is not None:
            before, behind = before + _CLOCK_CHANGE, behind + _CLOCK_CHANGE
        zone = quote_text(mapping.zone or "UTC")
        start, end = f"timezone({zone}, {start})", f"timezone({zone}, {end})"
    start, end = f"(({start}) - to_seconds({before}))", f"(({end}) + to_seconds({behind}))"
    unit, name = getattr(kind, "unit", "us"), sql_type(kind)
    if unit == "ns":  # intervals have no nanoseconds
        return (
            (f"CAST({start} AS {name})", f"CAST({end} AS {name})")
            if kind.tz is not None
            else (f"CAST({start} AS {name})", f"make_timestamp_ns(epoch_ns({end}) - 1)")
        )
    tick = _TICKS.get(unit, "MICROSECOND")
    return f"CAST({start} AS {name})", f"CAST({end} - INTERVAL 1 {tick} AS {name})"
