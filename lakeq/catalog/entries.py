"""TableEntries: of each table the files that a question may want, as fresh as it is to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from threading import RLock

import pyarrow as pa

from lakeq.catalog.database import Database, match_rows
from lakeq.catalog.discovery import build_table
from lakeq.catalog.entry import REMOTE_SAMPLES, KnownTable, TableEntry
from lakeq.catalog.facts_store import FactStore
from lakeq.catalog.grouping import TableGroup
from lakeq.catalog.index import FileIndex
from lakeq.catalog.known_objects import KeyRange, check_count, covers, place_range
from lakeq.catalog.lake_stores import LakeStores
from lakeq.catalog.layout import template_segments
from lakeq.catalog.listings import Listings, is_young
from lakeq.catalog.objects import (
    all_archived,
    judge_objects,
    settle_formats,
    take_readable,
    take_spread,
    unite_listings,
)
from lakeq.catalog.prefixes import PrefixFilter, PrefixWalk, is_hidden
from lakeq.catalog.table import TableFiles, Totals
from lakeq.formats.parquet_keys import ParquetKeys
from lakeq.storage.base import LISTING_SCHEMA
from lakeq.storage.progress import Reporter

_RECENT = 4
"""Sets of listed files of a table that are kept, so that the same question need not index them again."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A table as it was counted: the totals, when the oldest of the listings in use was made, and the moment
    of the inventory among them."""

    totals: Totals
    listed_at: float | None
    inventory_at: float | None


class TableEntries:
    """The entries of a lake's tables: made when a question wants files that are in none of the last ones.

    `opened` gives the database that holds their indexes; `facts` is what earlier runs learned of files;
    `lock` is the one of the catalog; `keys` open encrypted Parquet.
    """

    def __init__(
        self,
        stores: LakeStores,
        opened: Future[Database],
        facts: FactStore,
        report: Reporter,
        clock: Callable[[], float],
        lock: RLock,
        keys: ParquetKeys | None = None,
    ) -> None:
        self._stores = stores
        self._facts = facts
        self._report = report
        self._clock = clock
        self._lock = lock
        self._opened = opened
        self._generation = 0
        self.keys = keys

    @property
    def _database(self) -> Database:
        return self._opened.result()

    def close(self) -> None:
        """Free the indexes of all entries."""
        self._database.close()

    def make(self, known: KnownTable, filters: Sequence[PrefixFilter], since: float) -> TableEntry:
        """The files of a table that any of `filters` may want, as listed since then; all without filters."""
        listings = self._stores.listings(known.store)
        if listings is None:
            return known.recent[-1][1]
        with self._lock:
            whole = [e for _, e in known.recent if e.is_whole and is_young(e.listed_at, since)]
        if whole:  # a question that had to list the whole lake, to find its tables
            return whole[-1]
        ranges, objects = self._list_table(listings, known, filters, since)
        ages = [listings.age_of(part) for part in ranges]
        at = min((age for age in ages if age is not None), default=self._clock())
        inventory_at = _find_inventory(listings, ranges)
        with self._lock:
            for seen, entry in known.recent:
                is_same = seen.num_rows == objects.num_rows and seen.equals(objects)
                if is_same and entry.files.partition_columns == known.files.partition_columns:
                    entry.listed_at, entry.inventory_at = at, inventory_at
                    return entry
        files = self._build_files(known, objects)
        return self.keep(known, files, covers(ranges, place_range(known.place)), at, objects, inventory_at)

    def is_large(self, known: KnownTable) -> bool:
        """Whether a table is known to have more files than are to be in memory."""
        listings = self._stores.listings(known.store)
        return listings is not None and listings.is_large(place_range(known.place))

    def count_large(self, known: KnownTable) -> Counted:
        """How many files a table is known to have, without looking at each."""
        listings = self._stores.listings(known.store)
        assert listings is not None
        place, layout = place_range(known.place), known.files.layout
        levels = len(template_segments(layout.template)) if layout.template else 0
        totals = listings.known.sum_files(place, known.place.count("/") + levels)
        return Counted(totals, listings.age_of(place), listings.inventory_of(place))

    def sample(self, known: KnownTable, since: float) -> TableEntry:
        """Some files of a table, from which its schema is told first."""
        if known.recent:
            return known.recent[-1][1]
        listings = self._stores.listings(known.store)
        if known.files.files.num_rows or listings is None:
            files, objects = known.files, known.files.files.select(LISTING_SCHEMA.names)
            latest = objects if listings is None else _find_readable(listings, known, objects, since)
            if latest is not objects:
                files = self._build_files(known, latest)
            return self.keep(known, files, False, None, latest)
        objects = listings.head(place_range(known.place))
        if not objects.num_rows:
            objects, _ = listings.first_page(known.place, since)
        objects = _find_readable(listings, known, objects, since)
        objects = take_spread(take_readable(objects), REMOTE_SAMPLES)
        return self.keep(known, self._build_files(known, objects), False, None, objects)

    def keep(
        self,
        known: KnownTable,
        files: TableFiles,
        is_whole: bool,
        at: float | None,
        objects: pa.Table,
        inventory_at: float | None = None,
    ) -> TableEntry:
        """The entry of these files of a table, which are `objects` of a listing made then."""
        with self._lock:
            self._generation += 1
            open_index = partial(FileIndex, self._database, f"{self._generation}:{files.name}")
            reader = self._stores.reader(known.store.root)
            how = (open_index, reader, self._facts, self._report, self.keys)
            entry = TableEntry(known, files, is_whole, at, *how)
            listings = self._stores.listings(known.store)
            if is_whole and listings is not None and inventory_at is None:
                inventory_at = listings.inventory_of(place_range(known.place))
            entry.inventory_at = inventory_at
            known.recent = [*known.recent[1 - _RECENT :], (objects, entry)]
            return entry

    def recall_schemas(self, known: KnownTable) -> None:
        """Take from earlier runs which schemas the files of a table have."""
        known.recall_schemas(self._facts.schemas(known.fact_key))

    def _list_table(
        self, listings: Listings, known: KnownTable, filters: Sequence[PrefixFilter], since: float
    ) -> tuple[tuple[KeyRange, ...], pa.Table]:
        """The ranges of a table that matter, and the objects in and between them."""
        if known.place and not known.place.endswith("/"):
            ranges = (place_range(known.place),)
            return ranges, listings.ranges(ranges, since)
        if not filters:
            _check_size(listings, known, [place_range(known.place)])
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
            _check_size(listings, known, expected.ranges)
            if len(recollection.asked) > 1:
                listings.list_ahead(recollection.asked, expected.ranges, since)
        narrowed = PrefixWalk(listings, *how).run(filters)
        _check_size(listings, known, narrowed.ranges)
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


def _find_inventory(listings: Listings, ranges: Sequence[KeyRange]) -> float | None:
    """The moment of the oldest inventory that tells of some of these ranges; None when none does."""
    moments = (listings.inventory_of(part) for part in ranges)
    return min((moment for moment in moments if moment is not None), default=None)


def _check_size(listings: Listings, known: KnownTable, ranges: Sequence[KeyRange]) -> None:
    """Refuse to hold more files than memory is to, as far as it is known how many there are."""
    count = sum(listings.count(part) or 0 for part in ranges)
    keys = ", ".join(column.name for column in known.files.partition_columns)
    check_count(count, f"Files of table {known.files.name!r}{f' (by {keys})' if keys else ''} to be planned")


def _find_readable(listings: Listings, known: KnownTable, objects: pa.Table, since: float) -> pa.Table:
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
