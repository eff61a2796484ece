"""PartitionChart: how the bytes of a table lie over its days, its months, or the values of its first key.

What a picture is drawn from. Everything is summed up in the index, at most one row a value of its keys; what
comes to Python is a row a day or a bar.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.database import partition_column
from lakeq.catalog.index import FileIndex
from lakeq.catalog.selection import FileSelection
from lakeq.catalog.table import Table
from lakeq.catalog.time_mapping import TimeMapping, promised_bounds
from lakeq.catalog.time_proof import time_keys

NULL_LABEL = "NULL"
_DAY, _MONTH, _YEAR = "day", "month", "year"
_MOMENT = pa.timestamp("us")
_LIKE_A_DAY = r"\d{8}|\d{10}|\d{4}-\d\d-\d\d.*"
_SUMS = ("bytes", "kept_bytes", "files")


@dataclass(frozen=True, slots=True)
class ChartBar:
    """Some partitions that share a label: their stored bytes, those of the files kept, and how many files."""

    label: str
    bytes: int
    kept_bytes: int
    files: int


@dataclass(frozen=True, slots=True)
class ChartDay:
    """The partitions of one day: their stored bytes, those of the files kept, and how many files."""

    day: dt.date
    bytes: int
    kept_bytes: int
    files: int


@dataclass(frozen=True, slots=True)
class PartitionChart:
    """The stored bytes of a table: a calendar of `days`, or `bars`; never both.

    `keys` are the partition columns that they are told by, none for a table without any. Days and months come
    in the order of time, and only those that have files; other bars largest first. `undated` are the
    partitions whose keys are NULL or form no date, `others` those beside the largest bars. All of them
    together are the table.
    """

    table: str
    keys: tuple[str, ...] = ()
    days: tuple[ChartDay, ...] = ()
    bars: tuple[ChartBar, ...] = ()
    undated: ChartBar | None = None
    others: ChartBar | None = None

    @property
    def parts(self) -> tuple[ChartDay | ChartBar, ...]:
        """Everything that the table's bytes are divided into."""
        rest = tuple(bar for bar in (self.others, self.undated) if bar is not None)
        return (*self.days, *self.bars, *rest)

    @property
    def bytes(self) -> int:
        """The stored bytes of the table."""
        return sum(part.bytes for part in self.parts)

    @property
    def kept_bytes(self) -> int:
        """The stored bytes of the files kept."""
        return sum(part.kept_bytes for part in self.parts)


@dataclass(frozen=True, slots=True)
class _TimeReading:
    """One way to read keys as a time: SQL of the first and the last moment that they name.

    `is_named`: the keys are called, typed or declared so. Otherwise every value must be a day.
    """

    keys: tuple[str, ...]
    first: str
    last: str
    is_named: bool = True


def chart_partitions(
    table: Table, index: FileIndex, kept: FileSelection | None = None, most: int = 20
) -> PartitionChart:
    """The stored bytes of the files of `index`, which is of `table`: by day or month where its partition keys
    name one, else by the values of its first key, of which the largest `most` are told.

    `kept` are files of the table that a query keeps, also as another listing found them; None: all.
    """
    kept = index.all if kept is None else index.find_files(kept)
    if not index.count:
        return PartitionChart(table.name)
    if not table.partition_columns:
        bar = ChartBar(table.name, index.size, kept.size, index.count)
        return PartitionChart(table.name, bars=(bar,))
    by_time = _chart_by_time(table, index, kept)
    if by_time is not None:
        return by_time
    rows = index.sum_files({"label": f"CAST({partition_column(0)} AS VARCHAR)"}, [0], kept)
    return _chart_values(table, rows, most)


def _chart_by_time(table: Table, index: FileIndex, kept: FileSelection) -> PartitionChart | None:
    """The chart by day, else by month or year; None where the keys name no time."""
    numbers = {column.name.casefold(): i for i, column in enumerate(table.partition_columns)}
    coarser = None
    for reading in _read_times(table, index):
        over = [numbers[key.casefold()] for key in reading.keys]
        columns = {
            "first": f"CAST({reading.first} AS DATE)",
            "last": f"CAST({reading.last} AS DATE)",
            "has_value": f"{partition_column(over[0])} IS NOT NULL",
        }
        rows = index.sum_files(columns, over, kept)
        found = _chart_times(table.name, reading, rows)
        if found is not None and found.days:
            return found
        coarser = coarser or found
    return coarser


def _read_times(table: Table, index: FileIndex) -> Iterator[_TimeReading]:
    """The ways to read a table's keys as times, the likeliest first."""
    columns = table.partition_columns
    chains = [] if table.time is None else [table.time.keys]
    chains += time_keys(columns, by_name=True, finest=_DAY)
    for chain in dict.fromkeys(chains):
        bounds = promised_bounds(TimeMapping("", chain), columns, _MOMENT)
        if bounds is not None:
            yield _TimeReading(chain, bounds.low, bounds.high)
    for i, column in enumerate(columns):
        if pa.types.is_timestamp(column.type):
            key = partition_column(i)
            moment = key if column.type.tz is None else f"timezone('UTC', {key})"
            moment = f"CASE WHEN year({key}) BETWEEN 1 AND 9999 THEN CAST({moment} AS TIMESTAMP) END"
            yield _TimeReading((column.name,), moment, moment)
    first_file = index.read_files(pa.array([0], pa.int32()))
    for i, column in enumerate(columns):
        example = first_file[f"value_{i}"][0].as_py()
        bounds = promised_bounds(TimeMapping("", (column.name,)), columns, _MOMENT)
        if bounds is not None and (example is None or re.fullmatch(_LIKE_A_DAY, str(example))):
            yield _TimeReading((column.name,), bounds.low, bounds.high, is_named=False)


def _chart_times(name: str, reading: _TimeReading, rows: pa.Table) -> PartitionChart | None:
    """The chart of sums by first and last day, in the finest unit among them; None when they are no times."""
    span = pc.days_between(rows["first"], rows["last"])
    units = pc.if_else(pc.equal(span, 0), _DAY, pc.if_else(pc.less(span, 31), _MONTH, _YEAR))
    met = set(units.unique().to_pylist())
    unit = next((unit for unit in (_DAY, _MONTH, _YEAR) if unit in met), None)
    if unit is None:
        return None
    is_dated = pc.fill_null(pc.equal(units, unit), False)
    dated, rest = rows.filter(is_dated).sort_by("first"), rows.filter(pc.invert(is_dated))
    if not reading.is_named and (unit != _DAY or pc.any(rest["has_value"]).as_py()):
        return None
    undated = _sum_up(f"no {unit}", rest)
    if unit == _DAY:
        return PartitionChart(name, reading.keys, days=_read_days(dated), undated=undated)
    shown = {_MONTH: "%Y-%m", _YEAR: "%Y"}[unit]
    dated = dated.append_column("label", pc.strftime(dated["first"], shown))
    return PartitionChart(name, reading.keys, bars=_read_bars(dated), undated=undated)


def _chart_values(table: Table, rows: pa.Table, most: int) -> PartitionChart:
    """The chart of sums by the values of the first key."""
    is_null = rows["label"].is_null()
    valued = rows.filter(pc.invert(is_null)).sort_by([("bytes", "descending"), ("label", "ascending")])
    return PartitionChart(
        table.name,
        (table.partition_columns[0].name,),
        bars=_read_bars(valued.slice(0, most)),
        undated=_sum_up(NULL_LABEL, rows.filter(is_null)),
        others=_sum_up(f"{max(valued.num_rows - most, 0):,} others", valued.slice(most)),
    )


def _read_days(rows: pa.Table) -> tuple[ChartDay, ...]:
    columns = (rows[name].to_pylist() for name in ("first", *_SUMS))
    return tuple(ChartDay(*row) for row in zip(*columns, strict=True))


def _read_bars(rows: pa.Table) -> tuple[ChartBar, ...]:
    columns = (rows[name].to_pylist() for name in ("label", *_SUMS))
    return tuple(ChartBar(*row) for row in zip(*columns, strict=True))


def _sum_up(label: str, rows: pa.Table) -> ChartBar | None:
    """All of the rows as one bar; None for no rows."""
    return ChartBar(label, *(pc.sum(rows[name]).as_py() for name in _SUMS)) if rows.num_rows else None
