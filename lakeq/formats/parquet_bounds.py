"""Bounds as Parquet stores them, made values of their column. None where order or meaning is not certain.

There are two ways to the same values: Arrow's statistics, one object after the other, and the stored bytes,
with a reader chosen once for each column of a schema.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

import pyarrow.parquet as pq

Bounds = tuple[Any, Any]
BoundsReader = Callable[[bytes, bytes], Bounds]

_LONGEST_DECIMAL = 16  # bytes, of 38 digits


def read_arrow_bounds(statistics: pq.Statistics, leaf: pq.ColumnSchema) -> Bounds:
    """Lower and upper bound in the column's own unit."""
    logical = json.loads(leaf.logical_type.to_json())
    kind, physical = logical["Type"], leaf.physical_type
    if kind == "String":
        return _settle(_decode(statistics.min_raw), _decode(statistics.max_raw))
    if kind == "Decimal" and logical["precision"] <= 38:
        return _settle(statistics.min, statistics.max)
    if kind == "Timestamp" and physical == "INT64":
        scale = _scale_of(logical)
        return _settle(statistics.min_raw * scale, statistics.max_raw * scale)
    if kind == "Date":
        return _settle(statistics.min_raw, statistics.max_raw)
    if kind in ("Int", "None") and physical in ("INT32", "INT64", "BOOLEAN"):
        return _settle(statistics.min, statistics.max)
    if kind == "None" and physical in ("FLOAT", "DOUBLE"):
        return _settle_floats(statistics.min)
    return None, None


def choose_bounds_reader(physical: str, logical: Mapping[str, Any]) -> BoundsReader | None:
    """What makes bounds of stored bytes of the type's width; None when they are not to be used.

    ValueError from the reader for bytes that Arrow does not read either.
    """
    kind = logical["Type"]
    if kind == "String":
        return _read_texts
    if kind == "Decimal" and logical["precision"] <= 38:
        order = "big" if physical.endswith("BYTE_ARRAY") else "little"
        return partial(_read_decimals, order, logical["scale"])
    if kind == "Timestamp" and physical == "INT64":
        return partial(_read_times, _scale_of(logical))
    if kind == "None" and physical == "BOOLEAN":
        return _read_booleans
    if kind in ("Int", "None", "Date") and physical in ("INT32", "INT64"):
        bits = logical.get("bitWidth", 32 if physical == "INT32" else 64)
        return partial(_read_integers, bits // 8, logical.get("isSigned", True))
    if kind == "None" and physical in ("FLOAT", "DOUBLE"):
        return partial(_read_floats, struct.Struct("<f" if physical == "FLOAT" else "<d"))
    return None


def _read_texts(lower: bytes, upper: bytes) -> Bounds:
    return _settle(_decode(lower), _decode(upper))


def _read_decimals(order: Any, scale: int, lower: bytes, upper: bytes) -> Bounds:
    return _settle(_read_decimal(order, scale, lower), _read_decimal(order, scale, upper))


def _read_decimal(order: Any, scale: int, stored: bytes) -> Decimal:
    if not 1 <= len(stored) <= _LONGEST_DECIMAL:
        raise ValueError(f"a decimal of {len(stored)} bytes")
    # By way of text, as no context rounds that.
    return Decimal(f"{int.from_bytes(stored, order, signed=True)}E-{scale}")


def _read_times(scale: int, lower: bytes, upper: bytes) -> Bounds:
    return _settle(
        int.from_bytes(lower, "little", signed=True) * scale,
        int.from_bytes(upper, "little", signed=True) * scale,
    )


def _read_booleans(lower: bytes, upper: bytes) -> Bounds:
    return _settle(bool(lower[0] & 1), bool(upper[0] & 1))


def _read_integers(width: int, signed: bool, lower: bytes, upper: bytes) -> Bounds:
    # A narrow integer is stored in four bytes; like Arrow, look at those that it needs.
    return _settle(
        int.from_bytes(lower[:width], "little", signed=signed),
        int.from_bytes(upper[:width], "little", signed=signed),
    )


def _read_floats(layout: struct.Struct, lower: bytes, upper: bytes) -> Bounds:
    return _settle_floats(layout.unpack(lower)[0])


def _scale_of(logical: Mapping[str, Any]) -> int:
    """DuckDB has no milliseconds: they become microseconds."""
    return 1000 if logical["timeUnit"] == "milliseconds" else 1


def _settle_floats(lower: float) -> Bounds:
    # NaN is the greatest value and statistics leave it out: no upper bound.
    return (None, None) if lower != lower else (lower, None)


def _settle(lower: Any, upper: Any) -> Bounds:
    """The bounds, or none where both cannot be right, as some old writers left them."""
    if isinstance(lower, int) and not -(2**63) <= lower <= upper < 2**64:
        return None, None
    if isinstance(lower, int | str | Decimal) and upper is not None and lower > upper:
        return None, None
    return lower, upper


def _decode(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:  # cut inside a character
        return None
