"""Which files one scan can read though they differ in columns. A scan each takes DuckDB 5 ms and more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from lakeq.catalog.table import Table
from lakeq.formats.base import TEXT_FORMATS, Column, FileSchema
from lakeq.formats.parquet import UNITED


def find_text_schema(table: Table, schema: FileSchema) -> FileSchema:
    """What a scan needs to know of a file of text of this schema; files that agree in it are one scan.
    Of other formats, the schema itself.

    Text is read in the table's types, whatever the head of a file was taken for. Values of JSON are found by
    their names, so each column of the table is looked for in every file: one that the head of a file lacks
    may follow, and what a query is told must not hang on which other files it reads.
    """
    if table.format not in TEXT_FORMATS:
        return schema
    shown = {column.name.casefold(): column for column in table.data_columns}
    if table.format == "json":
        spelled = {column.name.casefold(): column.name for column in reversed(schema.columns)}
        columns = [replace(column, name=spelled.get(name, column.name)) for name, column in shown.items()]
    else:
        kept = ((column, shown.get(column.name.casefold())) for column in schema.columns)
        columns = [replace(column, type=known.type if known else pa.string()) for column, known in kept]
    return replace(schema, columns=tuple(columns))


def unite_parquet(table: Table, schemas: Sequence[FileSchema]) -> list[FileSchema]:
    """For each schema of Parquet files the one by which DuckDB scans them: where several differ only in which
    columns of the table they have and in what order, that is one for all of them."""
    united = [_unite(table, schema) for schema in schemas]
    counts = Counter(united)
    return [
        schema if common is None or counts[common] == 1 else common
        for schema, common in zip(schemas, united, strict=True)
    ]


def _unite(table: Table, schema: FileSchema) -> FileSchema | None:
    """The columns of the table, but for those of another name (in case) or type in the files; None where
    names do not tell the columns apart, for encrypted files, and where there is no column."""
    own = {column.name.casefold(): column for column in schema.columns}
    keys = {column.name.casefold() for column in table.partition_columns}
    if schema.encryption is not None or len(own) < len(schema.columns) or keys & own.keys():
        return None
    columns = tuple(_as_read(column, own.get(column.name.casefold())) for column in table.data_columns)
    return FileSchema(columns, (*schema.options, (UNITED, True))) if columns else None


def _as_read(column: Column, own: Column | None) -> Column:
    """The table's column where a file lacks it, or holds nothing but NULL of no type; else the file's."""
    if own is None:
        return column
    is_empty = pa.types.is_null(own.type) and not pa.types.is_nested(column.type)
    return column if is_empty and own.name == column.name else own
