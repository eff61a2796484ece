"""A small lake to ask in several dialects."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

DAYS = [dt.date(2026, 10, 30), dt.date(2026, 10, 31), *(dt.date(2026, 11, day) for day in range(1, 7))]


def write_lake(folder: Path) -> Path:
    """`events` by year, month and day, `visits` by date: a file a day, ten rows each."""
    for number, day in enumerate(DAYS):
        start = dt.datetime.combine(day, dt.time())
        rows = pa.table(
            {
                "id": pa.array(range(number * 10, number * 10 + 10), pa.int64()),
                "ts": pa.array([start + dt.timedelta(hours=2 * i) for i in range(10)], pa.timestamp("us")),
                "at": pa.array(
                    [start + dt.timedelta(hours=2 * i) for i in range(10)], pa.timestamp("us", "UTC")
                ),
                "kind": pa.array([None, "buy", "view"] * 3 + ["buy"]),
                "amount": pa.array([i * 1.5 for i in range(10)], pa.float64()),
                "price": pa.array([Decimal(i * 5) / 100 for i in range(10)], pa.decimal128(9, 2)),
                "tags": pa.array([["a", "b"], [], None, ["c"], ["a"]] * 2, pa.list_(pa.string())),
                "user": pa.array([{"name": f"u{i}", "age": i} for i in range(10)]),
                "payload": pa.array([f'{{"a": {i}}}' for i in range(10)]),
            }
        )
        for place in (f"events/year={day.year}/month={day.month}/day={day.day}", f"visits/date={day}"):
            (folder / place).mkdir(parents=True)
            pq.write_table(rows, folder / place / "part.parquet")
    return folder
