"""Processes that race for a day's budget do not exceed it together, and use it up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import lakeq

ROOT = Path(__file__).parent.parent.parent
PROCESSES, ALLOWED = 8, 21
RACER = """
import sys, lakeq
from lakeq.errors import BudgetExceededError
with lakeq.connect(sys.argv[1]) as lake:
    waiting = [lake.sql("SELECT sum(n) FROM t") for _ in range(6)]
    print("ready", flush=True)
    sys.stdin.readline()
    done = refused = 0
    for result in waiting:
        try:
            result.fetchall()
            done += 1
        except BudgetExceededError:
            refused += 1
    print(done, refused)
"""


def test_eight_processes_stay_within_a_days_budget(tmp_path: Path) -> None:
    (tmp_path / "lake/t").mkdir(parents=True)
    pq.write_table(pa.table({"n": list(range(1000))}), tmp_path / "lake/t/f.parquet")
    with lakeq.connect(tmp_path / "lake", history=False) as lake:
        size = lake.estimate("SELECT sum(n) FROM t").bytes_scanned
    definition = tmp_path / "lake/lakeq.toml"
    definition.write_text(f"[limits]\nmax_bytes_per_day = {ALLOWED * size + size // 2}\n")
    environment = {**os.environ, "LAKEQ_DATA_DIR": str(tmp_path / "data"), "LAKEQ_HISTORY": "on"}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(definition)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for racer in racers:  # all of them have passed the first look at the budget
        assert racer.stdout is not None and racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    outcomes = [tuple(map(int, racer.communicate()[0].split())) for racer in racers]
    assert sum(done for done, _ in outcomes) == ALLOWED
    assert sum(refused for _, refused in outcomes) == PROCESSES * 6 - ALLOWED
