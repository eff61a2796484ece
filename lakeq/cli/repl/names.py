"""What a lake offers to completion: all from memory, because it is asked at each key."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from lakeq.catalog.table import Table
from lakeq.lake import Lake
from lakeq.planner.completion import SourceColumn
from lakeq.quantities import format_count, format_size

_FRESH_SECONDS = 2.0


class KnownNames:
    """The names of a lake as it is known now, or was two seconds ago: looking them up takes longer than a
    key may."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._looked_up = float("-inf")
        self._tables: dict[str, Table] = {}
        self._values: dict[tuple[str, str, frozenset[tuple[str, str]]], Sequence[str]] = {}

    def look_up(self) -> None:
        """Forget what is too old."""
        now = time.monotonic()
        if now - self._looked_up > _FRESH_SECONDS:
            self._tables = {table.name: table for table in self._lake.known_tables()}
            self._values, self._looked_up = {}, now

    def table_names(self) -> Sequence[str]:
        """The tables known by now."""
        return list(self._tables)

    def view_names(self) -> Sequence[str]:
        """The views of the lake."""
        return list(self._lake.views)

    def describe(self, name: str) -> str:
        """`8,760 files, 1.2 GB`."""
        table = self._tables.get(name)
        if table is None or table.files_total is None:
            return ""
        return f"{format_count(table.files_total)} files, {format_size(table.bytes_total)}"

    def columns(self, table: str) -> Sequence[SourceColumn]:
        """The columns of a table, those of its path marked; of a view none are known."""
        known = self._tables.get(table)
        if known is None:
            return ()
        keys = {column.name for column in known.partition_columns}
        return [SourceColumn(c.name, c.type, c.name in keys) for c in known.columns]

    def partition_values(self, table: str, key: str, where: Mapping[str, str]) -> Sequence[str]:
        """Values of a partition key, as SQL literals."""
        asked = table, key, frozenset(where.items())
        if asked not in self._values:
            self._values[asked] = self._lake.partition_values(table, key, where)
        return self._values[asked]

    def functions(self) -> Sequence[str]:
        """The functions that a query may call."""
        return self._lake.functions()
