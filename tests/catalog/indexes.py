"""A small index, and facts of its files."""

from __future__ import annotations

import pyarrow as pa

from lakeq.catalog.database import open_index_database
from lakeq.catalog.index import FileIndex
from lakeq.formats.base import Column, ColumnChunk, FileFacts, FileSchema, RowGroup

KEYS = (Column("year", pa.int64()),)


def make_index() -> FileIndex:
    """Three files in two years, none of them looked into."""
    files = pa.table(
        {
            "path": ["t/year=2/b", "t/year=1/a", "t/year=2/c"],
            "size": pa.array([20, 10, 30], pa.int64()),
            "etag": ["e2", "e1", "e3"],
            "modified": pa.nulls(3, pa.timestamp("us", tz="UTC")),
            "storage_class": pa.nulls(3, pa.string()),
            "raw_0": ["2", "1", "2"],
            "value_0": pa.array([2, 1, 2], pa.int64()),
        }
    )
    return FileIndex(open_index_database(), "it's", files, KEYS)


def facts(kind: pa.DataType, lower: object, upper: object, size: int = 5) -> FileFacts:
    """What a file of one row group tells, with these bounds and stored bytes of its column `x`."""
    chunks = {"x": ColumnChunk(size, lower, upper, 0), "l.list.element": ColumnChunk(7)}
    schema = FileSchema((Column("x", kind), Column("l", pa.list_(pa.int64()))))
    return FileFacts(schema, 10, True, (RowGroup(10, chunks),))
