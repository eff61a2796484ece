"""Values as a server spells them in JSON or text, as Arrow arrays of the types that DuckDB gives the answer.

Trino's and Athena's numbers, dates and times come as JSON numbers or as text; what is no such value, or would
lose something in the type that is wanted, is an error and never rounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.engines.base import EngineContext
from lakeq.engines.names import OUTSIDE
from lakeq.errors import UnsupportedSqlError
from lakeq.planner.plan import ScanPlan

_TICKS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
"""Digits of a second in each unit of Arrow."""
_CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d+))?")
_ZERO_DIGITS = r"(\.\d*?)0+( [A-Za-z+-].*|)$"
"""Zeros at the end of a fraction: `12.340000000 UTC`."""

Decode = Callable[[str], bytes]
"""From the text of a binary value to its bytes."""


def find_answer_schema(plan: ScanPlan, context: EngineContext, engine: str) -> pa.Schema:
    """The columns of the answer. UnsupportedSqlError for a plan that only lakeq itself can run, or whose
    answer an engine outside spells in ways that say less than its types."""
    title = OUTSIDE[engine]
    remedy = "Run it with engine='duckdb'."
    metadata = [table.name for table in plan.inline if "$" in table.name]
    hidden = [name for scan in plan.scans for name in scan.hidden_columns]
    for name in (*metadata, *hidden):
        raise UnsupportedSqlError(
            f"{title} does not know {name!r}, which lakeq makes up. {remedy}", plan.text
        )
    schema = context.answer_schema(plan)
    if schema is None:
        raise UnsupportedSqlError(
            f"The columns of this query depend on its rows, which {title} cannot be told: name them with IN. "
            f"{remedy}",
            plan.text,
        )
    for field in schema:
        if not is_readable(field.type):
            raise UnsupportedSqlError(
                f"Column {field.name!r} is of type {field.type}, which {title} spells in another way: "
                f"cast it. {remedy}",
                plan.text,
            )
    return schema


def is_readable(kind: pa.DataType) -> bool:
    """Whether a server's values can be read as this type: intervals are spelled in units of their own."""
    types = pa.types
    if types.is_interval(kind) or types.is_duration(kind) or isinstance(kind, pa.BaseExtensionType):
        return False
    if types.is_map(kind):
        return is_readable(kind.key_type) and is_readable(kind.item_type)
    if types.is_struct(kind):
        return all(is_readable(field.type) for field in kind)
    return is_readable(kind.value_type) if types.is_list(kind) else True


def read_batch(rows: Sequence[Sequence[Any]], schema: pa.Schema, decode: Decode) -> pa.RecordBatch:
    """Rows as a batch of this schema. ValueError, with the column, for values that are not of its type."""
    if any(len(row) != len(schema) for row in rows):
        raise ValueError(f"rows of {len(rows[0])} columns, where {len(schema)} were expected")
    arrays = []
    for number, field in enumerate(schema):
        try:
            arrays.append(read_values([row[number] for row in rows], field.type, decode))
        except (ValueError, TypeError, ArithmeticError, LookupError, pa.ArrowException) as error:
            raise ValueError(f"column {field.name!r} as {field.type}: {error}") from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def read_values(values: Sequence[Any], kind: pa.DataType, decode: Decode) -> pa.Array:
    """One column. Errors of Python and Arrow for what is no such value."""
    types = pa.types
    if types.is_map(kind):
        return _read_map(values, kind, decode)
    if types.is_list(kind):
        items = read_values([item for value in values for item in value or ()], kind.value_type, decode)
        return pa.ListArray.from_arrays(pa.array(_offsets(values), pa.int32()), items, type=kind)
    if types.is_struct(kind):
        return _read_struct(values, kind, decode)
    if types.is_dictionary(kind):
        return read_values(values, kind.value_type, decode).cast(kind)
    if types.is_timestamp(kind):
        return _read_moments(values, kind)
    if types.is_date(kind):
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(_read_each(values, _find_reader(kind, decode)), kind)


def _find_reader(kind: pa.DataType, decode: Decode) -> Callable[[Any], Any]:
    types = pa.types
    if types.is_boolean(kind):
        return _read_bool
    if types.is_integer(kind):
        return _read_int
    if types.is_floating(kind):
        return _read_float
    if types.is_decimal(kind):
        return lambda value: Decimal(str(value))
    if types.is_binary(kind) or types.is_large_binary(kind):
        return decode
    if types.is_time(kind):
        return lambda value: _read_time(value, _TICKS[kind.unit])
    if types.is_string(kind) or types.is_large_string(kind):
        return _read_text
    raise ValueError("no value of this type is known")


def _read_each(values: Sequence[Any], read: Callable[[Any], Any]) -> list[Any]:
    return [None if value is None else read(value) for value in values]


def _read_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}[str(value).lower()]


def _read_int(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError(f"{value!r} is no number")
    if isinstance(value, int):
        return value
    number = Decimal(str(value))
    if number != number.to_integral_value():
        raise ValueError(f"{value!r} is no whole number")
    return int(number)


def _read_float(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(f"{value!r} is no number")
    return float(value)  # "NaN", "Infinity" and "-Infinity" too


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _read_time(value: str, digits: int) -> int:
    match = _CLOCK.fullmatch(value)
    if match is None:
        raise ValueError(f"{value!r} is no time of the day")
    hours, minutes, seconds = (int(part) for part in match.groups()[:3])
    fraction = (match[4] or "").ljust(digits, "0")
    if fraction[digits:].strip("0"):
        raise ValueError(f"{value!r} is finer than the {digits} digits that there is room for")
    ticks: int = ((hours * 60 + minutes) * 60 + seconds) * 10**digits
    return ticks + int(fraction[:digits] or 0)


def _read_moments(values: Sequence[Any], kind: pa.TimestampType) -> pa.Array:
    """Timestamps: `2026-11-03 01:02:03.000000000`, with ` UTC` or ` +01:00` behind it if they have a zone.
    One without, where one with is wanted, is UTC: Hive's tables know no other, nor do our sessions."""
    text = pc.replace_substring_regex(pa.array(values, pa.string()), _ZERO_DIGITS, r"\1\2")
    text = pc.replace_substring_regex(text, r"\.( |$)", r"\1")
    if kind.tz is None:
        return text.cast(kind)
    zoned = pc.replace_substring_regex(text, r" UTC$", "Z")
    zoned = pc.replace_substring_regex(zoned, r" ([+-]\d\d:\d\d)$", r"\1")
    bare = pc.match_substring_regex(zoned, r":\d\d(\.\d+)?$")
    offset = pc.match_substring_regex(zoned, r"[+-]\d\d:\d\d$")
    zoned = pc.if_else(pc.and_not(bare, offset), pc.binary_join_element_wise(zoned, "Z", ""), zoned)
    return zoned.cast(kind)


def _read_struct(values: Sequence[Any], kind: pa.StructType, decode: Decode) -> pa.Array:
    width = kind.num_fields
    if any(value is not None and len(value) != width for value in values):
        raise ValueError(f"a row that has not {width} fields")
    children = [
        read_values([None if value is None else value[i] for value in values], field.type, decode)
        for i, field in enumerate(kind)
    ]
    mask = pa.array([value is None for value in values], pa.bool_())
    return pa.StructArray.from_arrays(children, fields=list(kind), mask=mask)


def _read_map(values: Sequence[Any], kind: pa.MapType, decode: Decode) -> pa.Array:
    keys = read_values([key for value in values for key in value or ()], kind.key_type, decode)
    items = [item for value in values for item in (value or {}).values()]
    offsets = pa.array(_offsets(values), pa.int32())
    return pa.MapArray.from_arrays(offsets, keys, read_values(items, kind.item_type, decode), kind)


def _offsets(values: Sequence[Any]) -> Iterator[int | None]:
    """Where each list begins among all items; null for the list that is null."""
    end = 0
    for value in values:
        yield None if value is None else end
        end += len(value or ())
    yield end
