"""What other engines give for an expression: the cases in tests/data/cases/dialect_values.txt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

CASES = Path(__file__).parents[2] / "data" / "cases" / "dialect_values.txt"


def read_cases() -> Iterator[tuple[str, str, str]]:
    """Dialect, expression (or query), and the rows that it gives, as `write_rows` writes them."""
    dialect = ""
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and " => " not in line:
            dialect = line.strip("[]")
        elif line and not line.startswith("#"):
            expression, _, rows = line.rpartition(" => ")
            yield dialect, expression, rows


def write_rows(rows: list[tuple[Any, ...]]) -> str:
    """Rows as text: `1, 'a'; 2, NULL`."""
    return "; ".join(", ".join(map(write_value, row)) for row in rows)


def write_value(value: Any) -> str:
    """A value as text. A whole number and a double of the same value differ; decimals drop zeros at the end."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value.normalize():f}m"
        case dt.datetime() if value.tzinfo is not None:
            return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}Z"
        case dt.date() | dt.timedelta():
            return str(value)
        case list():
            return f"[{' '.join(map(write_value, value))}]"
        case dict():
            return "{" + " ".join(f"{k}: {write_value(v)}" for k, v in value.items()) + "}"
    return repr(value)
