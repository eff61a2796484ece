"""How fast, and in how much memory, does a large result become a file?

    python -m benchmarks.output [--data DIR] [--rows 10000000] [--rounds 3]

`lakeq query LAKE "SELECT * FROM t" -o FILE` over Parquet files with an int, a double, a decimal, a timestamp
and two texts, beside DuckDB's own `COPY (SELECT …) TO FILE` over the same files; each run in a process of its
own. `seconds` and `cpu_seconds` are the least of the rounds, `peak_mb` the most that the process held in
memory, `ratio` and `cpu_ratio` those of lakeq to DuckDB. What is written is compared: DuckDB reads the same
rows back.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.harness import print_table, write_result

FORMATS = ("parquet", "csv")
_FILES = 10
_ROWS = """
    SELECT i AS id, (hash(i) % 1000000) / 7.0 AS x, (hash(i + 1) % 100000000 / 100)::DECIMAL(12, 2) AS amount,
        make_timestamp(1767225600000000 + (hash(i + 2) % 31536000000)::BIGINT * 1000) AS moment,
        ['tea', 'coffee', 'a "quoted" word', NULL][1 + (hash(i + 3) % 4)::BIGINT] AS product,
        'customer ' || (hash(i + 4) % 1000000) AS customer
    FROM range({first}, {last}) r(i)
"""
_COPY = "import duckdb, sys; duckdb.execute(sys.argv[1])"


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def write_lake(folder: Path, rows: int) -> None:
    """The table `t` of so many rows in ten files, unless it is there."""
    table = folder / "t"
    if table.exists():
        return
    table.mkdir(parents=True)
    for n in range(_FILES):
        query = _ROWS.format(first=rows * n // _FILES, last=rows * (n + 1) // _FILES)
        duckdb.execute(f"COPY ({query}) TO '{table}/part-{n}.parquet'")


def run_process(command: Sequence[str]) -> Run:
    """Run a command to its end, which must be a good one."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"{command} ended with {status}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def make_commands(lake: Path, out: Path, kind: str) -> dict[str, list[str]]:
    """The command of each contender that writes the whole table to `out`."""
    options = f"format {kind}{', header' if kind == 'csv' else ''}"
    copy = f"COPY (SELECT * FROM read_parquet('{lake}/t/*.parquet')) TO '{out}' ({options})"
    return {
        "lakeq": [sys.executable, "-m", "lakeq", "query", str(lake), "SELECT * FROM t", "-o", str(out)],
        "duckdb": [sys.executable, "-c", _COPY, copy],
    }


def check_file(lake: Path, out: Path) -> None:
    """SystemExit unless DuckDB reads the rows of the lake from the file."""
    kinds = "{'id': 'BIGINT', 'x': 'DOUBLE', 'amount': 'DECIMAL(12, 2)', 'moment': 'TIMESTAMP'}"
    read = (
        f"read_csv('{out}', types={kinds}, allow_quoted_nulls=false)" if out.suffix == ".csv" else f"'{out}'"
    )
    total = "SELECT count(*), sum(hash(t)) FROM (SELECT id, x, amount, moment, product, customer FROM {}) t"
    written, expected = (
        duckdb.sql(total.format(source)).fetchall() for source in (read, f"'{lake}/t/*.parquet'")
    )
    if written != expected:
        raise SystemExit(f"{out} holds other rows: {written}, not {expected}")


def measure(lake: Path, kind: str, rounds: int, out: Path) -> list[dict[str, Any]]:
    """A row a contender; they take turns."""
    commands = make_commands(lake, out, kind)
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            out.unlink(missing_ok=True)
            runs[name].append(run_process(command))
            if len(runs[name]) == 1:
                check_file(lake, out)
    size = out.stat().st_size
    rows = []
    for name, taken in runs.items():
        seconds, cpu = (min(getattr(run, field) for run in taken) for field in ("seconds", "cpu_seconds"))
        peak = max(run.peak_mb for run in taken)
        rows.append(
            {"format": kind, "contender": name, "seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak}
        )
    for row in rows:
        row["ratio"] = row["seconds"] / rows[-1]["seconds"]
        row["cpu_ratio"] = row["cpu_seconds"] / rows[-1]["cpu_seconds"]
    print(f"{kind}: {size:,} bytes")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how a large result is written.")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where the lake is, or is written to")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        lake = arguments.data or Path(scratch) / "lake"
        write_lake(lake, arguments.rows)
        rows = [
            row
            for kind in arguments.formats
            for row in measure(lake, kind, arguments.rounds, Path(scratch) / f"out.{kind}")
        ]
    print_table(rows)
    question = "Time and memory to write a large result to a file"
    print(write_result("output", question, rows, rows=arguments.rows, rounds=arguments.rounds))


if __name__ == "__main__":
    main()
