"""How long does `lakeq --help` take, and how long `import lakeq`?

    python -m benchmarks.startup [--rounds 15]

Each round is a fresh process. `import lakeq` is timed inside it, less the interpreter's own start; `lakeq
--help` as a user waits for it. Targets: 100 ms and 150 ms, medians.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from typing import Any

from benchmarks.harness import print_table, run_fresh, time_once, write_result

_IMPORT = "import time; t = time.perf_counter(); import lakeq; print(time.perf_counter() - t)"


def time_command(*arguments: str) -> float:
    """Seconds from the start of a Python process to its end."""
    command = [sys.executable, *arguments]
    return time_once(lambda: subprocess.run(command, check=True, capture_output=True))


def main() -> None:
    parser = argparse.ArgumentParser(description="Time how fast lakeq starts.")
    parser.add_argument("--rounds", type=int, default=15)
    rounds = range(parser.parse_args().rounds)
    medians = {
        "python -c pass": (statistics.median(time_command("-c", "pass") for _ in rounds), None),
        "import lakeq": (statistics.median(float(run_fresh(_IMPORT)) for _ in rounds), 0.100),
        "lakeq --help": (statistics.median(time_command("-m", "lakeq", "--help") for _ in rounds), 0.150),
    }
    rows: list[dict[str, Any]] = [
        {
            "what": what,
            "ms": round(seconds * 1000, 1),
            "target_ms": target and round(target * 1000),
            "met": target is None or seconds <= target,
        }
        for what, (seconds, target) in medians.items()
    ]
    print_table(rows)
    print(write_result("startup", "Median time of a fresh process", rows, rounds=len(rounds)))


if __name__ == "__main__":
    main()
