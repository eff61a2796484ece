"""How long does the estimate of a query on 10,000 files in S3 take?

    python -m benchmarks.estimate [--latency-ms 30] [--rounds 5]

A Hive table of 10,000 Parquet files by year, month, day and hour, behind benchmarks/s3sim.py: what 20 files
of unlike sizes hold, under 10,000 names. Each round is a process of its own with nothing kept: `cold` is
from `lakeq.connect` to the estimate, imports left out. Then, in the same Lake, the query is asked again with
another column: `again`. A new Lake over what was kept, that may use a listing of the last 15 minutes, answers
the first (`reopened`) and the second (`warm`). Once from a sample of the footers, once with every footer
read (`exact`). Targets: 2 s cold, 50 ms warm.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.harness import print_table, run_fresh, write_result
from benchmarks.peers.contest import run_simulator

FILES, TEMPLATES = 10_000, 20
_QUERY = "SELECT sum(amount), max(user_id) FROM events WHERE kind <> 'view'"
_CHILD = f"""
import json, sys, tempfile, time
import lakeq, lakeq.lake, pyarrow, duckdb, obstore
endpoint, is_exact = sys.argv[1], sys.argv[2] == "exact"
options = dict(endpoint_url=endpoint, key="k", secret="s", cache_dir=tempfile.mkdtemp())
def timed(lake, sql, **given):
    began = time.perf_counter()
    estimate = lake.estimate(sql, **given)
    return 1000 * (time.perf_counter() - began), estimate
began = time.perf_counter()
with lakeq.connect("s3://bucket/", history=False, **options) as lake:
    cold, estimate = timed(lake, {_QUERY!r}, exact=is_exact)
    cold = 1000 * (time.perf_counter() - began)
    again, _ = timed(lake, {_QUERY.replace("user_id", "note")!r}, exact=is_exact)
with lakeq.connect("s3://bucket/", freshness="15m", history=False, **options) as lake:
    reopened, _ = timed(lake, {_QUERY!r}, exact=is_exact)
    warm, _ = timed(lake, {_QUERY.replace("user_id", "note")!r}, exact=is_exact)
print(json.dumps(dict(cold=cold, again=again, reopened=reopened, warm=warm, accuracy=estimate.accuracy,
    low=estimate.low, expected=estimate.bytes_scanned, high=estimate.high)))
"""


def write_bucket(root: Path) -> None:
    """The table as hard links to a few files."""
    rng = np.random.default_rng(5)
    templates = root / "templates"
    templates.mkdir(parents=True)
    for number in range(TEMPLATES):
        rows = int(rng.integers(2_000, 20_000))
        table = pa.table(
            {
                "moment": pa.array(np.sort(rng.integers(0, 2**50, rows)), pa.timestamp("us")),
                "user_id": rng.integers(0, 10_000_000, rows),
                "kind": rng.choice(["view", "click", "buy"], rows),
                "amount": rng.uniform(0, 1_000, rows),
                "note": [f"{value:x}" for value in rng.integers(0, 2**60, rows)],
            }
        )
        pq.write_table(table, templates / f"{number}.parquet", row_group_size=5_000)
    for number in range(FILES):
        hour, day = number % 24, number // 24 % 28 + 1
        month, year = number // 672 % 12 + 1, 2025 + number // 8_064
        folder = root / f"bucket/events/year={year}/month={month:02}/day={day:02}/hour={hour:02}"
        folder.mkdir(parents=True, exist_ok=True)
        os.link(templates / f"{int(rng.integers(TEMPLATES))}.parquet", folder / "part-0.parquet")


def measure(endpoint: str, rounds: int) -> Iterator[dict[str, Any]]:
    """A row of medians, in milliseconds, for sampled and for exact estimates."""
    for kind in ("sampled", "exact"):
        told = [json.loads(run_fresh(_CHILD, endpoint, kind)) for _ in range(rounds)]
        times = {
            f"{name}_ms": round(statistics.median(row[name] for row in told), 1)
            for name in ("cold", "again", "reopened", "warm")
        }
        yield {**times, **{name: told[0][name] for name in ("accuracy", "low", "expected", "high")}}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time estimates of 10,000 remote files.")
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_bucket(Path(folder))
        with run_simulator(Path(folder), "--latency-ms", str(arguments.latency_ms)) as endpoint:
            figures = list(measure(endpoint, arguments.rounds))
    print_table(figures)
    question = "Estimates of a query on 10,000 Parquet files in S3, milliseconds"
    path = write_result("estimate", question, figures, latency_ms=arguments.latency_ms, files=FILES)
    print(f"Written to {path}")


if __name__ == "__main__":
    main()
