"""What does lakeq add to a scan? TPC-H Q1 and Q6 over a Hive table, against bare DuckDB over the same files.

    python -m benchmarks.scan DIR [--scale 1] [--rounds 9]

The lake of benchmarks.tpch_lake in DIR is opened once; each round then plans and runs the query anew, through
lakeq and as `read_parquet('lineitem/**/*.parquet', hive_partitioning=true)`, in turn. Target: lakeq's median
is at most 1.15 times DuckDB's.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

import lakeq
from benchmarks.harness import print_table, time_in_turn, write_result
from benchmarks.tpch import check_equal, read_query
from benchmarks.tpch_lake import write_tpch

TARGET = 1.15


def compare_query(
    lake: lakeq.Lake, bare: duckdb.DuckDBPyConnection, number: int, rounds: int
) -> dict[str, Any]:
    """Median seconds of both for one query, after their answers were found equal."""
    sql = read_query(number)
    contenders: dict[str, Callable[[], pa.Table]] = {
        "bare": lambda: bare.sql(sql).to_arrow_table(),
        "lakeq": lambda: lake.sql(sql).arrow(),
    }
    check_equal(contenders["bare"](), contenders["lakeq"]())
    medians = time_in_turn(contenders, rounds)
    ratio = medians["lakeq"] / medians["bare"]
    return {
        "query": number,
        "lakeq_seconds": round(medians["lakeq"], 4),
        "bare_seconds": round(medians["bare"], 4),
        "ratio": round(ratio, 3),
        "target": TARGET,
        "met": ratio <= TARGET,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare whole scans with bare DuckDB.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    _, definition = write_tpch(arguments.folder, arguments.scale)
    with lakeq.connect(definition) as lake, duckdb.connect() as bare:
        glob = str(definition.parent / "lineitem" / "**" / "*.parquet")
        bare.read_parquet(glob, hive_partitioning=True).create_view("lineitem")
        rows = [compare_query(lake, bare, number, arguments.rounds) for number in (1, 6)]
    print_table(rows)
    question = "TPC-H Q1 and Q6 over the Hive lineitem: lakeq against bare DuckDB on the same files"
    print(write_result("scan", question, rows, scale=arguments.scale, rounds=arguments.rounds))


if __name__ == "__main__":
    main()
