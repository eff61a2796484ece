"""The catalog of one lake: which tables it has, and of each what a question needs, as fresh as it is to be.

A folder on this machine is listed whole, once. Of a bucket the tables are sketched from a few listings, and a
question lists the prefixes that it may want. What was listed and learned is kept between runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from lakeq.catalog.changes import TableChanges, compare_objects
from lakeq.catalog.database import Database, match_rows, open_index_database
from lakeq.catalog.definitions import LakeDefinition, TableDefinition
from lakeq.catalog.discovery import build_table, discover_lake, discover_table, find_inside
from lakeq.catalog.entry import REMOTE_SAMPLES, KnownTable, TableEntry
from lakeq.catalog.facts_store import FactStore
from lakeq.catalog.freshness import Freshness
from lakeq.catalog.grouping import TableGroup
from lakeq.catalog.index import FileIndex
from lakeq.catalog.listings import (
    KeyRange,
    KnownObjects,
    Listings,
    covers,
    folder_range,
    is_young,
    place_range,
)
from lakeq.catalog.objects import (
    all_archived,
    judge_objects,
    settle_formats,
    sort_listing,
    take_readable,
    take_spread,
    unite_listings,
)
from lakeq.catalog.prefixes import (
    PAGE_OBJECTS,
    Density,
    PrefixFilter,
    PrefixWalk,
    is_hidden,
    list_all,
    measure_density,
)
from lakeq.catalog.saved import CatalogFolder, SavedTable, Version
from lakeq.catalog.sketch import sketch_lake
from lakeq.catalog.table import IgnoredObjects, TableFiles
from lakeq.catalog.view import CatalogView
from lakeq.errors import CatalogError, LakeqError
from lakeq.storage.base import LISTING_SCHEMA, PrefixStore, Store
from lakeq.storage.progress import Reporter
from lakeq.storage.stores import open_store
from lakeq.storage.workers import begin

_RECENT = 4
"""Sets of listed files of a table that are kept, so that the same question need not index them again."""
_DEEPEST = 8
"""Levels of folders of which the density is measured in a sample."""


class Catalog:
    """The tables of one lake. Thread-safe. Ask it through a `view`.

    `definition` says where the lake lies and what was declared about it; `folder` is where remote lakes are
    remembered (None: nowhere); `wrap` gives what the files of a store are read through.
    """

    def __init__(
        self,
        definition: LakeDefinition,
        freshness: Freshness | None = None,
        folder: Path | None = None,
        wrap: Callable[[Store], Store] = lambda store: store,
        report: Reporter | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._definition = definition
        self._freshness = freshness or Freshness()
        self._facts = FactStore(folder and folder / "facts")
        self._saved = CatalogFolder(folder and folder / "listings")
        self._report = report or Reporter()
        self._clock = clock
        self._opened = begin(open_index_database)
        self._lock = threading.RLock()
        self._wrap = wrap
        self._stores: dict[str, Store] = {}
        self._readers: dict[str, Store] = {}
        self._listings: dict[str, Listings] = {}
        self._tables: dict[str, KnownTable] | None = None
        self._ignored: tuple[IgnoredObjects, ...] = ()
        self._whole: tuple[float, pa.Table] | None = None
        self._generation = 0
        self._saved_changes = 0
        self._version: Version | None = None
        self._closed = False
        self.root = self._open(definition.location)

    @property
    def _database(self) -> Database:
        return self._opened.result()

    def view(self) -> CatalogView:
        """The catalog as a question asked now sees it."""
        if self._closed:
            raise CatalogError("This lake is closed. Open it again with lakeq.connect.")
        return CatalogView(self, self._freshness.since(self._clock()))

    def store(self, root: str) -> Store:
        """What the files of the store with this root are read through, as `Table.store_root` names it."""
        return self._readers[root]

    def close(self, saves: bool = True) -> None:
        """Free the index, and keep what was learned unless told not to. The catalog is of no use then."""
        with self._lock:
            if not self._closed and saves:
                self.save()
            self._closed = True
            self._database.close()

    def save(self) -> None:
        """Keep for later runs what was listed and learned of the lake's own store."""
        with self._lock:
            for known in (self._tables or {}).values():
                for _, entry in known.recent:
                    entry.remember()
            listings = self._listings.get(self.root.root)
            if listings is None or len(listings.changed) == self._saved_changes:
                return
            tables = [k for k in (self._tables or {}).values() if k.store is self.root]
            is_sound = bool(tables) and all(known.files.problem is None for known in tables)
            saved = [
                SavedTable(known.files, known.place, known.reasons, known.totals, known.density.objects)
                for known in tables
            ]
            changes = listings.changed[self._saved_changes :]
            self._version = self._saved.save(
                self._key(), changes, listings.known, saved if is_sound else None, self._version
            )
            self._saved_changes = len(listings.changed)

    def forget(self) -> None:
        """Forget which tables there are; the next question lists anew."""
        with self._lock:
            self._tables = self._whole = None

    def refresh(self, name: str | None = None) -> tuple[TableChanges, ...]:
        """List the lake, or its table of this name (any case), whole; what changed. Of a store that is listed
        at the next question nothing is told."""
        with self._lock:
            listings = self._listings_of(self.root)
            if listings is None:
                self.forget()
                return ()
            before = listings.known.snapshot()
            since = self._clock()
            if name is None:
                self._whole = None
                self.list_whole(since)
            tables = self.known_tables(since)
            named = tables.values() if name is None else [tables[n] for n in [name.casefold()] if n in tables]
            chosen = [known for known in named if known.files.problem is None]
            changes = [self._refresh_table(known, before, since) for known in chosen]
            self.save()
            return tuple(changes)

    def _refresh_table(self, known: KnownTable, before: KnownObjects, since: float) -> TableChanges:
        entry = self.make_entry(known, (), since)
        place, files = place_range(known.place), entry.files.files
        if not known.schemas:
            rows = take_spread(take_readable(files), REMOTE_SAMPLES)
            some = self._keep_entry(known, replace(entry.files, files=rows), False, None, rows)
            with suppress(LakeqError):  # files that cannot be read are told when a query wants them
                _ = some.table
        known.totals = entry.count()
        found = self._listings[known.store.root].slice(place) if known.store is self.root else files
        was_known = known.store is self.root and before.age_of(place) is not None
        old = before.slice(place) if was_known else LISTING_SCHEMA.empty_table()
        changes = compare_objects(old, found)
        return TableChanges(
            known.files.name,
            known.totals.files,
            known.totals.bytes,
            *changes,
            entry.files.ignored,
            not was_known,
        )

    def register(self, definition: TableDefinition) -> None:
        """Declare one more table; it replaces one of the same name, and what was found at its location."""
        with self._lock:
            others = [t for t in self._definition.tables if t.name.casefold() != definition.name.casefold()]
            self._definition = replace(self._definition, tables=(*others, definition))
            self.forget()

    @property
    def definitions(self) -> tuple[TableDefinition, ...]:
        """What was declared of tables."""
        return self._definition.tables

    def definition(self, name: str) -> TableDefinition | None:
        """What was declared of the table of this name, any case."""
        named = (t for t in self._definition.tables if t.name.casefold() == name.casefold())
        return next(named, None)

    def lists_parts(self, store: Store | None = None) -> bool:
        """Whether parts of the store (None: the lake's own) can be listed by themselves."""
        return isinstance(store or self.root, PrefixStore)

    def known_tables(self, since: float) -> dict[str, KnownTable]:
        """The tables by folded name. Which there are may have been found out before `since`."""
        with self._lock:
            listings = self._listings_of(self.root)
            if listings is None:
                if self._tables is None:
                    self._discover(self.root.list(), since)
            elif self._tables is None or self._is_small(listings):
                self._find_tables(listings, since)
            assert self._tables is not None
            return self._tables

    def list_whole(self, since: float) -> tuple[IgnoredObjects, ...]:
        """Have everything below the root listed since then, and settle anew which tables there are; the
        objects that are in none of them and no data."""
        with self._lock:
            listings = self._listings_of(self.root)
            if listings is None:
                self.known_tables(since)
            elif self._whole is None or self._whole[0] < since:
                page, is_whole = listings.first_page("", since)
                if not is_whole:
                    page = list_all(listings, measure_density(page, "", _DEEPEST), since)
                if self._tables is None or self._whole is None or not self._whole[1].equals(page):
                    self._discover(page, since)
                self._whole = (self._clock(), page)
            return self._ignored

    def make_entry(self, known: KnownTable, filters: Sequence[PrefixFilter], since: float) -> TableEntry:
        """The files of a table that any of `filters` may want, as listed since then; all without filters."""
        listings = self._listings_of(known.store)
        if listings is None:
            return known.recent[-1][1]
        with self._lock:
            whole = [e for _, e in known.recent if e.is_whole and is_young(e.listed_at, since)]
        if whole:  # a question that had to list the whole lake, to find its tables
            return whole[-1]
        ranges, objects = self._list_table(listings, known, filters, since)
        ages = [listings.age_of(part) for part in ranges]
        at = min((age for age in ages if age is not None), default=self._clock())
        with self._lock:
            for seen, entry in known.recent:
                is_same = seen.num_rows == objects.num_rows and seen.equals(objects)
                if is_same and entry.files.partition_columns == known.files.partition_columns:
                    entry.listed_at = at
                    return entry
        files = self._build_files(known, objects)
        return self._keep_entry(known, files, covers(ranges, known.place), at, objects)

    def sample_entry(self, known: KnownTable, since: float) -> TableEntry:
        """Some files of a table, from which its schema is told first."""
        if known.recent:
            return known.recent[-1][1]
        listings = self._listings_of(known.store)
        if known.files.files.num_rows or listings is None:
            files, objects = known.files, known.files.files.select(LISTING_SCHEMA.names)
            latest = objects if listings is None else self._find_readable(listings, known, objects, since)
            if latest is not objects:
                files = self._build_files(known, latest)
            return self._keep_entry(known, files, False, None, latest)
        place = place_range(known.place)
        objects = listings.slice(place)
        if not objects.num_rows:
            objects, _ = listings.first_page(known.place, since)
        objects = self._find_readable(listings, known, objects, since)
        objects = take_spread(take_readable(objects), REMOTE_SAMPLES)
        return self._keep_entry(known, self._build_files(known, objects), False, None, objects)

    def _find_readable(
        self, listings: Listings, known: KnownTable, objects: pa.Table, since: float
    ) -> pa.Table:
        """The `objects` of a table; if all of them are archived, as the oldest are, some of its last one."""
        place = known.place
        if not all_archived(objects) or not (place.endswith("/") or not place):
            return objects
        while True:
            (found,) = listings.folders([place], since)
            if found.objects.num_rows and not all_archived(found.objects):
                return take_spread(take_readable(found.objects), REMOTE_SAMPLES)
            folders = [name for name in found.folders if not is_hidden(name[len(place) : -1])]
            if not folders:
                return objects
            place = folders[-1]

    def _key(self) -> str:
        declared = [
            (t.name, t.location, t.layout, t.format, t.options, sorted(map(str, t.partition_types.items())))
            for t in sorted(self._definition.tables, key=lambda t: t.name)
        ]
        return repr((self.root.root, self._definition.storage.get("endpoint_url"), declared))

    def _open(self, location: str) -> Store:
        store = open_store(location, **self._definition.storage)
        store = self._stores.setdefault(store.root, store)
        self._readers.setdefault(store.root, self._wrap(store))
        return store

    def _listings_of(self, store: Store) -> Listings | None:
        """The listings of a store of which parts can be listed; None for others."""
        if not isinstance(store, PrefixStore):
            return None
        with self._lock:
            if store.root not in self._listings:
                saved = self._saved.load(self._key()) if store is self.root else None
                self._listings[store.root] = Listings(
                    store, saved.known if saved is not None else None, self._clock, self._report
                )
                self._version = saved.version if saved is not None else self._version
                if saved is not None and saved.tables is not None and self._tables is None:
                    self._tables = self._recall_tables(saved.tables)
            return self._listings[store.root]

    def _recall_tables(self, tables: Sequence[SavedTable]) -> dict[str, KnownTable]:
        definitions = {definition.name: definition for definition in self._definition.tables}
        known = {}
        for saved in tables:
            definition = definitions.get(saved.files.name)
            files = saved.files if definition is None else replace(saved.files, options=definition.options)
            table = KnownTable(files, self.root, saved.place, definition, saved.reasons, totals=saved.totals)
            table.density = Density(saved.density)
            table.recall_schemas(self._facts.schemas(table.fact_key))
            known[files.name.casefold()] = table
        return known | self._know_elsewhere(self._freshness.since(self._clock()))

    def _is_small(self, listings: Listings) -> bool:
        """Whether one request lists the whole lake."""
        count = listings.count(folder_range(""))
        return count is not None and count < PAGE_OBJECTS

    def _find_tables(self, listings: Listings, since: float) -> None:
        page, is_whole = listings.first_page("", since)
        if is_whole:
            if self._tables is None or self._whole is None or not self._whole[1].equals(page):
                self._discover(page, since)
            return
        both = listings.second_page(page, since)
        if both is not None:
            self._discover(both, since)
            return
        sketched = sketch_lake(listings, page, self._definition.tables, since)
        if sketched is None:
            self._discover(list_all(listings, measure_density(page, "", _DEEPEST), since), since)
            return
        known = {}
        for table in sketched:
            sample = table.files.files
            known[table.files.name.casefold()] = KnownTable(
                table.files,
                self.root,
                table.place,
                table.definition,
                table.files.evidence[:-1],
                density=Density() if table.is_whole else measure_density(sample, table.place, _DEEPEST),
            )
        self._tables = known | self._know_elsewhere(since)

    def _discover(self, listing: pa.Table, since: float) -> None:
        """Settle which tables there are from everything below the root."""
        lake = discover_lake(sort_listing(listing), self.root, self._definition.tables)
        before = self._tables or {}
        definitions = {definition.name: definition for definition in self._definition.tables}
        at = self._clock() if self.lists_parts() else None
        known: dict[str, KnownTable] = {}
        for files in lake.tables:
            name = files.name.casefold()
            place = _find_place(files, self.root)
            table = KnownTable(files, self.root, place, definitions.get(files.name), files.evidence[:-1])
            old = before.get(name)
            if old is not None and old.files.location == files.location:
                table.schemas, table.tail, table.totals = old.schemas, old.tail, old.totals
            if files.problem is None:
                table.recall_schemas(self._facts.schemas(table.fact_key))
                self._keep_entry(table, files, True, at, files.files.select(range(5)))
            known[name] = table
        self._tables = known | self._know_elsewhere(since)
        self._ignored = lake.ignored
        if at is not None:
            self._whole = (at, listing)

    def _know_elsewhere(self, since: float) -> dict[str, KnownTable]:
        """The declared tables that lie elsewhere than below the root."""
        known = {}
        for definition in self._definition.tables:
            if find_inside(definition.location, self.root.root) is not None:
                continue
            store = self._open(definition.location)
            listings = self._listings_of(store)
            page, is_whole = (store.list(), True) if listings is None else listings.first_page("", since)
            files = discover_table(page, store, definition)
            table = KnownTable(files, store, "", definition, files.evidence[:-1])
            if not is_whole:
                table.density = measure_density(page, "", _DEEPEST)
            elif files.problem is None:
                self._keep_entry(table, files, True, self._clock(), files.files.select(range(5)))
            known[definition.name.casefold()] = table
        return known

    def _list_table(
        self, listings: Listings, known: KnownTable, filters: Sequence[PrefixFilter], since: float
    ) -> tuple[tuple[KeyRange, ...], pa.Table]:
        """The ranges of a table that matter, and the objects in and between them."""
        if known.place and not known.place.endswith("/"):
            ranges = (place_range(known.place),)
            return ranges, listings.ranges(ranges, since)
        types = [column.type for column in known.files.partition_columns]
        how = (
            partial(match_rows, self._database),
            known.place,
            known.files.layout,
            types,
            known.density,
            since,
        )
        if filters:
            # What led there last time most likely does now: then one round of requests is enough.
            recollection = listings.recollect()
            expected = PrefixWalk(recollection, *how).run(filters)
            if len(recollection.asked) > 1:
                listings.list_ahead(recollection.asked, expected.ranges, since)
        narrowed = PrefixWalk(listings, *how).run(filters)
        objects = listings.ranges(narrowed.ranges, since)
        return narrowed.ranges, unite_listings(objects, narrowed.loose)

    def _build_files(self, known: KnownTable, objects: pa.Table) -> TableFiles:
        """The table's files from its objects; what is new about its keys becomes known."""
        chosen = known.definition.format if known.definition is not None else None
        folder = known.place[: known.place.rfind("/") + 1]
        judged = settle_formats(judge_objects(objects, folder), known.store, chosen)
        group = TableGroup(known.place, known.files.layout, known.reasons)
        keys = known.files.partition_columns
        files = build_table(known.files.name, group, judged, known.store, known.definition, keys)
        if files.problem is not None:
            raise files.problem
        known.files = replace(known.files, partition_columns=files.partition_columns)
        return files if files.format else replace(files, format=known.files.format)

    def _keep_entry(
        self, known: KnownTable, files: TableFiles, is_whole: bool, at: float | None, objects: pa.Table
    ) -> TableEntry:
        with self._lock:
            self._generation += 1
            open_index = partial(FileIndex, self._database, f"{self._generation}:{files.name}")
            reader = self._readers[known.store.root]
            entry = TableEntry(known, files, is_whole, at, open_index, reader, self._facts, self._report)
            known.recent = [*known.recent[1 - _RECENT :], (objects, entry)]
            return entry


def _find_place(files: TableFiles, root: Store) -> str:
    """The folder of a table below the root, or its one file."""
    inside = find_inside(files.location, root.root) or ""
    is_file = files.files.num_rows == 1 and files.files["path"][0].as_py() == inside
    return inside if is_file or not inside else f"{inside}/"
