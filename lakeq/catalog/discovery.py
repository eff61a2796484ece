"""Discovery: the tables of a lake and their files, from one listing and what the user declared.

Nothing here depends on the order of the listing. A table that is broken carries its problem, and
never hides the others. Every decision leaves a sentence of evidence.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.definitions import TableDefinition, is_absolute
from lakeq.catalog.folders import build_folders
from lakeq.catalog.grouping import TableGroup, format_problem, group_tables, guess_layout, locate, table_stem
from lakeq.catalog.objects import (
    DELTA_LOG,
    count_ignored,
    data_objects,
    judge_objects,
    keep_rows,
    objects_below,
    path_range,
    settle_formats,
    sort_listing,
)
from lakeq.catalog.partition_texts import split_partitions
from lakeq.catalog.partition_values import type_partitions, widen_type
from lakeq.catalog.table import IgnoredObjects, TableFiles
from lakeq.errors import CatalogError, ConfigError, ObjectNotFoundError
from lakeq.formats.base import Column, ReadOptions
from lakeq.formats.parquet_keys import ParquetKeys
from lakeq.storage.base import LISTING_SCHEMA, Store


@dataclass(frozen=True, slots=True)
class LakeFiles:
    """The tables of a lake, by name, and the objects that are in no table's folder and were ignored."""

    tables: tuple[TableFiles, ...]
    ignored: tuple[IgnoredObjects, ...]


def discover_tables(
    listing: pa.Table, store: Store, definitions: Sequence[TableDefinition] = ()
) -> list[TableFiles]:
    """The tables of `discover_lake`."""
    return list(discover_lake(listing, store, definitions).tables)


def discover_lake(
    listing: pa.Table,
    store: Store,
    definitions: Sequence[TableDefinition] = (),
    keys: ParquetKeys | None = None,
) -> LakeFiles:
    """The tables under the store's root: those declared, and those found among all other objects.

    `listing` is everything below the root, in LISTING_SCHEMA. Definitions whose location is not
    below the root only reserve their names: discover them in a store of their own with `discover_table`.
    Tables found are named by their folder below the root, joined by `_`, the root's own by its last part.
    `keys` open encrypted Parquet where files are compared.
    """
    listing = sort_listing(listing)
    placed = [_find_place(listing, definition.location, store.root) for definition in definitions]
    places = sorted({place for place in placed if place is not None}, key=len)
    owners = _find_owners(listing, places)
    declared = [
        _declare_table(definition, place, keep_rows(listing, pa.array(owners == places.index(place))), store)
        for definition, place in zip(definitions, placed, strict=True)
        if place is not None
    ]
    rest = settle_formats(judge_objects(keep_rows(listing, pa.array(owners < 0))), store, None)
    data = data_objects(rest)
    groups = group_tables(build_folders(data), data, store, keys) if data.num_rows else []
    groups.sort(key=lambda group: (len(group.path), group.path))
    owners = _find_owners(rest, [group.path for group in groups])
    found = []
    for number, group in enumerate(groups):
        start, stop = path_range(rest.column("path"), group.path)
        objects = keep_rows(rest.slice(start, stop - start), pa.array(owners[start:stop] == number))
        found.append(build_table(name_table(group.path, store.root), group, objects, store))
    reserved = [definition.name for definition in definitions]
    tables = (*declared, *settle_names(reserved, found))
    return LakeFiles(
        tuple(sorted(tables, key=lambda table: table.name)),
        count_ignored(rest.filter(pa.array(owners < 0))),
    )


def discover_table(listing: pa.Table, store: Store, definition: TableDefinition) -> TableFiles:
    """The files of one declared table; `listing` is everything below the store's root, which holds it.

    A definition whose location is not below the root is taken to lie at the root itself. The table carries
    its problem, also when there is no file at all.
    """
    listing = sort_listing(listing)
    place = _find_place(listing, definition.location, store.root) or ""
    return _declare_table(definition, place, objects_below(listing, place), store)


def _find_place(listing: pa.Table, location: str, root: str) -> str | None:
    """Where a declared location is in the listing: "" for the root, a folder that ends in `/`, or the path of
    a file. None when it is not below the root."""
    inside = find_inside(location, root)
    if not inside:
        return inside
    is_file = objects_below(listing, inside).num_rows and not objects_below(listing, f"{inside}/").num_rows
    return inside if is_file else f"{inside}/"


def find_inside(location: str, root: str) -> str | None:
    """A declared location as a path below the root, without a slash at its end; None when it is not below."""
    inside = location.rstrip("/")
    if not is_absolute(inside):
        return inside
    inside = os.path.expanduser(re.sub(r"^s3[an]://", "s3://", inside).removeprefix("file://"))
    base = root.rstrip("/")
    if inside != base and not inside.startswith(f"{base}/"):
        return None
    return inside[len(base) + 1 :]


def _find_owners(objects: pa.Table, places: Sequence[str]) -> npt.NDArray[np.int64]:
    """For each of the sorted objects the number of the innermost place it lies in, -1 for none.

    `places` go from outer to inner.
    """
    owners = np.full(objects.num_rows, -1)
    paths = objects.column("path")
    for number, place in enumerate(places):
        start, stop = path_range(paths, place)
        owners[start:stop] = number
    return owners


def _folder_of(place: str) -> str:
    """The folder itself, or the folder of a file."""
    return place[: place.rfind("/") + 1]


def _declare_table(definition: TableDefinition, place: str, listing: pa.Table, store: Store) -> TableFiles:
    """The table of a definition, whatever its folders and files look like."""
    objects = settle_formats(judge_objects(listing, _folder_of(place)), store, definition.format)
    evidence: tuple[str, ...] = ("declared",)
    layout = definition.layout
    data = data_objects(objects)
    if layout is None:
        layout, guessed = guess_layout(build_folders(data, _folder_of(place)))
        evidence += guessed
    table = build_table(definition.name, TableGroup(place, layout, evidence), objects, store, definition)
    if data.num_rows or table.problem is not None:
        return table
    missing = ObjectNotFoundError(
        f"Table {definition.name!r} has no data files at {table.location!r}. Correct its location or format.",
        table.location,
    )
    return replace(table, problem=missing)


def build_table(
    name: str,
    group: TableGroup,
    objects: pa.Table,
    store: Store,
    definition: TableDefinition | None = None,
    keys: Sequence[Column] = (),
) -> TableFiles:
    """The table of a group from its objects. What is wrong with it becomes its `problem`.

    `keys` are its partition columns as they are known from other objects: types become no narrower.
    """
    location = locate(store, group.path)
    data = data_objects(objects)
    kinds = pc.unique(data.column("format")).to_pylist()
    ignored = count_ignored(objects)
    evidence = group.evidence
    if any(entry.reason == DELTA_LOG for entry in ignored):
        evidence += ("a Delta log lies here and is not read: files that Delta removed count as data",)
    table = TableFiles(
        name=name,
        store_root=store.root,
        location=location,
        format=kinds[0] if kinds else (definition and definition.format) or "",
        layout=group.layout,
        partition_columns=(),
        files=LISTING_SCHEMA.empty_table(),
        options=definition.options if definition else ReadOptions(),
        evidence=evidence,
        ignored=ignored,
        problem=group.problem,
    )
    if table.problem is not None:
        return table
    try:
        if len(kinds) > 1:
            raise _mixed_formats(location, data, kinds)
        return _split_files(
            table, data, _folder_of(group.path), definition.partition_types if definition else {}, keys
        )
    except (CatalogError, ConfigError) as problem:
        return replace(table, problem=problem)


def _mixed_formats(location: str, data: pa.Table, kinds: list[str]) -> CatalogError:
    formats, paths = data.column("format"), data.column("path")
    first, second = (paths[pc.index(formats, kind).as_py()].as_py() for kind in kinds[:2])
    return format_problem(location, (first, second), (kinds[0], kinds[1]))


def _split_files(
    table: TableFiles,
    data: pa.Table,
    root: str,
    declared: Mapping[str, pa.DataType],
    keys: Sequence[Column],
) -> TableFiles:
    """The table with its files and partition columns. CatalogError or ConfigError when its paths disagree."""
    paths = pc.utf8_slice_codeunits(data.column("path").combine_chunks(), len(root))
    raw = split_partitions(paths, table.layout, table.location)
    known = {column.name.casefold(): column.type for column in keys}
    widened = {
        key: widen_type(known[key.casefold()], texts)
        for key, texts in zip(raw.layout.keys, raw.texts, strict=True)
        if key.casefold() in known
    }
    types = {**widened, **raw.layout.declared_types, **declared}
    columns, values = type_partitions(raw, types, paths, table.location)
    files = data.select(LISTING_SCHEMA.names).cast(LISTING_SCHEMA)
    for number, (text, value) in enumerate(zip(raw.texts, values, strict=True)):
        files = files.append_column(f"raw_{number}", text).append_column(f"value_{number}", value)
    evidence = table.evidence
    if not columns:
        evidence += (f"{table.format} files without partition columns: {len(paths):,}",)
    else:
        style = "Hive keys" if raw.layout.is_hive else f"layout {raw.layout.template}, keys"
        names = ", ".join(raw.layout.keys)
        evidence += (f"{style} {names} in {len(paths):,} of {len(paths):,} paths",)
    return replace(table, layout=raw.layout, partition_columns=columns, files=files, evidence=evidence)


def name_table(path: str, root: str) -> str:
    """The name of a table that was found at `path`, which is "" for the lake's root."""
    if not path:
        return root.rpartition("://")[2].rstrip("/").rpartition("/")[2] or "lake"
    return "_".join(part for part in table_stem(path).split("/") if part)


def settle_names(reserved: Sequence[str], found: Sequence[TableFiles]) -> list[TableFiles]:
    """The tables found, each with a name of its own in any case and none with a reserved one. Of those that
    clash, the first by location keeps its name and the next are numbered from 2."""
    taken = {name.casefold() for name in reserved}
    tables = []
    for table in sorted(found, key=lambda table: table.location):
        name, number = table.name, 1
        while name.casefold() in taken:
            number += 1
            name = f"{table.name}_{number}"
        taken.add(name.casefold())
        if number > 1:
            why = f"named {name!r} because {table.name!r} is another table"
            table = replace(table, name=name, evidence=(*table.evidence, why))
        tables.append(table)
    return tables
