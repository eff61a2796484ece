"""Sketch: the tables of a large lake, told from few listings: which folder is a table, and its layout.

Only what the names of folders settle is told: folders of `key=value`, and folders of years, months, days
and hours. A sketch says nothing (None) where the files themselves would have to be compared: then the lake is
listed whole, once. What it says is what discovery over the whole listing would say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from lakeq.catalog.definitions import TableDefinition
from lakeq.catalog.discovery import build_table, find_inside, name_table, settle_names
from lakeq.catalog.folders import build_folders, is_time, label_levels, labelled_layout
from lakeq.catalog.grouping import TableGroup, guess_layout
from lakeq.catalog.layout import Layout
from lakeq.catalog.listings import Listings
from lakeq.catalog.objects import data_objects, judge_objects, objects_below, settle_formats
from lakeq.catalog.prefixes import is_hidden
from lakeq.catalog.table import TableFiles

_MOST_CHILDREN = 100
_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class SketchedTable:
    """A table as a sketch knows it: `files` holds a sample of its files, or all when `is_whole`."""

    files: TableFiles
    place: str
    definition: TableDefinition | None
    is_whole: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder that is a table, or one (no `layout`) of loose files, which have to be listed."""

    path: str
    layout: Layout | None
    evidence: tuple[str, ...] = ()


def sketch_lake(
    listings: Listings, page: pa.Table, definitions: Sequence[TableDefinition], since: float
) -> tuple[SketchedTable, ...] | None:
    """The tables of the lake, of which `page` are the first objects; None when only a whole listing tells."""
    declared = _find_declared(listings, definitions, since)
    if declared is None:
        return None
    taken = [place for place, _ in declared]
    places = _find_places(listings, "", page, taken, since, 0)
    if places is None or any(place.layout is None for place in places):
        return None
    found = [_sample_place(listings, place, page, since) for place in places]
    named = settle_names([d.name for d in definitions], [table.files for table in found])
    by_location = {files.location: files for files in named}
    tables = [replace(table, files=by_location[table.files.location]) for table in found]
    tables += [_sample_declared(listings, place, definition, since) for place, definition in declared]
    return tuple(tables)


def _find_declared(
    listings: Listings, definitions: Sequence[TableDefinition], since: float
) -> list[tuple[str, TableDefinition]] | None:
    """The declared tables below the root with their folders; None when one is a file, the root, or lies in
    another."""
    placed = []
    for definition in definitions:
        inside = find_inside(definition.location, listings.store.root)
        if inside is None:
            continue
        if not inside:
            return None
        parent, _, name = inside.rpartition("/")
        if "." in name:
            (listing,) = listings.folders([f"{parent}/" if parent else ""], since)
            if inside in listing.objects.column("path").to_pylist():
                return None
        placed.append((f"{inside}/", definition))
    places = [place for place, _ in placed]
    nested = any(a != b and a.startswith(b) for a in places for b in places)
    return None if nested or len(set(places)) < len(places) else placed


def _find_places(
    listings: Listings, folder: str, page: pa.Table, taken: Sequence[str], since: float, depth: int
) -> list[_Place] | None:
    """The tables in or below a folder; None when their files would have to be compared."""
    (listing,) = listings.folders([folder], since)
    children = [path for path in listing.folders if not is_hidden(path[len(folder) : -1])]
    names = {path[len(folder) : -1] for path in children}
    has_data = data_objects(judge_objects(listing.objects)).num_rows > 0
    inside = [place for place in taken if place.startswith(folder)]
    if any("=" in name for name in names):
        return None if inside else [_Place(folder, Layout("hive"))]
    if not children:
        return [_Place(folder, None)] if has_data else []
    if has_data or len(children) > _MOST_CHILDREN or depth >= _DEEPEST:
        return None
    labels = label_levels([names])
    if is_time(labels[0]):
        layout = None if inside else _label_time_folders(listings, folder, names, page, since)
        return None if layout is None else [_Place(folder, layout, (f"folder names fit {layout.template}",))]
    rest = [path for path in children if path not in taken]
    listings.folders(rest, since)  # all at once: each is looked at below
    below = [_find_places(listings, path, page, taken, since, depth + 1) for path in rest]
    if any(places is None for places in below):
        return None
    tables = [place for places in below for place in places or ()]
    hive = any(place.layout is not None and place.layout.is_hive for place in tables)
    all_time = all(place.layout is not None for place in tables)
    # Without a Hive table among them, siblings may be one table: at the root, those by time are not.
    return tables if hive or (all_time and not folder) or len(children) == 1 else None


def _label_time_folders(
    listings: Listings, folder: str, names: set[str], page: pa.Table, since: float
) -> Layout | None:
    """The layout of folders of years or dates, from all names of the first level and a sample below."""
    sample = data_objects(judge_objects(_sample(listings, folder, page, since)[0]))
    if not sample.num_rows:
        return None
    tree = build_folders(sample, folder)
    if tree.height is None or tree.height == 0:
        return None
    levels = tree.level_names()
    labels = label_levels([names | levels[0], *levels[1:]])
    return labelled_layout(labels) if all(is_time(label) for label in labels) else None


def _sample(listings: Listings, folder: str, page: pa.Table, since: float) -> tuple[pa.Table, bool]:
    """Some objects below a folder, and whether they are all."""
    seen = objects_below(page, folder) if folder else page
    return (seen, False) if seen.num_rows else listings.first_page(folder, since)


def _sample_place(listings: Listings, place: _Place, page: pa.Table, since: float) -> SketchedTable:
    objects, is_whole = _sample(listings, place.path, page, since)
    store = listings.store
    judged = settle_formats(judge_objects(objects, place.path), store, None)
    assert place.layout is not None
    group = TableGroup(place.path, place.layout, place.evidence)
    files = build_table(name_table(place.path, store.root), group, judged, store)
    return SketchedTable(files, place.path, None, is_whole)


def _sample_declared(
    listings: Listings, place: str, definition: TableDefinition, since: float
) -> SketchedTable:
    objects, is_whole = listings.first_page(place, since)
    judged = settle_formats(judge_objects(objects, place), listings.store, definition.format)
    layout = definition.layout
    evidence: tuple[str, ...] = ("declared",)
    if layout is None:
        layout, guessed = guess_layout(build_folders(data_objects(judged), place))
        evidence += guessed
    group = TableGroup(place, layout, evidence)
    files = build_table(definition.name, group, judged, listings.store, definition)
    return SketchedTable(files, place, definition, is_whole)
