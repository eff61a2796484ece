"""The catalog of one lake: which tables it has, and of each what a question needs, as fresh as it is to be.

A folder on this machine is listed whole, once. Of a bucket the tables are sketched from a few listings, and a
question lists the prefixes that it may want. What was listed and learned is kept between runs.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lakeq.catalog import known_objects
from lakeq.catalog.changes import NO_CHANGES, TableChanges, compare_objects
from lakeq.catalog.database import closed_lake, open_index_database
from lakeq.catalog.definitions import LakeDefinition, TableDefinition
from lakeq.catalog.entries import Counted, TableEntries
from lakeq.catalog.entry import REMOTE_SAMPLES, KnownTable, TableEntry
from lakeq.catalog.facts_store import FactStore
from lakeq.catalog.freshness import Freshness
from lakeq.catalog.inventory_refresh import InventoryTaken, refresh_from_inventory
from lakeq.catalog.known_objects import KnownObjects, place_range
from lakeq.catalog.lake_stores import LakeStores
from lakeq.catalog.lake_tables import LakeTables
from lakeq.catalog.listings import Listings
from lakeq.catalog.objects import take_readable, take_spread
from lakeq.catalog.prefixes import PrefixFilter
from lakeq.catalog.saved import CatalogFolder
from lakeq.catalog.table import IgnoredObjects
from lakeq.catalog.view import CatalogView
from lakeq.errors import ConfigError, LakeqError
from lakeq.formats.parquet_keys import ParquetKeys
from lakeq.storage.base import LISTING_SCHEMA, Store
from lakeq.storage.forks import check_process
from lakeq.storage.progress import Reporter
from lakeq.storage.workers import begin


class Catalog:
    """The tables of one lake. Thread-safe. Ask it through a `view`.

    `definition` says where the lake lies and what was declared about it; `folder` is where remote lakes are
    remembered (None: nowhere); `wrap` gives what the files of a store are read through; `keys` open encrypted
    Parquet.
    """

    def __init__(
        self,
        definition: LakeDefinition,
        freshness: Freshness | None = None,
        folder: Path | None = None,
        wrap: Callable[[Store], Store] = lambda store: store,
        report: Reporter | None = None,
        clock: Callable[[], float] = time.time,
        keys: ParquetKeys | None = None,
    ) -> None:
        opened = begin(open_index_database)
        self._inventory = definition.inventory
        self._freshness = freshness or Freshness()
        self._clock = clock
        self._closed = False
        self._process = os.getpid()
        # One for all parts: which tables there are, what was listed and what is kept of it change together.
        self._lock = lock = threading.RLock()
        self._report = report = report or Reporter()
        self._stores = LakeStores(definition.location, definition.storage, wrap, report, clock, lock)
        facts = FactStore(folder and folder / "facts")
        self._entries = TableEntries(self._stores, opened, facts, report, clock, lock, keys)
        saved = CatalogFolder(folder and folder / "listings")
        self._tables = LakeTables(
            definition, self._stores, self._entries, saved, self._freshness, clock, lock
        )

    @property
    def root(self) -> Store:
        """The lake's own store."""
        return self._stores.root

    def view(self, any_age: bool = False) -> CatalogView:
        """The catalog as a question asked now sees it; one for which listings of `any_age` do, lists what
        never was."""
        self._check()
        since = self._freshness.since(self._clock())
        return CatalogView(self, min(since, 0.0) if any_age else since)

    def store(self, root: str) -> Store:
        """What the files of the store with this root are read through, as `Table.store_root` names it."""
        return self._stores.reader(root)

    @property
    def is_ours(self) -> bool:
        """Whether this process has opened it, and not one from which it was forked."""
        return os.getpid() == self._process

    def _check(self) -> None:
        check_process(self._process, f"The lake at '{self.root.root}'")
        if self._closed:
            raise closed_lake()

    def close(self, saves: bool = True) -> None:
        """Free the index, and keep what was learned unless told not to. The catalog is of no use then."""
        with self._lock:
            if not self._closed and saves:
                self.save()
            self._closed = True
            self._entries.close()
            self._stores.close()

    def save(self) -> None:
        """Keep for later runs what was listed and learned of the lake's own store."""
        self._tables.save()

    def forget(self) -> None:
        """Forget which tables there are; the next question lists anew."""
        self._tables.forget()

    def refresh(self, name: str | None = None, inventory: str | None = None) -> tuple[TableChanges, ...]:
        """List the lake, or its table of this name (any case), whole; what changed. Of a store that is listed
        at the next question nothing is told.

        From an S3 Inventory, if one is named or declared, and a listing of what is newer.
        """
        self._check()
        with self._lock:
            listings = self._tables.listings()
            if listings is None:
                if inventory is not None:
                    raise ConfigError(
                        f"'{self.root.root}' is listed at once: an inventory has no use for it."
                    )
                self.forget()
                return ()
            before = listings.known.snapshot()
            since, taken, location = self._clock(), None, inventory or self._inventory
            if location is not None:
                how = (listings, self._tables, self._stores, self._report, self._clock)
                taken = refresh_from_inventory(location, *how)
                since = taken.at
            elif name is None:
                self._tables.list_anew(since)
            tables = self.known_tables(since)
            named = tables.values() if name is None else [tables[n] for n in [name.casefold()] if n in tables]
            chosen = [known for known in named if known.files.problem is None]
            changes = [self._refresh_table(known, listings, before, since) for known in chosen]
            if taken is not None:
                changes = [_tell_inventory(c, k, taken) for c, k in zip(changes, chosen, strict=True)]
            self.save()
            return tuple(changes)

    def _refresh_table(
        self, known: KnownTable, listings: Listings, before: KnownObjects, since: float
    ) -> TableChanges:
        if self.is_large(known):
            known.totals = totals = self.count_large(known).totals
            nothing = (NO_CHANGES, NO_CHANGES, NO_CHANGES, ())
            return TableChanges(known.files.name, totals.files, totals.bytes, *nothing, False, False)
        entry = self.make_entry(known, (), since)
        place, files = place_range(known.place), entry.files.files
        if not known.schemas:
            rows = take_spread(take_readable(files), REMOTE_SAMPLES)
            some = self._entries.keep(known, replace(entry.files, files=rows), False, None, rows)
            with suppress(LakeqError):  # files that cannot be read are told when a query wants them
                _ = some.table
        known.totals = entry.count()
        found = listings.slice(place) if known.store is self.root else files
        was_known = known.store is self.root and before.age_of(place) is not None
        was_known = was_known and before.count(place) <= known_objects.MOST_OBJECTS
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
        self._check()
        self._tables.declare(definition)

    @property
    def definitions(self) -> tuple[TableDefinition, ...]:
        """What was declared of tables."""
        return self._tables.definitions

    def definition(self, name: str) -> TableDefinition | None:
        """What was declared of the table of this name, any case."""
        return self._tables.definition(name)

    def lists_parts(self) -> bool:
        """Whether parts of the lake's own store can be listed by themselves."""
        return self._stores.lists_parts

    def known_tables(self, since: float) -> dict[str, KnownTable]:
        """The tables by folded name. Which there are may have been found out before `since`."""
        return self._tables.find(since)

    def recall_tables(self) -> tuple[KnownTable, ...]:
        """The tables known by now, in no order. Lists nothing, and waits for nobody who does."""
        return self._tables.known

    def list_whole(self, since: float) -> tuple[IgnoredObjects, ...]:
        """Have everything below the root listed since then, and settle anew which tables there are; the
        objects that are in none of them and no data."""
        return self._tables.list_whole(since)

    def make_entry(self, known: KnownTable, filters: Sequence[PrefixFilter], since: float) -> TableEntry:
        """The files of a table that any of `filters` may want, as listed since then; all without filters."""
        return self._entries.make(known, filters, since)

    def is_large(self, known: KnownTable) -> bool:
        """Whether a table has more files than are to be in memory."""
        return self._entries.is_large(known)

    def count_large(self, known: KnownTable) -> Counted:
        """How many files such a table has, by what is known."""
        return self._entries.count_large(known)

    def sample_entry(self, known: KnownTable, since: float) -> TableEntry:
        """Some files of a table, from which its schema is told first."""
        return self._entries.sample(known, since)


def _tell_inventory(changes: TableChanges, known: KnownTable, taken: InventoryTaken) -> TableChanges:
    """The changes of a table with the inventory that it is known from, and what of it was listed since."""
    listed = tuple(folder for folder in taken.newest.folders if folder.startswith(known.place))
    return replace(changes, inventory=taken.manifest, inventory_at=taken.at, listed=listed, lacks=taken.lacks)
