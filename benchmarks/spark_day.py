"""One day of a table of 100,000 Parquet files in Spark: given lakeq's plan, and found by Spark itself.

    python -m benchmarks.spark_day [--files 100000] [--rounds 3] [--folder DIR]

Both run in one session of Spark, `local[*]`, warm, and answer the same: rows and a sum of one day, grouped
by hour. lakeq's time has its planning and its checks of files in it, in a lake that is open, and in one that
is opened anew, which lists the table. Spark's is that of `spark.read.parquet(root)` with the same condition,
which lists the table each time; with the schema given too, so that it reads no footer to infer it. Target:
given the plan, a fifth of Spark's own time.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import lakeq
from benchmarks.harness import print_table, time_in_turn, write_result

_HOURS = 24
_LINKS = 10_000
"""Links to one file; filesystems have limits."""
_SQL = (
    "SELECT hour, count(*) AS n, sum(v) AS v FROM events WHERE year = 2026 AND day = 7 GROUP BY hour "
    "ORDER BY hour"
)


def write_table(root: Path, files: int) -> None:
    """`files` files of 100 rows below `events/year=/day=/hour=`, ten an hour: links to few, so that they are
    made in seconds and are files to whoever lists them."""
    rows = pa.table({"id": list(range(100)), "v": [float(i) for i in range(100)]})
    source = root / "_sources" / "0.parquet"
    source.parent.mkdir()
    for number in range(files):
        if number % _LINKS == 0:
            source = source.with_name(f"{number}.parquet")
            pq.write_table(rows, source)
        hour, part = divmod(number, 10)
        day, hour = divmod(hour, _HOURS)
        folder = root / "events" / f"year={2026 - day // 360}" / f"day={day % 360 + 1:03}" / f"hour={hour:02}"
        if part == 0:
            folder.mkdir(parents=True, exist_ok=True)
        os.link(source, folder / f"part-{part}.parquet")


def ask_anew(root: Path, spark: Any) -> list[Any]:
    """The day, planned by lakeq, which lists the table for it, and run by Spark."""
    with lakeq.connect(str(root), engines={"spark": spark}, history="off") as lake:
        return ask_lakeq(lake)


def ask_lakeq(lake: lakeq.Lake) -> list[Any]:
    """The day, planned by lakeq and run by Spark."""
    return lake.sql(_SQL, engine="spark").fetchall()


def ask_spark(root: Path, spark: Any, schema: str | None) -> list[Any]:
    """The day, found by Spark."""
    reader = spark.read if schema is None else spark.read.schema(schema)
    reader.parquet(str(root / "events")).createOrReplaceTempView("events")
    return [tuple(row) for row in spark.sql(_SQL).collect()]


def main() -> None:
    """Time both in turn, print the figures, and keep them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    from pyspark.sql import SparkSession

    settings = {"spark.ui.enabled": "false", "spark.driver.memory": "4g", "spark.log.level": "ERROR"}
    builder = SparkSession.builder.master("local[*]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        root = Path(folder)
        write_table(root, arguments.files)
        schema = "id BIGINT, v DOUBLE, year INT, day INT, hour INT"
        with lakeq.connect(str(root), engines={"spark": spark}, history="off") as lake:
            contenders = {
                "lakeq's plan in Spark": partial(ask_lakeq, lake),
                "lakeq opened anew": partial(ask_anew, root, spark),
                "spark.read.schema(…).parquet": partial(ask_spark, root, spark, schema),
                "spark.read.parquet": partial(ask_spark, root, spark, None),
            }
            answers: dict[str, list[Any]] = {}

            def keep(name: str) -> None:
                answers[name] = contenders[name]()

            seconds = time_in_turn({name: partial(keep, name) for name in contenders}, arguments.rounds)
    if len({str(answer) for answer in answers.values()}) != 1:
        raise SystemExit(f"The answers differ: {answers}")
    first = next(iter(seconds.values()))
    figures = [{"contender": name, "seconds": took, "times": took / first} for name, took in seconds.items()]
    print_table(figures)
    question = f"one day of {arguments.files:,} files in Spark: given lakeq's plan, and found by Spark"
    write_result(
        "spark_day", question, figures, files=arguments.files, rounds=arguments.rounds, spark=spark.version
    )
    spark.stop()


if __name__ == "__main__":
    main()
