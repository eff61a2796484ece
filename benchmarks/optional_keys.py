"""What does a query cost of files of which each has other columns?

    python -m benchmarks.optional_keys [--rounds 5]

Writes 300 days of one file of 50 rows to a temporary folder, as JSON and as Parquet. Each file has `id` and
some 12 of 20 other columns, as events have that tell only what happened. lakeq on an open lake; bare DuckDB
and Polars told to unite the files by name, which find the columns anew each time, which is what they do when
asked this way; and DuckDB told the columns of JSON, too. Target: no slower than DuckDB.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

import lakeq
from benchmarks.harness import print_table, time_in_turn, write_result

DAYS, ROWS, KEYS = 300, 50, 20
_SELECT = "SELECT sum(k1) AS total FROM {} WHERE k3 > 5"
_COLUMNS = ", ".join(f"{name}: 'BIGINT'" for name in ["id", *(f"k{key}" for key in range(KEYS))])


def write_days(table: Path, kind: str) -> None:
    """The files below `table`, the same on every run."""
    drawn = random.Random(20)
    for day in range(DAYS):
        keys = [key for key in range(KEYS) if drawn.random() < 0.6]
        folder = table / f"day={day}"
        folder.mkdir(parents=True)
        records = [{"id": row, **{f"k{key}": row * key for key in keys}} for row in range(ROWS)]
        if kind == "json":
            (folder / "a.json").write_text("".join(json.dumps(record) + "\n" for record in records))
        else:
            pq.write_table(pa.Table.from_pylist(records), folder / "a.parquet")


def measure(kind: str, rounds: int) -> Iterator[dict[str, Any]]:
    """A row a contender: median seconds, and those of DuckDB in which they are."""
    with tempfile.TemporaryDirectory() as folder:
        write_days(Path(folder) / "events", kind)
        files = f"{folder}/events/*/*.{kind}"
        with lakeq.connect(folder) as lake, duckdb.connect() as bare:

            def ask_duckdb(options: str) -> int:
                return int(bare.sql(_SELECT.format(f"read_{kind}('{files}', {options})")).fetchall()[0][0])

            def ask_polars() -> int:
                scan = pl.scan_ndjson if kind == "json" else pl.scan_parquet
                paths = sorted(Path(folder).glob(f"events/*/*.{kind}"))
                frame = pl.concat([scan(path) for path in paths], how="diagonal")
                return int(frame.filter(pl.col("k3") > 5).select(pl.col("k1").sum()).collect().item())

            contenders: dict[str, Callable[[], int]] = {
                "lakeq": lambda: int(lake.sql(_SELECT.format("events")).arrow()[0][0].as_py()),
                "duckdb": lambda: ask_duckdb("union_by_name=true"),
                "polars": ask_polars,
            }
            if kind == "json":
                contenders["duckdb, columns known"] = lambda: ask_duckdb(f"columns={{{_COLUMNS}}}")
            answers = {name: run() for name, run in contenders.items()}
            assert len(set(answers.values())) == 1, answers
            seconds = time_in_turn(contenders, rounds)
    for name, took in seconds.items():
        yield {"format": kind, "contender": name, "seconds": took, "of_duckdb": took / seconds["duckdb"]}


def main() -> None:
    parser = argparse.ArgumentParser(description="Read files of which each has other columns.")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    figures = [row for kind in ("json", "parquet") for row in measure(kind, rounds)]
    print_table(figures)
    write_result("optional_keys", "A query of files of which each has other columns", figures)


if __name__ == "__main__":
    main()
