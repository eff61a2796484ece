"""Arrow datasets over a list of files, each with the partition values that its path stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from lakeq.formats.base import ArrowFile, Column, FileSchema
from lakeq.formats.types import settle_type

if TYPE_CHECKING:
    import pyarrow.dataset as ds  # loads pandas, where that is installed


def scan_files(
    file_format: ds.FileFormat, files: Sequence[ArrowFile], schema: pa.Schema, filesystem: pa.fs.FileSystem
) -> ds.FileSystemDataset:
    """A dataset that reads lazily, one fragment a file. Sizes spare a look at each file."""
    import pyarrow.dataset as ds

    fragments = [
        file_format.make_fragment(file.path, filesystem, file.partition, file_size=file.size)
        for file in files
    ]
    return ds.FileSystemDataset(fragments, schema, file_format, filesystem)


Rows = tuple[pa.Table, int]
"""Decoded columns of a file and its number of rows, which a table without columns cannot tell."""


def hold_rows(
    files: Sequence[Rows],
    partitions: Sequence[ds.Expression],
    fields: Sequence[pa.Field],
    partition_columns: Sequence[Column],
) -> ds.Dataset:
    """A dataset over decoded files in memory, with their partition values as constant columns."""
    import pyarrow.dataset as ds

    schema = scan_schema(fields, partition_columns)
    tables = [schema.empty_table()]
    for (table, rows), partition in zip(files, partitions, strict=True):
        values = ds.get_partition_keys(partition)
        keys = [pa.repeat(pa.scalar(values.get(c.name), c.type), rows) for c in partition_columns]
        tables.append(pa.table([*keys, *table.columns], schema=schema))
    return ds.dataset(pa.concat_tables(tables))


def file_fields(schema: FileSchema, partition_columns: Sequence[Column]) -> list[pa.Field]:
    """The columns of a file but for those of a partition column's name, which wins."""
    keys = {column.name for column in partition_columns}
    return [pa.field(column.name, column.type) for column in schema.columns if column.name not in keys]


def text_fields(schema: FileSchema, partition_columns: Sequence[Column]) -> list[pa.Field]:
    """As `file_fields`, of a file of text: text where a type is not settled."""
    fields = file_fields(schema, partition_columns)
    return [field.with_type(settle_type(field.type)) for field in fields]


def scan_schema(fields: Sequence[pa.Field], partition_columns: Sequence[Column]) -> pa.Schema:
    """What a dataset shows: the partition columns, then the columns of its files.

    A query that asks for no column is given the first: one that costs no byte.
    """
    return pa.schema([*(pa.field(column.name, column.type) for column in partition_columns), *fields])
