"""How literals and names are spelled in Spark and in Trino."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

from lakeq.planner.writing.sqltypes import SqlType, spell_type

SPARK = "spark"


def quote_name(name: str, dialect: str) -> str:
    """A name as an identifier."""
    mark = "`" if dialect == SPARK else '"'
    return mark + name.replace(mark, 2 * mark) + mark


def spell_text(text: str, dialect: str) -> str:
    """A text as a literal: Spark knows backslashes in it."""
    if dialect != SPARK:
        return "'" + text.replace("'", "''") + "'"
    special = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\u0000"}
    return "'" + "".join(special.get(c, c) for c in text) + "'"


def spell_double(value: float, dialect: str) -> str:
    """A floating-point number as a literal of type DOUBLE."""
    if not math.isfinite(value):
        word = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return f"CAST('{word}' AS DOUBLE)"
    digits = repr(value)
    text = f"{digits}D" if dialect == SPARK else digits if "e" in digits else f"{digits}e0"
    return f"({text})" if text.startswith("-") else text


def spell_exact(value: int | Decimal, type_: SqlType, dialect: str) -> str:
    """An integer or decimal as a literal. Of a decimal the digits after the point are those of the type."""
    text = f"{value:.{type_.scale}f}" if type_.kind == "decimal" else str(value)
    if type_.kind == "decimal" and type_.scale:
        return f"({text})" if value < 0 else text
    if -(2**31) < value < 2**31 and type_.kind == "integer":
        return f"({text})" if value < 0 else text
    if -(2**63) < value < 2**63 and type_.kind == "integer":
        text = f"{text}L" if dialect == SPARK else f"BIGINT '{text}'"
        return f"({text})" if value < 0 else text
    name = spell_type(type_, dialect) if type_.kind == "decimal" else "DECIMAL(38, 0)"
    return f"CAST({text}BD AS {name})" if dialect == SPARK else f"CAST(DECIMAL '{text}' AS {name})"


def spell_moment(value: dt.date | dt.datetime, dialect: str) -> str:
    """A date, or a timestamp (with a zone: in UTC), as a literal."""
    if not isinstance(value, dt.datetime):
        return f"DATE '{value.isoformat()}'"
    text = value.replace(tzinfo=None).isoformat(" ", "microseconds" if value.microsecond else "seconds")
    if dialect == SPARK:
        return f"TIMESTAMP_LTZ '{text} UTC'" if value.tzinfo is not None else f"TIMESTAMP_NTZ '{text}'"
    return f"TIMESTAMP '{text} UTC'" if value.tzinfo is not None else f"TIMESTAMP '{text}'"
