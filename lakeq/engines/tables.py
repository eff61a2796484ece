"""The tables of a query, with the paths by which an engine opens their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.engines.groups import PLANNED_SCHEME, FileGroup, TableRead, copy_folder, group_files, merge_scans
from lakeq.engines.needs import Needs, find_needs, is_read_whole
from lakeq.engines.scan_schemas import unite_parquet
from lakeq.engines.translation import OpenedFile
from lakeq.formats.arrow_reads import ArrowReads
from lakeq.formats.detect import FORMATS
from lakeq.formats.encrypted_store import PlainParquetStore
from lakeq.formats.json import check_unseen_end, has_unseen_end
from lakeq.formats.parquet_keys import ParquetKeys
from lakeq.planner.locked import check_keys
from lakeq.planner.plan import ScanPlan
from lakeq.storage.base import Store, StoredFile
from lakeq.storage.local import is_version
from lakeq.storage.pieces import PlannedFile


@dataclass(frozen=True, slots=True)
class OpenedTable:
    """The files of one table as a query opens them: from which store, and whether Arrow decodes them.

    `tag` is the table's name in the query's own namespace; `needs` are the ranges that it will ask for, and
    `decoded` is what Arrow has asked for, as far as its decoder counts; `keys` open encrypted files.
    """

    read: TableRead
    store: Store
    by_arrow: bool
    groups: tuple[FileGroup, ...]
    tag: str
    needs: Needs = field(default_factory=dict)
    decoded: ArrowReads = field(default_factory=ArrowReads)
    keys: ParquetKeys = field(default_factory=ParquetKeys)

    def planned_files(self, sequence: int) -> Iterator[PlannedFile]:
        """The files to publish in the planned filesystem, each group a sequence, numbered from `sequence`."""
        for number, group in enumerate(self.groups, sequence):
            if not group.native:
                store = self._reader(group)
                copied = store is self.store and not self.by_arrow and is_read_whole(group, self.needs)
                folders = cache(copy_folder)
                columns = [group.files[name].to_pylist() for name in ("file_id", "path", "size", "etag")]
                for shown, file_id, path, size, etag in zip(group.paths, *columns, strict=True):
                    name = shown.removeprefix(PLANNED_SCHEME)
                    needed = self.needs.get(file_id)
                    folder = folders(name.rpartition("/")[0]) if copied else None
                    data = None if needed is None or self.read.chunks is None else needed[1:]
                    yield PlannedFile(name, store, path, size, etag, needed, number, folder, data)

    def _reader(self, group: FileGroup) -> Store:
        """What shows the files of a group as the engine reads them."""
        if group.schema.encryption is None:
            return self.store
        columns = (group.files[name].to_pylist() for name in ("path", "size"))
        return PlainParquetStore(self.store, dict(zip(*columns, strict=True)), self.keys)

    def check_unchanged(self) -> None:
        """ObjectChangedError when a file that the engine opens by itself is not the one listed."""
        for group in self.groups:
            if group.native:
                columns = [group.files[name].to_pylist() for name in ("path", "etag")]
                for opened, path, etag in zip(group.paths, *columns, strict=True):
                    if not is_version(opened, etag):
                        self.store.read(path, 0, 0, etag)  # says what became of it

    def check_ends(self) -> None:
        """CorruptFileError for a file that DuckDB has taken for whole, and that is cut."""
        if self.by_arrow or self.read.table.format != "json":
            return
        for group in self.groups:
            if has_unseen_end(group.schema):
                columns = [group.files[name].to_pylist() for name in ("path", "size", "etag")]
                for path, size, etag in zip(*columns, strict=True):
                    check_unseen_end(StoredFile(self.store, path, size, etag), group.schema)

    def opened_files(self) -> Iterator[OpenedFile]:
        """Each file with the path by which it is opened."""
        for group in self.groups:
            for opened, path in zip(group.paths, group.files["path"].to_pylist(), strict=True):
                yield OpenedFile(opened.removeprefix(PLANNED_SCHEME), self.store.url(path))


def open_tables(
    plan: ScanPlan,
    stores: Callable[[str], Store],
    by_arrow: bool,
    roots: frozenset[str],
    token: str,
    is_limited: bool = False,
    counts: bool = False,
    keys: ParquetKeys | None = None,
) -> tuple[OpenedTable, ...]:
    """The tables that `plan` reads, each file with the path by which an engine is to open it.

    `roots` are the folders in which DuckDB may open files by itself; `token` tells the planned files of
    this query from those of others. `is_limited`: what is
    read counts against a limit; `counts`: every read is to be counted, so no file is opened otherwise. `keys`
    open encrypted Parquet.
    """
    opened = []
    for number, read in enumerate(merge_scans(plan)):
        store, decoder = stores(read.table.store_root), FORMATS[read.table.format]
        arrow = by_arrow or any(decoder.duckdb_scan("[]", s, {}, None) is None for s in read.schemas[:1])
        if not arrow and read.table.format == "parquet":
            read = _unite_schemas(read)
        may_open = not counts and (arrow or store.root in roots)
        groups = group_files(read, store, f"{token}/{number}", by_path=not arrow, may_open=may_open)
        needs = find_needs(read, arrow) if is_limited or not store.is_local else {}
        if arrow:
            for scan in (scan for scan in plan.scans if scan.table.name == read.table.name):
                check_keys(scan.table, scan.files, scan.columns, reads_fields=False)
        tag = f"lakeq_{number}"
        opened.append(OpenedTable(read, store, arrow, groups, tag, needs, keys=keys or ParquetKeys()))
    return tuple(opened)


def _unite_schemas(read: TableRead) -> TableRead:
    """The same files, with one schema for those that DuckDB can scan together. Arrow and Spark are given the
    file's own: they cast nothing while they read, and a column of NULLs without a type fits no other."""
    united = unite_parquet(read.table, read.schemas)
    places = {schema: place for place, schema in enumerate(dict.fromkeys(united))}
    if len(places) == len(united):
        return read
    numbers = pa.array([places[schema] for schema in united], pa.int32())
    files, column = read.files, read.files.schema.get_field_index("schema_id")
    files = files.set_column(column, "schema_id", pc.take(numbers, files["schema_id"]))
    return replace(read, files=files, schemas=tuple(places))
