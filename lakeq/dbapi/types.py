"""Types of PEP 249: what a column is told to be, what its values become, and how a client writes values."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa

from lakeq.formats.types import sql_type

Description = tuple[str, str, None, int | None, int | None, int | None, None]
"""name, type_code, display_size, internal_size (bytes), precision, scale, null_ok."""

Row = tuple[Any, ...]

NESTED = "NESTED"
"""The type code of lists, structs and maps. Their SQL names hold those of other types, and clients that look
for these (Polars does) would take a struct for an integer. The Arrow schema has the type itself."""


class TypeObject:
    """Equal to the type codes that it stands for, whatever their precision."""

    def __init__(self, *names: str) -> None:
        self._names = frozenset(names)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return other.partition("(")[0] in self._names
        return self._names == other._names if isinstance(other, TypeObject) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._names)

    def __repr__(self) -> str:
        return f"TypeObject({', '.join(map(repr, sorted(self._names)))})"


STRING = TypeObject("VARCHAR", "UUID")
BINARY = TypeObject("BLOB")
NUMBER = TypeObject(
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
    *("FLOAT", "DOUBLE", "DECIMAL"),
)
DATETIME = TypeObject(
    *("DATE", "TIME", "TIME_NS", "INTERVAL", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"),
    *("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"),
)
ROWID = TypeObject()
"""No column is one."""


def time_from_ticks(ticks: float) -> dt.time:
    """The local time of day, `ticks` seconds after 1970."""
    return dt.datetime.fromtimestamp(ticks).time()


Date, Time, Timestamp, Binary = dt.date, dt.time, dt.datetime, bytes
DateFromTicks, TimeFromTicks, TimestampFromTicks = (
    dt.date.fromtimestamp,
    time_from_ticks,
    dt.datetime.fromtimestamp,
)


def describe_column(field: pa.Field) -> Description:
    """One column as `cursor.description` has it. Whether a column may be NULL is not known."""
    kind = field.type
    code = NESTED if pa.types.is_nested(kind) else sql_type(kind)
    is_decimal, is_number = pa.types.is_decimal(kind), code == NUMBER
    return (
        field.name,
        code,
        None,
        kind.bit_width // 8 if is_number else None,
        kind.precision if is_decimal else None,
        kind.scale if is_decimal else None,
        None,
    )


def make_rows(batch: pa.RecordBatch) -> list[Row]:
    """The rows as Python values: Decimal, date, datetime (with its zone), bytes, list, dict, None.

    A datetime holds microseconds: what a TIMESTAMP_NS has below them is cut.
    """
    return list(zip(*(_cut_nanoseconds(column).to_pylist() for column in batch.columns), strict=True))


def _cut_nanoseconds(column: pa.Array) -> pa.Array:
    held = _held_type(column.type)
    return column if held == column.type else column.cast(held, safe=False)


def _held_type(kind: pa.DataType) -> pa.DataType:
    """`kind` with microseconds where it has nanoseconds, at any depth."""
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if kind == pa.time64("ns"):
        return pa.time64("us")
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_held_type(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_held_type(kind.key_type), _held_type(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_held_type(kind.value_type)))
    return kind
