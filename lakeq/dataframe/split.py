"""A split of rows by a hash of a key: the same rows in the same part, whenever and wherever it is asked.

The hash is MD5 of the key's text. It is the same in every version of DuckDB and in every other engine, which
DuckDB's own hash() does not promise, and its 32 hexadecimal digits compare as text the way the number does:
a part is a range, `md5(…) >= '3333…' AND md5(…) < 'cccc…'`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from lakeq.errors import QueryError
from lakeq.formats.types import quote_name

_ROUNDING = Fraction(1, 10**9)
_SAME_TEXT = re.compile(
    r"(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|VARCHAR|BOOLEAN|DATE|TIMESTAMP|UUID|DECIMAL\(.*\)|ENUM\(.*\))",
    re.DOTALL,
)
"""Types whose text depends on no setting and no version: not floats, and no times with a zone."""


def split_conditions(shares: Mapping[str, float], key: str, key_type: str) -> dict[str, str]:
    """For each part, the SQL condition that its rows meet. Rows without a key go into the first part.

    Shares that sum to 1 within rounding leave no row out. QueryError for shares that are not above 0 or sum
    to more than 1, and for a key whose text may differ from machine to machine.
    """
    if not shares:
        raise QueryError("split() needs parts: split(train=0.8, test=0.2, key='user_id')")
    if not _SAME_TEXT.fullmatch(key_type):
        raise QueryError(
            f"split() cannot use '{key}': the text of {key_type} may differ from machine to machine. Use a "
            "key of integers, text or dates, or one cast to String with with_columns"
        )
    exact = {name: _read_share(name, share) for name, share in shares.items()}
    if sum(exact.values()) > 1 + _ROUNDING:
        raise QueryError(f"The shares of split() sum to {float(sum(exact.values())):g}: they may sum to 1")
    digest = f"md5(CAST({quote_name(key)} AS VARCHAR))"
    conditions, low = {}, Fraction(0)
    for name, share in exact.items():
        high = low + share
        bounds = [] if low == 0 else [f"{digest} >= '{_digits(low)}'"]
        if high < 1 - _ROUNDING:
            bounds.append(f"{digest} < '{_digits(high)}'")
        if low == 0:
            bounds = [f"({' AND '.join(bounds) or 'true'} OR {quote_name(key)} IS NULL)"]
        conditions[name], low = " AND ".join(bounds), high
    return conditions


def _read_share(name: str, share: float) -> Fraction:
    try:
        exact = Fraction(str(share))  # 0.1 is a tenth, which the float is not
    except ValueError:
        exact = Fraction(0)
    if exact <= 0:
        raise QueryError(f"The share of '{name}' is {share!r}: it must be a number above 0")
    return exact


def _digits(share: Fraction) -> str:
    """The first MD5 digest that lies above `share` of all."""
    return f"{int(share * 2**128):032x}"
