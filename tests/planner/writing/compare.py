"""Are two answers one? Values, not types: what a caller would make of them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa

TOLERANCE = 1e-13
"""Of the size of a double: sums come out in another order, and libraries differ in the last bit of exp()."""


def list_rows(table: pa.Table) -> list[tuple[Any, ...]]:
    """The rows of an answer, as Python's values."""
    columns = [[_settle(v) for v in column.to_pylist()] for column in table.columns]
    return list(zip(*columns, strict=True)) if columns else [()] * table.num_rows


def _settle(value: Any) -> Any:
    """A value without what a type adds to it."""
    match value:
        case dict():
            return tuple((_settle(k), _settle(v)) for k, v in value.items())
        case list():
            return [_settle(v) for v in value]
        case dt.datetime() if value.tzinfo is not None:
            return ("instant", value.astimezone(dt.UTC).replace(tzinfo=None))
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
    rows, truth = list_rows(found), list_rows(expected)
    if found.num_columns != expected.num_columns or len(rows) != len(truth):
        return f"{len(rows)} rows of {found.num_columns}, expected {len(truth)} of {expected.num_columns}"
    if not is_ordered:
        rows, truth = sorted(rows, key=_rank), sorted(truth, key=_rank)
    return next(_differences(rows, truth), None)


def _rank(row: tuple[Any, ...]) -> list[tuple[str, str]]:
    return [_rank_value(v) for v in row]


def _rank_value(value: Any) -> tuple[str, str]:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return ("n", f"{float(value) + 0.0:.9e}")
    return (type(value).__name__, str(value))


def _differences(rows: list[Any], truth: list[Any]) -> Iterator[str]:
    for number, (row, expected) in enumerate(zip(rows, truth, strict=True)):
        for column, (a, b) in enumerate(zip(row, expected, strict=True)):
            if not is_same(a, b):
                yield f"row {number}, column {column}: {a!r}, expected {b!r}"
