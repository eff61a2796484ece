"""What every benchmark does alike: time contenders in turn, and keep the figures with machine, versions and
load.

Times are seconds. Results are JSON in benchmarks/results/, named after the benchmark and the day.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("duckdb", "pyarrow", "polars", "sqlglot", "obstore")


def time_once(run: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def time_in_turn(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each contender over `rounds` calls, after one that does not count.

    They take turns, so that what disturbs the machine disturbs all alike.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for name, run in [*contenders.items()] * (rounds + 1):
        seconds[name].append(time_once(run))
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def run_fresh(code: str, *arguments: str) -> str:
    """What Python code prints in a process of its own."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def write_result(name: str, question: str, figures: Sequence[Mapping[str, Any]], **facts: Any) -> Path:
    """Write the figures of a benchmark, a mapping a row, with all that is needed to judge them; the path."""
    today = dt.datetime.now(dt.UTC)
    content = {
        "benchmark": name,
        "question": question,
        "command": f"python -m benchmarks.{name}",
        "date": today.isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": {package: version(package) for package in _PACKAGES},
        **facts,
        "figures": list(figures),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{today:%Y-%m-%d}.json"
    path.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
    return path


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory, system, Python, and how busy the machine was in the last minutes."""
    return {
        "processor": find_processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def find_processor() -> str:
    """The processor's name as Linux gives it, else as Python does."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows under the names of their columns, numbers to the right."""
    names = list(rows[0])
    cells = [[format_cell(row[name]) for name in names] for row in rows]
    widths = [max(len(row[i]) for row in [names, *cells]) for i in range(len(names))]
    for row in [names, *cells]:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def format_cell(value: object) -> str:
    """`1,234`, `0.123`, or the text."""
    if isinstance(value, float):
        return f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
