"""Listings: what is known of the objects of a store, which part of it was listed, and when.

Questions name how old an answer may be. What is known and young enough is answered from memory; the rest is
asked of the store and remembered. A part that was never listed is never taken for empty.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa

from lakeq.errors import CatalogError
from lakeq.storage.base import LISTING_SCHEMA, FolderListing, PrefixStore, split_folder
from lakeq.storage.progress import Meter, Reporter
from lakeq.storage.workers import wait_for

_MOST_CHUNKS = 256
"""More pieces than these slow every look-up down."""

END = "\U0010ffff"
"""Comes after every path."""


@dataclass(frozen=True, slots=True, order=True)
class KeyRange:
    """The paths from `start` on and before `stop`."""

    start: str
    stop: str

    @property
    def folder(self) -> str:
        """The innermost folder that holds the range: "" or ending in `/`."""
        shared = 0
        for left, right in zip(self.start, self.stop, strict=False):
            if left != right:
                break
            shared += 1
        if self.start[shared:] in ("", "/") and self.stop[shared:] == "0":
            return self.start if self.start.endswith("/") else f"{self.start}/"
        return self.start[: self.start.rfind("/", 0, shared) + 1]


def folder_range(folder: str) -> KeyRange:
    """The paths below a folder ("" or ending in `/`)."""
    # "0" follows "/": the first text after every path in the folder.
    return KeyRange(folder, f"{folder[:-1]}0" if folder else END)


def place_range(place: str) -> KeyRange:
    """The paths of a folder ("" or ending in `/`), or of one file."""
    return folder_range(place) if place.endswith("/") or not place else KeyRange(place, f"{place}\0")


def covers(ranges: Sequence[KeyRange], place: str) -> bool:
    """Whether the ranges, sorted, are all of a place."""
    whole = place_range(place)
    at = whole.start
    for part in ranges:
        if part.start > at:
            return False
        at = max(at, part.stop)
    return at >= whole.stop


@dataclass(frozen=True, slots=True)
class Listed:
    """A range that was listed whole, and when (seconds since 1970)."""

    range: KeyRange
    at: float


@dataclass(frozen=True, slots=True)
class ListedFolder:
    """A folder whose direct contents were listed, and when."""

    folder: FolderListing
    at: float


@dataclass(slots=True)
class KnownObjects:
    """All that is known of a store: `objects` sorted by path, the ranges that were `listed` (sorted, none
    overlapping another), and `folders` of which only the direct contents were."""

    objects: pa.Table = field(default_factory=LISTING_SCHEMA.empty_table)
    listed: tuple[Listed, ...] = ()
    folders: dict[str, ListedFolder] = field(default_factory=dict)

    def snapshot(self) -> KnownObjects:
        """What is known now, untouched by what is found later."""
        return KnownObjects(self.objects, self.listed, dict(self.folders))

    def age_of(self, asked: KeyRange) -> float | None:
        """When the oldest part of the range was listed; None when some of it never was."""
        at, oldest = asked.start, None
        for part in self.listed:
            if part.range.stop <= at:
                continue
            if part.range.start > at:
                return None
            oldest = part.at if oldest is None else min(oldest, part.at)
            at = part.range.stop
            if at >= asked.stop:
                return oldest
        return None

    def slice(self, asked: KeyRange) -> pa.Table:
        """The known objects of a range, without copying."""
        paths = self.objects.column("path")
        start, stop = (_find(paths, text) for text in (asked.start, asked.stop))
        return self.objects.slice(start, stop - start)

    def put_range(self, asked: KeyRange, found: pa.Table, at: float) -> None:
        """Replace what was known of a range by what was found there, unless that was found later: another
        process may have saved it meanwhile."""
        known_at = self.age_of(asked)
        if known_at is not None and known_at > at:
            return
        paths = self.objects.column("path")
        start, stop = (_find(paths, text) for text in (asked.start, asked.stop))
        around = [self.objects.slice(0, start), found, self.objects.slice(stop)]
        joined = pa.concat_tables([part for part in around if part.num_rows] or [found])
        is_scattered = joined.column("path").num_chunks > _MOST_CHUNKS
        self.objects = joined.combine_chunks() if is_scattered else joined
        rest = [left for part in self.listed for left in _subtract(part, asked)]
        self.listed = _join_parts([*rest, Listed(asked, at)])
        for name in [name for name in self.folders if _holds(asked, folder_range(name))]:
            del self.folders[name]

    def put_folder(self, name: str, found: FolderListing, at: float) -> None:
        """Remember the direct contents of a folder, unless they are known from later."""
        if name not in self.folders or self.folders[name].at <= at:
            self.folders[name] = ListedFolder(found, at)


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
            return None if self.known.age_of(asked) is None else self.known.slice(asked).num_rows

    def slice(self, asked: KeyRange) -> pa.Table:
        """The objects that are known of a range, listed whole or not."""
        with self._lock:
            return self.known.slice(asked)

    def recollect(self) -> Recollection:
        """What is known, whatever its age."""
        return Recollection(self)

    def known_folder(self, name: str, since: float) -> FolderListing | None:
        """What is known to lie directly in a folder, if that was listed since then."""
        with self._lock:
            if is_young(self.known.age_of(folder_range(name)), since):
                return split_folder(self.known.slice(folder_range(name)), name)
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


def _find(paths: pa.ChunkedArray, text: str) -> int:
    return bisect_left(range(len(paths)), text, key=lambda row: paths[row].as_py())


def _holds(outer: KeyRange, inner: KeyRange) -> bool:
    return outer.start <= inner.start and inner.stop <= outer.stop


def _subtract(part: Listed, taken: KeyRange) -> list[Listed]:
    """What is left of a part without a range."""
    left = KeyRange(part.range.start, min(part.range.stop, taken.start))
    right = KeyRange(max(part.range.start, taken.stop), part.range.stop)
    return [Listed(rest, part.at) for rest in (left, right) if rest.start < rest.stop]


def _join_parts(parts: list[Listed]) -> tuple[Listed, ...]:
    """The parts sorted, those that touch and were listed at one time as one."""
    joined: list[Listed] = []
    for part in sorted(parts, key=lambda part: part.range):
        last = joined[-1] if joined else None
        if last is not None and last.at == part.at and last.range.stop == part.range.start:
            joined[-1] = Listed(KeyRange(last.range.start, part.range.stop), part.at)
        else:
            joined.append(part)
    return tuple(joined)
