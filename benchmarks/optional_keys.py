"""What does a query of JSON files cost of which each has other keys?

    python -m benchmarks.optional_keys [--rounds 5]

Writes 300 days of one JSON file of 50 records to a temporary folder. Each file has `id` and some 12 of 20
other keys, as events have that tell only what happened. lakeq on an open lake; bare DuckDB and Polars told
to unite the files by name, who find the keys anew each time, which is what they do when asked this way; and
DuckDB told the columns, too. Target: no slower than DuckDB told the columns.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl

import lakeq
from benchmarks.harness import print_table, time_in_turn, write_result

DAYS, ROWS, KEYS = 300, 50, 20


def write_days(table: Path) -> None:
    """The files below `table`, the same on every run."""
    drawn = random.Random(20)
    for day in range(DAYS):
        keys = [key for key in range(KEYS) if drawn.random() < 0.6]
        folder = table / f"day={day}"
        folder.mkdir(parents=True)
        records = ({"id": row, **{f"k{key}": row * key for key in keys}} for row in range(ROWS))
        (folder / "a.json").write_text("".join(json.dumps(record) + "\n" for record in records))


def main() -> None:
    parser = argparse.ArgumentParser(description="Read JSON files of which each has other keys.")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    select = "SELECT sum(k1) AS total FROM {} WHERE k3 > 5"
    columns = ", ".join(f"{name}: 'BIGINT'" for name in ["id", *(f"k{key}" for key in range(KEYS))])
    with tempfile.TemporaryDirectory() as folder:
        write_days(Path(folder) / "events")
        files = f"{folder}/events/*/*.json"
        with lakeq.connect(folder) as lake, duckdb.connect() as bare:

            def ask_duckdb(options: str) -> int:
                found = bare.sql(select.format(f"read_json('{files}', {options})")).fetchall()
                return int(found[0][0])

            def ask_polars() -> int:
                frame = pl.concat(
                    [pl.scan_ndjson(path) for path in sorted(Path(folder).glob("events/*/*.json"))],
                    how="diagonal",
                )
                return int(frame.filter(pl.col("k3") > 5).select(pl.col("k1").sum()).collect().item())

            contenders: dict[str, Callable[[], int]] = {
                "lakeq": lambda: int(lake.sql(select.format("events")).arrow()[0][0].as_py()),
                "duckdb": lambda: ask_duckdb("union_by_name=true"),
                "duckdb, columns known": lambda: ask_duckdb(f"columns={{{columns}}}"),
                "polars": ask_polars,
            }
            answers = {name: run() for name, run in contenders.items()}
            assert len(set(answers.values())) == 1, answers
            seconds = time_in_turn(contenders, arguments.rounds)
    figures = [
        {"contender": name, "seconds": took, "of_duckdb": took / seconds["duckdb"]}
        for name, took in seconds.items()
    ]
    print_table(figures)
    write_result("optional_keys", "A query of JSON files of which each has other keys", figures)


if __name__ == "__main__":
    main()
