"""How quantities are written and read: bytes, dollars, counts, seconds. The one place for it.

Byte units are binary, as Athena meters them and as prices are given: 1 KB is 1,024 bytes, 1 TB is 2^40.
`KiB` and `KB` are the same unit, in words that users type and in words that lakeq prints.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation

from lakeq.errors import ConfigError

_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB", "EB")
_BYTES = re.compile(
    r"\s*([0-9][0-9_,]*(?:\.[0-9]*)?|\.[0-9]+)\s*(?:([kmgtpe]?)i?(?:b|bytes?)?)\s*", re.IGNORECASE
)
_CENT = Decimal("0.01")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def format_bytes(size: int) -> str:
    """`1.2 GB`; whole numbers below 1 KB, `1 byte` in the singular."""
    if abs(size) < 1024:
        return f"{size} byte" if size == 1 else f"{size} bytes"
    amount, unit = float(size), 0
    while abs(amount) >= 1023.95 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:,.1f} {_UNITS[unit]}"


def format_size(size: int | None) -> str:
    """As format_bytes; `?` for what is not known."""
    return "?" if size is None else format_bytes(size)


def parse_bytes(text: str) -> int:
    """The bytes of `10GB`, `1.5 TiB`, `500_000` or `1,024 MB`. ConfigError for anything else."""
    match = _BYTES.fullmatch(text)
    if match is None:
        raise ConfigError(f"Not a number of bytes: '{text}'. Write it like 500MB, 10GB or 1.5TiB.")
    number, unit = match.groups()
    exponent = 1 + "kmgtpe".index(unit.lower()) if unit else 0
    return int(Decimal(re.sub("[_,]", "", number)) * 1024**exponent)


def format_dollars(amount: Decimal) -> str:
    """`$7.00` from a cent up; below that two significant digits, `$0.0059`; `$0` for nothing."""
    if amount == 0:
        return "$0"
    if abs(amount) >= _CENT:
        return f"${amount.quantize(_CENT):,}"
    digits = 1 - amount.adjusted()
    return f"${amount.quantize(Decimal(1).scaleb(-digits)):f}"


def parse_dollars(text: str) -> Decimal:
    """The dollars of `0.50` or `$0.50`. ConfigError for anything else."""
    try:
        amount = Decimal(text.strip().removeprefix("$").replace(",", ""))
    except InvalidOperation as error:
        raise ConfigError(f"Not an amount of dollars: '{text}'. Write it like 0.50 or $2.") from error
    if not amount.is_finite() or amount < 0:
        raise ConfigError(f"Not an amount of dollars: '{text}'. Write it like 0.50 or $2.")
    return amount


def format_count(count: int | None) -> str:
    """`8,760`; `?` for what is not known."""
    return "?" if count is None else f"{count:,}"


def format_share(part: int, total: int | None) -> str:
    """`24 of 8,760`; `24` where the total is not known."""
    return f"{part:,}" if total is None else f"{part:,} of {total:,}"


def format_moment(seconds: float | None) -> str | None:
    """A moment in seconds since 1970 as `2026-11-25T14:03:00+00:00`; None for none."""
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")


def format_age(seconds: float) -> str:
    """`12 s`, `3 min`, `5 h`, `2 days`: how old something is, in its largest unit."""
    for unit, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count} {name}" if count > 1 or name != "days" else "1 day"
    return f"{int(max(seconds, 0))} s"


def parse_duration(text: str) -> float | None:
    """The seconds of `30s`, `15m`, `2h` or `1d`; None for anything else."""
    match = _DURATION.fullmatch(text.strip())
    return None if match is None else float(match.group(1)) * _SECONDS[match.group(2)]


def format_duration(seconds: int) -> str:
    """`90m`, `2h`, `1d`: exactly so many seconds, as `parse_duration` reads them, in the largest unit."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def format_seconds(seconds: float) -> str:
    """`0.84 s` below ten seconds, then `12.3 s`, then `2 min 5 s`."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
