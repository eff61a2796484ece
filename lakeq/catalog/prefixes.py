"""Which prefixes of a table must be listed for a query: the walk down its folders, level by level.

The names of a level are listed, parsed, typed and judged before the next level is looked at; a typed value is
never turned into a prefix. What cannot be judged is kept. Below the last level that can leave something out,
or where listing folder by folder would cost more requests than listing all, a range is listed flat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog import known_objects
from lakeq.catalog.database import partition_column
from lakeq.catalog.hive_names import NULL_TEXT, unescape_hive
from lakeq.catalog.known_objects import KeyRange, folder_range
from lakeq.catalog.layout import FLAT, Layout, template_segments
from lakeq.catalog.listings import Listings, Recollection, is_young
from lakeq.catalog.partition_texts import parse_hive_name
from lakeq.catalog.partition_values import widen_texts
from lakeq.storage.base import LISTING_SCHEMA

PAGE_OBJECTS = 1_000
_PAGES_A_RANGE = 16
"""A range that is listed on its own wastes half a page, so it is to have many."""
_MOST_RANGES = 32
_DEEPEST = 16
_USUAL_FOLDERS = 24
"""How many folders a folder is taken to have, before it was listed."""
_HIDDEN = re.compile(r"\.|_[^=]*$")


MatchRows = Callable[[pa.Table, Sequence[str | None]], npt.NDArray[np.bool_]]
"""For which rows one of some SQL conditions is TRUE: lakeq.catalog.index.match_rows on a database."""


@dataclass(frozen=True, slots=True)
class PrefixFilter:
    """What one table reference asks of partition values, for as many keys as are known.

    `keys` are the numbers of the keys that may leave something out. `render` gives, for the keys known, SQL
    conditions over `p<i>` as `match_rows` takes them; None where nothing can be told.
    """

    keys: frozenset[int]
    render: Callable[[frozenset[int]], tuple[str | None, ...]]


@dataclass(frozen=True, slots=True)
class Density:
    """How many objects a folder at each level below a table's root may hold, from a sample of its objects.

    None where the sample does not tell, because it lies in a single folder of that level.
    """

    objects: tuple[float | None, ...] = ()

    def at(self, level: int) -> float | None:
        """The objects of a folder `level` levels below the table's root; by those of the folders in it, where
        only these are known."""
        for below, count in enumerate(self.objects[level:]):
            if count is not None:
                return count * float(_USUAL_FOLDERS**below)
        return None


UNKNOWN_DENSITY = Density()


def measure_density(sample: pa.Table, root: str, levels: int) -> Density:
    """The density that the first objects of a table tell, which are not all of them."""
    names = pc.utf8_slice_codeunits(sample.column("path"), len(root))
    found: list[float | None] = [None]
    for level in range(1, levels + 1):
        heads = pc.extract_regex(names, rf"^(?P<head>(?:[^/]*/){{{level}}})")
        folders = pc.count_distinct(pc.struct_field(heads, 0).drop_null()).as_py() if len(names) else 0
        found.append(sample.num_rows / folders if folders > 1 else None)
    return Density(tuple(found))


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder that may hold rows that matter. `texts` are the partition texts its path tells, by key."""

    path: str
    texts: Mapping[int, str | None] = field(default_factory=dict)
    is_leaf: bool = False


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What is to be listed for a query: `ranges` flat, beside the `loose` objects of the folders walked."""

    ranges: tuple[KeyRange, ...]
    loose: pa.Table


class PrefixWalk:
    """One walk down the folders of a table at `place`, as of `since`."""

    def __init__(
        self,
        listings: Listings | Recollection,
        match: MatchRows,
        place: str,
        layout: Layout,
        types: Sequence[pa.DataType],
        density: Density,
        since: float,
    ) -> None:
        self._listings = listings
        self._match_rows = match
        self._place = place
        self._layout = layout
        self._types = types
        self._density = density
        self._since = since
        self._loose: list[pa.Table] = []
        self._numbers = {key.casefold(): number for number, key in enumerate(layout.keys)}
        self._segments = template_segments(layout.template) if layout.kind == "template" else ()
        self._depth = len(self._segments) or len(layout.keys)

    def run(self, filters: Sequence[PrefixFilter]) -> Narrowed:
        """Where the rows lie that any of `filters` may want."""
        items: list[_Folder | None] = [_Folder(self._place)]  # None: something there was left out
        prunes = bool(filters) and all(f.keys for f in filters) and self._layout.kind != "flat"
        level = 0
        while prunes and level < self._depth and self._is_worth_a_level(items, level, filters):
            items = self._judge(self._open(items, level), filters)
            level += 1
        runs = _join_runs(items)
        ranges = [piece for run in runs for piece in self._spread(run, level)]
        loose = [table for table in self._loose if table.num_rows]
        return Narrowed(tuple(ranges), pa.concat_tables(loose) if loose else LISTING_SCHEMA.empty_table())

    def _is_worth_a_level(
        self, items: Sequence[_Folder | None], level: int, filters: Sequence[PrefixFilter]
    ) -> bool:
        """Whether listing the folders of the next level costs less than listing all that lies below."""
        open_folders = [item for item in items if item is not None and not item.is_leaf]
        if not open_folders:
            return False
        wanted = {number for f in filters for number in f.keys}
        missing = {number for folder in open_folders for number in wanted - folder.texts.keys()}
        if not missing:
            return False
        if self._is_known_large(open_folders):
            return True  # to look further costs no request, and what is left out is not read from disk
        ahead = (min(missing) if self._layout.is_hive else self._levels_to(missing)) - level
        requests = len(open_folders) * float(_USUAL_FOLDERS ** max(ahead, 0))
        return requests < sum(self._pages(folder.path, level) for folder in open_folders)

    def _is_known_large(self, folders: Sequence[_Folder]) -> bool:
        """Whether folders are known to hold more objects together than memory is to hold."""
        places = [folder_range(folder.path) for folder in folders]
        count = sum(self._listings.count(place) or 0 for place in places)
        return count > known_objects.MOST_OBJECTS and all(
            is_young(self._listings.age_of(place), self._since) for place in places
        )

    def _levels_to(self, wanted: set[int]) -> int:
        names = {self._layout.keys[number] for number in wanted}
        return next(i for i, segment in enumerate(self._segments) if names & set(segment.keys))

    def _pages(self, path: str, level: int) -> float:
        """Pages that a flat listing below `path` takes; infinity when nothing tells."""
        count = self._listings.count(folder_range(path))
        if count is None:
            count_like = self._density.at(level)
            return float("inf") if count_like is None else max(1.0, count_like / PAGE_OBJECTS)
        return max(1.0, count / PAGE_OBJECTS)

    def _open(self, items: Sequence[_Folder | None], level: int) -> list[_Folder | None]:
        """The items with each folder replaced by the folders in it."""
        paths = [item.path for item in items if item is not None and not item.is_leaf]
        opened = dict(zip(paths, self._listings.folders(paths, self._since), strict=True))
        found: list[_Folder | None] = []
        for item in items:
            if item is None or item.is_leaf:
                found.append(item)
                continue
            self._loose.append(opened[item.path].objects)
            for path in opened[item.path].folders:
                name = path[len(item.path) : -1]
                found.append(None if is_hidden(name) else self._read_name(item, path, name, level))
        return found

    def _read_name(self, above: _Folder, path: str, name: str, level: int) -> _Folder:
        """The folder with what its name tells; a leaf, which is kept, when that cannot be read."""
        try:
            told = self._parse_template(name, level) if self._segments else self._parse_hive(name)
        except ValueError:
            told = None
        if told is None or told.keys() & above.texts.keys():
            return _Folder(path, above.texts, is_leaf=True)
        return _Folder(path, {**above.texts, **told})

    def _parse_hive(self, name: str) -> dict[int, str | None] | None:
        key, text = parse_hive_name(name)
        number = None if key is None else self._numbers.get(key.casefold())
        return None if number is None else {number: text}

    def _parse_template(self, name: str, level: int) -> dict[int, str | None] | None:
        segment = self._segments[level]
        match = re.compile(segment.pattern, re.DOTALL).fullmatch(name)
        if match is None:
            return None
        return {
            self._numbers[key.casefold()]: None if raw == NULL_TEXT else unescape_hive(raw)
            for key, raw in zip(segment.keys, match.groups(), strict=True)
        }

    def _judge(
        self, items: Sequence[_Folder | None], filters: Sequence[PrefixFilter]
    ) -> list[_Folder | None]:
        """The items without the folders that no filter may want."""
        judged = list(items)
        groups: dict[frozenset[int], list[int]] = {}
        for position, item in enumerate(items):
            if item is not None and item.texts:
                groups.setdefault(frozenset(item.texts), []).append(position)
        for known, positions in groups.items():
            texts = [items[position].texts for position in positions]  # type: ignore[union-attr]  # not None
            kept = self._match(known, texts, filters)
            for position in np.asarray(positions)[~kept].tolist():
                judged[position] = None
        return judged

    def _match(
        self,
        known: frozenset[int],
        texts: Sequence[Mapping[int, str | None]],
        filters: Sequence[PrefixFilter],
    ) -> npt.NDArray[np.bool_]:
        columns = {
            partition_column(number): widen_texts(
                pa.array([text[number] for text in texts], pa.string()), self._types[number]
            )
            for number in sorted(known)
        }
        rows = pa.table(columns)
        kept = np.zeros(len(texts), dtype=bool)
        for wanted in filters:
            kept |= self._match_rows(rows, wanted.render(known))
        return kept

    def _spread(self, run: tuple[KeyRange, list[str]], level: int) -> list[KeyRange]:
        """The run in pieces that are listed at the same time, as many as waste few requests."""
        whole, folders = run
        if is_young(self._listings.age_of(whole), self._since):
            return [whole]
        pages = sum(self._pages(folder, level) for folder in folders)
        if pages == float("inf") and level >= max(self._depth, 1):
            return [whole]  # nothing tells that the last folders hold much
        while len(folders) < min(pages / _PAGES_A_RANGE, _MOST_RANGES) and level < _DEEPEST:
            opened = self._listings.folders(folders, self._since)
            below = [path for listing in opened for path in listing.folders]
            if len(below) < len(folders):
                break
            folders, level = below, level + 1
            pages = sum(self._pages(folder, level) for folder in folders)
        count = int(max(1, min(pages / _PAGES_A_RANGE, _MOST_RANGES, len(folders))))
        cuts = [folders[len(folders) * number // count] for number in range(1, count)]
        edges = [whole.start, *sorted(cut for cut in set(cuts) if whole.start < cut < whole.stop), whole.stop]
        return [KeyRange(start, stop) for start, stop in pairwise(edges)]


def is_hidden(name: str) -> bool:
    """Whether what lies in a folder of this name is no data. See lakeq.catalog.objects."""
    return _HIDDEN.match(name) is not None


def _match_all(rows: pa.Table, conditions: Sequence[str | None]) -> npt.NDArray[np.bool_]:
    return np.ones(rows.num_rows, dtype=bool)


def list_all(listings: Listings, density: Density, since: float, place: str = "") -> pa.Table:
    """Every object below a folder, in as many listings at once as waste few requests."""
    walk = PrefixWalk(listings, _match_all, place, FLAT, (), density, since)
    return listings.ranges(walk.run(()).ranges, since)


def _join_runs(items: Sequence[_Folder | None]) -> list[tuple[KeyRange, list[str]]]:
    """Neighbouring folders as ranges, each with its folders."""
    runs: list[tuple[KeyRange, list[str]]] = []
    is_open = False
    for item in items:
        if item is None:
            is_open = False
            continue
        here = folder_range(item.path)
        if is_open:
            before, folders = runs[-1]
            runs[-1] = (KeyRange(before.start, here.stop), [*folders, item.path])
        else:
            runs.append((here, [item.path]))
        is_open = True
    return runs
