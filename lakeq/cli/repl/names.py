"""What a lake offers to completion: all from memory, because it is asked at each key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lakeq.catalog.table import Table
from lakeq.lake import Lake
from lakeq.planner.completion import SourceColumn
from lakeq.quantities import format_count, format_size


class KnownNames:
    """The names of a lake as it is known now. Make one for each completion: the tables are looked up once."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._tables: dict[str, Table] = {table.name: table for table in lake.known_tables()}

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
        return self._lake.partition_values(table, key, where)

    def functions(self) -> Sequence[str]:
        """The functions that a query may call."""
        return self._lake.functions()
