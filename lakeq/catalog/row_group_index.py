"""RowGroupIndex: the row groups of a table's files, as rows in DuckDB. What they leave is measured here.

One DuckDB table for each distinct file schema and set of stored leaf columns (RowGroupTable): per leaf its
stored bytes, bounds and null count. A condition is evaluated over all of them in one type, as SQL.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.database import IndexTables, among
from lakeq.catalog.file_facts import Ids
from lakeq.catalog.known_facts import KnownFacts
from lakeq.catalog.row_groups import (
    RowGroupTable,
    leaf_types,
    merge_shapes,
    row_group_rows,
    select_row_groups,
)
from lakeq.catalog.selection import FileSelection, IndexedFiles, Measure, Numbers
from lakeq.formats.base import Column, FileFacts, FileSchema, RowGroup
from lakeq.formats.types import quote_name

_FEW = 0.1
"""The share of a table's files up to which looking them up is quicker than asking again which they are."""

_FEW_TABLES = 4


class RowGroupIndex:
    """The row groups of the files of one table, `count` of them so far. They are added with their files'
    facts."""

    def __init__(self, tables: IndexTables, files: IndexedFiles, keys: Sequence[str]) -> None:
        """None yet of `files`, which `tables` list; `keys` are the columns of their partition values."""
        self._tables = tables
        self._files = files
        self._keys = tuple(keys)
        self._lock = threading.Lock()
        self._types: Mapping[str, pa.DataType] = {}
        self._views: dict[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], str] = {}
        self._shapes: dict[tuple[FileSchema, tuple[str, ...]], RowGroupTable] = {}
        self._members: dict[str, list[Numbers]] = {}
        self._asked = 0
        self._merged: tuple[int, list[RowGroupTable]] = (0, [])
        self._generation = itertools.cycle((0, 1))
        self._answers: dict[tuple[str, str, int], dict[str, Any]] = {}
        self.count = 0

    def add(self, facts: Iterable[tuple[int, FileFacts]]) -> None:
        """Add the row groups of files, each with its `file_id`, of which none are here yet."""
        shapes: dict[tuple[FileSchema, tuple[str, ...]], list[tuple[int, RowGroup]]] = {}
        for file_id, fact in facts:
            for group in fact.row_groups or ():
                shapes.setdefault((fact.schema, tuple(group.chunks)), []).append((file_id, group))
        with self._lock:
            for shape, groups in shapes.items():
                table = self._find_table(*shape)
                self._insert(table, row_group_rows(table, groups))
            self._views = {}

    def add_known(self, file_ids: Ids, facts: KnownFacts) -> None:
        """The same of what is known from before; `file_ids` is the file of each of the rows."""
        numbers, has_group = facts.schema_numbers, facts.has_group
        rows = facts.group_columns.add_column(0, "file_id", pa.array(file_ids, pa.int32()))
        with self._lock:
            for number in np.unique(numbers[has_group]):
                groups = rows.filter(pa.array(has_group & (numbers == number)))
                self._insert(self._find_table(facts.schemas[number], facts.leaves), groups)
            self._views = {}

    def read_rows(self, ids: pa.Array) -> list[tuple[RowGroupTable, pa.Table]]:
        """Each of the tables with its rows of these files."""
        with self._lock:
            tables = list(self._shapes.values())
        return [(t, self._tables.read(f"SELECT * FROM {t.name} WHERE {among(ids)}", ids)) for t in tables]

    def find_leaves(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The stored leaf columns at or below these dotted column paths, any case; one of those that files
        spell in several."""
        wanted = [c.casefold() for c in columns]
        leaves: dict[str, str] = {}
        for leaf in (leaf for table in self._shapes.values() for leaf in table.leaves):
            leaves.setdefault(leaf.casefold(), leaf)
        return tuple(
            leaf
            for folded, leaf in leaves.items()
            if any(folded == w or folded.startswith(w + ".") for w in wanted)
        )

    def settle_types(self, columns: Iterable[Column]) -> None:
        """Set the table's frozen column types, in which bounds are compared."""
        with self._lock:
            self._types = {path: kind for column in columns for path, kind in leaf_types(column)}
            self._views = {}

    def measure(
        self,
        selection: FileSelection,
        conditions: Sequence[str | None],
        leaves: Sequence[str],
        bounds: Sequence[str],
    ) -> Measure:
        """Row groups of `selection` that a condition leaves, and the stored bytes of `leaves` in them.

        `leaves` and `bounds` are dotted paths, `conditions` as in FileIndex.select; `bounds` are the leaves
        that they speak of. Files left without any row group are dropped.
        """
        if not self.count:
            return Measure(selection, 0, 0, 0)
        size = _sum_leaves(leaves)
        source = self._view(leaves, bounds, selection.ids)
        ids = selection.ids
        # A condition over keys alone says the same of row groups: quicker than a join with many ids.
        ways = [("", None)] if ids is None else [(f" WHERE {among(ids)}", ids)]
        if selection.condition is not None and selection.count > self._files.count * _FEW:
            ways.insert(0, (f" WHERE {selection.condition}", None))
        for where in conditions:
            if where is None:
                break
            rows = self._tables.read_first(
                [
                    (
                        f"SELECT file_id, {size} AS bytes FROM (SELECT * FROM {source}{kept}) WHERE {where}",
                        only,
                    )
                    for kept, only in ways
                ]
            )
            if rows is not None:
                files = self._files.take(rows["file_id"].to_numpy())
                total = int(pc.sum(rows["bytes"]).as_py() or 0)
                return Measure(files, rows.num_rows, self.count, total)
        totals = self._tables.read_surely(
            [
                (f"SELECT count(*), coalesce(sum({size}), 0)::BIGINT FROM {source}{kept}", only)
                for kept, only in ways
            ]
        )
        return Measure(selection, totals.column(0)[0].as_py(), self.count, totals.column(1)[0].as_py())

    def measure_files(
        self,
        selection: FileSelection,
        conditions: Sequence[str | None],
        leaves: Sequence[str],
        bounds: Sequence[str],
    ) -> pa.Table:
        """For each selected file that was looked into and has row groups: file_id, `kept` row groups that a
        condition leaves, the bytes of `leaves` in them (`read`), and in all (`stored`). As `measure`."""
        if not self.count:
            return pa.table(
                {name: pa.array([], pa.int64()) for name in ("file_id", "kept", "read", "stored")}
            )
        size = _sum_leaves(leaves)
        source = self._view(leaves, bounds, selection.ids)
        ids = selection.ids
        kept = "" if ids is None else f" WHERE {among(ids)}"
        return self._tables.read_surely(
            [
                (
                    f"SELECT file_id, count(*) FILTER (WHERE {where}) AS kept, "
                    f"coalesce(sum({size}) FILTER (WHERE {where}), 0)::BIGINT AS read, "
                    f"sum({size})::BIGINT AS stored FROM {source}{kept} GROUP BY file_id",
                    ids,
                )
                for where in [*itertools.takewhile(lambda w: w is not None, conditions), "true"]
            ]
        )

    def ask(self, aggregates: str, leaf: str) -> dict[str, Any] | None:
        """What SQL aggregates tell of all row groups known, by name: over file_id, rows, `p<i>`, and `"lo:x"`
        `"hi:x"`, `"n:x"` of this leaf `x`. None when no row group is known."""
        key = (aggregates, leaf, self.count)
        if not self.count:
            return None
        if key not in self._answers:
            source = self._view((), (leaf,), None)
            self._answers[key] = self._tables.read(f"SELECT {aggregates} FROM {source}").to_pylist()[0]
        return self._answers[key]

    def read_chunks(
        self,
        selection: FileSelection,
        conditions: Sequence[str | None],
        leaves: Sequence[str],
        bounds: Sequence[str],
    ) -> pa.Table:
        """Where `leaves` are stored in the row groups that `measure` keeps: file_id, start (null: unknown)
        and length in bytes, by file and in the order of the file."""
        source = self._view(leaves, bounds, selection.ids)
        pieces = (
            " UNION ALL ".join(
                f"SELECT file_id, {quote_name('o:' + leaf)} AS start, {quote_name('b:' + leaf)} AS length "
                "FROM parts"
                for leaf in leaves
            )
            or "SELECT file_id, rows AS start, rows AS length FROM parts WHERE false"
        )
        ids = selection.ids
        kept = "" if ids is None else f" WHERE {among(ids)}"
        queries = []
        for where in [*itertools.takewhile(lambda w: w is not None, conditions), "true"]:
            parts = f"SELECT * FROM (SELECT * FROM {source}{kept}) WHERE {where}"
            queries.append((f"WITH parts AS ({parts}) {pieces} ORDER BY file_id, start", ids))
        return self._tables.read_surely(queries)

    def _find_table(self, schema: FileSchema, leaves: tuple[str, ...]) -> RowGroupTable:
        name = self._tables.name(f"groups:{len(self._shapes)}")
        return self._shapes.get((schema, leaves)) or RowGroupTable(name, schema, leaves)

    def _insert(self, table: RowGroupTable, rows: pa.Table) -> None:
        keys = "".join(f", f.{key}" for key in self._keys)
        select = f"SELECT i.*{keys} FROM incoming i JOIN {self._tables.files} f USING (file_id)"
        is_new = (table.schema, table.leaves) not in self._shapes
        self._tables.write(table.name, select, rows, is_new)
        self._shapes[table.schema, table.leaves] = table
        self._members.setdefault(table.name, []).append(np.unique(rows["file_id"].to_numpy()))
        self.count += rows.num_rows

    def _view(self, leaves: Sequence[str], bounds: Sequence[str], ids: pa.Array | None) -> str:
        """A subquery over the row groups of these files, and maybe of others: bytes of `leaves`, `bounds` in
        one type each."""
        views, tables = self._views, self._find_tables(ids)
        key = (tuple(leaves), tuple(bounds), tuple(table.name for table in tables))
        if key not in views:  # facts that come meanwhile begin with no views: this one is then not theirs
            keys = ("file_id", *self._keys)
            parts = [select_row_groups(table, leaves, bounds, self._types, keys) for table in tables]
            views[key] = "(" + " UNION ALL BY NAME ".join(parts) + ")"
        return views[key]

    def _find_tables(self, ids: pa.Array | None) -> list[RowGroupTable]:
        """Tables that have all row groups of these files; not all of hundreds, where files have so many
        schemas: each takes DuckDB a millisecond and more."""
        tables = list(self._shapes.values())
        if len(tables) <= _FEW_TABLES:
            return tables
        if ids is None:
            return self._merge()
        is_asked = np.zeros(self._files.count, dtype=bool)
        is_asked[ids.to_numpy()] = True
        found = [t for t in tables if any(is_asked[files].any() for files in list(self._members[t.name]))]
        return self._merge() if len(found) > _FEW_TABLES else found or tables[:1]

    def _merge(self) -> list[RowGroupTable]:
        """All row groups in few tables, made when they are asked for again and none came in between."""
        with self._lock:
            count, tables = self._merged
            if count == self.count:
                return tables
            if self._asked != self.count:
                self._asked = self.count
                return list(self._shapes.values())
            groups, tables = merge_shapes(self._shapes.values())
            generation = next(self._generation)  # whoever is about to read the one before finds it
            for number, group in enumerate(groups):
                if len(group.tables) == 1:
                    tables.append(group.tables[0])
                    continue
                merged = group.describe(self._tables.name(f"merged:{generation}:{number}"))
                self._tables.write(merged.name, group.select(("file_id", *self._keys)))
                tables.append(merged)
            self._merged = (self.count, tables)
            return tables


def _sum_leaves(leaves: Sequence[str]) -> str:
    """SQL for the stored bytes of these leaves in a row group."""
    return " + ".join(f"coalesce({quote_name('b:' + leaf)}, 0)" for leaf in leaves) or "0"
