"""Two independent ways to read what a format inspected: DuckDB with the SQL of its scan, and Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from lakeq.formats.arrow_reads import ArrowReads
from lakeq.formats.base import ArrowFile, Column, FileFacts, FileSchema, Format, ReadOptions
from lakeq.formats.scan_sql import list_literal


@dataclass
class FileSource:
    """A local file as a Source that remembers what was read."""

    file: Path
    reads: list[tuple[int, int]] = field(default_factory=list)

    @property
    def path(self) -> str:
        return str(self.file)

    @property
    def size(self) -> int:
        return self.file.stat().st_size

    def read(self, start: int, length: int) -> bytes:
        self.reads.append((start, length))
        with self.file.open("rb") as opened:
            opened.seek(start)
            data = opened.read(length)
        assert len(data) == length, f"a source is asked only for what is there: {start}+{length}"
        return data


def write(path: Path, content: bytes | str) -> FileSource:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return FileSource(path)


def inspect(format: Format, source: FileSource, **declared: Any) -> FileFacts:
    return format.inspect(source, ReadOptions(**declared))


def names_and_types(schema: FileSchema) -> list[tuple[str, str]]:
    return [(column.name, str(column.type)) for column in schema.columns]


def read_with_duckdb(
    format: Format, source: FileSource, schema: FileSchema, types: dict[str, pa.DataType] | None = None
) -> pa.Table:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.sql(f"SELECT * FROM {scan_sql(format, source, schema, types)}").to_arrow_table()


def retype(schema: FileSchema, types: dict[str, pa.DataType] | None) -> FileSchema:
    """The schema with other types of its columns, as a table may have settled on."""
    return replace(
        schema, columns=tuple(Column(c.name, (types or {}).get(c.name, c.type)) for c in schema.columns)
    )


def scan_sql(
    format: Format, source: FileSource, schema: FileSchema, types: dict[str, pa.DataType] | None
) -> str:
    scan = format.duckdb_scan(list_literal([source.path]), retype(schema, types), {}, None)
    assert scan is not None
    return scan


def read_with_arrow(
    format: Format, source: FileSource, schema: FileSchema, types: dict[str, pa.DataType] | None = None
) -> pa.Table:
    return arrow_dataset(format, [source], [ds.scalar(True)], retype(schema, types), []).to_table()


def arrow_dataset(
    format: Format,
    sources: Sequence[FileSource],
    partitions: Sequence[ds.Expression],
    schema: FileSchema,
    partition_columns: Sequence[Column],
) -> ds.Dataset:
    files = [
        ArrowFile(source.path, source.size, partition)
        for source, partition in zip(sources, partitions, strict=True)
    ]
    local = pa.fs.LocalFileSystem()
    return format.arrow_dataset(files, schema, partition_columns, local, ArrowReads())


def assert_decoders_agree(
    format: Format, source: FileSource, schema: FileSchema, types: dict[str, pa.DataType] | None = None
) -> list[dict[str, Any]]:
    """Both ways give the same rows; they are returned."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        native = connection.sql(f"SELECT * FROM {scan_sql(format, source, schema, types)}").to_arrow_table()
        connection.register("decoded", read_with_arrow(format, source, schema, types))
        through_duckdb = connection.sql("SELECT * FROM decoded").to_arrow_table()
    assert native.column_names == through_duckdb.column_names
    expected = native.to_pylist()
    assert through_duckdb.to_pylist() == expected
    return expected
