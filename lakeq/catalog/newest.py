"""What an inventory cannot know is listed: folders that began since, and those that were still written to.

The folders of each level are listed. One that the inventory does not know is listed whole, one that is gone
is known to be empty. Of the others those are looked into that are the last of their level by the numbers in
their names, all of a level whose names have none, and some in which an object was written in the day before
the newest one of the table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from lakeq.catalog.known_objects import KeyRange, KnownObjects, cut_range, folder_range
from lakeq.catalog.listings import Listings
from lakeq.catalog.prefixes import is_hidden
from lakeq.storage.base import LISTING_SCHEMA, FolderListing

_RECENT_SECONDS = 86_400
_MOST_RECENT = 100
"""So many of the folders of one level are looked into because they were written to lately: of a lake that was
copied in a day they all were."""
_MOST_NAMES = 1_000
"""Folders without numbers in their names, up to which all of them are looked into."""
_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class NewestListed:
    """What was listed beyond an inventory: the `folders` whose objects were, those of them that are `new`,
    and the folders that are `gone`."""

    folders: tuple[str, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]


def list_newest(listings: Listings, places: Sequence[str], since: float) -> NewestListed:
    """List what may have changed since what is known of the tables in the folders `places`, and of what lies
    beside them; all of it as of `since` or later."""
    known = listings.known.snapshot()
    newest = {place: known.newest(folder_range(place)) for place in places}
    pending = [""]
    whole: list[str] = []
    new: list[str] = []
    gone: list[str] = []
    while pending:
        live: list[str] = []
        recent: list[tuple[float, str]] = []
        for name, found in zip(pending, listings.folders(pending, since), strict=True):
            old = known.folder(name)
            _remember_loose(listings, name, found, old, since)
            lost = sorted(set(old.folders) - set(found.folders))
            for folder in lost:
                _remember(listings, folder_range(folder), LISTING_SCHEMA.empty_table(), since)
            gone += lost
            new += [
                folder
                for folder in found.folders
                if folder not in old.folders and not is_hidden(folder[len(name) : -1])
            ]
            both = [f for f in found.folders if f in old.folders and not is_hidden(f[len(name) : -1])]
            table = next((place for place in newest if name.startswith(place)), None)
            if table is None:  # above the tables: whatever leads to one
                live += [folder for folder in both if any(place.startswith(folder) for place in newest)]
                continue
            live += _find_last(both)
            recent += _find_recent(known, both, newest[table])
        live += [folder for _, folder in sorted(recent, reverse=True)[:_MOST_RECENT]]
        pending = []
        for folder in dict.fromkeys(live):
            (pending if known.folder(folder).folders else whole).append(folder)
    whole = sorted([*whole, *new])
    listings.ranges(_join(whole), since)
    return NewestListed(tuple(whole), tuple(sorted(new)), tuple(gone))


def _find_last(folders: Sequence[str]) -> list[str]:
    """The last of the folders of a level; all of them where their names tell no order."""
    if len(folders) <= _MOST_NAMES and not any(_order(folder)[0] for folder in folders):
        return list(folders)
    return [max(folders, key=_order)] if folders else []


def _find_recent(
    known: KnownObjects, folders: Sequence[str], newest: float | None
) -> list[tuple[float, str]]:
    """The folders in which an object was written in the day before the newest one, and when."""
    if newest is None:
        return []
    written = ((known.newest(folder_range(folder)), folder) for folder in folders)
    return [(at, folder) for at, folder in written if at is not None and at >= newest - _RECENT_SECONDS]


def _order(folder: str) -> tuple[tuple[int, ...], str]:
    """Folders in the order of the numbers in their names: `day=9` before `day=10`."""
    name = folder[:-1].rpartition("/")[2].rpartition("=")[2]
    return tuple(map(int, _NUMBERS.findall(name))), name


def _remember_loose(
    listings: Listings, name: str, found: FolderListing, old: FolderListing, at: float
) -> None:
    """What lies between the folders of a folder is known from its listing, too."""
    whole = folder_range(name)
    start = whole.start
    for folder in [*sorted({*found.folders, *old.folders}), None]:
        inner = KeyRange(whole.stop, whole.stop) if folder is None else folder_range(folder)
        gap = KeyRange(start, inner.start)
        now, before = cut_range(found.objects, gap), cut_range(old.objects, gap)
        if now.num_rows or before.num_rows:
            _remember(listings, gap, now, at)
        start = inner.stop


def _remember(listings: Listings, asked: KeyRange, found: pa.Table, at: float) -> None:
    listings.remember(partial(KnownObjects.put_range, asked=asked, found=found, at=at))


def _join(folders: Sequence[str]) -> list[KeyRange]:
    """The ranges of sorted folders, none in another."""
    ranges: list[KeyRange] = []
    for folder in folders:
        inner = folder_range(folder)
        if not ranges or inner.start >= ranges[-1].stop:
            ranges.append(inner)
    return ranges
