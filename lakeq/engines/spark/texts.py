"""Cells of text files as values, by the rules that lakeq has for DuckDB.

Spark reads every such cell as text; what is not a value of its column's type ends the query, and is never
NULL. What Spark would read otherwise than DuckDB ends it too.
"""

from __future__ import annotations

import pyarrow as pa

from lakeq.engines.spark.types import spark_type
from lakeq.formats.text_types import DATE_PATTERN, TIMESTAMP_PATTERN, ZONED_PATTERN

BAD_CELL, END = "lakeq-cell: ", " :lakeq"
"""What is around the errors of cells that are no values of their column."""

_FLOAT_PATTERN = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i)[+-]?inf(?:inity)?|nan"


def quote_spark_text(text: str) -> str:
    """`text` as a string literal of Spark's SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def write_error(words: str, type: str) -> str:
    """An expression, of a scalar type of Spark's, that ends the query with the text of `words`.

    That is an expression with a column in it: what is constant Spark evaluates before it is needed.
    """
    # raise_error is volatile to Spark: no condition passes it, and none reaches the files.
    return f"CAST(CAST(CAST({words} AS TINYINT) AS STRING) AS {type})"


def write_refusal(words: str, type: str) -> str:
    """An expression of a type of Spark's that ends a query which asks for it."""
    return f"CAST(raise_error({quote_spark_text(words)}) AS {type})"


def write_cell(text: str, name: str, type: pa.DataType) -> str | None:
    """The value of a cell, of which `text` is the SQL expression, in the column `name` of a scalar type; None
    where lakeq reads no such cells. An empty one is NULL, except as text."""
    target, pattern = spark_type(type), _find_pattern(type)
    if target is None or pattern is None:
        return None
    begin = quote_spark_text(f"{BAD_CELL}Column '{name}' holds '")
    end = quote_spark_text(f"', which is not {target}{END}")
    error = write_error(f"concat({begin}, {text}, {end})", target)
    if pa.types.is_string(type):
        # Spark puts this character for bytes that are not UTF-8.
        return f"CASE WHEN contains({text}, '\ufffd') THEN {error} ELSE {text} END"
    whole = quote_spark_text(rf"\A(?:{pattern})\z")
    value = f"coalesce(try_cast({text} AS {target}), {error})"
    return f"CASE WHEN {text} RLIKE {whole} THEN {value} WHEN {text} <> '' THEN {error} END"


def _find_pattern(type: pa.DataType) -> str | None:
    """What texts are values of a type; narrower than what Spark's own casts take."""
    if pa.types.is_timestamp(type):
        return TIMESTAMP_PATTERN if type.tz is None else ZONED_PATTERN
    if pa.types.is_decimal(type):
        return rf"-?[0-9]+(?:\.[0-9]{{0,{type.scale}}}0*)?"
    patterns = (
        (pa.types.is_string, ""),
        (pa.types.is_integer, "-?[0-9]+"),
        (pa.types.is_floating, _FLOAT_PATTERN),
        (pa.types.is_boolean, "true|false"),
        (pa.types.is_date, DATE_PATTERN),
    )
    return next((pattern for test, pattern in patterns if test(type)), None)
