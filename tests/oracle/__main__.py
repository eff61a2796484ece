"""`python -m tests.oracle --minutes N --seed S [--jobs J]`: run the oracle; exit status 1 when something failed."""

from __future__ import annotations

import argparse
import sys
import time
from multiprocessing import get_context
from pathlib import Path

from tests.oracle.run import Tally, check_lake


def main() -> int:
    """Run `--jobs` processes over seeds S, S + J, S + 2J, …; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to go on")
    parser.add_argument("--seed", type=int, default=1, help="of the first lake")
    parser.add_argument("--lakes", type=int, default=None, help="at most so many lakes a job")
    parser.add_argument("--queries", type=int, default=150, help="checks a lake")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--keep", type=Path, default=Path("oracle-failures"), help="where failing lakes are kept"
    )
    options = parser.parse_args()
    jobs = [
        (options.seed + job, options.jobs, options.minutes, options.lakes, options.queries, options.keep)
        for job in range(options.jobs)
    ]
    if len(jobs) == 1:
        tallies = [run_job(*jobs[0])]
    else:
        with get_context("spawn").Pool(len(jobs)) as pool:
            tallies = pool.starmap(run_job, jobs)
    failures = sum(len(tally.failures) for tally in tallies)
    pairs, lakes = sum(t.pairs for t in tallies), sum(t.lakes for t in tallies)
    tell(f"{pairs} pairs over {lakes} lakes from seed {options.seed}: {failures} failures")
    return 1 if failures else 0


def run_job(seed: int, step: int, minutes: float, lakes: int | None, queries: int, keep: Path) -> Tally:
    """Check lake after lake until the time is over, and print every failure."""
    tally, began = Tally(), time.monotonic()
    while time.monotonic() - began < 60 * minutes and (lakes is None or tally.lakes < lakes):
        for failure in check_lake(seed, queries, tally, keep):
            tally.failures.append(failure)
            kept = keep / str(failure.seed)
            tell(f"FAILED seed {failure.seed} ({kept})\n  {failure.sql}\n  {failure.reason}")
        seed += step
    seconds = time.monotonic() - began
    tell(f"seeds up to {seed - step}: {tally.pairs} pairs, {tally.pairs / seconds:.0f} a second")
    return tally


def tell(text: str) -> None:
    """Print at once, so that a run that is stopped has told what it found."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
