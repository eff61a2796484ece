"""The catalog of one lake: finds its tables, opens as few files as that takes, freezes their schemas."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pyarrow as pa

from lakeq.catalog.definitions import LakeDefinition, TableDefinition
from lakeq.catalog.discovery import discover_lake, discover_table
from lakeq.catalog.index import FileIndex, FileSelection, open_index_database
from lakeq.catalog.objects import StoredFile, spread, stored_files
from lakeq.catalog.schema import settle_schema
from lakeq.catalog.table import IgnoredObjects, Table, TableFiles
from lakeq.errors import (
    CatalogError,
    CorruptFileError,
    LakeqError,
    StorageUnavailableError,
    TableNotFoundError,
)
from lakeq.formats.base import FileFacts, FileSchema, Format
from lakeq.formats.detect import FORMATS
from lakeq.storage.base import Store
from lakeq.storage.stores import open_store

FOOTERS_AT_ONCE = 10_000
"""Up to so many files every footer is read to settle a table's schema; beyond, an even spread of them, and
the rest when a query keeps them."""
HEADS_AT_ONCE = 1_000
"""The same for CSV and JSON, whose heads cost more to understand."""
LOCAL_READERS, REMOTE_READERS = 4, 64


@dataclass(slots=True)
class _Entry:
    """A table as far as it is known: its files, and once it was asked for, its index and schema."""

    files: TableFiles
    store: Store
    index: FileIndex | None = None
    table: Table | None = None
    schemas: dict[FileSchema, str] = field(default_factory=dict)
    broken: dict[int, LakeqError] = field(default_factory=dict)


class Catalog:
    """The tables of one lake, as they were when it was listed. Thread-safe.

    Listing happens at the first question, opening files when a table is first used.
    """

    def __init__(self, definition: LakeDefinition) -> None:
        """`definition` says where the lake lies and what was declared about it."""
        self._definition = definition
        self._lock = threading.RLock()
        self._database = open_index_database()
        self._stores: dict[str, Store] = {}
        self._entries: dict[str, _Entry] | None = None
        self._ignored: tuple[IgnoredObjects, ...] = ()
        self._generation = 0
        self._closed = False
        self.root = self._open(definition.location)

    def _open(self, location: str) -> Store:
        store = open_store(location, **self._definition.storage)
        return self._stores.setdefault(store.root, store)

    def store(self, root: str) -> Store:
        """The store with this root, as `Table.store_root` names it."""
        return self._stores[root]

    def close(self) -> None:
        """Free the index. The catalog cannot be used afterwards."""
        with self._lock:
            self._closed = True
            self._database.close()

    def refresh(self) -> None:
        """Forget what was listed; the next question lists anew."""
        with self._lock:
            self._entries = None

    def register(self, definition: TableDefinition) -> None:
        """Declare one more table; it replaces one of the same name, and what was found at its location."""
        with self._lock:
            others = [t for t in self._definition.tables if t.name.casefold() != definition.name.casefold()]
            self._definition = replace(self._definition, tables=(*others, definition))
            self._entries = None

    @property
    def ignored(self) -> tuple[IgnoredObjects, ...]:
        """Objects that lie in no table's folder and are no data."""
        self._discover()
        return self._ignored

    def names(self) -> list[str]:
        """The names of all tables, readable or not, in alphabetical order."""
        return sorted((e.files.name for e in self._discover().values()), key=lambda n: (n.casefold(), n))

    def tables(self) -> list[Table]:
        """Every table; one that cannot be read carries its `problem`."""
        return [self._table_or_problem(name) for name in self.names()]

    def table(self, name: str) -> Table:
        """The table of this name, any case. TableNotFoundError, or the table's own problem."""
        entry = self._load(name)
        assert entry.table is not None
        return entry.table

    def index(self, name: str) -> FileIndex:
        """The index of a table's files."""
        entry = self._load(name)
        assert entry.index is not None
        return entry.index

    def inspect(self, name: str, selection: FileSelection) -> bool:
        """Read the footers or heads of those of these files that were not read yet; True when that widened
        the
        table's schema. Raises the error of a file that cannot be read."""
        entry = self._load(name)
        assert entry.index is not None
        with self._lock:
            rows = entry.index.read_uninspected(selection)
            if not rows.num_rows:
                return False
            broken = [i for i in rows.column("file_id").to_pylist() if i in entry.broken]
            if broken:
                raise entry.broken[broken[0]]
            before = entry.table
            self._inspect(entry, rows)
            failed = [i for i in rows.column("file_id").to_pylist() if i in entry.broken]
            if failed:
                raise entry.broken[failed[0]]
            self._settle(entry)
            return before is None or entry.table is None or before.columns != entry.table.columns

    def _discover(self) -> dict[str, _Entry]:
        with self._lock:
            if self._closed:
                raise CatalogError("This lake is closed. Open it again with lakeq.connect.")
            if self._entries is None:
                lake = discover_lake(self.root.list(), self.root, self._definition.tables)
                entries = [_Entry(files, self.root) for files in lake.tables]
                below = {files.name for files in lake.tables}
                for definition in self._definition.tables:
                    if definition.name not in below:
                        store = self._open(definition.location)
                        entries.append(_Entry(discover_table(store.list(), store, definition), store))
                self._ignored = lake.ignored
                self._generation += 1
                self._entries = {entry.files.name.casefold(): entry for entry in entries}
            return self._entries

    def _load(self, name: str) -> _Entry:
        with self._lock:
            entry = self._discover().get(name.casefold())
            if entry is None:
                raise TableNotFoundError(
                    f"Table not found: {name!r}. The lake has: {', '.join(self.names())}", name
                )
            if entry.files.problem is not None:
                raise entry.files.problem
            if entry.table is None:
                files = entry.files
                label = f"{self._generation}:{files.name}"
                entry.index = FileIndex(self._database, label, files.files, files.partition_columns)
                unread = entry.index.read_uninspected(entry.index.all)
                self._inspect(
                    entry, unread.take(pa.array(spread(range(unread.num_rows), self._limit(files))))
                )
                if entry.broken and not entry.schemas:
                    raise next(iter(entry.broken.values()))
                self._settle(entry)
            return entry

    @staticmethod
    def _limit(files: TableFiles) -> int:
        return HEADS_AT_ONCE if files.format in ("csv", "json") else FOOTERS_AT_ONCE

    def _inspect(self, entry: _Entry, rows: pa.Table) -> None:
        """Look into these files; a broken one is remembered, and fails the queries that need it."""
        assert entry.index is not None
        file_format = FORMATS[entry.files.format]
        sources = stored_files(rows, entry.store)
        facts: list[tuple[int, FileFacts]] = []
        results = inspect_files(file_format, sources, entry)
        for file_id, source, result in zip(rows.column("file_id").to_pylist(), sources, results, strict=True):
            if isinstance(result, LakeqError):
                entry.broken[file_id] = result
            else:
                facts.append((file_id, result))
                entry.schemas.setdefault(result.schema, source.path)
        entry.index.add_facts(facts)

    def _settle(self, entry: _Entry) -> None:
        """Freeze the table's schema from the files seen so far."""
        files, index = entry.files, entry.index
        assert index is not None
        columns, mixtures = settle_schema(
            files.name, entry.schemas, files.partition_columns, files.options.columns
        )
        evidence = [*files.evidence, *mixtures]
        if index.inspected < index.count:
            evidence.append(f"schema from {index.inspected:,} of {index.count:,} files")
        evidence += [f"cannot be read: {error}" for error in list(entry.broken.values())[:5]]
        keys = {column.name.casefold() for column in files.partition_columns}
        index.settle_types([column for column in columns if column.name.casefold() not in keys])
        entry.table = Table(
            name=files.name,
            location=files.location,
            store_root=files.store_root,
            format=files.format,
            layout=files.layout,
            columns=columns,
            partition_columns=files.partition_columns,
            files_total=index.count,
            partitions_total=index.partitions,
            bytes_total=index.size,
            options=files.options,
            evidence=tuple(evidence),
            ignored=files.ignored,
        )

    def _table_or_problem(self, name: str) -> Table:
        try:
            return self.table(name)
        except LakeqError as error:
            files = self._discover()[name.casefold()].files
            return Table(
                name=files.name,
                location=files.location,
                store_root=files.store_root,
                format=files.format,
                layout=files.layout,
                columns=(),
                partition_columns=files.partition_columns,
                files_total=files.files.num_rows,
                partitions_total=0,
                bytes_total=0,
                options=files.options,
                evidence=files.evidence,
                ignored=files.ignored,
                problem=error,
            )


def inspect_files(
    file_format: Format, sources: Iterable[StoredFile], entry: _Entry
) -> Iterable[FileFacts | LakeqError]:
    """What each file tells, in order; the error of its own for a file that cannot be read or understood.

    StorageUnavailableError is raised: it says nothing about the file.
    """

    def inspect(source: StoredFile) -> FileFacts | LakeqError:
        try:
            return file_format.inspect(source, entry.files.options)
        except StorageUnavailableError:
            raise
        except LakeqError as error:
            return error
        except (ArithmeticError, LookupError, TypeError, ValueError, pa.ArrowException) as error:
            return CorruptFileError(
                f"{source.path} cannot be read as {file_format.name}: {error}", source.path
            )

    workers = LOCAL_READERS if entry.store.is_local else REMOTE_READERS
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="lakeq-inspect") as pool:
        return list(pool.map(inspect, sources))
