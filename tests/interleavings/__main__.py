"""`python -m tests.interleavings --count N --seed S [--local | --sim]`: queries over a lake that changes while
they run; exit status 1 when an answer is neither that of a listing nor ObjectChangedError."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.interleavings.run import Tally, watch_local, watch_sim


def main() -> int:
    """Run them; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.interleavings", description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--local", action="store_true", help="over folders of this machine (default)")
    where.add_argument("--sim", action="store_true", help="over a simulator of S3")
    options = parser.parse_args()
    tally = run(options.count, options.seed, options.sim)
    for end, count in tally.ends.most_common():
        tell(f"{count:6} {end}")
    where_text = "a simulator of S3" if options.sim else "folders"
    tell(f"{tally.count} over {where_text} from seed {options.seed}: {len(tally.failures)} failures")
    return 1 if tally.failures else 0


def run(count: int, seed: int, over_sim: bool) -> Tally:
    """So many interleavings, each failure told at once."""
    tally, began = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for name in ("LAKEQ_CACHE_DIR", "LAKEQ_DATA_DIR"):
            patch.setenv(name, folder)
        root = Path(folder) / "lakes"
        root.mkdir()
        with (watch_sim if over_sim else watch_local)(root, seed) as runner:
            for number in range(count):
                failed = len(tally.failures)
                runner.run(tally)
                for failure in tally.failures[failed:]:
                    tell(f"FAILED {number}: {failure}")
                if (number + 1) % 250 == 0:
                    tell(f"{number + 1} in {time.monotonic() - began:.0f} s")
    return tally


def tell(text: str) -> None:
    """Print at once, so that a run that is stopped has told what it found."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
