"""Are two answers one? Values, not types: what a caller would make of them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa

_EPOCH, _MICROSECOND = dt.datetime(1970, 1, 1), dt.timedelta(microseconds=1)
TOLERANCE = 1e-13
"""Of the size of a double: sums come out in another order, and libraries differ in the last bit of exp()."""


Rows = list[tuple[Any, ...]]


def list_rows(table: pa.Table) -> list[tuple[Any, ...]]:
    """The rows of an answer, as Python's values."""
    columns = [[settle(v) for v in _list_values(column)] for column in table.columns]
    return list(zip(*columns, strict=True)) if columns else [()] * table.num_rows


def _list_values(column: pa.ChunkedArray) -> list[Any]:
    """The values; moments, of which Python's reach from year 1 to 9999 only, as numbers with their kind."""
    type_ = column.type
    if pa.types.is_date(type_):
        return [None if v is None else ("date", v) for v in column.cast(pa.int32()).to_pylist()]
    if pa.types.is_timestamp(type_):
        kind = "timestamp" if type_.tz is None else "instant"
        moments = column.cast(pa.timestamp("us", type_.tz)).cast(pa.int64())
        return [None if v is None else (kind, v) for v in moments.to_pylist()]
    return column.to_pylist()


def settle(value: Any) -> Any:
    """A value without what a type or a client adds to it."""
    match value:
        case dict():
            return tuple(settle(v) for v in value.values())
        case list():
            return [settle(v) for v in value]
        case tuple():
            return tuple(settle(v) for v in value)
        case dt.datetime():
            moment = value if value.tzinfo is None else value.astimezone(dt.UTC).replace(tzinfo=None)
            return ("timestamp" if value.tzinfo is None else "instant", (moment - _EPOCH) // _MICROSECOND)
        case dt.date():
            return ("date", (value - _EPOCH.date()).days)
        case Decimal():
            return int(value) if value == value.to_integral_value() else value
    return value


def is_same(left: Any, right: Any) -> bool:
    """Whether two values are one; doubles nearly, NaN is NaN."""
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(is_same, left, right))
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, float) or isinstance(right, float):
        if not isinstance(left, int | float | Decimal) or not isinstance(right, int | float | Decimal):
            return False
        a, b = float(left), float(right)
        return (a != a and b != b) or a == b or math.isclose(a, b, rel_tol=TOLERANCE)
    return bool(left == right) and (left is None) == (right is None)


def compare_answers(found: pa.Table, expected: pa.Table, is_ordered: bool) -> str | None:
    """How two answers differ; None when they are one."""
    return compare_rows(list_rows(found), list_rows(expected), is_ordered)


def compare_rows(rows: Rows, truth: Rows, is_ordered: bool) -> str | None:
    """How the rows of two answers differ; None when they are one."""
    if len(rows) != len(truth) or {len(row) for row in rows} != {len(row) for row in truth}:
        return f"{len(rows)} rows, expected {len(truth)}: {rows[:3]}, expected {truth[:3]}"
    if not is_ordered:
        rows, truth = sorted(rows, key=_rank), sorted(truth, key=_rank)
    return next(_differences(rows, truth), None)


def _rank(row: tuple[Any, ...]) -> list[tuple[str, ...]]:
    return [_rank_value(v) for v in row]


def _rank_value(value: Any) -> tuple[str, ...]:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return ("n", f"{float(value) + 0.0:.9e}", str(value) if isinstance(value, int) else "")
    return (type(value).__name__, str(value))


def _differences(rows: list[Any], truth: list[Any]) -> Iterator[str]:
    for number, (row, expected) in enumerate(zip(rows, truth, strict=True)):
        for column, (a, b) in enumerate(zip(row, expected, strict=True)):
            if not is_same(a, b):
                yield f"row {number}, column {column}: {a!r}, expected {b!r}"
