"""The files that a query holds open, and what they have to do with its failure."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lakeq.engines.groups import PLANNED_SCHEME, FileGroup, TableRead, group_files, merge_scans
from lakeq.engines.translation import OpenedFile, find_mentioned, translate_file_error
from lakeq.errors import LakeqError
from lakeq.formats.detect import FORMATS
from lakeq.planner.plan import ScanPlan
from lakeq.storage.base import Store
from lakeq.storage.local import make_etag
from lakeq.storage.reads import PlannedFile, PlannedFileSystem, ReadCounter


@dataclass(frozen=True, slots=True)
class OpenedTable:
    """The files of one table as a query opens them: from which store, and whether Arrow decodes them.

    `tag` is the table's name in the query's own namespace.
    """

    read: TableRead
    store: Store
    by_arrow: bool
    groups: tuple[FileGroup, ...]
    tag: str

    def planned_files(self) -> Iterator[PlannedFile]:
        """The files to publish in the planned filesystem."""
        for group in self.groups:
            if not group.native:
                columns = [group.files[name].to_pylist() for name in ("path", "size", "etag")]
                for shown, path, size, etag in zip(group.paths, *columns, strict=True):
                    yield PlannedFile(shown.removeprefix(PLANNED_SCHEME), self.store, path, size, etag)

    def check_unchanged(self) -> None:
        """ObjectChangedError when a file that the engine opens by itself is not the one listed."""
        for group in self.groups:
            if group.native:
                columns = [group.files[name].to_pylist() for name in ("path", "etag")]
                for opened, path, etag in zip(group.paths, *columns, strict=True):
                    if not _is_version(opened, etag):
                        self.store.read(path, 0, 0, etag)  # says what became of it

    def opened_files(self) -> Iterator[OpenedFile]:
        """Each file with the path by which it is opened."""
        for group in self.groups:
            for opened, path in zip(group.paths, group.files["path"].to_pylist(), strict=True):
                yield OpenedFile(opened.removeprefix(PLANNED_SCHEME), self.store.url(path))


def open_tables(
    plan: ScanPlan, stores: Callable[[str], Store], by_arrow: bool, roots: frozenset[str], token: str
) -> tuple[OpenedTable, ...]:
    """The tables that `plan` reads, each file with the path by which an engine is to open it.

    `roots` are the folders in which DuckDB may open files by itself; `token` tells the planned files of
    this query from those of others.
    """
    opened = []
    for number, read in enumerate(merge_scans(plan)):
        store, decoder = stores(read.table.store_root), FORMATS[read.table.format]
        arrow = by_arrow or any(decoder.duckdb_scan("[]", s, {}, {}, None) is None for s in read.schemas[:1])
        may_open = arrow or store.root in roots
        groups = group_files(read, store, f"{token}/{number}", by_path=not arrow, may_open=may_open)
        opened.append(OpenedTable(read, store, arrow, groups, f"lakeq_{number}"))
    return tuple(opened)


class OpenedFiles:
    """The files of one query, from its views to its last row: pinned, counted, and asked when it fails."""

    def __init__(self, filesystem: PlannedFileSystem, tables: Sequence[OpenedTable]) -> None:
        self.tables = tuple(tables)
        self._published = filesystem.publish(file for table in self.tables for file in table.planned_files())

    @property
    def counter(self) -> ReadCounter:
        """What was read through the planned filesystem."""
        return self._published.counter

    def check_unchanged(self) -> None:
        """ObjectChangedError when a file is not the one listed. The planned filesystem pins its own."""
        for table in self.tables:
            table.check_unchanged()

    def find_cause(self, text: str) -> LakeqError | None:
        """The error of ours behind DuckDB's words: a read that failed, a file that changed or is damaged."""
        if self._published.error is not None:
            return self._published.error
        try:
            self.check_unchanged()
        except LakeqError as changed:
            return changed
        file = find_mentioned((file for table in self.tables for file in table.opened_files()), text)
        return translate_file_error(text, file) if file is not None else None

    def close(self) -> None:
        """Withdraw the files from the planned filesystem."""
        self._published.close()


def _is_version(path: str, etag: str | None) -> bool:
    """Whether a local file is the version `etag`, by its status alone: opening it would cost much more."""
    try:
        return etag is None or make_etag(os.stat(path)) == etag
    except OSError:
        return False
