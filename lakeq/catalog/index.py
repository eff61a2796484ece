"""FileIndex: the columnar list of a table's files, and what their footers told. Pruning runs here, in DuckDB.

A table's index is one DuckDB table of files (`file_id`, path, size, …, `p<i>` typed partition values) and,
for formats with footers, one table of row groups for each distinct file schema (per leaf column: stored
bytes, bounds, null count). A condition is evaluated over them as SQL: 1,000,000 files take milliseconds.
The tables lie compressed in memory, a fourth of their plain size; what every answer is summed up from (sizes
and partitions by file_id, which counts from 0) is kept beside them, so that no query has to join for it.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.database import COMPRESS_ROWS, Database, IndexTables, among, partition_column
from lakeq.catalog.file_classes import FileClasses
from lakeq.catalog.file_facts import FactArrays, Ids
from lakeq.catalog.file_sample import FileSample, draw_sample
from lakeq.catalog.known_facts import KnownFacts, gather_facts, keep_rows
from lakeq.catalog.partition_values import number_partitions
from lakeq.catalog.row_groups import RowGroupTable, leaf_types, row_group_rows, select_row_groups
from lakeq.catalog.selection import FileSelection, Measure
from lakeq.formats.base import Column, FileFacts, FileSchema, RowGroup
from lakeq.formats.types import quote_name

_FEW = 0.1
"""The share of a table's files up to which looking them up is quicker than asking again which they are."""


class FileIndex:
    """The files of one table. Facts are added as footers are read; files never change within one index."""

    def __init__(
        self,
        database: Database,
        name: str,
        files: pa.Table,
        partition_columns: Sequence[Column],
    ) -> None:
        """Index `files` (LISTING_SCHEMA and `raw_<i>`, `value_<i>` columns) under the SQL name `name`."""
        self._tables = IndexTables(database, name)
        self._files = self._tables.name("files")
        self._lock = threading.Lock()
        self._keys = tuple(partition_columns)
        self._schemas: list[FileSchema] = []
        self._schema_ids: dict[FileSchema, int] = {}
        self._types: Mapping[str, pa.DataType] = {}
        self._views: dict[tuple[tuple[str, ...], tuple[str, ...]], str] = {}
        self._groups: dict[tuple[FileSchema, tuple[str, ...]], RowGroupTable] = {}
        self._derived: dict[str, str] = {}
        self._answers: dict[tuple[str, str, int], dict[str, Any]] = {}
        if not pc.all(pc.less_equal(files["path"][:-1], files["path"][1:])).as_py():
            files = files.sort_by("path")
        self.count = files.num_rows
        self._sizes = files["size"].to_numpy()
        self._partitions = number_partitions(files.select([f"raw_{i}" for i in range(len(self._keys))]))
        self._facts = FactArrays(self.count)
        self.classes = FileClasses(files["storage_class"])
        self.size = int(self._sizes.sum())
        self.inspected = 0
        self.row_groups = 0
        self._create(files)
        self.partitions = int(self._partitions.max(initial=0))
        self.all = FileSelection(self, None, self.count, self.size, self.partitions)

    @property
    def schemas(self) -> tuple[FileSchema, ...]:
        """The distinct schemas of the files inspected so far, in the order they were met."""
        return tuple(self._schemas)

    def _create(self, files: pa.Table) -> None:
        raws = "".join(f", raw_{i}" for i in range(len(self._keys)))
        values = "".join(f", value_{i} AS {partition_column(i)}" for i in range(len(self._keys)))
        listing = files.append_column("file_id", pa.array(np.arange(self.count, dtype=np.int32)))
        listing = listing.append_column("partition_id", pa.array(self._partitions))
        columns = f"file_id, path, size, etag, modified, partition_id{raws}{values}"
        # A part at a time: what is not compressed yet takes several times the memory.
        for first in range(0, max(self.count, 1), COMPRESS_ROWS):
            part = listing.slice(first, COMPRESS_ROWS)
            self._tables.write(self._files, f"SELECT {columns} FROM incoming", part, is_new=first == 0)
            self._tables.compress(min(self.count, COMPRESS_ROWS))

    def read_files(self, ids: pa.Array | None) -> pa.Table:
        """The rows of FileSelection.to_table for these file_ids (None: all)."""
        values = "".join(f", raw_{i}, {partition_column(i)} AS value_{i}" for i in range(len(self._keys)))
        kept = "" if ids is None else f" WHERE {among(ids)}"
        rows = self._tables.read(  # in the order of the table, which is that of file_id
            f"SELECT file_id, path, size, etag, modified{values} FROM {self._files}{kept}", ids
        )
        numbers = rows["file_id"].to_numpy()
        rows = rows.add_column(5, "storage_class", self.classes.column(numbers))
        for name, column in self._facts.columns(numbers).items():
            rows = rows.append_column(name, column)
        return rows

    def read_sizes(self, ids: pa.Array | None) -> Ids:
        """The size in bytes of each of these files (None: of all)."""
        sizes: Ids = self._sizes if ids is None else self._sizes[ids.to_numpy()]
        return sizes

    def read_classes(self, ids: pa.Array | None) -> pa.Array:
        """The storage class of each of these files (None: of all)."""
        return self.classes.column(self.number(ids))

    def split_archived(self, selection: FileSelection) -> tuple[FileSelection, FileSelection | None]:
        """The files that can be read as they are, and those that must be restored first (None: there are
        none)."""
        numbers = self.number(selection.ids)
        archived = self.classes.are_archived(numbers)
        if archived is None or not archived.any():
            return selection, None
        return self.take(numbers[~archived]), self.take(numbers[archived])

    def number(self, ids: pa.Array | None) -> Ids:
        """The `file_id` of each of these files (None: of all), in order."""
        return np.arange(self.count, dtype=np.int32) if ids is None else ids.to_numpy()

    def read_partitions(self) -> pa.Table:
        """One row a partition: the typed keys by name, `files`, `bytes`, and `row_count` (null while a file's
        footer is unread or the format has none)."""
        keys = "".join(
            f"any_value({partition_column(i)}) AS {quote_name(c.name)}, " for i, c in enumerate(self._keys)
        )
        rows = self._tables.read(
            f"SELECT {keys}count(*) AS files, sum(size)::BIGINT AS bytes "
            f"FROM {self._files} GROUP BY partition_id ORDER BY partition_id"
        )
        counts = self._facts.count_rows(self._partitions, self.partitions)
        return rows.append_column("row_count", pa.array(counts, pa.int64()))

    def read_uninspected(self, selection: FileSelection) -> pa.Table:
        """`file_id`, path, size, etag, storage_class of the selected files whose footer or head was not read
        yet."""
        unread = self._facts.unknown_among(selection.ids)
        if not len(unread):
            return pa.table({"file_id": unread, "storage_class": pa.array([], pa.string())})
        # Of all files in the order of the table, which is that of file_id.
        kept = "" if len(unread) == self.count else f" WHERE {among(unread)} ORDER BY file_id"
        rows = self._tables.read(f"SELECT file_id, path, size, etag FROM {self._files}{kept}", unread)
        return rows.append_column("storage_class", self.classes.column(rows["file_id"].to_numpy()))

    def add_facts(self, facts: Iterable[tuple[int, FileFacts]]) -> None:
        """Record what inspecting files told. A file is inspected once; facts of a known file are dropped."""
        with self._lock:
            fresh = [(file_id, fact) for file_id, fact in facts if not self._facts.knows(file_id)]
            if not fresh:
                return
            schema_ids = [self._number_schema(fact.schema) for _, fact in fresh]
            self._insert_row_groups(fresh)
            self._facts.record([i for i, _ in fresh], schema_ids, [fact for _, fact in fresh])
            self._views.clear()
            self.inspected += len(fresh)
            self._tables.compress(len(fresh))

    def import_facts(self, file_ids: Ids, facts: KnownFacts) -> None:
        """Record what is known of files from before; `file_ids` is the file of each of the rows.

        As if they were inspected, but they do not count as learned. Facts of a known file are dropped.
        """
        with self._lock:
            is_fresh = self._facts.are_unknown(file_ids)
            facts, ids = keep_rows(facts, is_fresh), file_ids[is_fresh]
            if not len(ids):
                return
            schema_ids = np.array([self._number_schema(schema) for schema in facts.schemas])
            numbers, has_group = facts.schema_numbers, facts.has_group
            rows = facts.group_columns.add_column(0, "file_id", pa.array(ids, pa.int32()))
            for number in np.unique(numbers[has_group]):
                groups = rows.filter(pa.array(has_group & (numbers == number)))
                self._insert(self._row_group_table(facts.schemas[number], facts.leaves), groups)
            self._facts.fill(ids, schema_ids[numbers], facts.rows["row_count"], facts.rows["has_rows"])
            self._views.clear()
            self.inspected += len(np.unique(ids))
            self._tables.compress(len(ids))

    def learned(self) -> pa.Array:
        """The `file_id`s of files whose facts came by `add_facts` and were not yet marked as remembered."""
        with self._lock:
            return self._facts.learned()

    def mark_remembered(self, ids: pa.Array) -> None:
        """The facts of these files are kept elsewhere: they no longer count as learned."""
        with self._lock:
            self._facts.mark_remembered(ids)

    def export_facts(self, ids: pa.Array) -> list[KnownFacts]:
        """What is known of these files, all of them inspected, for `import_facts` of another index.

        Files without an etag are left out, for nobody could tell whether they are still the same.
        """
        files = self._tables.read(
            f"SELECT file_id, path, etag, size FROM {self._files} "
            f"WHERE etag <> '' AND {among(ids)} ORDER BY file_id",
            ids,
        )
        kept = files["file_id"].combine_chunks()
        for name, column in self._facts.columns(kept.to_numpy()).items():
            files = files.append_column(name, column)
        with self._lock:
            tables = list(self._groups.values())
        groups = [(t, self._tables.read(f"SELECT * FROM {t.name} WHERE {among(kept)}", kept)) for t in tables]
        return gather_facts(files, self.schemas, groups)

    def _number_schema(self, schema: FileSchema) -> int:
        if schema not in self._schema_ids:
            self._schema_ids[schema] = len(self._schemas)
            self._schemas.append(schema)
        return self._schema_ids[schema]

    def _row_group_table(self, schema: FileSchema, leaves: tuple[str, ...]) -> RowGroupTable:
        name = self._tables.name(f"groups:{len(self._groups)}")
        return self._groups.get((schema, leaves)) or RowGroupTable(name, schema, leaves)

    def _insert(self, table: RowGroupTable, rows: pa.Table) -> None:
        keys = "".join(f", f.{partition_column(i)}" for i in range(len(self._keys)))
        select = f"SELECT i.*{keys} FROM incoming i JOIN {self._files} f USING (file_id)"
        is_new = (table.schema, table.leaves) not in self._groups
        self._tables.write(table.name, select, rows, is_new)
        self._groups[table.schema, table.leaves] = table
        self.row_groups += rows.num_rows

    def _insert_row_groups(self, facts: Sequence[tuple[int, FileFacts]]) -> None:
        shapes: dict[tuple[FileSchema, tuple[str, ...]], list[tuple[int, RowGroup]]] = {}
        for file_id, fact in facts:
            for group in fact.row_groups or ():
                shapes.setdefault((fact.schema, tuple(group.chunks)), []).append((file_id, group))
        for shape, groups in shapes.items():
            table = self._row_group_table(*shape)
            self._insert(table, row_group_rows(table, groups))

    def find_leaves(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The stored leaf columns at or below these dotted column paths, any case."""
        wanted = [c.casefold() for c in columns]
        leaves = dict.fromkeys(leaf for table in self._groups.values() for leaf in table.leaves)
        return tuple(
            leaf
            for leaf in leaves
            if any(leaf.casefold() == w or leaf.casefold().startswith(w + ".") for w in wanted)
        )

    def settle_types(self, columns: Iterable[Column]) -> None:
        """Set the table's frozen column types, in which bounds are compared."""
        with self._lock:
            self._types = {path: kind for column in columns for path, kind in leaf_types(column)}
            self._views.clear()

    def select(self, *conditions: str | None, derived: Mapping[str, str] | None = None) -> FileSelection:
        """The files for which an SQL condition over `p<i>` (and path, size, modified) is TRUE, and over
        `derived`: columns by name, each as SQL over `p<i>`.

        Of several conditions the first that evaluates without an error counts; when none does, or it is
        None, every file is kept.
        """
        for where in conditions:
            if where is None:
                return self.all
            try:
                source = self._derive(derived) if derived else self._files
                rows = self._tables.read(f"SELECT file_id FROM {source} WHERE {where}")
            except duckdb.Error:
                continue
            return self.take(rows["file_id"].to_numpy(), None if derived else where)
        return self.all

    def are_unknown(self, selection: FileSelection) -> npt.NDArray[np.bool_]:
        """Whether each of the selected files, in the order of file_id, was not looked into."""
        return self._facts.are_unknown(self.number(selection.ids))

    def sample(self, selection: FileSelection, count: int) -> FileSample:
        """About `count` of the selected files: by time of writing and size, the same each time."""
        kept = "" if selection.ids is None else f" WHERE {among(selection.ids)}"
        rows = self._tables.read(  # in the order of the table, which is that of file_id
            f"SELECT coalesce(epoch_us(modified), 0) AS moment, hash(path) AS lot FROM {self._files}{kept}",
            selection.ids,
        )
        return draw_sample(
            self.read_sizes(selection.ids), rows["moment"].to_numpy(), rows["lot"].to_numpy(), count
        )

    def _derive(self, derived: Mapping[str, str]) -> str:
        """The files with these columns, which are evaluated once for each partition and kept."""
        columns = ", ".join(f"TRY({sql}) AS {name}" for name, sql in derived.items())
        with self._lock:
            if columns not in self._derived:
                name = self._tables.name(f"derived:{len(self._derived)}")
                keys = ", ".join(
                    f"any_value({key}) AS {key}" for key in map(partition_column, range(len(self._keys)))
                )
                each = f"SELECT partition_id, {keys} FROM {self._files} GROUP BY partition_id"
                self._tables.write(name, f"SELECT partition_id, {columns} FROM ({each})")
                self._derived[columns] = name
        return f"{self._files} JOIN {self._derived[columns]} USING (partition_id)"

    def take(self, ids: Ids, condition: str | None = None) -> FileSelection:
        """The files whose `file_id` is among these, in any order and any number of times."""
        is_kept = np.zeros(self.count, dtype=bool)
        is_kept[ids] = True
        ids = np.flatnonzero(is_kept).astype(np.int32)
        if len(ids) == self.count:
            return self.all
        partitions = np.count_nonzero(np.bincount(self._partitions[ids]))
        size = int(self._sizes[ids].sum())
        return FileSelection(self, pa.array(ids), len(ids), size, int(partitions), condition)

    def measure(
        self,
        selection: FileSelection,
        conditions: Sequence[str | None],
        leaves: Sequence[str],
        bounds: Sequence[str],
    ) -> Measure:
        """Row groups of `selection` that a condition leaves, and the stored bytes of `leaves` in them.

        `leaves` and `bounds` are dotted paths, `conditions` as in `select`; `bounds` are the leaves that they
        speak of. Files left without any row group are dropped.
        """
        if not self.row_groups:
            return Measure(selection, 0, 0, 0)
        size = _sum_leaves(leaves)
        source = self._groups_view(tuple(leaves), tuple(bounds))
        ids = selection.ids
        # A condition over keys alone says the same of row groups: quicker than a join with many ids.
        ways = [("", None)] if ids is None else [(f" WHERE {among(ids)}", ids)]
        if selection.condition is not None and selection.count > self.count * _FEW:
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
                files = self.take(rows["file_id"].to_numpy())
                total = int(pc.sum(rows["bytes"]).as_py() or 0)
                return Measure(files, rows.num_rows, self.row_groups, total)
        totals = self._tables.read_first(
            [
                (f"SELECT count(*), coalesce(sum({size}), 0)::BIGINT FROM {source}{kept}", only)
                for kept, only in ways
            ]
        )
        assert totals is not None
        return Measure(selection, totals.column(0)[0].as_py(), self.row_groups, totals.column(1)[0].as_py())

    def measure_files(
        self,
        selection: FileSelection,
        conditions: Sequence[str | None],
        leaves: Sequence[str],
        bounds: Sequence[str],
    ) -> pa.Table:
        """For each selected file that was looked into and has row groups: file_id, `kept` row groups that a
        condition leaves, the bytes of `leaves` in them (`read`), and in all (`stored`). As `measure`."""
        if not self.row_groups:
            return pa.table(
                {name: pa.array([], pa.int64()) for name in ("file_id", "kept", "read", "stored")}
            )
        size = _sum_leaves(leaves)
        source = self._groups_view(tuple(leaves), tuple(bounds))
        ids = selection.ids
        kept = "" if ids is None else f" WHERE {among(ids)}"
        found = self._tables.read_first(
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
        assert found is not None
        return found

    def ask_row_groups(self, aggregates: str, leaf: str) -> dict[str, Any] | None:
        """What SQL aggregates tell of all row groups known, by name: over file_id, rows, `p<i>`, and `"lo:x"`
        `"hi:x"`, `"n:x"` of this leaf `x`. None when no row group is known."""
        key = (aggregates, leaf, self.row_groups)
        if not self.row_groups:
            return None
        if key not in self._answers:
            source = self._groups_view((), (leaf,))
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
        source = self._groups_view(tuple(leaves), tuple(bounds))
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
        found = self._tables.read_first(queries)
        assert found is not None
        return found

    def _groups_view(self, leaves: tuple[str, ...], bounds: tuple[str, ...]) -> str:
        """A subquery over the row groups of every schema: bytes of `leaves`, `bounds` in one type each."""
        key = (leaves, bounds)
        if key not in self._views:
            keys = ("file_id", *(partition_column(i) for i in range(len(self._keys))))
            parts = [
                select_row_groups(table, leaves, bounds, self._types, keys) for table in self._groups.values()
            ]
            self._views[key] = "(" + " UNION ALL BY NAME ".join(parts) + ")"
        return self._views[key]


def _sum_leaves(leaves: Sequence[str]) -> str:
    """SQL for the stored bytes of these leaves in a row group."""
    return " + ".join(f"coalesce({quote_name('b:' + leaf)}, 0)" for leaf in leaves) or "0"
