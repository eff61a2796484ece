"""What an inventory cannot know is listed: folders that began since, and those that were still written to.

The folders of each level are listed. One that the inventory does not know is listed whole, one that is gone
is known to be empty, and of the others those are looked into that are the last of their level, or in which an
object was written in the day before the newest one of the table.
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
        below: list[str] = []
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
            for folder in _find_live(known, name, found, old, newest):
                (below if known.folder(folder).folders else whole).append(folder)
        pending = below
    whole = sorted([*whole, *new])
    listings.ranges(_join(whole), since)
    return NewestListed(tuple(whole), tuple(sorted(new)), tuple(gone))


def _find_live(
    known: KnownObjects,
    name: str,
    found: FolderListing,
    old: FolderListing,
    newest: dict[str, float | None],
) -> list[str]:
    """The known folders in a folder that may have changed."""
    both = [f for f in found.folders if f in old.folders and not is_hidden(f[len(name) : -1])]
    table = next((place for place in newest if name.startswith(place)), None)
    if table is None:  # above the tables: whatever leads to one
        return [folder for folder in both if any(place.startswith(folder) for place in newest)]
    last = max(both, key=_order, default=None)
    moment = newest[table]
    live = []
    for folder in both:
        written = known.newest(folder_range(folder)) if moment is not None else None
        is_recent = moment is not None and written is not None and written >= moment - _RECENT_SECONDS
        if folder == last or is_recent:
            live.append(folder)
    return live


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
