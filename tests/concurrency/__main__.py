"""`python -m tests.concurrency --minutes N --seed S`: all of it at length; exit status 1 when something is wrong."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.concurrency.exits import EXITS, judge_exit
from tests.concurrency.processes import run_processes
from tests.concurrency.threads import Crowd, count_growth, make_world
from tests.kills.run import in_child, serve

THREADS, PROCESSES, CYCLES = 32, 16, 200


def main() -> int:
    """Run all parts, of which threads and processes take the time that is given; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.concurrency", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cycles", type=int, default=CYCLES, help="times of opening and closing a lake")
    options = parser.parse_args()
    seconds, failures = 60 * options.minutes / 3, 0
    with tempfile.TemporaryDirectory(prefix="concurrency-") as folder, serve(Path(folder)) as endpoint:
        world = make_world(Path(folder), endpoint, "lake")
        bucket = {**world.options, "cache_dir": str(world.cache)}
        os.environ["LAKEQ_DATA_DIR"] = str(world.data)
        places: list[tuple[str, Any, dict[str, Any]]] = [
            ("bucket", world.location, bucket),
            ("folder", world.lake, {}),
        ]

        def report(what: str, work: Callable[[], list[str]]) -> None:
            nonlocal failures
            began = time.monotonic()
            found = work()
            notes = [text for text in found if text.startswith("note: ")]
            wrong = [text for text in found if text not in notes]
            failures += len(wrong)
            tell(
                f"{what}: {len(wrong)} problems in {time.monotonic() - began:.0f} s {' '.join(n[6:] for n in notes)}"
            )
            for text in wrong:
                tell(f"FAILED {text}")

        for name, location, how in places:

            def crowd(location: Any = location, how: dict[str, Any] = how) -> list[str]:
                many = Crowd(world, location, how, options.seed)
                many.run(THREADS, seconds)
                return [*many.problems, f"note: {dict(many.steps)}"]

            report(f"{THREADS} threads on one lake ({name})", partial(in_child, crowd))
        report(
            f"{PROCESSES} processes on one cache",
            lambda: run_processes(world, PROCESSES, seconds, options.seed),
        )
        for name, location, how in places:

            def grow(location: Any = location, how: dict[str, Any] = how) -> list[str]:
                files, tasks, threads = count_growth(location, how, options.cycles)
                grown = max(files, tasks, threads) > 3
                return [
                    f"{'grown' if grown else 'note'}: {files} files, {tasks} tasks, {threads} threads more"
                ]

            report(f"{options.cycles} times opened and closed ({name})", partial(in_child, grow))
        ends: Counter[str] = Counter()
        for name, location, how in places:
            for one in EXITS:
                ends[name] += 1
                report(f"end: {one} ({name})", partial(judge_exit, one, location, how))
    tell(f"{failures} problems")
    return 1 if failures else 0


def tell(text: str) -> None:
    """Print at once, so that a run that is stopped has told what it found."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
