"""Row groups as rows: what footers told of each leaf column, and the SQL that reads it in one type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lakeq.formats.base import Column, FileSchema, RowGroup
from lakeq.formats.types import quote_name, sql_type


@dataclass(frozen=True, slots=True)
class RowGroupTable:
    """The row groups of files that agree in schema and in stored leaf columns.

    Its columns: file_id, rows, `p<i>`, and for each leaf `b:` stored bytes and `o:` where they begin, `lo:`
    and `hi:` bounds in the file's own type, `n:` null count (null: unknown).
    """

    name: str
    schema: FileSchema
    leaves: tuple[str, ...]

    @property
    def types(self) -> dict[str, pa.DataType]:
        """The type of each leaf whose bounds can be compared."""
        kinds = dict(leaf for column in self.schema.columns for leaf in leaf_types(column))
        return {
            leaf: kinds[leaf] for leaf in self.leaves if leaf in kinds and not pa.types.is_nested(kinds[leaf])
        }


def leaf_types(column: Column) -> list[tuple[str, pa.DataType]]:
    """The dotted path and type of each leaf below a column, structs opened; lists and maps stay one leaf
    per stored column, named as Parquet names it."""
    if pa.types.is_struct(column.type):
        fields = [column.type.field(i) for i in range(column.type.num_fields)]
        nested = [leaf_types(Column(f"{column.name}.{f.name}", f.type)) for f in fields]
        return [leaf for leaves in nested for leaf in leaves]
    return [(column.name, column.type)]


def keeps_order(source: pa.DataType, target: pa.DataType) -> bool:
    """Whether casting `source` to `target` keeps the order of values, so that bounds stay bounds."""
    if source == target:
        return True
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    if any(test(source) for test in numeric):
        return any(test(target) for test in numeric)
    naive_time = pa.types.is_date(source) or (pa.types.is_timestamp(source) and source.tz is None)
    return naive_time and pa.types.is_timestamp(target) and target.tz is None


def row_group_rows(table: RowGroupTable, groups: Sequence[tuple[int, RowGroup]]) -> pa.Table:
    """Row groups of (file_id, RowGroup) as the rows of `table`, partition columns left out."""
    types = table.types
    data: dict[str, pa.Array] = {
        "file_id": pa.array([file_id for file_id, _ in groups], pa.int32()),
        "rows": pa.array([group.row_count for _, group in groups], pa.int64()),
    }
    for leaf in table.leaves:
        chunks = [group.chunks[leaf] for _, group in groups]
        data[f"b:{leaf}"] = pa.array([c.bytes for c in chunks], pa.int64())
        data[f"o:{leaf}"] = pa.array([c.start for c in chunks], pa.int64())
        data[f"n:{leaf}"] = pa.array([c.null_count for c in chunks], pa.int64())
        if leaf in types:
            data[f"lo:{leaf}"] = bound_array([c.lower for c in chunks], types[leaf])
            data[f"hi:{leaf}"] = bound_array([c.upper for c in chunks], types[leaf])
    return pa.table(data)


def row_group_schema(table: RowGroupTable) -> pa.Schema:
    """The columns of `row_group_rows`."""
    return row_group_rows(table, ()).schema


def bound_array(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Bounds in the leaf's own type."""
    return pa.nulls(len(values), pa.bool_()) if pa.types.is_null(kind) else pa.array(values, kind)


def select_row_groups(
    table: RowGroupTable,
    leaves: Sequence[str],
    bounds: Sequence[str],
    types: Mapping[str, pa.DataType],
    keys: Sequence[str],
) -> str:
    """SQL that reads `table` with a `b:` and an `o:` column for each of `leaves` (paths of the lake's table)
    and `n:`, `lo:`, `hi:` for each of `bounds`, cast to `types`. A leaf that these files lack is all NULL: no
    bytes, null count = rows."""
    stored = {leaf.casefold(): leaf for leaf in table.leaves}
    known = table.types
    columns = [*keys, "rows"]
    for leaf in leaves:
        path = stored.get(leaf.casefold())
        size = "0::BIGINT" if path is None else quote_name(f"b:{path}")
        start = "NULL::BIGINT" if path is None else quote_name(f"o:{path}")
        columns.append(f"{size} AS {quote_name('b:' + leaf)}")
        columns.append(f"{start} AS {quote_name('o:' + leaf)}")
    for leaf in bounds:
        path, target = stored.get(leaf.casefold()), types.get(leaf)
        nulls = "rows" if path is None else quote_name(f"n:{path}")
        if path is None and any(s.startswith(leaf.casefold() + ".") for s in stored):
            nulls = "NULL::BIGINT"
        columns.append(f"{nulls} AS {quote_name('n:' + leaf)}")
        if target is None or pa.types.is_nested(target):
            continue
        for side in ("lo", "hi"):
            bound = "NULL"
            if path in known and keeps_order(known[path], target):
                bound = quote_name(f"{side}:{path}")
            columns.append(f"CAST({bound} AS {sql_type(target)}) AS {quote_name(f'{side}:{leaf}')}")
    return f"SELECT {', '.join(columns)} FROM {table.name}"
