"""The partitions that a plan keeps, as a condition in Trino's SQL, for an engine that finds files by itself.

What proved that a partition holds no row that matters may be what such an engine does not know: a declared
`time`, a function of DuckDB, the values that a subquery gave. So it is told the outcome. The condition is
TRUE of each partition kept, and may be of others: too many only cost time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from lakeq.formats.base import Column
from lakeq.formats.types import quote_name, quote_text
from lakeq.planner.scan import TableScan

MOST_VALUES = 1000
"""Values that one condition may name: more make a text that takes an engine longer to read than it saves."""
_FEW = 2
"""From so many neighbours on, a range is told instead of them."""

Row = tuple[Any, ...]


def tell_kept(scans: Sequence[TableScan]) -> str | None:
    """What is true of all partitions that any of these scans of one table keeps; None: nothing can be said.

    It is told where all are kept too: an engine that computes partitions (projection) would look for those
    that are not there.
    """
    table = scans[0].table
    keys = [i for i, key in enumerate(table.partition_columns) if _find_literal(key.type)]
    if not keys:
        return None
    rows = frozenset(row for scan in scans for row in _read_rows(scan, keys))
    return tell_rows(rows, [table.partition_columns[i] for i in keys])


def tell_rows(rows: frozenset[Row], keys: Sequence[Column], most: int = MOST_VALUES) -> str | None:
    """What is true of these values of `keys`; None: what no `most` values can say. Of more values, it is what
    the coarser keys say, which come first."""
    if not rows:
        return "FALSE"
    for width in range(len(keys), 0, -1):
        told = _Told(keys[:width])
        condition = told.tell(frozenset(row[:width] for row in rows))
        if told.count <= most:
            return condition
    return _tell_span(keys[0], {row[0] for row in rows})


def _read_rows(scan: TableScan, keys: Sequence[int]) -> Iterator[Row]:
    """The values of these keys in the partitions that a scan keeps."""
    return zip(*(column.to_pylist() for column in scan.files.read_keys(keys).columns), strict=True)


@dataclass(slots=True)
class _Told:
    """The condition in the making: over which keys, and how many values it names so far."""

    keys: Sequence[Column]
    count: int = 0

    def tell(self, rows: frozenset[Row], depth: int = 0) -> str:
        """The values of `rows`, of the keys from `depth` on, as one condition."""
        below: dict[Any, set[Row]] = {}
        for row in rows:
            below.setdefault(row[0], set()).add(row[1:])
        alike: dict[frozenset[Row], list[Any]] = {}
        for value, rest in below.items():
            alike.setdefault(frozenset(rest), []).append(value)
        told = []
        for tails, values in alike.items():
            condition = self._tell_values(self.keys[depth], values)
            if depth + 1 < len(self.keys):
                condition = f"{condition} AND {self.tell(tails, depth + 1)}"
            told.append(condition)
        return told[0] if len(told) == 1 else f"({' OR '.join(sorted(told))})"

    def _tell_values(self, key: Column, values: Collection[Any]) -> str:
        """`year = 2026`, `month BETWEEN 3 AND 5`, `(year IN (1999, 2026) OR year IS NULL)`."""
        name, write = quote_name(key.name), _find_literal(key.type)
        assert write is not None
        known = sorted(value for value in values if value is not None)
        singles, told = [], []
        for first, last in _find_ranges(known):
            if _step(first, last) >= _FEW:
                told.append(f"{name} BETWEEN {write(first)} AND {write(last)}")
            else:
                singles += [write(value) for value in known if first <= value <= last]
        self.count += len(singles) + 2 * len(told)
        if singles:
            listed = f"IN ({', '.join(singles)})" if len(singles) > 1 else f"= {singles[0]}"
            told.append(f"{name} {listed}")
        if len(known) < len(values) or "" in known:  # an empty text is NULL to Hive
            told.append(f"{name} IS NULL")
        return told[0] if len(told) == 1 else f"({' OR '.join(told)})"


def _find_ranges(values: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """The first and the last of each run of neighbours among these values, which are sorted."""
    first = last = None
    for value in values:
        if last is not None and _step(last, value) != 1:
            yield first, last
            first = value
        first = value if first is None else first
        last = value
    if last is not None:
        yield first, last


def _step(first: Any, last: Any) -> int:
    """How many steps apart two values are; 0 for one and the same, and for types that have no neighbours."""
    if isinstance(first, date):
        return (last - first).days if isinstance(last, date) else 0
    return int(last - first) if type(first) is type(last) is int else 0


def _tell_span(key: Column, values: Collection[Any]) -> str | None:
    """The least and the greatest value of a key that has too many; None for text and other words."""
    write = _find_literal(key.type)
    known = [value for value in values if value is not None]
    if write is None or not known or not isinstance(known[0], int | date) or isinstance(known[0], bool):
        return None
    name = quote_name(key.name)
    span = f"{name} BETWEEN {write(min(known))} AND {write(max(known))}"
    return span if len(known) == len(values) else f"({span} OR {name} IS NULL)"


def _find_literal(kind: pa.DataType) -> Callable[[Any], str] | None:
    """How values of this type are written; None for types whose values not all engines compare alike."""
    if pa.types.is_integer(kind):
        return str
    if pa.types.is_string(kind):
        return quote_text
    if pa.types.is_date32(kind):
        return lambda value: f"DATE '{value.isoformat()}'"
    if pa.types.is_boolean(kind):
        return lambda value: "TRUE" if value else "FALSE"
    return None
