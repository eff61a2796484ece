"""Listings: what is known of the objects of a store, which part of it was listed, and when.

Questions name how old an answer may be. What is known and young enough is answered from memory; the rest is
asked of the store and remembered. A part that was never listed is never taken for empty.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from lakeq.catalog import known_objects
from lakeq.catalog.known_objects import KeyRange, KnownObjects, folder_range
from lakeq.errors import CatalogError
from lakeq.storage.base import LISTING_SCHEMA, FolderListing, PrefixStore
from lakeq.storage.progress import Meter, Reporter
from lakeq.storage.workers import wait_for


class Listings:
    """The listings of one store, asked for when they are not known or too old. Thread-safe.

    `never_list` answers from what is known alone, whatever its age.
    """

    def __init__(
        self,
        store: PrefixStore,
        known: KnownObjects | None = None,
        clock: Callable[[], float] = time.time,
        report: Reporter | None = None,
    ) -> None:
        self.store = store
        self.known = known or KnownObjects()
        self.changed: list[Callable[[KnownObjects], None]] = []
        self._clock = clock
        self._report = report or Reporter()
        self._lock = threading.RLock()

    def folders(self, names: Sequence[str], since: float) -> list[FolderListing]:
        """What lies directly in each of these folders, as of `since` or later."""
        answers = {name: self.known_folder(name, since) for name in names}
        missing = [name for name, known in answers.items() if known is None]
        self._refuse_listing(missing, since)
        asked = self._clock()
        for name, found in zip(missing, self._ask(self.store.list_folder, missing), strict=True):
            self._remember(partial(KnownObjects.put_folder, name=name, found=found, at=asked))
            answers[name] = found
        return [answers[name] or FolderListing((), LISTING_SCHEMA.empty_table()) for name in names]

    def ranges(self, asked: Sequence[KeyRange], since: float) -> pa.Table:
        """The objects of these ranges (sorted, none overlapping another), as of `since` or later."""
        with self._lock:
            missing = [part for part in asked if not is_young(self.known.age_of(part), since)]
        self._refuse_listing([part.start for part in missing], since)
        now = self._clock()
        meter = self._report.start("listing")
        found_parts = self._ask(partial(self._list_range, meter), missing)
        for run in _join_found(missing, found_parts):
            self._remember(partial(KnownObjects.put_range, asked=run[0], found=run[1], at=now))
        with self._lock:
            parts = [self.known.slice(part) for part in asked]
        parts = [part for part in parts if part.num_rows]
        return pa.concat_tables(parts) if parts else LISTING_SCHEMA.empty_table()

    def first_page(self, folder: str, since: float) -> tuple[pa.Table, bool]:
        """The first objects below a folder, and whether they are all; then the whole folder is known."""
        asked = folder_range(folder)
        if is_young(self.age_of(asked), since):
            if self.is_large(asked):
                return self.head(asked), False
            return self.slice(asked), True
        self._refuse_listing([folder], since)
        now = self._clock()
        ((page, is_whole),) = self._ask(self.store.list_page, [folder])
        if is_whole:
            self._remember(partial(KnownObjects.put_range, asked=asked, found=page, at=now))
        return page, is_whole

    def second_page(self, first: pa.Table, since: float) -> pa.Table | None:
        """All objects of the store when one page more than `first` is all there is, else None. The root
        folder is listed in the same time, which is what is to be known then."""
        if is_young(self.age_of(folder_range("")), since):
            return None
        now = self._clock()
        after = first.column("path")[-1].as_py()
        more = self.store.workers.submit(partial(self.store.list_page, "", after))
        self.folders([""], since)
        wait_for([more])
        page, is_whole = more.result()
        if not is_whole:
            return None
        found = pa.concat_tables([first, page]).combine_chunks()
        self._remember(partial(KnownObjects.put_range, asked=folder_range(""), found=found, at=now))
        return found

    def list_ahead(self, names: Sequence[str], asked: Sequence[KeyRange], since: float) -> None:
        """List these folders and ranges in one go, those that are not young enough."""
        if since == NEVER_LIST:
            return
        with self._lock:
            names = [name for name in names if self.known_folder(name, since) is None]
            asked = [part for part in asked if not is_young(self.known.age_of(part), since)]
        now = self._clock()
        folders = [self.store.workers.submit(partial(self.store.list_folder, name)) for name in names]
        ranges = [
            self.store.workers.submit(partial(self._list_range, self._report.start("listing"), part))
            for part in asked
        ]
        wait_for([*folders, *ranges])
        for name, listed in zip(names, folders, strict=True):
            self._remember(partial(KnownObjects.put_folder, name=name, found=listed.result(), at=now))
        for part, found in zip(asked, ranges, strict=True):
            self._remember(partial(KnownObjects.put_range, asked=part, found=found.result(), at=now))

    def age_of(self, asked: KeyRange) -> float | None:
        """When the oldest part of a range was listed; None when some of it never was."""
        with self._lock:
            return self.known.age_of(asked)

    def count(self, asked: KeyRange) -> int | None:
        """How many objects a range was known to hold, however long ago; None when it was never listed."""
        with self._lock:
            return None if self.known.age_of(asked) is None else self.known.count(asked)

    def is_large(self, asked: KeyRange) -> bool:
        """Whether a range is known to hold more objects than are to be in memory."""
        count = self.count(asked)
        return count is not None and count > known_objects.MOST_OBJECTS

    def inventory_of(self, asked: KeyRange) -> float | None:
        """See KnownObjects.inventory_of."""
        with self._lock:
            return self.known.inventory_of(asked)

    def head(self, asked: KeyRange, count: int = 1_000) -> pa.Table:
        """The first objects that are known of a range."""
        with self._lock:
            return self.known.head(asked, count)

    def slice(self, asked: KeyRange) -> pa.Table:
        """The objects that are known of a range, listed whole or not."""
        with self._lock:
            return self.known.slice(asked)

    def remember(self, change: Callable[[KnownObjects], None]) -> None:
        """Make a change to what is known, which is kept for later runs."""
        self._remember(change)

    def recollect(self) -> Recollection:
        """What is known, whatever its age."""
        return Recollection(self)

    def known_folder(self, name: str, since: float) -> FolderListing | None:
        """What is known to lie directly in a folder, if that was listed since then."""
        with self._lock:
            if is_young(self.known.age_of(folder_range(name)), since):
                return self.known.folder(name)
            listed = self.known.folders.get(name)
            return listed.folder if listed is not None and listed.at >= since else None

    def _list_range(self, meter: Meter, part: KeyRange) -> pa.Table:
        if part == folder_range(part.folder):
            found = self.store.list(part.folder)
        else:
            found = self.store.list_range(part.folder, part.start, part.stop)
        meter.advance(found.num_rows)
        return found

    def _ask(self, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        return self.store.workers.map(work, items)

    def _refuse_listing(self, missing: Iterable[str], since: float) -> None:
        place = next(iter(missing), None)
        if place is not None and since == NEVER_LIST:
            raise CatalogError(
                f"Nothing is known of '{self.store.url(place)}', and freshness 'index' does not list. "
                "Run `lakeq refresh` once, or choose another freshness."
            )

    def _remember(self, change: Callable[[KnownObjects], None]) -> None:
        with self._lock:
            change(self.known)
            self.changed.append(change)


class Recollection:
    """Answers as Listings do, from what is known alone and as if it were of now. `asked` are the folders
    that were asked for."""

    def __init__(self, listings: Listings) -> None:
        self._listings = listings
        self.asked: list[str] = []

    def folders(self, names: Sequence[str], since: float) -> list[FolderListing]:
        """What is known to lie directly in each of these folders."""
        self.asked += names
        nothing = FolderListing((), LISTING_SCHEMA.empty_table())
        return [self._listings.known_folder(name, NEVER_LIST) or nothing for name in names]

    def count(self, asked: KeyRange) -> int | None:
        """See Listings.count."""
        return self._listings.count(asked)

    def age_of(self, asked: KeyRange) -> float:
        """Now: nothing is too old to be recalled."""
        return float("inf")


NEVER_LIST = float("-inf")
"""As `since`: whatever is known is young enough, and what is not known is an error."""


def _join_found(asked: Sequence[KeyRange], found: Sequence[pa.Table]) -> list[tuple[KeyRange, pa.Table]]:
    """Ranges that touch as one, with all that was found there."""
    runs: list[tuple[KeyRange, list[pa.Table]]] = []
    for part, objects in zip(asked, found, strict=True):
        if runs and runs[-1][0].stop == part.start:
            runs[-1] = (KeyRange(runs[-1][0].start, part.stop), [*runs[-1][1], objects])
        else:
            runs.append((part, [objects]))
    return [(part, pa.concat_tables(objects).combine_chunks()) for part, objects in runs]


def is_young(at: float | None, since: float) -> bool:
    """Whether something that was listed then (None: never) is recent enough."""
    return at is not None and at >= since
