"""Row groups as rows: what footers told of each leaf column, and the SQL that reads it in one type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import pyarrow as pa

from lakeq.formats.base import Column, FileSchema, RowGroup
from lakeq.formats.types import quote_name, sql_type


@dataclass(frozen=True, slots=True)
class RowGroupTable:
    """The row groups of files that agree in schema and in stored leaf columns.

    Its columns: file_id, rows, `p<i>`, and for each leaf `b:` stored bytes and `o:` where they begin, `lo:`
    and `hi:` bounds in the file's own type, `n:` null count (null: unknown). In a table that was merged of
    several, all of these are null where a file lacks the leaf; `merged` are then the types of its bounds.
    """

    name: str
    schema: FileSchema
    leaves: tuple[str, ...]
    merged: Mapping[str, pa.DataType] | None = None

    @property
    def types(self) -> dict[str, pa.DataType]:
        """The type of each leaf whose bounds can be compared."""
        if self.merged is not None:
            return dict(self.merged)
        kinds = dict(leaf for column in self.schema.columns for leaf in leaf_types(column))
        return {
            leaf: kinds[leaf] for leaf in self.leaves if leaf in kinds and not pa.types.is_nested(kinds[leaf])
        }


@dataclass(slots=True)
class MergedShapes:
    """Tables whose rows can stand in one: a leaf has one spelling and one type in all of them, and is no
    struct in any."""

    tables: list[RowGroupTable] = field(default_factory=list)
    leaves: dict[str, tuple[str, pa.DataType | None]] = field(default_factory=dict)
    above: set[str] = field(default_factory=set)

    def take(self, table: RowGroupTable) -> bool:
        """Add a table, if it fits."""
        types = table.types
        leaves = {leaf.casefold(): (leaf, types.get(leaf)) for leaf in table.leaves}
        above = {folded[:end] for folded in leaves for end, sign in enumerate(folded) if sign == "."}
        fits = len(leaves) == len(table.leaves) and not (
            above & self.leaves.keys() or self.above & leaves.keys()
        )
        if not fits or not all(
            _agree(leaf, self.leaves.get(folded, leaf)) for folded, leaf in leaves.items()
        ):
            return False
        self.tables.append(table)
        self.above |= above
        for folded, (leaf, kind) in leaves.items():
            if folded not in self.leaves or _has_bounds(kind):
                self.leaves[folded] = (leaf, kind)
        return True

    def describe(self, name: str) -> RowGroupTable:
        """The table that has the rows of all."""
        types = {leaf: kind for leaf, kind in self.leaves.values() if _has_bounds(kind)}
        leaves = tuple(leaf for leaf, _ in self.leaves.values())
        return RowGroupTable(name, FileSchema(()), leaves, types)

    def select(self, keys: Sequence[str]) -> str:
        """SQL for the rows of all, with these columns before those of the leaves."""
        return " UNION ALL BY NAME ".join(_select_stored(table, keys) for table in self.tables)


def merge_shapes(tables: Iterable[RowGroupTable]) -> tuple[list[MergedShapes], list[RowGroupTable]]:
    """The tables as few groups of such that fit together; and those that fit no group, not even their own."""
    groups: list[MergedShapes] = []
    alone = []
    for table in tables:
        if not any(group.take(table) for group in groups):
            group = MergedShapes()
            if group.take(table):
                groups.append(group)
            else:
                alone.append(table)
    return groups, alone


def _has_bounds(kind: pa.DataType | None) -> TypeGuard[pa.DataType]:
    return kind is not None and not pa.types.is_null(kind)


def _agree(leaf: tuple[str, pa.DataType | None], known: tuple[str, pa.DataType | None]) -> bool:
    """Whether two leaves are spelled alike and of one type; the null type, which has no bounds, fits any."""
    kinds = (leaf[1], known[1])
    return leaf[0] == known[0] and (
        kinds[0] == kinds[1] or (None not in kinds and any(pa.types.is_null(kind) for kind in kinds))
    )


def _select_stored(table: RowGroupTable, keys: Sequence[str]) -> str:
    types, columns = table.types, [*keys, "rows"]
    for leaf in table.leaves:
        parts = ["b", "o", "n"]
        if _has_bounds(types.get(leaf)):
            parts += ["lo", "hi"]
        columns += [quote_name(f"{part}:{leaf}") for part in parts]
    return f"SELECT {', '.join(columns)} FROM {table.name}"


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
        if path is not None and table.merged is not None:
            size = f"coalesce({size}, 0)"
        columns.append(f"{size} AS {quote_name('b:' + leaf)}")
        columns.append(f"{start} AS {quote_name('o:' + leaf)}")
    for leaf in bounds:
        path, target = stored.get(leaf.casefold()), types.get(leaf)
        nulls = "rows" if path is None else quote_name(f"n:{path}")
        if path is None and any(s.startswith(leaf.casefold() + ".") for s in stored):
            nulls = "NULL::BIGINT"
        if path is not None and table.merged is not None:
            nulls = f"CASE WHEN {quote_name(f'b:{path}')} IS NULL THEN rows ELSE {nulls} END"
        columns.append(f"{nulls} AS {quote_name('n:' + leaf)}")
        if target is None or pa.types.is_nested(target):
            continue
        for side in ("lo", "hi"):
            bound = "NULL"
            if path in known and keeps_order(known[path], target):
                bound = quote_name(f"{side}:{path}")
            columns.append(f"CAST({bound} AS {sql_type(target)}) AS {quote_name(f'{side}:{leaf}')}")
    return f"SELECT {', '.join(columns)} FROM {table.name}"
