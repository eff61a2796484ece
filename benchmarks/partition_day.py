"""How long does one day of a table of 1,440 partitions take, with the catalog warm?

    python -m benchmarks.partition_day [--rounds 15]

Writes 60 days of 24 hours, a Parquet file of 2,000 rows each, to a temporary folder, and asks for one day:
lakeq on an open lake; bare DuckDB, Polars and pyarrow with a glob or a folder and the same filter. Those list
the folder each time, which is what they do when asked this way. Target: lakeq's median is at most half of
DuckDB's.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

import lakeq
from benchmarks.harness import print_table, time_in_turn, write_result

TARGET = 0.5
MONTHS, DAYS, HOURS = (10, 11), range(1, 31), range(24)
ROWS = 2_000
_MONTH, _DAY = 11, 17
_FILTER = f"year = 2026 AND month = {_MONTH} AND day = {_DAY}"


def write_events(table: Path) -> None:
    """A table of 1,440 hours below `table`, the same on every run."""
    random = np.random.default_rng(1440)
    kinds = np.array(["buy", "cart", "search", "view"])
    for month in MONTHS:
        for day in DAYS:
            for hour in HOURS:
                folder = table / "year=2026" / f"month={month}" / f"day={day}" / f"hour={hour}"
                folder.mkdir(parents=True)
                rows = pa.table(
                    {
                        "user_id": random.integers(1, 50_000, ROWS),
                        "kind": kinds[random.integers(0, 4, ROWS)],
                        "amount": random.gamma(2.0, 20.0, ROWS).round(2),
                    }
                )
                pq.write_table(rows, folder / "part-0.parquet")


def sum_by_kind(rows: pa.Table) -> dict[str, float]:
    """kind → sum of amount, rounded to cents."""
    return {row["kind"]: round(row["total"], 2) for row in rows.to_pylist()}


def read_by_pyarrow(table: Path) -> pa.Table:
    keys = pa.schema([(name, pa.int64()) for name in ("year", "month", "day", "hour")])
    dataset = ds.dataset(table, format="parquet", partitioning=ds.partitioning(keys, flavor="hive"))
    day = (pc.field("year") == 2026) & (pc.field("month") == _MONTH) & (pc.field("day") == _DAY)
    rows = dataset.to_table(columns=["kind", "amount"], filter=day)
    return rows.group_by("kind").aggregate([("amount", "sum")]).rename_columns(["kind", "total"])


def read_by_polars(table: Path) -> pa.Table:
    frame = pl.scan_parquet(table / "**" / "*.parquet", hive_partitioning=True)
    day = (pl.col("year") == 2026) & (pl.col("month") == _MONTH) & (pl.col("day") == _DAY)
    return frame.filter(day).group_by("kind").agg(pl.col("amount").sum().alias("total")).collect().to_arrow()


def main() -> None:
    parser = argparse.ArgumentParser(description="Read one day of a table of 1,440 partitions.")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    select = "SELECT kind, sum(amount) AS total FROM {} WHERE " + _FILTER + " GROUP BY kind"
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "events"
        write_events(table)
        glob = f"read_parquet('{table}/**/*.parquet', hive_partitioning=true)"
        with lakeq.connect(folder) as lake, duckdb.connect() as bare:
            contenders: dict[str, Callable[[], pa.Table]] = {
                "lakeq": lambda: lake.sql(select.format("events")).arrow(),
                "duckdb": lambda: bare.sql(select.format(glob)).to_arrow_table(),
                "polars": lambda: read_by_polars(table),
                "pyarrow": lambda: read_by_pyarrow(table),
            }
            answers = {name: sum_by_kind(run()) for name, run in contenders.items()}
            if any(answer != answers["duckdb"] for answer in answers.values()):
                raise SystemExit(f"The answers differ: {answers}")
            medians = time_in_turn(contenders, arguments.rounds)
    rows: list[dict[str, Any]] = [
        {"engine": name, "seconds": round(seconds, 4), "times_duckdb": round(seconds / medians["duckdb"], 3)}
        for name, seconds in medians.items()
    ]
    print_table(rows)
    met = medians["lakeq"] / medians["duckdb"] <= TARGET
    question = "One day of a local table of 1,440 Parquet files, catalog warm"
    print(write_result("partition_day", question, rows, target=TARGET, met=met, rounds=arguments.rounds))


if __name__ == "__main__":
    main()
