"""Rows that the index answers with: `"t$files"`, `"t$partitions"`, and scans of partition columns alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.hive_names import hive_folder
from lakeq.catalog.table import MODIFIED_COLUMN, PARTITION_COLUMN, PATH_COLUMN, SIZE_COLUMN, Table
from lakeq.catalog.view import CatalogView
from lakeq.planner.scan import TableScan

FILES_SUFFIX, PARTITIONS_SUFFIX = "$files", "$partitions"
HISTORY_TABLE = "lakeq$history"
"""The queries of the lake so far, as a table."""

ReadMetadata = Callable[[str], pa.Table]
"""Gives the rows of a metadata table."""


def metadata_base(name: str) -> str | None:
    """`events` for `events$files` and `events$partitions`, else None."""
    for suffix in (FILES_SUFFIX, PARTITIONS_SUFFIX):
        if name.casefold().endswith(suffix):
            return name[: -len(suffix)]
    return None


def metadata_rows(name: str, catalog: CatalogView) -> pa.Table:
    """The rows of `"t$files"`, one a file, or `"t$partitions"`, one a partition."""
    base = metadata_base(name)
    assert base is not None
    entry = catalog.entry(base)
    index, table = entry.index, entry.table
    if name.casefold().endswith(PARTITIONS_SUFFIX):
        return index.read_partitions()
    return describe_files(table, index.all.to_table())


def describe_files(table: Table, files: pa.Table) -> pa.Table:
    """Path, size in bytes, modified, etag, storage_class, the partition keys, and row_count where known."""
    shown = {
        "path": full_paths(table, files),
        "size": files.column("size"),
        "modified": files.column("modified"),
        "etag": files.column("etag"),
        "storage_class": files.column("storage_class"),
    }
    for i, column in enumerate(table.partition_columns):
        shown[column.name] = files.column(f"value_{i}")
    return pa.table({**shown, "row_count": files.column("row_count")})


def full_paths(table: Table, files: pa.Table) -> pa.ChunkedArray:
    """What `$path` shows for each file."""
    root = pa.scalar(table.store_root.rstrip("/") + "/")
    return pc.binary_join_element_wise(root, files.column("path"), "")


def partition_texts(table: Table, files: pa.Table) -> list[str]:
    """What `$partition` shows for each file: `year=2026/month=03`, in the spelling of the paths."""
    names = [column.name for column in table.partition_columns]
    raws = [files.column(f"raw_{i}").to_pylist() for i in range(len(names))]
    if not names:
        return [""] * files.num_rows
    return [
        "/".join(hive_folder(n, v) for n, v in zip(names, row, strict=True))
        for row in zip(*raws, strict=True)
    ]


def scan_rows(scans: Sequence[TableScan]) -> pa.Table:
    """One row a non-empty file that any of these scans of one table keeps: all its columns, data ones
    NULL."""
    table = scans[0].table
    files = pa.concat_tables([scan.files.to_table() for scan in scans])
    files = files.filter(files.column("has_rows"))
    keys = {c.name: files.column(f"value_{i}") for i, c in enumerate(table.partition_columns)}
    shown = {c.name: keys.get(c.name, pa.nulls(files.num_rows, c.type)) for c in table.columns}
    hidden = {name for scan in scans for name in scan.hidden_columns}
    sources = {
        PATH_COLUMN: full_paths(table, files),
        SIZE_COLUMN: files.column("size"),
        MODIFIED_COLUMN: files.column("modified"),
        PARTITION_COLUMN: pa.array(partition_texts(table, files), pa.string()),
    }
    shown.update({name: values for name, values in sources.items() if name in hidden})
    return pa.table(shown)
