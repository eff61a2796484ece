"""`python -m tests.oracle --minutes N --seed S [--jobs J]`: run the oracle; exit status 1 when something failed."""

from __future__ import annotations

import argparse
import sys
from multiprocessing import get_context
from pathlib import Path

from tests.oracle.run import run_job, tell


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


if __name__ == "__main__":
    sys.exit(main())
