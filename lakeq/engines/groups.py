"""Which files an engine opens together, and by what path.

A local Hive or flat file goes by its real path, because DuckDB reads those fastest. Every other file goes by
a path in the planned filesystem that is Hive with made-up keys, so that positional, escaped and padded
layouts, and every store, all look alike to the engine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.hive_names import NULL_TEXT, hive_folder
from lakeq.catalog.table import HIDDEN_COLUMNS, Table
from lakeq.engines.scan_schemas import find_text_schema
from lakeq.errors import ExecutionError
from lakeq.formats.base import FileSchema
from lakeq.planner.plan import ScanPlan
from lakeq.planner.scan import TableScan
from lakeq.storage.base import Store
from lakeq.storage.block_cache import fits_folder

PLANNED_SCHEME = "lake://"

_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class TableRead:
    """All that one query reads of one table: the union of its references to it.

    `files` is FileSelection.to_table() and `schemas` is what its `schema_id` indexes; `hidden` are names of
    hidden columns in the order of HIDDEN_COLUMNS. `keys` are the positions of the partition columns that are
    asked for, `asked` the names of the data columns that are.
    `chunks` are the stored column chunks that are read (file_id, start, length; start is null where unknown);
    None: they are not known. `group_footers` are the footers of the row groups that are read, in a format
    where they have them.
    """

    table: Table
    files: pa.Table
    schemas: tuple[FileSchema, ...]
    hidden: tuple[str, ...]
    keys: tuple[int, ...]
    asked: frozenset[str]
    chunks: pa.Table | None = None
    group_footers: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files of one table that one scan reads: one schema, one way to be reached.

    `paths` has, for each row of `files`, what the engine opens: the file's real path if `native`, else its
    name in the planned filesystem.
    """

    schema: FileSchema
    native: bool
    files: pa.Table
    paths: tuple[str, ...]


def merge_scans(plan: ScanPlan) -> tuple[TableRead, ...]:
    """One TableRead for each table of the plan that rows of the index do not stand for."""
    by_name: dict[str, list[TableScan]] = {}
    for scan in plan.scans:
        by_name.setdefault(scan.table.name.casefold(), []).append(scan)
    answered = {inline.name.casefold() for inline in plan.inline}
    return tuple(
        _merge_table(scans)
        for name, scans in by_name.items()
        if not (name in answered and all(scan.from_index for scan in scans))
    )


def _merge_table(scans: Sequence[TableScan]) -> TableRead:
    table = scans[0].table
    asked = {name for scan in scans for name in scan.hidden_columns}
    hidden = tuple(column.name for column in HIDDEN_COLUMNS if column.name in asked)
    schema_ids: dict[FileSchema, int] = {}
    selections = []
    for files in {id(scan.files): scan.files for scan in scans}.values():
        schemas = [find_text_schema(table, schema) for schema in files.schemas]
        ids = [schema_ids.setdefault(schema, len(schema_ids)) for schema in schemas]
        rows = files.to_table()
        position = rows.schema.get_field_index("schema_id")
        renumbered = pc.take(pa.array(ids, pa.int32()), rows["schema_id"]) if ids else rows["schema_id"]
        selections.append(rows.set_column(position, "schema_id", renumbered))
    paths = {path for scan in scans for path in scan.columns}
    columns = frozenset(column.name for path in paths for column in table.columns_at(path))
    return TableRead(
        table,
        _drop_repeats(selections),
        tuple(schema_ids),
        hidden,
        _find_keys(table, scans, len(schema_ids)),
        columns,
        _unite([scan.chunks for scan in scans]),
        _unite([scan.group_footers for scan in scans]),
    )


def _unite(told: Sequence[pa.Table | None]) -> pa.Table | None:
    """What all scans of a table tell together; None where one does not tell."""
    known = [rows for rows in told if rows is not None]
    return pa.concat_tables(known) if len(known) == len(told) else None


def _find_keys(table: Table, scans: Sequence[TableScan], schemas: int) -> tuple[int, ...]:
    """The positions of the partition columns that are asked for. Of a union of which nothing is asked DuckDB
    still reads a column: then one is there that costs no byte."""
    asked = {name.casefold() for scan in scans for name in scan.partition_keys}
    names = [column.name.casefold() for column in table.partition_columns]
    keys = tuple(position for position, name in enumerate(names) if name in asked)
    return keys or ((0,) if names and schemas > 1 else ())


def _drop_repeats(selections: Sequence[pa.Table]) -> pa.Table:
    if len(selections) == 1:
        return selections[0]
    rows = pa.concat_tables(selections).combine_chunks()
    numbered = pa.table({"file_id": rows["file_id"], "row": pa.array(range(rows.num_rows), pa.int64())})
    first = numbered.group_by("file_id").aggregate([("row", "min")])
    return rows.take(first.sort_by("file_id")["row_min"])


def group_files(
    read: TableRead, store: Store, prefix: str, by_path: bool, may_open: bool
) -> tuple[FileGroup, ...]:
    """The files of `read` as groups, in the order in which the table's schemas were met.

    `prefix` names the table in the planned filesystem. `by_path` says that the engine takes partition
    values from the path, so that the path must spell them; `may_open`, that local files may be opened at all:
    encrypted ones never are.
    """
    if read.files["schema_id"].null_count:
        raise ExecutionError(f"Files of table '{read.table.name}' were planned before they were looked into.")
    groups = []
    for schema_id, schema in enumerate(read.schemas):
        files = read.files.filter(pc.equal(read.files["schema_id"], schema_id))
        if not files.num_rows:
            continue
        native = may_open and store.is_local and schema.encryption is None
        plain = _are_plain(read.table, schema, store.root, files["path"]) if native and by_path else native
        mask = plain if isinstance(plain, pa.ChunkedArray) else pa.array([plain] * files.num_rows)
        for opens in (True, False):
            kept = files.filter(mask if opens else pc.invert(mask))
            if kept.num_rows:
                paths = _real_paths(store, kept) if opens else _planned_paths(read.keys, kept, prefix)
                groups.append(FileGroup(schema, opens, kept, paths))
    return tuple(groups)


def _real_paths(store: Store, files: pa.Table) -> tuple[str, ...]:
    return tuple(store.url(path) for path in files["path"].to_pylist())


def _are_plain(table: Table, schema: FileSchema, root: str, paths: pa.ChunkedArray) -> pa.ChunkedArray | bool:
    """Which of the paths below `root` DuckDB reads exactly as the catalog did.

    DuckDB expands globs, splits keys that lie above the table too, lets a key hide a column of the file,
    takes keys as they are spelled, a backslash for a slash, and an end of line in a value for no key.
    """
    if _GLOB.search(root):
        return False
    if table.layout.kind == "flat":
        return pc.match_substring_regex(paths, r"^[^*?\[]*$")
    keys = [column.name for column in table.partition_columns]
    taken = {column.name.casefold() for column in (*table.columns, *schema.columns)}
    above = {key.casefold() for key in re.findall(r"([^/\\=]+)=", root)}
    in_file = {column.name.casefold() for column in schema.columns}
    usable = all(re.fullmatch(r"[A-Za-z0-9_]+", key) and key.casefold() not in in_file for key in keys)
    if not table.layout.is_hive or not usable or above & taken:
        return False
    folders = "".join(rf"{key}=[^/\\=*?\[%\r\n]*/" for key in keys)
    return pc.match_substring_regex(paths, rf"^([^/\\=*?\[]+/)*{folders}([^/\\=*?\[]+/)*[^/\\=*?\[]+$")


def partition_key(position: int) -> str:
    """The made-up name of a partition column in the planned filesystem, which spells those asked for."""
    return f"lakeq_p{position}"


def name_partitions(table: Table, files: pa.Table) -> pa.Array:
    """`key=value/…` of each of the files of a table, as `$partition` shows it."""
    names = [column.name for column in table.partition_columns]
    raws = [files[f"raw_{i}"].to_pylist() for i in range(len(names))]
    rows = zip(*raws, strict=True) if raws else [()] * files.num_rows
    return pa.array(["/".join(map(hive_folder, names, row)) for row in rows], pa.string())


def copy_folder(shown: str) -> str | None:
    """Where copies of the files that the planned filesystem shows in the folder `shown` are to lie, below the
    cache's own: it spells the partition values as `shown` does; "" (any) where that spells none. None where
    filesystems cannot spell them."""
    keys = shown.split("/")[2:]  # after the query's own prefix
    if not keys:
        return ""
    folder = "/".join(["copies", *keys])
    return folder if fits_folder(folder) else None


def _planned_paths(keys: Sequence[int], files: pa.Table, prefix: str) -> tuple[str, ...]:
    folders = [_folders(partition_key(position), files[f"value_{position}"]) for position in keys]
    names = pc.binary_join_element_wise("f", files["file_id"].cast(pa.string()), "")
    joined = pc.binary_join_element_wise(PLANNED_SCHEME + prefix, *folders, names, "/")
    return tuple(joined.to_pylist())


def _folders(key: str, values: pa.ChunkedArray) -> pa.Array:
    """`key=value` for each value, %-escaped as Hive does."""
    encoded = pc.dictionary_encode(values.cast(pa.string())).combine_chunks()
    spelled = pa.array([hive_folder(key, text) for text in encoded.dictionary.to_pylist()], pa.string())
    return pc.fill_null(spelled.take(encoded.indices), f"{key}={NULL_TEXT}")
