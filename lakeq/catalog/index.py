"""FileIndex: the columnar list of a table's files, and what their footers told. Pruning runs here, in DuckDB.

A table's index is one DuckDB table of files (`file_id`, path, size, …, `p<i>` typed partition values) and,
for formats with footers, those of its row groups (RowGroupIndex). A condition is evaluated over them as SQL:
1,000,000 files take milliseconds. The tables lie compressed in memory, a fourth of their plain size; what
every answer is summed up from (sizes and partitions by file_id, which counts from 0) is kept beside them, so
that no query has to join for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

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
from lakeq.catalog.row_group_index import RowGroupIndex
from lakeq.catalog.selection import FileSelection
from lakeq.formats.base import Column, FileFacts, FileSchema
from lakeq.formats.types import quote_name, quote_text, sql_type


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
        self._lock = threading.Lock()
        self._keys = tuple(partition_columns)
        self._schemas: list[FileSchema] = []
        self._schema_ids: dict[FileSchema, int] = {}
        self._derived: dict[str, str] = {}
        if not pc.all(pc.less_equal(files["path"][:-1], files["path"][1:])).as_py():
            files = files.sort_by("path")
        self.count = files.num_rows
        self._sizes = files["size"].to_numpy()
        self._partitions = number_partitions(files.select([f"raw_{i}" for i in range(len(self._keys))]))
        self._facts = FactArrays(self.count)
        self.classes = FileClasses(files["storage_class"])
        self.groups = RowGroupIndex(self._tables, self, list(map(partition_column, range(len(self._keys)))))
        self.size = int(self._sizes.sum())
        self.inspected = 0
        self._create(files)
        self.partitions = int(self._partitions.max(initial=0))
        self.all = FileSelection(self, None, self.count, self.size, self.partitions)

    @property
    def schemas(self) -> tuple[FileSchema, ...]:
        """The distinct schemas of the files inspected so far, in the order they were met."""
        return tuple(self._schemas)

    @property
    def is_open(self) -> bool:
        """Whether it can be asked: it is closed with its lake."""
        return self._tables.is_open

    def _create(self, files: pa.Table) -> None:
        raws = "".join(f", raw_{i}" for i in range(len(self._keys)))
        values = "".join(f", value_{i} AS {partition_column(i)}" for i in range(len(self._keys)))
        listing = files.append_column("file_id", pa.array(np.arange(self.count, dtype=np.int32)))
        listing = listing.append_column("partition_id", pa.array(self._partitions))
        columns = f"file_id, path, size, etag, modified, partition_id{raws}{values}"
        # A part at a time: what is not compressed yet takes several times the memory.
        for first in range(0, max(self.count, 1), COMPRESS_ROWS):
            part = listing.slice(first, COMPRESS_ROWS)
            self._tables.write(self._tables.files, f"SELECT {columns} FROM incoming", part, is_new=first == 0)
            self._tables.compress(min(self.count, COMPRESS_ROWS))

    def read_files(self, ids: pa.Array | None) -> pa.Table:
        """The rows of FileSelection.to_table for these file_ids (None: all)."""
        values = "".join(f", raw_{i}, {partition_column(i)} AS value_{i}" for i in range(len(self._keys)))
        kept = "" if ids is None else f" WHERE {among(ids)}"
        rows = self._tables.read(  # in the order of the table, which is that of file_id
            f"SELECT file_id, path, size, etag, modified{values} FROM {self._tables.files}{kept}", ids
        )
        numbers = rows["file_id"].to_numpy()
        rows = rows.add_column(5, "storage_class", self.classes.column(numbers))
        for name, column in self._facts.columns(numbers).items():
            rows = rows.append_column(name, column)
        return rows

    def read_keys(self, ids: pa.Array | None, keys: Sequence[int]) -> pa.Table:
        """The rows of FileSelection.read_keys for these file_ids (None: all)."""
        values = ", ".join(f"{partition_column(i)} AS value_{i}" for i in keys)
        kept = "" if ids is None else f" WHERE {among(ids)}"
        return self._tables.read(f"SELECT DISTINCT {values} FROM {self._tables.files}{kept}", ids)

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
            f"FROM {self._tables.files} GROUP BY partition_id ORDER BY partition_id"
        )
        counts = self._facts.count_rows(self._partitions, self.partitions)
        return rows.append_column("row_count", pa.array(counts, pa.int64()))

    def sum_files(self, sql: Mapping[str, str], over: Sequence[int], kept: FileSelection) -> pa.Table:
        """`files`, `bytes` and `kept_bytes` (of the files kept) for each combination of the columns `sql`: by
        name, as SQL over the partition keys of these numbers. Where that fails they are NULL."""
        keys = "".join(f"{partition_column(i)}, " for i in over)
        files, kept_bytes, marks = self._tables.files, "sum(size)", None
        if kept.ids is not None:
            # Side by side with a mark for each file: a join with the ids takes up to three times as long.
            files, kept_bytes = f"{files} POSITIONAL JOIN marks", "coalesce(sum(size) FILTER (is_marked), 0)"
            marks = np.zeros(self.count, dtype=bool)
            marks[kept.ids.to_numpy()] = True
        # First by the keys as they are: the SQL is then evaluated once for each of their values.
        each = (
            f"SELECT {keys}count(*) AS files, sum(size) AS bytes, {kept_bytes} AS kept_bytes "
            f"FROM {files} GROUP BY ALL"
        )
        columns = "".join(f"TRY({text}) AS {quote_name(name)}, " for name, text in sql.items())
        sums = ", ".join(f"sum({name})::BIGINT AS {name}" for name in ("files", "bytes", "kept_bytes"))
        return self._tables.read(f"SELECT {columns}{sums} FROM ({each}) GROUP BY ALL", marks=marks)

    def list_values(self, key: int, where: Mapping[int, str], most: int) -> list[str]:
        """At most so many values of the partition key of this number, as SQL literals, of files whose other
        keys equal these texts. The greatest of numbers, dates and times first, also of texts that begin with
        a digit; of other texts those of most files."""
        column, kind = partition_column(key), self._keys[key].type
        equal = [
            f"{partition_column(i)} = TRY_CAST({quote_text(text)} AS {sql_type(self._keys[i].type)})"
            for i, text in where.items()
        ]
        order = f"{column} DESC"
        if pa.types.is_string(kind):
            is_number = f"{column} BETWEEN '0' AND ':'"
            order = f"{is_number} DESC, CASE WHEN {is_number} THEN {column} END DESC, count(*) DESC, {column}"
        rows = self._tables.read(
            f"SELECT CAST({column} AS VARCHAR) AS text FROM {self._tables.files} "
            f"WHERE {' AND '.join([f'{column} IS NOT NULL', *equal])} "
            f"GROUP BY {column} ORDER BY {order} LIMIT {most}"
        )
        plain = pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind)
        return [text if plain else quote_text(text) for text in rows["text"].to_pylist()]

    def find_files(self, selection: FileSelection) -> FileSelection:
        """The files of this index that lie where those of a selection do, which may be of another listing."""
        if selection.index is self:
            return selection
        paths = self._tables.read(f"SELECT path FROM {self._tables.files}")["path"]
        wanted = selection.to_table()["path"].combine_chunks()
        return self.take(np.flatnonzero(pc.is_in(paths, value_set=wanted)))

    def read_uninspected(self, selection: FileSelection) -> pa.Table:
        """`file_id`, path, size, etag, storage_class of the selected files whose footer or head was not read
        yet."""
        unread = self._facts.unknown_among(selection.ids)
        if not len(unread):
            return pa.table({"file_id": unread, "storage_class": pa.array([], pa.string())})
        # Of all files in the order of the table, which is that of file_id.
        kept = "" if len(unread) == self.count else f" WHERE {among(unread)} ORDER BY file_id"
        rows = self._tables.read(f"SELECT file_id, path, size, etag FROM {self._tables.files}{kept}", unread)
        return rows.append_column("storage_class", self.classes.column(rows["file_id"].to_numpy()))

    def add_facts(self, facts: Iterable[tuple[int, FileFacts]]) -> None:
        """Record what inspecting files told. A file is inspected once; facts of a known file are dropped."""
        with self._lock:
            fresh = [(file_id, fact) for file_id, fact in facts if not self._facts.knows(file_id)]
            if not fresh:
                return
            schema_ids = [self._number_schema(fact.schema) for _, fact in fresh]
            self.groups.add(fresh)
            self._facts.record([i for i, _ in fresh], schema_ids, [fact for _, fact in fresh])
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
            self.groups.add_known(ids, facts)
            schema_ids = schema_ids[facts.schema_numbers]
            self._facts.fill(ids, schema_ids, facts.rows["row_count"], facts.rows["has_rows"])
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
            f"SELECT file_id, path, etag, size FROM {self._tables.files} "
            f"WHERE etag <> '' AND {among(ids)} ORDER BY file_id",
            ids,
        )
        kept = files["file_id"].combine_chunks()
        for name, column in self._facts.columns(kept.to_numpy()).items():
            files = files.append_column(name, column)
        return gather_facts(files, self.schemas, self.groups.read_rows(kept))

    def _number_schema(self, schema: FileSchema) -> int:
        if schema not in self._schema_ids:
            self._schema_ids[schema] = len(self._schemas)
            self._schemas.append(schema)
        return self._schema_ids[schema]

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
                source = self._derive(derived) if derived else self._tables.files
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
        moments, lots = self._draws
        numbers = self.number(selection.ids)
        return draw_sample(self.read_sizes(selection.ids), moments[numbers], lots[numbers], count)

    @cached_property
    def _draws(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
        """When each file was written, and the lot by which it is drawn."""
        rows = self._tables.read(  # in the order of the table, which is that of file_id
            f"SELECT coalesce(epoch_us(modified), 0) AS moment, hash(path) AS lot FROM {self._tables.files}"
        )
        return rows["moment"].to_numpy(), rows["lot"].to_numpy()

    def _derive(self, derived: Mapping[str, str]) -> str:
        """The files with these columns, which are evaluated once for each partition and kept."""
        columns = ", ".join(f"TRY({sql}) AS {name}" for name, sql in derived.items())
        with self._lock:
            if columns not in self._derived:
                name = self._tables.name(f"derived:{len(self._derived)}")
                keys = ", ".join(
                    f"any_value({key}) AS {key}" for key in map(partition_column, range(len(self._keys)))
                )
                each = f"SELECT partition_id, {keys} FROM {self._tables.files} GROUP BY partition_id"
                self._tables.write(name, f"SELECT partition_id, {columns} FROM ({each})")
                self._derived[columns] = name
        return f"{self._tables.files} JOIN {self._derived[columns]} USING (partition_id)"

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
