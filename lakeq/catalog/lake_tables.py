"""LakeTables: which tables a lake has: declared, remembered of earlier runs, or found in listings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import RLock

import pyarrow as pa

from lakeq.catalog.definitions import LakeDefinition, TableDefinition
from lakeq.catalog.discovery import discover_lake, discover_table, find_inside
from lakeq.catalog.entries import TableEntries
from lakeq.catalog.entry import KnownTable
from lakeq.catalog.freshness import Freshness
from lakeq.catalog.inventory_index import open_newest
from lakeq.catalog.known_objects import folder_range
from lakeq.catalog.lake_stores import LakeStores
from lakeq.catalog.listings import Listings
from lakeq.catalog.objects import sort_listing
from lakeq.catalog.prefixes import PAGE_OBJECTS, Density, list_all, measure_density
from lakeq.catalog.saved import CatalogFolder, SavedTable, Version
from lakeq.catalog.sketch import SketchedTable, sketch_lake
from lakeq.catalog.table import IgnoredObjects, TableFiles
from lakeq.storage.base import Store

_DEEPEST = 8
"""Levels of folders of which the density is measured in a sample."""


class LakeTables:
    """Which tables one lake has, found out at the first question.

    `saved` is where what is known of the lake's own store is kept between runs; `lock` is the one of the
    catalog.
    """

    def __init__(
        self,
        definition: LakeDefinition,
        stores: LakeStores,
        entries: TableEntries,
        saved: CatalogFolder,
        freshness: Freshness,
        clock: Callable[[], float],
        lock: RLock,
    ) -> None:
        self._definition = definition
        self._stores = stores
        self._root = stores.root
        self._entries = entries
        self._saved = saved
        self._freshness = freshness
        self._clock = clock
        self._lock = lock
        self._tables: dict[str, KnownTable] | None = None
        self._ignored: tuple[IgnoredObjects, ...] = ()
        self._whole: tuple[float, pa.Table] | None = None
        self._has_recalled = False
        self._saved_changes = 0
        self._version: Version | None = None

    @property
    def definitions(self) -> tuple[TableDefinition, ...]:
        """What was declared of tables."""
        return self._definition.tables

    @property
    def known(self) -> tuple[KnownTable, ...]:
        """The tables found by now; none before a question was asked."""
        return tuple((self._tables or {}).values())

    def definition(self, name: str) -> TableDefinition | None:
        """What was declared of the table of this name, any case."""
        return next((t for t in self.definitions if t.name.casefold() == name.casefold()), None)

    def declare(self, definition: TableDefinition) -> None:
        """Declare one more table; it replaces one of the same name, and what was found at its location."""
        with self._lock:
            others = [t for t in self.definitions if t.name.casefold() != definition.name.casefold()]
            self._definition = replace(self._definition, tables=(*others, definition))
            self.forget()

    def forget(self) -> None:
        """Forget which tables there are; the next question lists anew."""
        with self._lock:
            self._tables = self._whole = None

    def find(self, since: float) -> dict[str, KnownTable]:
        """The tables by folded name. Which there are may have been found out before `since`."""
        with self._lock:
            listings = self.listings()
            if listings is None:
                if self._tables is None:
                    self._discover(self._root.list(), since)
            elif self._tables is None or _is_small(listings):
                self._find_in(listings, since)
            assert self._tables is not None
            return self._tables

    def list_whole(self, since: float) -> tuple[IgnoredObjects, ...]:
        """Have everything below the root listed since then, and settle anew which tables there are; the
        objects that are in none of them and no data."""
        with self._lock:
            listings = self.listings()
            if listings is None:
                self.find(since)
            elif listings.is_large(folder_range("")):
                self.find(since)  # its tables are told by its folders; what is in none of them, by nothing
            elif self._whole is None or self._whole[0] < since:
                page, is_whole = listings.first_page("", since)
                if not is_whole:
                    page = list_all(listings, measure_density(page, "", _DEEPEST), since)
                self._discover_changed(page, since)
                age = listings.age_of(folder_range(""))
                self._whole = (self._clock() if age is None else age, page)
            return self._ignored

    def list_anew(self, since: float) -> None:
        """As `list_whole`, however young the last whole listing is."""
        with self._lock:
            self._whole = None
            self.list_whole(since)

    def listings(self) -> Listings | None:
        """The listings of the lake's own store, with what earlier runs knew; None where parts of it cannot
        be listed."""
        with self._lock:
            listings = self._stores.listings(self._root)
            if listings is not None and not self._has_recalled:
                saved = self._saved.load(self._key())
                self._has_recalled = True
                listings.known, self._version = saved.known, saved.version
                listings.known.large = open_newest(self.large_folder)
                if saved.tables is not None:
                    self._tables = self._recall(saved.tables)
            return listings

    def save(self) -> None:
        """Keep for later runs what was listed of the lake's own store, and learned of the tables."""
        with self._lock:
            tables = list((self._tables or {}).values())
            for known in tables:
                for _, entry in known.recent:
                    entry.remember()
            listings = self._stores.listings(self._root)
            if listings is None or len(listings.changed) == self._saved_changes:
                return
            inside = [known for known in tables if known.store is self._root]
            is_sound = bool(inside) and all(known.files.problem is None for known in inside)
            saved = [SavedTable.of(known) for known in inside] if is_sound else None
            changes = listings.changed[self._saved_changes :]
            self._version = self._saved.save(self._key(), changes, listings.known, saved, self._version)
            self._saved_changes = len(listings.changed)

    @property
    def large_folder(self) -> Path | None:
        """Where what an inventory tells of the lake's own store is kept, if it is large. It depends on
        nothing that is declared of tables."""
        return self._saved.large(repr((self._root.root, self._definition.storage.get("endpoint_url"))))

    def _key(self) -> str:
        declared = [
            (t.name, t.location, t.layout, t.format, t.options, sorted(map(str, t.partition_types.items())))
            for t in sorted(self.definitions, key=lambda t: t.name)
        ]
        return repr((self._root.root, self._definition.storage.get("endpoint_url"), declared))

    def _recall(self, tables: Sequence[SavedTable]) -> dict[str, KnownTable]:
        definitions = {definition.name: definition for definition in self.definitions}
        known = {}
        for saved in tables:
            table = saved.recall(self._root, definitions.get(saved.files.name))
            self._entries.recall_schemas(table)
            known[table.files.name.casefold()] = table
        return known | self._find_elsewhere(self._freshness.since(self._clock()))

    def _find_in(self, listings: Listings, since: float) -> None:
        """Settle which tables there are from as few listings as tell."""
        page, is_whole = listings.first_page("", since)
        if is_whole:
            self._discover_changed(page, since)
            return
        both = listings.second_page(page, since)
        if both is not None:
            self._discover(both, since)
            return
        sketched = sketch_lake(listings, page, self.definitions, since)
        if sketched is None:
            self._discover(list_all(listings, measure_density(page, "", _DEEPEST), since), since)
            return
        known = {table.files.name.casefold(): _know_sketched(table, self._root) for table in sketched}
        self._tables = known | self._find_elsewhere(since)

    def _discover_changed(self, listing: pa.Table, since: float) -> None:
        """As `_discover`, unless that was done from the same listing."""
        if self._tables is None or self._whole is None or not self._whole[1].equals(listing):
            self._discover(listing, since)

    def _discover(self, listing: pa.Table, since: float) -> None:
        """Settle which tables there are from everything below the root."""
        lake = discover_lake(sort_listing(listing), self._root, self.definitions, self._entries.keys)
        before = self._tables or {}
        definitions = {definition.name: definition for definition in self.definitions}
        listings = self._stores.listings(self._root)
        age = None if listings is None else listings.age_of(folder_range(""))
        at = None if listings is None else self._clock() if age is None else age
        known: dict[str, KnownTable] = {}
        for files in lake.tables:
            name = files.name.casefold()
            place = _find_place(files, self._root)
            table = KnownTable(files, self._root, place, definitions.get(files.name), files.evidence[:-1])
            old = before.get(name)
            if old is not None and old.files.location == files.location:
                table.schemas, table.tail, table.totals = old.schemas, old.tail, old.totals
            if files.problem is None:
                self._entries.recall_schemas(table)
                self._entries.keep(table, files, True, at, files.files.select(range(5)))
            known[name] = table
        self._tables = known | self._find_elsewhere(since)
        self._ignored = lake.ignored
        if at is not None:
            self._whole = (at, listing)

    def _find_elsewhere(self, since: float) -> dict[str, KnownTable]:
        """The declared tables that lie elsewhere than below the root."""
        known = {}
        for definition in self.definitions:
            if find_inside(definition.location, self._root.root) is not None:
                continue
            store = self._stores.open(definition.location)
            listings = self._stores.listings(store)
            page, is_whole = (store.list(), True) if listings is None else listings.first_page("", since)
            files = discover_table(page, store, definition)
            table = KnownTable(files, store, "", definition, files.evidence[:-1])
            if not is_whole:
                table.density = measure_density(page, "", _DEEPEST)
            elif files.problem is None:
                self._entries.keep(table, files, True, self._clock(), files.files.select(range(5)))
            known[definition.name.casefold()] = table
        return known


def _is_small(listings: Listings) -> bool:
    """Whether one request lists the whole lake."""
    count = listings.count(folder_range(""))
    return count is not None and count < PAGE_OBJECTS


def _know_sketched(table: SketchedTable, root: Store) -> KnownTable:
    files = table.files
    density = Density() if table.is_whole else measure_density(files.files, table.place, _DEEPEST)
    return KnownTable(files, root, table.place, table.definition, files.evidence[:-1], density=density)


def _find_place(files: TableFiles, root: Store) -> str:
    """The folder of a table below the root, or its one file."""
    inside = find_inside(files.location, root.root) or ""
    is_file = files.files.num_rows == 1 and files.files["path"][0].as_py() == inside
    return inside if is_file or not inside else f"{inside}/"
