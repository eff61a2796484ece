"""What does it cost to know the storage class of each file before a query runs?

    python -m benchmarks.storage_classes [--latency-ms 30] [--rounds 5]

benchmarks/s3sim.py makes up 96,768 keys by year, month, day and hour. `obstore` lists them flat by months, 32
at once, without classes; `lakeq` does the same with its own listing, which has them: seconds, and processor
time for an object. Then the plan of a query over 1,440 files whose class a listing does not settle
(INTELLIGENT_TIERING, older than 90 days): with the HEAD of each, and of as many STANDARD files without.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import obstore
import pyarrow as pa
from obstore.store import S3Store

import lakeq
from benchmarks.harness import print_table, write_result
from benchmarks.peers.contest import run_simulator
from lakeq.storage.stores import open_store

KEYS = "big=events/year=2023..2026/month=01..12/day=01..28/hour=00..23/part-0..2.csv"
MONTHS = [f"events/year={year}/month={month:02}/" for year in range(2023, 2027) for month in range(1, 13)]
OLD = 1_700_000_000
"""When the files were written: longer ago than INTELLIGENT_TIERING waits."""
_AT_ONCE = 32
_ACCESS: dict[str, Any] = {"key": "k", "secret": "s", "region": "us-east-1"}


def make_listers(endpoint: str) -> dict[str, Callable[[str], int]]:
    """The number of objects below a folder, as each contender lists them."""
    client = S3Store(
        "big",
        aws_endpoint_url_s3=endpoint,
        region="us-east-1",
        access_key_id="k",
        secret_access_key="s",
        client_options={"allow_http": True},
    )
    store = open_store("s3://big", endpoint_url=endpoint, **_ACCESS)

    def list_plainly(folder: str) -> int:
        pages = obstore.list(client, prefix=folder, chunk_size=1000, return_arrow=True)
        return sum(pa.record_batch(page).num_rows for page in pages)

    return {"obstore": list_plainly, "lakeq": lambda folder: store.list(folder).num_rows}


def measure_listing(endpoint: str, rounds: int) -> list[dict[str, Any]]:
    """Seconds and processor time of each contender, in turn; the first round does not count."""
    listers = make_listers(endpoint)
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in listers}
    count = 0
    for name, work in [*listers.items()] * (rounds + 1):
        began, used = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            count = sum(threads.map(work, MONTHS))
        runs[name].append((time.perf_counter() - began, time.process_time() - used))
    return [
        {"what": f"list {count:,} objects", "contender": name, **sum_up(measured[1:], count)}
        for name, measured in runs.items()
    ]


def measure_plans(root: Path, latency: Sequence[str], rounds: int) -> list[dict[str, Any]]:
    """Seconds to estimate a query over 1,440 files, when everything but their class is known."""
    for day in range(60):
        for hour in range(24):
            path = root / f"lake/t/day={day:02}/h={hour:02}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x\n1\n")
            os.utime(path, (OLD, OLD))
    rows = []
    for name in ("STANDARD", "INTELLIGENT_TIERING"):
        options = ["--storage-class", f"{name}=t/"]
        with run_simulator(root, *latency, *options) as endpoint:
            measured = [measure_plan(endpoint, root / "cache") for _ in range(rounds + 1)][1:]
        rows.append({"what": "plan over 1,440 files", "contender": name, **sum_up(measured, 1_440)})
    return rows


def measure_plan(endpoint: str, cache: Path) -> tuple[float, float]:
    """Seconds and processor time of one estimate by a new lake."""
    with lakeq.connect("s3://lake", endpoint_url=endpoint, cache_dir=cache, **_ACCESS) as lake:
        began, used = time.perf_counter(), time.process_time()
        lake.estimate("SELECT sum(x) FROM t")
        return time.perf_counter() - began, time.process_time() - used


def sum_up(measured: Sequence[tuple[float, float]], objects: int) -> dict[str, float]:
    """The medians."""
    used = statistics.median(used for _, used in measured)
    return {
        "seconds": statistics.median(wall for wall, _ in measured),
        "processor_us_an_object": used / objects * 1e6,
    }


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--latency-ms", default="30")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    latency = ["--latency-ms", arguments.latency_ms]
    with tempfile.TemporaryDirectory() as folder:
        with run_simulator(Path(folder), *latency, "--synthetic", KEYS) as endpoint:
            rows = measure_listing(endpoint, arguments.rounds)
        rows += measure_plans(Path(folder), latency, arguments.rounds)
    print_table(rows)
    question = "What does knowing the storage class cost?"
    write_result("storage_classes", question, rows, latency_ms=arguments.latency_ms)


if __name__ == "__main__":
    main()
