"""`python -m tests.kills --count N --seed S [--traced]`: kill N processes; exit status 1 when something is lost."""

from __future__ import annotations

import argparse
import sys
import time

from tests.kills.run import Report, run_kills
from tests.kills.victims import KINDS


def main() -> int:
    """Run, and tell what was killed and what was wrong; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="how many processes to kill")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=KINDS, action="append", help="only processes of this kind")
    parser.add_argument("--traced", action="store_true", help="kill at system calls, with strace")
    options = parser.parse_args()
    report, told, began = Report(), 0, time.monotonic()
    for report in run_kills(options.count, options.seed, tuple(options.kind or KINDS), options.traced):
        for problem in report.problems[told:]:
            tell(f"FAILED {problem}")
        told = len(report.problems)
        tell(f"{report.kills.total()} kills in {time.monotonic() - began:.0f} s")
    for kind in KINDS:
        tell(
            f"{kind}: {report.kills[kind]} killed, {report.ends[kind]} ended before, {report.told[kind]} steps acknowledged"
        )
    tell(
        f"{sum(report.kills.values())} kills from seed {options.seed}: {told} problems; {dict(report.notes)}"
    )
    return 1 if told else 0


def tell(text: str) -> None:
    """Print at once, so that a run that is stopped has told what it found."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
