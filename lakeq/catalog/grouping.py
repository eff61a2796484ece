"""Which folders and files of a lake make one table: the evidence, and the decision.

A folder of `key=value` folders is one table. So are folders of years, months, days and hours. Sibling
folders with other names are one table when the files in them look alike. All else is a table a folder,
or a table a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.folders import Folder, is_time, label_levels, labelled_layout
from lakeq.catalog.layout import FLAT, Layout
from lakeq.catalog.objects import objects_below, spread, stored_files
from lakeq.catalog.samples import SAMPLE_LIMIT, compare_files
from lakeq.errors import CatalogError, PartitionLayoutError, SchemaConflictError
from lakeq.formats.parquet_keys import ParquetKeys
from lakeq.storage.base import Store

_VARYING = r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,}|[0-9]+"
_EXTENSIONS = (
    r"(?i)(\.(csv|tsv|psv|txt|tbl|dat|data|json|jsonl|ndjson|parquet|pq|orc|"
    r"snappy|gz|gzip|zst|zstd|bz2|lz4|xz))+$"
)


@dataclass(frozen=True, slots=True)
class TableGroup:
    """Objects that make one table: those in or below the folder `path` ("" or ending in `/`) that are in no
    group further down, or the one file `path`."""

    path: str
    layout: Layout
    evidence: tuple[str, ...] = ()
    problem: CatalogError | None = None


def group_tables(
    root: Folder, objects: pa.Table, store: Store, keys: ParquetKeys | None = None
) -> list[TableGroup]:
    """The tables of a lake whose data `objects` (sorted, each with a format) lie in the folders of `root`.

    Every object is in exactly one group. Opens a few files where names do not decide; `keys` are for those.
    """
    groups: list[TableGroup] = []
    pending: list[tuple[Folder, tuple[str, ...]]] = [(root, ())]
    while pending:
        folder, why = pending.pop()
        if folder.is_hive:
            groups.append(TableGroup(folder.path, Layout("hive"), why))
            continue
        whole, apart = _group_folder(folder, objects, store, keys)
        if whole is not None:
            groups.append(replace(whole, evidence=(*why, *whole.evidence)))
            continue
        if folder.formats:
            groups.extend(_group_loose_files(folder, objects, store, why, keys))
        pending.extend((child, apart) for child in folder.children)
    return groups


def guess_layout(folder: Folder) -> tuple[Layout, tuple[str, ...]]:
    """The layout of a folder that is known to be one table, from the names of the folders below, and why."""
    if folder.is_hive:
        return Layout("hive"), ()
    if not folder.children:
        return FLAT, ()
    if folder.height is None:
        return FLAT, ("files at several depths: the folders are no partition columns",)
    layout = labelled_layout(label_levels(folder.level_names()))
    return layout, (f"folders {layout.template} guessed from their names",)


def table_stem(path: str) -> str:
    """A file's path without the extensions of formats and compressions."""
    return re.sub(_EXTENSIONS, "", path)


def _group_folder(
    folder: Folder, objects: pa.Table, store: Store, keys: ParquetKeys | None
) -> tuple[TableGroup | None, tuple[str, ...]]:
    """The folder with all below it as one table, or None and why its sub-folders are tables of their own."""
    if not folder.children or folder.has_hive:
        return None, ()
    levels = folder.level_names()
    labels = label_levels(levels)
    layout = labelled_layout(labels)
    if all(is_time(label) for label in labels):
        problem = _depth_problem(folder, store) if folder.height is None else None
        return TableGroup(folder.path, layout, (f"folder names fit {layout.template}",), problem), ()
    if len(folder.children) < 2 or folder.height is None:
        return None, ()
    if not folder.path and any(is_time(label) for label in labels[1:]):
        return None, (
            "sibling folders at the lake's root that are partitioned by time stay tables of their own",
        )
    leaves = folder.leaves()
    kinds = {kind for leaf in leaves for kind in leaf.formats}
    if len(kinds) > 1:
        return None, (f"not one table with its sibling folders: formats {', '.join(sorted(kinds))}",)
    files = [row for leaf in spread(leaves, SAMPLE_LIMIT // 2) for row in _end_files(leaf, objects)]
    compared = compare_files(stored_files(pa.concat_tables(files), store), kinds.pop(), keys)
    if not compared.agrees:
        return None, (f"not one table with its sibling folders: {compared.evidence}",)
    told = f"{len(folder.children):,} sibling folders hold {compared.evidence} (of {len(leaves):,} folders)"
    return TableGroup(folder.path, layout, (told,)), ()


def _end_files(leaf: Folder, objects: pa.Table) -> list[pa.Table]:
    """The first and the last file of a folder without sub-folders."""
    rows = objects_below(objects, leaf.path)
    return [rows.slice(0, 1), rows.slice(rows.num_rows - 1)] if rows.num_rows > 1 else [rows]


def _group_loose_files(
    folder: Folder, objects: pa.Table, store: Store, why: tuple[str, ...], keys: ParquetKeys | None
) -> list[TableGroup]:
    """The files directly in a folder: one table when they look alike, else a table a file."""
    rows = objects_below(objects, folder.path)
    names = pc.utf8_slice_codeunits(rows.column("path").combine_chunks(), len(folder.path))
    direct = pc.invert(pc.match_substring(names, "/"))
    rows, names = rows.filter(direct), names.filter(direct)
    stems = pc.replace_substring_regex(names, _EXTENSIONS, "")
    families = pc.replace_substring_regex(stems, _VARYING, "#")
    if len(folder.formats) > 1:
        return _group_mixed_files(folder, rows, families, store, why)
    if rows.num_rows == 1 and not folder.path:
        return _one_each(rows, why)
    firsts = pa.table({"family": families, "row": pa.array(range(len(families)))})
    firsts = firsts.group_by("family").aggregate([("row", "min")]).column("row_min").sort()
    if len(firsts) == 1:
        return [TableGroup(folder.path, FLAT, why)]
    compared = compare_files(stored_files(rows.take(firsts), store), next(iter(folder.formats)), keys)
    if compared.agrees:
        return [TableGroup(folder.path, FLAT, (*why, f"the files of the folder hold {compared.evidence}"))]
    return _one_each(rows, (*why, f"a table of its own: {compared.evidence}"))


def _group_mixed_files(
    folder: Folder, rows: pa.Table, families: pa.Array, store: Store, why: tuple[str, ...]
) -> list[TableGroup]:
    """Files of several formats: copies of each other are a problem, others are a table a file."""
    seen: dict[str, tuple[str, str]] = {}
    columns = (rows.column("path").to_pylist(), rows.column("format").to_pylist(), families.to_pylist())
    for path, kind, family in zip(*columns, strict=True):
        known_path, known_kind = seen.setdefault(family, (path, kind))
        if kind != known_kind:
            problem = format_problem(locate(store, folder.path), (known_path, path), (known_kind, kind))
            return [TableGroup(folder.path, FLAT, why, problem)]
    return _one_each(rows, (*why, "a table of its own: the folder holds files of several formats"))


def format_problem(location: str, paths: tuple[str, str], kinds: tuple[str, str]) -> SchemaConflictError:
    """The error for one table with files of two formats."""
    return SchemaConflictError(
        f"Table at {location!r} has files of two formats: "
        f"{paths[0]!r} is {kinds[0]}, {paths[1]!r} is {kinds[1]}. "
        f"Declare format={kinds[0]!r} or format={kinds[1]!r} to read one and ignore the other.",
        "",
        kinds,
        paths,
    )


def _one_each(rows: pa.Table, why: tuple[str, ...]) -> list[TableGroup]:
    return [TableGroup(path, FLAT, why) for path in rows.column("path").to_pylist()]


def _depth_problem(folder: Folder, store: Store) -> PartitionLayoutError:
    leaves = sorted(folder.leaves(), key=lambda leaf: (leaf.path.count("/"), leaf.path))
    shallow, deep = leaves[0].path, leaves[-1].path
    location = locate(store, folder.path)
    return PartitionLayoutError(
        f"Data files of the table at {location!r} lie at different depths: in {deep!r} and in {shallow!r}. "
        "Move them to one depth, or declare the tables.",
        location,
        deep,
        shallow,
    )


def locate(store: Store, path: str) -> str:
    """The full name of a folder or file below the store's root, without a slash at its end."""
    return f"{store.root.rstrip('/')}/{path}".rstrip("/") or "/"
