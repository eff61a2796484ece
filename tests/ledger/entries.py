"""Entries made by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from lakeq.ledger.entries import DONE, Begun, Ended, TableShare

DAY = dt.date(2026, 11, 26)
NOON = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)


def begun(name: str, size: int | None = 100, **more: Any) -> Begun:
    """A query `name` over table t that is to scan `size` bytes, at a cent a byte."""
    defaults: dict[str, Any] = {
        "moment": NOON,
        "user": "ada",
        "lake": "/lake",
        "sql": f"SELECT {name}",
        "tables": (TableShare("t", size),) if size is not None else (),
        "bytes": size,
        "low": size,
        "high": size,
        "cost": None if size is None else Decimal(size) / 100,
        "accuracy": None if size is None else "exact",
    }
    return Begun(name, **{**defaults, **more})


def ended(name: str, outcome: str = DONE, scanned: int | None = None, **more: Any) -> Ended:
    """The end of it."""
    cost = None if scanned is None else Decimal(scanned) / 100
    return Ended(name, NOON, outcome, scanned, cost, **more)
