"""One table as far as it is known: its files, their index, and what looking into them told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.class_doubts import ClassDoubts
from lakeq.catalog.definitions import TableDefinition
from lakeq.catalog.facts_store import FactStore
from lakeq.catalog.file_sample import FileSample
from lakeq.catalog.index import FileIndex
from lakeq.catalog.inspection import inspect_files
from lakeq.catalog.known_facts import VERSION
from lakeq.catalog.objects import stored_files, take_readable, take_spread
from lakeq.catalog.partition_values import number_partitions
from lakeq.catalog.prefixes import UNKNOWN_DENSITY, Density
from lakeq.catalog.schema import Settled, settle_schema
from lakeq.catalog.selection import FileSelection
from lakeq.catalog.table import Table, TableFiles, Totals
from lakeq.catalog.time_mapping import check_mapping
from lakeq.errors import LakeqError
from lakeq.formats.base import Column, FileFacts, FileSchema
from lakeq.formats.detect import FORMATS
from lakeq.formats.parquet_keys import ParquetKeys
from lakeq.storage.base import ClassStore, Store
from lakeq.storage.caching import WHOLE_OBJECT_BYTES, CachingStore
from lakeq.storage.progress import Reporter

LOCAL_SAMPLES = 1_000
"""Up to so many local files all are looked into to settle a table's schema; beyond, an even spread of them,
and others when a query keeps them."""
REMOTE_SAMPLES = 8
"""The same for remote files, of which a query reads those that it keeps: opening one costs a request."""
_LEAST_TAIL, _FIRST_TAIL, _MOST_TAIL = 16 * 1024, 64 * 1024, 1024 * 1024
"""The first read of a footer: at least what DuckDB will ask of a file's end."""


@dataclass(slots=True)
class KnownTable:
    """A table as it is known beyond one listing of it.

    `place` is its folder below the store's root ("" or ending in `/`), or its one file. `files` has no
    files, or a sample of them; `reasons` is its evidence as far as that is not about counts. `schemas` are
    all that a file of the table was seen to have, with the path of one; `tail` is about how long footers are.
    `recent` are the sets of objects that were indexed last.
    """

    files: TableFiles
    store: Store
    place: str
    definition: TableDefinition | None = None
    reasons: tuple[str, ...] = ()
    schemas: dict[FileSchema, str] = field(default_factory=dict)
    tail: int = _FIRST_TAIL
    totals: Totals | None = None
    density: Density = UNKNOWN_DENSITY
    recent: list[tuple[pa.Table, TableEntry]] = field(default_factory=list)
    _settled: tuple[Any, Settled] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def fact_key(self) -> str:
        """The name under which facts of the table's files are kept."""
        return repr((self.files.location, self.files.format, self.files.options))

    def learn_tail(self, facts: Iterable[FileFacts]) -> None:
        """Read about as much of later files' ends as the longest footer takes."""
        lengths = [fact.footer_bytes for fact in facts if fact.footer_bytes]
        if lengths:
            longest = max(lengths) + max(lengths) // 8
            self.tail = min(max(longest, _LEAST_TAIL), _MOST_TAIL)

    def recall_schemas(self, schemas: Mapping[FileSchema, str]) -> None:
        """Know these schemas too, each with the path of one file that has it."""
        for schema, path in schemas.items():
            self.schemas.setdefault(schema, self.store.url(path))

    def to_table(self) -> Table:
        """The table as far as it is known, asking nothing; one that cannot be settled carries its problem."""
        files = self.files
        try:
            columns, mixtures = self.settle()
            evidence = (*files.evidence, *mixtures)
            return make_table(self, files, columns, evidence, problem=files.problem)
        except LakeqError as error:
            return make_table(self, files, (), files.evidence, problem=error)

    def list_values(self, key: str, where: Mapping[str, str], most: int) -> list[str]:
        """See FileIndex.list_values; keys are named, in any case. Of the files that were indexed so far; none
        where none were, or for a key that there is not."""
        indexes = [(entry.is_whole, entry.opened) for _, entry in self.recent if entry.opened is not None]
        latest = [index for is_whole, index in indexes if is_whole][-1:] or [index for _, index in indexes]
        numbers = {column.name.casefold(): i for i, column in enumerate(self.files.partition_columns)}
        names = [key.casefold(), *(name.casefold() for name in where)]
        if not all(name in numbers for name in names):
            return []
        texts = {numbers[name.casefold()]: text for name, text in where.items()}
        found = [index.list_values(numbers[names[0]], texts, most) for index in reversed(latest)]
        return list(dict.fromkeys(value for values in found for value in values))[:most]

    def settle(self) -> Settled:
        """The columns of the table as far as they are known, and what had to be reconciled. Their order is
        that of the paths in which they were met, not of time."""
        files = self.files
        told = (len(self.schemas), files.name, files.partition_columns, files.options.columns)
        if self._settled is None or self._settled[0] != told:
            schemas = dict(sorted(self.schemas.items(), key=lambda item: item[1]))
            settled = settle_schema(files.name, schemas, files.partition_columns, files.options.columns)
            self._settled = (told, settled)
        return self._settled[1]


class TableEntry:
    """The files of one table as they were listed. Thread-safe.

    `files` are all the table's when `is_whole`; `open_index` indexes them at the first question; `reader`
    reads them, `keys` open those that are encrypted. `listed_at` is when the oldest of the listings in use
    was made; `inventory_at` is the moment of the inventory that told of some of the files, if one did.
    """

    def __init__(
        self,
        known: KnownTable,
        files: TableFiles,
        is_whole: bool,
        listed_at: float | None,
        open_index: Callable[[pa.Table, Sequence[Column]], FileIndex],
        reader: Store,
        facts: FactStore,
        report: Reporter,
        keys: ParquetKeys | None = None,
    ) -> None:
        self.known = known
        self.files = files
        self.is_whole = is_whole
        self.listed_at = listed_at
        self.inventory_at: float | None = None
        self._open_index = open_index
        self._index: FileIndex | None = None
        self._reader = reader
        self._facts = facts
        self._report = report
        self._keys = keys
        self._broken: dict[int, LakeqError] = {}
        self._lock = RLock()
        self._is_loaded = False
        self._has_forgotten = False
        self._settled: tuple[int, float | None, Table] | None = None
        self._doubts = ClassDoubts()

    @property
    def index(self) -> FileIndex:
        """The index of the files."""
        with self._lock:
            if self._index is None:
                self._index = index = self._open_index(self.files.files, self.files.partition_columns)
                if self.is_whole:
                    self.known.totals = Totals(index.count, index.partitions, index.size)
            return self._index

    @property
    def opened(self) -> FileIndex | None:
        """The index, if a question was asked before."""
        return self._index

    def count(self) -> Totals:
        """How many files, partitions and bytes there are, without an index of them."""
        files = self.files.files
        raws = files.select([f"raw_{i}" for i in range(len(self.files.partition_columns))])
        partitions = int(number_partitions(raws).max(initial=0))
        return Totals(files.num_rows, partitions, pc.sum(files["size"]).as_py() or 0)

    @property
    def is_remote(self) -> bool:
        """Whether the files are read by requests to a store."""
        return not self._reader.is_local

    @property
    def table(self) -> Table:
        """The table with the schema of all files seen so far. The error of a file when none can be read."""
        with self._lock:
            if not self._is_loaded:
                self._load()
                self._is_loaded = True
            if self._settled is None or self._settled[:2] != (len(self.known.schemas), self.listed_at):
                self._settled = (len(self.known.schemas), self.listed_at, self._settle())
            return self._settled[2]

    def recall(self, selection: FileSelection) -> None:
        """Take from earlier runs what is known of these files."""
        recalled = self._facts.recall(self.known.fact_key, self.index, selection)
        self.known.recall_schemas(recalled.schemas)

    def remember(self) -> None:
        """Keep for later runs what was learned, and forget files that are not there any more."""
        if not self._reader.is_local:
            is_due = self.is_whole and not self._has_forgotten
            versions = self.files.files.select(list(VERSION)) if is_due else None
            self._facts.remember(self.known.fact_key, self._index, versions)
            self._has_forgotten = self.is_whole

    def split_archived(self, selection: FileSelection) -> tuple[FileSelection, FileSelection | None]:
        """Of these files those that can be read as they are, and those that must be restored first (None:
        there are none). The store is asked of files of which a listing does not tell."""
        with self._lock:
            store = self._reader.store if isinstance(self._reader, CachingStore) else self._reader
            if isinstance(store, ClassStore) and store.tells_classes:
                is_inventory = self.inventory_at is not None
                self._doubts.settle(self.index, selection, store, self.listed_at, is_inventory)
            return self.index.split_archived(selection)

    def inspect(self, selection: FileSelection, fetches_whole: bool = False) -> None:
        """Read the footers or heads of those of these files that were not read yet. Raises the error of a
        file that cannot be read.

        `fetches_whole`: the files are about to be read anyway, so small ones may be fetched whole.
        """
        with self._lock:
            if not self._reader.is_local:
                self.recall(selection)
            rows = self.index.read_uninspected(selection)
            self._raise_broken(rows)
            if rows.num_rows:
                self._look_into(rows, fetches_whole)
                self._raise_broken(rows)

    def sample(self, selection: FileSelection, most: int) -> FileSample | None:
        """Look into a sample of about `most` of these files. None when all of them were looked into: before,
        or because there was no more to read than that.

        Nothing is read for a sample that is known already, so the same question gets the same answer.
        """
        with self._lock:
            if not self._reader.is_local:
                self.recall(selection)
            unknown = self.index.are_unknown(selection)
            if not unknown.any():
                return None
            sample = self.index.sample(selection, most)
            if not unknown[sample.drawn].any() or int(unknown.sum()) > most:
                self.inspect(self.index.take(self.index.number(selection.ids)[sample.drawn]))
                return sample
            self.inspect(selection)
            return None

    def _load(self) -> None:
        """Learn the schema from some files, unless it is known of a remote table."""
        if not self._reader.is_local:
            self.recall(self.index.all)
        unread = take_readable(self.index.read_uninspected(self.index.all))
        if unread.num_rows and (self._reader.is_local or not self.known.schemas):
            self._look_into(take_spread(unread, self._sample_limit()), fetches_whole=False)
            if self._broken and not self.known.schemas:
                raise next(iter(self._broken.values()))

    def _sample_limit(self) -> int:
        return LOCAL_SAMPLES if self._reader.is_local else REMOTE_SAMPLES

    def _raise_broken(self, rows: pa.Table) -> None:
        for file_id in rows.column("file_id").to_pylist():
            if file_id in self._broken:
                raise self._broken[file_id]

    def _look_into(self, rows: pa.Table, fetches_whole: bool) -> None:
        """Look into these files; a broken one is remembered, and fails the queries that need it."""
        file_format = FORMATS[self.files.format]
        sources = stored_files(rows, self._reader)
        options = self.files.options
        if file_format.has_footers:
            options = replace(options, extra={**options.extra, "tail": self.known.tail, "keys": self._keys})
        if isinstance(self._reader, CachingStore):
            self._reader.look_up((source.key, source.etag) for source in sources)
            sizes = (source.size for source in sources if source.size <= WHOLE_OBJECT_BYTES)
            fetches_whole = fetches_whole and self._reader.holds(sum(sizes))
        facts: list[tuple[int, FileFacts]] = []
        results = inspect_files(
            file_format,
            sources,
            options,
            self._reader,
            WHOLE_OBJECT_BYTES if fetches_whole else 0,
            self._report,
        )
        for file_id, source, result in zip(rows.column("file_id").to_pylist(), sources, results, strict=True):
            if isinstance(result, LakeqError):
                self._broken[file_id] = result
            else:
                facts.append((file_id, result))
                self.known.schemas.setdefault(result.schema, source.path)
        self.known.learn_tail(fact for _, fact in facts)
        self.index.add_facts(facts)

    def _settle(self) -> Table:
        """Freeze the table's schema from the files seen so far."""
        files, index = self.files, self.index
        columns, mixtures = self.known.settle()
        evidence = [*files.evidence, *mixtures]
        if index.inspected < index.count:
            evidence.append(f"schema from {index.inspected:,} of {index.count:,} files")
        evidence += [f"cannot be read: {error}" for error in list(self._broken.values())[:5]]
        keys = {column.name.casefold() for column in files.partition_columns}
        index.groups.settle_types([column for column in columns if column.name.casefold() not in keys])
        is_complete = self.is_whole and index.inspected == index.count > 0
        table = make_table(self.known, files, columns, tuple(evidence), self.listed_at, is_complete)
        return replace(table, inventory_at=self.inventory_at)


def make_table(
    known: KnownTable,
    files: TableFiles,
    columns: tuple[Column, ...],
    evidence: tuple[str, ...],
    listed_at: float | None = None,
    is_complete: bool = False,
    problem: LakeqError | None = None,
) -> Table:
    """The Table of some files. `is_complete`: all of them were looked into. ConfigError when the `time` that
    was declared does not fit it."""
    totals, time = known.totals, known.definition.time if known.definition is not None else None
    if time is not None and problem is None:
        check_mapping(time, files.name, columns, files.partition_columns, is_complete)
    return Table(
        name=files.name,
        location=files.location,
        store_root=files.store_root,
        format=files.format,
        layout=files.layout,
        columns=columns,
        partition_columns=files.partition_columns,
        files_total=None if totals is None else totals.files,
        partitions_total=None if totals is None else totals.partitions,
        bytes_total=None if totals is None else totals.bytes,
        options=files.options,
        evidence=evidence,
        ignored=files.ignored,
        problem=problem,
        listed_at=listed_at,
        time=time,
    )
