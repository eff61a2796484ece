"""How much memory does it take to scan 2 GB of small files in S3?

    python -m benchmarks.scan_memory [--data DIR] [--copies 20] [--read-memory 256]

The 1,440 files of benchmarks.remote, as the files of 20 years: 28,800 Parquet files of 73 KB. Count and sum
by kind over all of them, each run in a process of its own, with `read_memory` of so many MiB:

    lakeq            with the block cache
    lakeq-no-cache   without it: all that is fetched passes through memory

`over_budget_mb` is the peak beyond `read_memory`, Python, DuckDB and its answer included.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.harness import print_table, write_result
from benchmarks.peers.contest import Contender, hold_contest, run_simulator, sum_up
from benchmarks.remote import open_folder, write_hours

_MIB = 1 << 20


def write_years(table: Path, copies: int) -> None:
    """Years of equal files, unless they are there."""
    if not (table / "year=2026").exists():
        write_hours(table, days=60)
    files = [path.relative_to(table / "year=2026") for path in (table / "year=2026").rglob("*.parquet")]
    for year in range(2026 - copies + 1, 2026):
        for name in files:
            path = table / f"year={year}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                os.link(table / "year=2026" / name, path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the memory of a scan of many small files.")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where data are, or are written to")
    parser.add_argument("--copies", type=int, default=20, help="years of files")
    parser.add_argument("--read-memory", type=int, default=256, metavar="MIB")
    parser.add_argument("--latency-ms", type=int, default=30)
    arguments = parser.parse_args()
    with open_folder(arguments.data) as root, tempfile.TemporaryDirectory() as caches:
        write_years(root / "lake" / "events", arguments.copies)
        memory = {"read_memory": arguments.read_memory * _MIB, "cache_dir": caches}
        contenders = [
            Contender("lakeq", "lakeq_lake", make_options=partial(dict, memory)),
            Contender("lakeq-no-cache", "lakeq_lake", make_options=partial(dict, memory, cache=False)),
        ]
        with run_simulator(root, "--latency-ms", str(arguments.latency_ms)) as endpoint:
            results = hold_contest(contenders, "all", endpoint, rounds=1)
    rows = [{"contender": name, **sum_up(runs)} for name, runs in results.items()]
    for row in rows:
        row["over_budget_mb"] = row["peak_mb"] - arguments.read_memory
    print_table(rows)
    facts = {"copies": arguments.copies, "read_memory_mib": arguments.read_memory}
    print(write_result("scan_memory", "Memory of a scan of small files in S3", rows, **facts))


if __name__ == "__main__":
    main()
