"""What footers tell of the times in folders: whether a declared `time` holds, and which one would."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from lakeq.catalog.index import FileIndex
from lakeq.catalog.row_groups import leaf_types
from lakeq.catalog.table import Table
from lakeq.catalog.time_mapping import UNITS, TimeMapping, find_leaf, promised_bounds
from lakeq.formats.base import Column
from lakeq.formats.types import quote_name
from lakeq.quantities import format_duration

_NAMES = (
    ("year", "yyyy", "yr", "y"),
    ("month", "mm", "mon", "m"),
    ("day", "dd", "d"),
    ("hour", "hh", "hr", "h"),
)
_DATE_NAMES = ("dt", "date", "ds", "day", "ymd", "ym", "hour", "month")
_STEPS = (0, 60, 300, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 259200, 604800)
"""Seconds to which a measured lateness is rounded up; beyond the last, folders do not tell the time."""
_EARLIEST = 3600


@dataclass(frozen=True, slots=True)
class TimeProposal:
    """A `time` that a table may declare: all of `files` that were looked into keep it, of `files_total` that
    are known."""

    table: str
    mapping: TimeMapping
    files: int
    files_total: int

    def to_toml(self) -> str:
        """The declaration as lines of a lakeq.toml."""
        return "\n".join(spell_mapping(self.table, self.mapping))


def spell_mapping(table: str, mapping: TimeMapping) -> list[str]:
    """The lines of a lakeq.toml that declare a mapping as the `time` of this table."""
    return [f"[tables.{_spell_name(table)}.time]", *_spell_settings(mapping)]


def spell_inline(table: str, mapping: TimeMapping) -> str:
    """The same as one line, for the top of a lakeq.toml."""
    return f"tables.{_spell_name(table)}.time = {{ {', '.join(_spell_settings(mapping))} }}"


def _spell_name(table: str) -> str:
    return table if re.fullmatch(r"[A-Za-z0-9_-]+", table) else json.dumps(table)


def _spell_settings(mapping: TimeMapping) -> list[str]:
    lines = [
        f"column = {json.dumps(mapping.column, ensure_ascii=False)}",
        f"from = {json.dumps(list(mapping.keys), ensure_ascii=False)}",
    ]
    for key, seconds in (("lateness", mapping.lateness), ("earliness", mapping.earliness)):
        if seconds:
            lines.append(f'{key} = "{format_duration(seconds)}"')
    return lines


@dataclass(frozen=True, slots=True)
class Strays:
    """Files known to hold rows outside the times that their folders promise, one of them by its path."""

    count: int
    example: str


def find_strays(table: Table, index: FileIndex) -> Strays | None:
    """The files that break the table's declared `time`, as far as footers were read; None for none."""
    leaf = None if table.time is None else find_leaf(table.columns, table.time.column)
    if table.time is None or leaf is None:
        return None
    bounds = promised_bounds(table.time, table.partition_columns, leaf[1])
    if bounds is None:
        return None
    low, high = (quote_name(f"{side}:{leaf[0]}") for side in ("lo", "hi"))
    broken = f"{low} < TRY({bounds.low}) OR {high} > TRY({bounds.high})"
    found = index.groups.ask(
        f"count(DISTINCT file_id) FILTER (WHERE {broken}) AS files, "
        f"min(file_id) FILTER (WHERE {broken}) AS first",
        leaf[0],
    )
    if found is None or not found["files"]:
        return None
    paths = index.read_files(pa.array([found["first"]], pa.int32()))["path"]
    return Strays(found["files"], paths[0].as_py())


def propose_times(
    table: Table, index: FileIndex, among: Container[str] | None = None
) -> Iterator[TimeProposal]:
    """For each column that holds times (of those with a folded name `among` these): the `time` that footers
    prove of the files looked into, if any.

    The finest one is proposed that all of them keep, with the lateness that was seen, rounded up."""
    if table.time is not None:
        return
    keys = {column.name.casefold() for column in table.partition_columns}
    leaves = [
        leaf for column in table.columns if column.name.casefold() not in keys for leaf in leaf_types(column)
    ]
    for path, kind in leaves:
        if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
            continue
        if among is not None and path.casefold() not in among:
            continue
        for chosen in time_keys(table.partition_columns):
            proposal = _prove(table, index, TimeMapping(path, chosen), kind)
            if proposal is not None:
                yield proposal
                break


def time_keys(
    columns: Sequence[Column], by_name: bool = False, finest: str = "hour"
) -> Iterator[tuple[str, ...]]:
    """The partition columns that may name a time, coarse to fine, finest choice first; with `by_name`, only
    those that are called so. None goes below the unit `finest`, but for a key that spells the whole time."""
    limit = UNITS.index(finest) + 1
    names = {column.name.casefold(): column.name for column in columns}
    units = [next((names[name] for name in group if name in names), None) for group in _NAMES]
    units[limit:] = [None] * (len(units) - limit)
    count = units.index(None) if None in units else len(units)
    chains = [tuple(unit for unit in units[:count] if unit is not None)]
    for column in columns:
        is_date = pa.types.is_date(column.type)
        if is_date or (not units[0] and column.name.casefold() in _DATE_NAMES):
            chains.append((column.name, units[3]) if units[3] and units[3] != column.name else (column.name,))
            break
    integers = tuple(column.name for column in columns if pa.types.is_integer(column.type))
    if not by_name:
        chains.append(integers[:limit])
    for chain in dict.fromkeys(chains):
        for length in range(len(chain), 0, -1):
            yield chain[:length]


def _prove(table: Table, index: FileIndex, mapping: TimeMapping, kind: pa.DataType) -> TimeProposal | None:
    bounds = promised_bounds(mapping, table.partition_columns, kind)
    if bounds is None:
        return None
    low, high, nulls = (quote_name(f"{side}:{mapping.column}") for side in ("lo", "hi", "n"))
    first, last = f"TRY({bounds.low})", f"TRY({bounds.high})"
    has_values = f"({nulls} IS NULL OR {nulls} < rows)"
    is_unknown = f"{has_values} AND ({low} IS NULL OR {high} IS NULL OR {first} IS NULL)"
    found = index.groups.ask(
        f"count(DISTINCT file_id) FILTER (WHERE {has_values}) AS files, count(DISTINCT {first}) AS folders, "
        f"count(*) FILTER (WHERE {is_unknown}) AS unknown, "
        f"max(epoch({first}) - epoch({low})) AS late, max(epoch({high}) - epoch({last})) AS early",
        mapping.column,
    )
    if found is None or found["unknown"] or found["files"] < 2 or found["folders"] < 2:
        return None
    late, early = (_round_up(max(found[side], 0)) for side in ("late", "early"))
    if late is None or early is None or early > _EARLIEST:
        return None
    mapping = replace(mapping, lateness=late, earliness=early)
    return TimeProposal(table.name, mapping, found["files"], index.count)


def _round_up(seconds: float) -> int | None:
    return next((step for step in _STEPS if seconds <= step), None)
