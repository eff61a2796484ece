"""Values of any decoder in one spelling, so that the rows of two can be compared."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Any


def spell(value: Any) -> str:
    """A value as text: the same for equal values of Arrow, of JSON and of other decoders' Python objects."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return _spell_number(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return _spell_time(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name}:{spell(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(map(spell, value)) + "]"
    return repr(str(value))


def _spell_number(value: float | Decimal) -> str:
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return str(float(value)).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)
    return format(Decimal(value).normalize(), "f")


def _spell_time(value: dt.datetime | dt.date | dt.time) -> str:
    if hasattr(value, "nanosecond"):  # pandas' own, for nanoseconds
        nanoseconds = value.nanosecond
        value = value.to_pydatetime(warn=False)
        return _spell_time(value) + (f"{nanoseconds:03}" if nanoseconds else "")
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(dt.UTC).replace(tzinfo=None)
        return value.isoformat(" ")
    return value.isoformat()


def digest_rows(rows: Iterable[Sequence[Any]]) -> str:
    """One short text for rows in any order."""
    total = 0
    for row in rows:
        spelled = "\x1f".join(map(spell, row)).encode("utf-8", "surrogatepass")
        total += int.from_bytes(blake2b(spelled, digest_size=16).digest(), "big")
    return f"{total % 2**128:032x}"
