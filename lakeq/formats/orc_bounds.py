"""Bounds as ORC's statistics of a stripe state them, made values of their column. None where they are not
certain."""

from __future__ import annotations

import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa

from lakeq.formats.protobuf import Fields, decode_signed, read_last, read_message

Bounds = tuple[Any, Any]

NO_BOUNDS: Bounds = (None, None)

_INTEGERS, _DOUBLES, _STRINGS, _DECIMALS, _DATES, _TIMESTAMPS = 0x12, 0x1A, 0x22, 0x32, 0x3A, 0x4A
_LEAST, _GREATEST = 1, 2
_LOWER_BOUND, _UPPER_BOUND = 0x22, 0x2A
_LEAST_UTC, _GREATEST_UTC = 0x18, 0x20
_VARINT, _FIXED64, _BYTES = 0, 1, 2

_MENDED_VERSION = 1
"""HIVE-8732: writers before it did not keep the order of texts, decimals, dates and times."""
_NANOSECONDS = 1_000_000
_CLOSE_MARGIN, _WIDE_MARGIN = 1_000, 24 * 3_600_000
"""Milliseconds. Bounds of times are cut to milliseconds, and before 1970 some writers cut them upwards, or
were a second off. They are in UTC: a writer in another zone, which has its summer and its history, is allowed
a day."""


def read_bounds(statistics: Fields, type: pa.DataType, writer_version: int, is_utc: bool) -> Bounds:
    """Lower and upper bound of a column of this type in one stripe, in the type's own unit.

    `is_utc` says that the writer's clock showed UTC. ValueError and LookupError for what is not well formed.
    """
    if pa.types.is_integer(type):
        return _fit(_read_pair(statistics, _INTEGERS, _VARINT, decode_signed), type.bit_width)
    if pa.types.is_floating(type):
        return _read_doubles(statistics)
    if writer_version < _MENDED_VERSION:
        return NO_BOUNDS
    if pa.types.is_string(type):
        return _read_texts(statistics)
    if pa.types.is_decimal(type):
        return _read_decimals(statistics, type)
    if pa.types.is_date(type):
        return _fit(_read_pair(statistics, _DATES, _VARINT, decode_signed), 32)
    if pa.types.is_timestamp(type) and type.unit == "ns":
        return _read_times(statistics, _CLOSE_MARGIN if is_utc else _WIDE_MARGIN)
    return NO_BOUNDS


def _read_pair(
    statistics: Fields,
    tag: int,
    kind: int,
    decode: Callable[[Any], Any],
    numbers: Bounds = (_LEAST, _GREATEST),
) -> Bounds:
    """The two fields of these `numbers`, decoded, in the part of the statistics that `tag` has."""
    part = read_message(read_last(statistics, tag, b""))
    lower, upper = (read_last(part, number << 3 | kind) for number in numbers)
    return (None, None) if lower is None or upper is None else (decode(lower), decode(upper))


def _fit(bounds: Bounds, bits: int) -> Bounds:
    """The bounds, or none where both cannot be right."""
    lower, upper = bounds
    if lower is None or not -(1 << bits - 1) <= lower <= upper < 1 << bits - 1:
        return NO_BOUNDS
    return bounds


def _read_doubles(statistics: Fields) -> Bounds:
    lower, _ = _read_pair(statistics, _DOUBLES, _FIXED64, lambda stored: struct.unpack("<d", stored)[0])
    # NaN is the greatest value, and statistics leave it out or are NaN themselves: no upper bound.
    return (None, None) if lower is None or lower != lower else (lower, None)


def _read_texts(statistics: Fields) -> Bounds:
    part = read_message(read_last(statistics, _STRINGS, b""))
    # Of a long text there is a bound instead, which is shorter than any value may be.
    lower = read_last(part, _LEAST << 3 | _BYTES, read_last(part, _LOWER_BOUND))
    upper = read_last(part, _GREATEST << 3 | _BYTES, read_last(part, _UPPER_BOUND))
    if lower is not None and upper is not None and lower > upper:
        return NO_BOUNDS
    return _decode(lower), _decode(upper)


def _decode(stored: bytes | None) -> str | None:
    try:
        return None if stored is None else stored.decode()
    except UnicodeDecodeError:  # cut inside a character
        return None


def _read_decimals(statistics: Fields, type: pa.DataType) -> Bounds:
    lower, upper = _read_pair(statistics, _DECIMALS, _BYTES, bytes.decode)
    if lower is None:
        return NO_BOUNDS
    try:
        pa.array([Decimal(lower), Decimal(upper)], type)
    except (pa.ArrowInvalid, ArithmeticError):  # of another scale than the column
        return NO_BOUNDS
    return (Decimal(lower), Decimal(upper)) if Decimal(lower) <= Decimal(upper) else NO_BOUNDS


def _read_times(statistics: Fields, margin: int) -> Bounds:
    # The older pair of fields (1 and 2) is in the writer's zone, or in UTC: it is not used.
    lower, upper = _read_pair(
        statistics, _TIMESTAMPS, _VARINT, decode_signed, (_LEAST_UTC >> 3, _GREATEST_UTC >> 3)
    )
    if lower is None or lower > upper:
        return NO_BOUNDS
    # Times beyond nanoseconds of 64 bits overflow in Arrow: then no bound holds.
    return _fit(((lower - margin) * _NANOSECONDS, (upper + margin) * _NANOSECONDS), 64)
