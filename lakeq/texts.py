"""Arrow values as text: one spelling for tables, pages, CSV and JSON. Numbers keep all their digits.

Timestamps are `2026-11-03 12:00:00` with a fraction only where there is one; bytes are hexadecimal; nested
values are JSON, with maps as objects. A NULL stays null until a writer decides how to show it.
"""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
"""Ticks of a second."""


def show_line(text: str) -> str:
    """The text on one line, without characters that a terminal or a browser would obey."""
    spaced = " ".join(text.split()) if "\n" in text or "\t" in text else text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in spaced)


def spell_values(column: pa.Array) -> pa.Array:
    """A string array with the text of each value, null where the value is NULL."""
    column = _plain(column)
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return _spell_moments(column)
    if _is_spelled_by_arrow(kind):
        return pc.cast(column, pa.string())
    return pa.array([None if v is None else _spell_value(v) for v in _to_python(column)], pa.string())


def spell_json(column: pa.Array) -> pa.Array:
    """A string array with each value as JSON, `null` where the value is NULL or a float without a number."""
    column = _plain(column)
    kind = column.type
    if pa.types.is_floating(kind):
        texts = pc.if_else(pc.is_finite(column), spell_values(column), pa.scalar("null"))
    elif pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind):
        texts = spell_values(column)
    elif pa.types.is_nested(kind):
        texts = pa.array([encode_json(v) for v in _to_python(column)], pa.string())
    else:
        spelled = spell_values(column).to_pylist()
        texts = pa.array([json.dumps(text, ensure_ascii=False) for text in spelled], pa.string())
    return pc.fill_null(texts, "null")


def encode_json(value: Any) -> str:
    """A Python value that came out of Arrow, as JSON."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "null"
    if isinstance(value, dict):
        members = (f"{json.dumps(str(k), ensure_ascii=False)}: {encode_json(v)}" for k, v in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(encode_json, value)) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(_spell_value(value), ensure_ascii=False)


def _plain(column: pa.Array) -> pa.Array:
    """The array without dictionary, extension and view types, which few functions take."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(pc.cast(column, kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pc.cast(column, pa.string())
    return column


def is_plain(kind: pa.DataType) -> bool:
    """Whether the texts of all values are digits, letters and a few signs, and none is empty."""
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return True
    return _is_spelled_by_arrow(kind) and not pa.types.is_null(kind)


def _spell_moments(column: pa.Array) -> pa.Array:
    """Timestamps and times, with a fraction only where there is one."""
    kind, ticks = column.type, _TICKS[column.type.unit]
    number = pc.cast(column, pa.int32() if pa.types.is_time32(kind) else pa.int64())
    is_whole = pc.equal(number, pc.multiply(pc.divide(number, ticks), ticks))
    seconds = pa.timestamp("s", kind.tz) if pa.types.is_timestamp(kind) else pa.time32("s")
    if pc.all(is_whole).as_py():
        return pc.cast(pc.cast(column, seconds), pa.string())
    whole = pc.cast(pc.cast(column.filter(is_whole), seconds), pa.string())
    return pc.replace_with_mask(pc.cast(column, pa.string()), is_whole, whole)


def _is_spelled_by_arrow(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_date(kind)
        or pa.types.is_null(kind)
    )


def _to_python(column: pa.Array) -> list[Any]:
    maps = {"maps_as_pydicts": "lossy"} if pa.types.is_nested(column.type) else {}
    values: list[Any] = column.to_pylist(**maps)
    return values


def _spell_value(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, pa.MonthDayNano):
        return _spell_interval(value)
    if isinstance(value, dict | list):
        return encode_json(value)
    return str(value)


def _spell_interval(value: pa.MonthDayNano) -> str:
    months, days, nanoseconds = value
    seconds = Decimal(nanoseconds).scaleb(-9).normalize()
    amounts = ((str(months), "months"), (str(days), "days"), (f"{seconds:f}", "seconds"))
    return " ".join(f"{amount} {unit}" for amount, unit in amounts if amount != "0") or "0 seconds"
