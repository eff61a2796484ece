"""A lake's tables as an engine has them that finds their files by itself: their names, and their types."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from lakeq.engines.kept_partitions import tell_kept
from lakeq.formats.base import Column
from lakeq.planner.scan import TableScan


def name_tables(scans: Sequence[TableScan], names: Callable[[str], str]) -> Mapping[str, str]:
    """What stands for each table in the engine's query: its name there, as `names` tells it, or a query for
    the partitions that its scans keep."""
    by_table: dict[str, list[TableScan]] = {}
    for scan in scans:
        by_table.setdefault(scan.table.name, []).append(scan)
    told = {}
    for table, group in by_table.items():
        condition = tell_kept(group)
        told[table] = f"(SELECT * FROM {names(table)} WHERE {condition})" if condition else names(table)
    return told


def type_tables(scans: Sequence[TableScan], formats: Collection[str]) -> Mapping[str, Sequence[Column]]:
    """The columns of tables in one of these formats as Hive's connectors have them: times with a zone are
    shown in UTC, without it."""
    tables = {scan.table.name: scan.table for scan in scans if scan.table.format in formats}
    return {
        name: [replace(column, type=_drop_zones(column.type)) for column in table.columns]
        for name, table in tables.items()
    }


def _drop_zones(kind: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_timestamp(kind):
        return pa.timestamp(kind.unit)
    if types.is_map(kind):
        return pa.map_(_drop_zones(kind.key_type), _drop_zones(kind.item_type))
    if types.is_list(kind):
        return pa.list_(_drop_zones(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([field.with_type(_drop_zones(field.type)) for field in kind])
    return kind
