"""A fault of DuckDB 2.0.1 that answers are kept from.

`date_part('year', t)`, which is also `extract(year FROM t)`, takes the bounds of a TIMESTAMP_NS, _MS or _S
for those of microseconds. `extract(year FROM t) = 2025` then finds no row; where all rows have one year it
is shown as 57065. It does not happen where DuckDB knows no bounds of `t`. Of 955 expressions over columns
of 21 types (tests/oracle/bounds.py) these were the only ones that answer otherwise with bounds than without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa

_PART = re.compile(r"date_?part|extract", re.IGNORECASE)
_OTHER_UNITS = re.compile(r"timestamp_[nm]?s\b|timestamp\s*\(", re.IGNORECASE)


def asks_for_part(sql: str) -> bool:
    """Whether SQL may ask for a part of a time by `date_part`."""
    return _PART.search(sql) is not None


def hide_bounds(sql: str) -> str:
    """The SQL of the same value, of which DuckDB knows no bounds."""
    return f"greatest({sql}, NULL)"


class HiddenBounds:
    """The types of columns of which a query must not know the bounds: times in other units than microseconds
    where it may ask for a part of one; all dates and times where it may also make other units of them."""

    def __init__(self, texts: Iterable[str]) -> None:
        sql = "\n".join(texts)
        self._parts = asks_for_part(sql)
        self._makes_units = _OTHER_UNITS.search(sql) is not None

    def __contains__(self, kind: pa.DataType) -> bool:
        if not self._parts or not pa.types.is_temporal(kind):
            return False
        return self._makes_units or (pa.types.is_timestamp(kind) and kind.unit != "us")
