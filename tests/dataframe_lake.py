"""A lake for tests of the DataFrame: time partitions, product partitions, nested columns, NULLs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lakeq.planner.plan import ScanPlan

EVENTS = pa.schema(
    [
        ("id", pa.int64()),
        ("user_id", pa.int64()),
        ("amount", pa.float64()),
        ("name", pa.string()),
        ("ts", pa.timestamp("us")),
        ("s", pa.struct([("a", pa.int64()), ("b", pa.struct([("c", pa.string())]))])),
        ("tags", pa.list_(pa.string())),
    ]
)


def make_events(month: int, day: int) -> list[dict[str, Any]]:
    """Thirty rows of a day, ids in runs so that row groups have bounds that tell."""
    rows = []
    for i in range(30):
        number = month * 1000 + day * 100 + i
        rows.append(
            {
                "id": number,
                "user_id": None if i == 7 else i % 11,
                "amount": None if i % 9 == 4 else number / 8,
                "name": None if i == 3 else f"{'abc'[i % 3]}_{day}{i % 4}",
                "ts": dt.datetime(2026, month, day, i % 24, i),
                "s": None if i == 5 else {"a": number % 7, "b": {"c": f"c{i % 5}"}},
                "tags": ["x", "y"][: i % 3],
            }
        )
    return rows


def write_lake(root: Path) -> None:
    """`events` by year, month and day; `sales` by product, NULL among them; `users` without partitions."""
    for month in (1, 2, 3):
        for day in (1, 2, 15):
            table = pa.Table.from_pylist(make_events(month, day), schema=EVENTS)
            write(table, root / "events" / "year=2026" / f"month={month:02}" / f"day={day}", 8)
    old = pa.Table.from_pylist(make_events(12, 31), schema=EVENTS)
    write(old, root / "events" / "year=2025" / "month=12" / "day=31", 8)
    for number, product in enumerate(("pen", "ink", "it's", "__HIVE_DEFAULT_PARTITION__")):
        n = [10 * number + i for i in range(12)]
        days = [dt.date(2026, 1, 1 + i) for i in range(12)]
        price = [None if i == 2 else i / 4 for i in n]
        sales = pa.table({"sale": n, "price": price, "sold": days, "day": [i % 3 for i in n]})
        write(sales, root / "sales" / f"product={product}", 5)
    users = {
        "user_id": [*range(12), None],
        "country": ["DE", "FR", None] * 4 + ["IT"],
        "name": [f"user {i}" for i in range(13)],
        "month": [1 + i % 3 for i in range(13)],
    }
    write(pa.table(users), root / "users", 4)


def write(table: pa.Table, folder: Path, rows: int) -> None:
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "part-0.parquet", row_group_size=rows)


def what_is_read(plan: ScanPlan) -> list[tuple[Any, ...]]:
    """Of each scan, what it reads: table, files, partitions' keys, row groups, columns, bytes; sorted."""
    scans = []
    for scan in plan.scans:
        files = sorted(scan.files.to_table()["path"].to_pylist())
        keys = sorted(scan.partition_keys)
        read = (scan.table.name, files, keys, scan.row_groups, sorted(scan.columns), scan.column_bytes)
        scans.append((*read, scan.uses, scan.from_index))
    return sorted(scans, key=repr)
