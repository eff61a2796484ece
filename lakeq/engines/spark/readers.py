"""How Spark's readers are told what lakeq knows of a file: options, and the type of each column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from lakeq.engines.spark.texts import BAD_CELL, END, quote_spark_text, write_cell, write_error
from lakeq.engines.spark.types import holds_nanoseconds, quote_spark_name, spark_type
from lakeq.formats.base import Column, FileSchema

TEXT_FORMATS = ("csv", "json")

_ENDINGS = {"gzip": (".gz",), "zstd": (".zst",)}
_PACKED = (".gz", ".zst", ".bz2", ".deflate", ".snappy", ".lz4")
_LAST_RETURN = quote_spark_text(r"\r\z")
_DROPPED_COLUMN = "lakeq_no_column"
"""Readers want a column, though a file of `{}` has none."""


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column as Spark reads it: its type there, and the SQL expression of its value."""

    read_type: str
    value: str


def find_obstacle(format: str, schema: FileSchema, paths: list[str]) -> str | None:
    """Why Spark cannot read files of this schema as DuckDB does, as what follows "because"; None: it can."""
    if schema.encryption is not None:
        return "they are encrypted, and Spark is given no keys"
    if format == "csv" and len(schema.columns) < 2:
        return "they are CSV of one column, where Spark leaves out empty lines, which are rows"
    if format in TEXT_FORMATS:
        compression = schema.option("compression")
        wanted = _ENDINGS.get(compression, ())
        for path in paths:
            ending = next((e for e in _PACKED if path.endswith(e)), None)
            if (ending not in wanted) if wanted else ending is not None:
                told = "plain" if compression == "none" else f"compressed with {compression}"
                return f"'{path}' is {told}, which Spark does not see by its name"
    return None


def choose_options(format: str, schema: FileSchema) -> dict[str, str]:
    """The options of Spark's reader. Nothing is inferred, and nothing broken is passed over."""
    options = {"recursiveFileLookup": "true"}
    if format == "parquet":
        # Its vectored reads are of other threads than the task's, and so in no task's metrics.
        options["parquet.hadoop.vectored.io.enabled"] = "false"
    if format == "csv":
        quote = schema.option("quote")
        options |= {
            "sep": schema.option("delimiter"),
            "quote": quote,
            "escape": quote,
            "header": str(schema.option("header")).lower(),
            "nullValue": "",
            "mode": "FAILFAST",
            "encoding": "UTF-8",
            "enforceSchema": "true",
            "columnPruning": "false",
            "multiLine": "true",
            # Else Spark turns each end of line within quotes into its own.
            "lineSep": "\n",
            "unescapedQuoteHandling": "RAISE_ERROR",
            "ignoreLeadingWhiteSpace": "false",
            "ignoreTrailingWhiteSpace": "false",
        }
    if format == "json":
        is_lines = schema.option("layout") == "newline_delimited"
        options |= {"mode": "FAILFAST", "encoding": "UTF-8", "multiLine": str(not is_lines).lower()}
    return options


def read_schema(columns: Mapping[str, StoredColumn]) -> str:
    """The columns as the DDL that a reader takes."""
    told = {name: column.read_type for name, column in columns.items()} or {_DROPPED_COLUMN: "STRING"}
    return ", ".join(f"{quote_spark_name(name)} {type}" for name, type in told.items())


def store_column(format: str, schema: FileSchema, column: Column, type: pa.DataType) -> StoredColumn | str:
    """How a column of the files is read where the table shows it as `type`, or why Spark cannot, as what
    follows "because"."""
    if format in TEXT_FORMATS and not pa.types.is_nested(type):
        return _store_text(format, schema, column, type)
    stored = column.type if format in ("parquet", "orc") else type
    if format == "json" and _holds_times(type):
        return "Spark reads times within JSON's objects and arrays by rules of its own"
    if holds_nanoseconds(stored):
        return _store_nanoseconds(format, column)
    if _turns_to_text(stored, type):
        return f"the file has it as {stored}, which Spark writes as another text than DuckDB"
    told = spark_type(_shape(stored, type))
    if told is None:
        return f"Spark has no type for {stored}"
    return StoredColumn(told, quote_spark_name(column.name))


def _store_text(format: str, schema: FileSchema, column: Column, type: pa.DataType) -> StoredColumn | str:
    text = quote_spark_name(column.name)
    if format == "csv":
        if column == schema.columns[-1]:  # a line that ends with \r\n has the \r in its last cell
            text = f"regexp_replace({text}, {_LAST_RETURN}, '')"
            text = f"nullif({text}, '')"
        null = schema.option("null")
        if null:
            text = f"nullif(coalesce({text}, ''), {quote_spark_text(null)})"
    value = write_cell(text, column.name, type)
    return f"Spark has no reader for a text as {type}" if value is None else StoredColumn("STRING", value)


def _store_nanoseconds(format: str, column: Column) -> StoredColumn | str:
    if format != "parquet" or pa.types.is_nested(column.type):
        return "Spark knows times to the microsecond only"
    name = quote_spark_name(column.name)
    zoned = f"timestamp_micros({name} DIV 1000)"
    value = zoned if column.type.tz is not None else f"CAST({zoned} AS TIMESTAMP_NTZ)"
    words = quote_spark_text(f"{BAD_CELL}Column '{column.name}' holds times finer than Spark's: ")
    error = write_error(
        f"concat({words}, {name}, ' ns{END}')", "TIMESTAMP_NTZ" if column.type.tz is None else "TIMESTAMP"
    )
    # DIV rounds towards zero, which is exact where nothing is left.
    return StoredColumn(
        "BIGINT", f"CASE WHEN {name} % 1000 = 0 THEN {value} WHEN {name} IS NOT NULL THEN {error} END"
    )


def _shape(stored: pa.DataType, type: pa.DataType) -> pa.DataType:
    """The type in which to read what is `stored`, with exactly the fields that the table has, in its order:
    Spark's readers find fields by name, its casts by position."""
    if pa.types.is_struct(stored) and pa.types.is_struct(type):
        known = {field.name.casefold(): field.type for field in stored}
        return pa.struct(
            [pa.field(f.name, _shape(known.get(f.name.casefold(), f.type), f.type)) for f in type]
        )
    if pa.types.is_list(stored) and pa.types.is_list(type):
        return pa.list_(_shape(stored.value_type, type.value_type))
    if pa.types.is_map(stored) and pa.types.is_map(type):
        return pa.map_(_shape(stored.key_type, type.key_type), _shape(stored.item_type, type.item_type))
    return stored


def _turns_to_text(stored: pa.DataType, type: pa.DataType) -> bool:
    """Whether values become text, at any depth, that Spark spells in another way than DuckDB."""
    if pa.types.is_nested(stored) and pa.types.is_nested(type) and stored.num_fields == type.num_fields:
        if pa.types.is_struct(stored):
            known = {field.name.casefold(): field.type for field in stored}
            pairs = [(known.get(f.name.casefold(), f.type), f.type) for f in type]
        else:
            pairs = [(stored.field(i).type, type.field(i).type) for i in range(stored.num_fields)]
        return any(_turns_to_text(*pair) for pair in pairs)
    same = (pa.types.is_string, pa.types.is_integer, pa.types.is_boolean, pa.types.is_date, pa.types.is_null)
    return bool(pa.types.is_string(type) and not any(test(stored) for test in same))


def _holds_times(type: pa.DataType) -> bool:
    if pa.types.is_temporal(type) or pa.types.is_decimal(type) or pa.types.is_binary(type):
        return True
    return any(_holds_times(type.field(i).type) for i in range(type.num_fields))
