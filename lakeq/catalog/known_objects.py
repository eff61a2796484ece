"""What is known of the objects of a store: which part of it was listed, when, and what was there.

Listings are ranges of paths. Those in memory lie over a large one on disk, if there is one: of each path the
youngest listing tells.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.objects import sum_objects
from lakeq.catalog.table import Totals
from lakeq.errors import CatalogError
from lakeq.storage.base import LISTING_SCHEMA, FolderListing, split_folder

_MOST_CHUNKS = 256
"""More pieces than these slow every look-up down."""

MOST_OBJECTS = 4_000_000
"""So many objects of a store are held in memory at most: about 250 bytes each, and as much while they are
indexed."""

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


def covers(ranges: Sequence[KeyRange], whole: KeyRange) -> bool:
    """Whether the ranges, sorted, are all of another."""
    at = whole.start
    for part in ranges:
        if part.start > at:
            return False
        at = max(at, part.stop)
    return at >= whole.stop


@dataclass(frozen=True, slots=True)
class Listed:
    """A range that was listed whole, and when (seconds since 1970). `is_inventory`: an inventory told."""

    range: KeyRange
    at: float
    is_inventory: bool = False


@dataclass(frozen=True, slots=True)
class ListedFolder:
    """A folder whose direct contents were listed, and when."""

    folder: FolderListing
    at: float


class LargeListing(Protocol):
    """A listing that is too large for memory, made at `at` of all paths in `range`. See PathIndex."""

    range: KeyRange
    at: float

    def count(self, asked: KeyRange) -> int:
        """About how many objects a range holds; exact for the range of a folder."""

    def slice(self, asked: KeyRange) -> pa.Table:
        """The objects of a range."""

    def head(self, asked: KeyRange, count: int) -> pa.Table:
        """The first objects of a range."""

    def newest(self, asked: KeyRange) -> float | None:
        """When the newest object of a range was written (seconds since 1970); None where nothing tells."""

    def folder(self, name: str, within: KeyRange) -> FolderListing:
        """What lies directly in a folder, of its objects in the range `within` it."""

    def sum_files(self, asked: KeyRange, depth: int) -> Totals:
        """The data files of a range; its partitions are the folders `depth` levels deep that hold some."""


@dataclass(slots=True)
class KnownObjects:
    """All that is known of a store: `objects` sorted by path, the ranges that were `listed` (sorted, none
    overlapping another), and `folders` of which only the direct contents were. Beneath lies `large`, where
    nothing was listed since."""

    objects: pa.Table = field(default_factory=LISTING_SCHEMA.empty_table)
    listed: tuple[Listed, ...] = ()
    folders: dict[str, ListedFolder] = field(default_factory=dict)
    large: LargeListing | None = None

    def snapshot(self) -> KnownObjects:
        """What is known now, untouched by what is found later."""
        return KnownObjects(self.objects, self.listed, dict(self.folders), self.large)

    def parts(self, asked: KeyRange) -> list[Listed]:
        """The known parts of a range as they were listed, in order; those of `large` where nothing younger
        is known."""
        found = [
            part for part in self.listed if part.range.stop > asked.start and part.range.start < asked.stop
        ]
        if self.large is not None:
            large = Listed(_clip(self.large.range, asked), self.large.at, is_inventory=True)
            younger = [part for part in found if part.at >= large.at]
            older = [part for part in found if part.at < large.at]
            found = [*younger, *(left for part in older for left in _subtract(part, large.range))]
            found = sorted([*found, *_subtract_all(large, younger)], key=lambda part: part.range)
        clipped = [replace(part, range=_clip(part.range, asked)) for part in found]
        return [part for part in clipped if part.range.start < part.range.stop]

    def age_of(self, asked: KeyRange) -> float | None:
        """When the oldest part of the range was listed; None when some of it never was."""
        parts = self.parts(asked)
        if not covers([part.range for part in parts], asked):
            return None
        return min((part.at for part in parts), default=None)

    def inventory_of(self, asked: KeyRange) -> float | None:
        """The moment of the oldest inventory that tells of a part of the range; None when none does."""
        return min((part.at for part in self.parts(asked) if part.is_inventory), default=None)

    def count(self, asked: KeyRange) -> int:
        """About how many objects are known of a range; exact for the range of a folder."""
        return sum(self._count_part(part) for part in self.parts(asked))

    def slice(self, asked: KeyRange) -> pa.Table:
        """The known objects of a range; without copying, where they are in memory. CatalogError when they
        are more than memory is to hold."""
        if self.large is None:
            return self._slice_listed(asked)
        check_count(self.count(asked), f"Objects below '{asked.start}'")
        found = [self._slice_part(part) for part in self.parts(asked)]
        found = [rows for rows in found if rows.num_rows]
        return pa.concat_tables(found) if found else LISTING_SCHEMA.empty_table()

    def head(self, asked: KeyRange, count: int) -> pa.Table:
        """The first known objects of a range, at most `count`."""
        found, left = [LISTING_SCHEMA.empty_table()], count
        for part in self.parts(asked):
            rows = (
                self.large.head(part.range, left)
                if self.large is not None and self._is_beneath(part)
                else self._slice_listed(part.range)
            )
            found.append(rows.slice(0, left))
            left -= found[-1].num_rows
            if not left:
                break
        return pa.concat_tables(found)

    def newest(self, asked: KeyRange) -> float | None:
        """When the newest known object of a range was written (seconds since 1970); None where nothing
        tells."""
        found = []
        for part in self.parts(asked):
            if self.large is not None and self._is_beneath(part):
                found.append(self.large.newest(part.range))
            else:
                moment = pc.max(self._slice_listed(part.range)["modified"]).cast(pa.int64()).as_py()
                found.append(None if moment is None else moment / 1e6)
        return max((moment for moment in found if moment is not None), default=None)

    def sum_files(self, asked: KeyRange, depth: int) -> Totals:
        """The known data files of a range; its partitions are the folders `depth` levels deep that hold some.
        A folder of which parts were listed at several times may count more than once."""
        found = [
            self.large.sum_files(part.range, depth)
            if self.large is not None and self._is_beneath(part)
            else sum_objects(self._slice_listed(part.range), depth)
            for part in self.parts(asked)
        ]
        return Totals(
            sum(part.files for part in found),
            sum(part.partitions for part in found),
            sum(part.bytes for part in found),
        )

    def folder(self, name: str) -> FolderListing:
        """What is known to lie directly in a folder."""
        asked = folder_range(name)
        if self.large is None:
            return split_folder(self._slice_listed(asked), name)
        listings = [
            self.large.folder(name, part.range)
            if self._is_beneath(part)
            else split_folder(self._slice_listed(part.range), name)
            for part in self.parts(asked)
        ]
        folders = {folder for listing in listings for folder in listing.folders}
        objects = [listing.objects for listing in listings if listing.objects.num_rows]
        return FolderListing(
            tuple(sorted(folders)), pa.concat_tables(objects) if objects else LISTING_SCHEMA.empty_table()
        )

    def _is_beneath(self, part: Listed) -> bool:
        """Whether `large` tells of a part, which is one of `parts`."""
        large = self.large
        if large is None or not part.is_inventory or part.at != large.at:
            return False
        return _holds(large.range, part.range)

    def _count_part(self, part: Listed) -> int:
        if self.large is not None and self._is_beneath(part):
            return self.large.count(part.range)
        return int(self._slice_listed(part.range).num_rows)

    def _slice_part(self, part: Listed) -> pa.Table:
        if self.large is not None and self._is_beneath(part):
            return self.large.slice(part.range)
        return self._slice_listed(part.range)

    def _slice_listed(self, asked: KeyRange) -> pa.Table:
        paths = self.objects.column("path")
        start, stop = (_find(paths, text) for text in (asked.start, asked.stop))
        return self.objects.slice(start, stop - start)

    def put_inventory(self, asked: KeyRange, found: pa.Table, at: float) -> None:
        """Replace what was known of a range by what an inventory of then tells, but for parts that were
        listed since."""
        for piece in _subtract_all(Listed(asked, at), [part for part in self.listed if part.at > at]):
            self.put_range(piece.range, cut_range(found, piece.range), at, is_inventory=True)

    def put_large(self, large: LargeListing) -> None:
        """Have `large` beneath what was listed since, and forget what was listed of its range before."""
        for part in self.listed:
            if part.at <= large.at and _holds(large.range, part.range):
                self._drop(part.range)
        self.large = large

    def _drop(self, asked: KeyRange) -> None:
        """Forget a range."""
        paths = self.objects.column("path")
        start, stop = (_find(paths, text) for text in (asked.start, asked.stop))
        self.objects = pa.concat_tables([self.objects.slice(0, start), self.objects.slice(stop)])
        self.listed = _join_parts([left for part in self.listed for left in _subtract(part, asked)])

    def put_range(self, asked: KeyRange, found: pa.Table, at: float, is_inventory: bool = False) -> None:
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
        self.listed = _join_parts([*rest, Listed(asked, at, is_inventory)])
        for name in [name for name in self.folders if _holds(asked, folder_range(name))]:
            del self.folders[name]

    def put_folder(self, name: str, found: FolderListing, at: float) -> None:
        """Remember the direct contents of a folder, unless they are known from later."""
        if name not in self.folders or self.folders[name].at <= at:
            self.folders[name] = ListedFolder(found, at)


def check_count(count: int, what: str) -> None:
    """Refuse what would hold more objects in memory than MOST_OBJECTS."""
    if count > MOST_OBJECTS:
        raise CatalogError(
            f"{what}: {count:,}. That is more than lakeq plans at once ({MOST_OBJECTS:,}). Ask for fewer, by "
            "conditions on partition columns, or hand the query to an engine that plans in a cluster "
            "(docs/scale.md)."
        )


def cut_range(rows: pa.Table, asked: KeyRange) -> pa.Table:
    """Of sorted rows those whose path is in a range, without copying."""
    start, stop = (_find(rows["path"], text) for text in (asked.start, asked.stop))
    return rows.slice(start, max(stop - start, 0))


def _clip(inner: KeyRange, outer: KeyRange) -> KeyRange:
    return KeyRange(max(inner.start, outer.start), min(inner.stop, outer.stop))


def _find(paths: pa.ChunkedArray, text: str) -> int:
    return bisect_left(range(len(paths)), text, key=lambda row: paths[row].as_py())


def _holds(outer: KeyRange, inner: KeyRange) -> bool:
    return outer.start <= inner.start and inner.stop <= outer.stop


def _subtract(part: Listed, taken: KeyRange) -> list[Listed]:
    """What is left of a part without a range."""
    left = KeyRange(part.range.start, min(part.range.stop, taken.start))
    right = KeyRange(max(part.range.start, taken.stop), part.range.stop)
    return [replace(part, range=rest) for rest in (left, right) if rest.start < rest.stop]


def _subtract_all(part: Listed, taken: Sequence[Listed]) -> list[Listed]:
    """What is left of a part without the ranges of others, which are sorted."""
    left, at = [], part.range.start
    for other in taken:
        if at < min(other.range.start, part.range.stop):
            left.append(replace(part, range=KeyRange(at, min(other.range.start, part.range.stop))))
        at = max(at, other.range.stop)
    return [*left, replace(part, range=KeyRange(at, part.range.stop))] if at < part.range.stop else left


def _join_parts(parts: list[Listed]) -> tuple[Listed, ...]:
    """The parts sorted, those that touch and were listed at one time as one."""
    joined: list[Listed] = []
    for part in sorted(parts, key=lambda part: part.range):
        last = joined[-1] if joined else None
        is_same = last is not None and (last.at, last.is_inventory) == (part.at, part.is_inventory)
        if last is not None and is_same and last.range.stop == part.range.start:
            joined[-1] = replace(part, range=KeyRange(last.range.start, part.range.stop))
        else:
            joined.append(part)
    return tuple(joined)
