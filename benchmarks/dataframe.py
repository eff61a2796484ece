"""What does it cost to say a query with a DataFrame instead of SQL?

    python -m benchmarks.dataframe [--rounds 25]

A small lake of Hive partitions on this machine. Of each query: `lake.plan(sql)`, and the same put together by
verbs, compiled and planned, both warm and in turn. `verbs_ms` is putting together alone, `print_ms` the text
alone; `first_ms` what the very first frame of a process costs, its imports among it, in a fresh process.
Target: 15 ms more than the SQL.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import lakeq
from benchmarks.harness import print_table, run_fresh, time_in_turn, write_result
from lakeq import DataFrame, Lake, col

TARGET_MS = 15
QUERIES: dict[str, tuple[Callable[[Lake], DataFrame], str]] = {
    "filter": (
        lambda lake: lake.table("events").filter(year=2026, month=3).select("user_id", "amount"),
        "SELECT user_id, amount FROM events WHERE year = 2026 AND month = 3",
    ),
    "groups": (
        lambda lake: (
            lake.table("events")
            .with_columns(twice=col("amount") * 2)
            .filter(col("month").is_in([1, 2]), col("twice") > 10)
            .group_by("month")
            .agg(lakeq.len(), total=col("twice").sum())
            .sort("total", descending=True)
            .head(3)
        ),
        "SELECT month, count(*) AS len, sum(amount * 2) AS total FROM events WHERE month IN (1, 2) "
        "AND amount * 2 > 10 GROUP BY month ORDER BY total DESC LIMIT 3",
    ),
    "join": (
        lambda lake: (
            lake.table("events")
            .join(lake.table("users"), on="user_id", how="left")
            .filter(col("year") == 2026, col("month") < 4)
            .rename({"amount": "paid"})
            .group_by("country")
            .agg(col("paid").mean())
        ),
        "SELECT country, avg(amount) AS paid FROM events LEFT JOIN users USING (user_id) "
        "WHERE year = 2026 AND month < 4 GROUP BY country",
    ),
}
_FIRST = """
import sys, time, lakeq
lake = lakeq.connect(sys.argv[1], history=False)
lake.plan("SELECT user_id FROM events WHERE month = 3")
began = time.perf_counter()
lake.table("events").filter(month=3).select("user_id").plan()
print(1000 * (time.perf_counter() - began))
"""


def write_lake(root: Path) -> None:
    """Two years of months, and users."""
    for year in (2025, 2026):
        for month in range(1, 13):
            folder = root / "events" / f"year={year}" / f"month={month}"
            folder.mkdir(parents=True)
            rows = {"user_id": list(range(100)), "amount": [n / 4 for n in range(100)], "kind": ["a"] * 100}
            pq.write_table(pa.table(rows), folder / "part-0.parquet")
    (root / "users").mkdir()
    users = {"user_id": list(range(100)), "country": ["DE", "FR"] * 50}
    pq.write_table(pa.table(users), root / "users" / "part-0.parquet")


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--no-result", action="store_true", help="print only")
    rounds = parser.parse_args().rounds
    keeps = not parser.parse_args().no_result
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_lake(Path(folder))
        with lakeq.connect(folder, history=False) as lake:
            for name, (make, sql) in QUERIES.items():
                contenders: dict[str, Callable[[], object]] = {
                    "sql": partial(lake.plan, sql),
                    "frame": lambda make=make: make(lake).plan(),
                    "verbs": partial(make, lake),
                    "print": make(lake).sql,
                }
                seconds = time_in_turn(contenders, rounds)
                row = {"query": name, **{f"{k}_ms": round(1000 * s, 1) for k, s in seconds.items()}}
                rows.append({**row, "more_ms": round(1000 * (seconds["frame"] - seconds["sql"]), 1)})
        first = sorted(float(run_fresh(_FIRST, folder)) for _ in range(3))[1]
    print_table(rows)
    print(f"first frame of a process: {first:.0f} ms more than SQL that was planned before it")
    if keeps:
        question = "What does it cost to say a query with a DataFrame instead of SQL?"
        write_result(
            "dataframe", question, rows, target_ms=TARGET_MS, first_ms=round(first, 1), rounds=rounds
        )


if __name__ == "__main__":
    main()
