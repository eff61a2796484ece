"""`python -m tests.faults [--moto | --ceph | --endpoint "URL KEY SECRET"] [--seed S]`: every fault at
every request of a query, over every format and cache; exit status 1 when something failed."""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakeq.storage import throttle
from tests.faults.kinds import KINDS, Change, name_of
from tests.faults.lake import FORMATS
from tests.faults.places import check_place, find_places
from tests.faults.proxy import run_proxy
from tests.faults.sweep import CACHES, Outcome, Sweep
from tests.servers import S3Server, run_s3_server

CEPH = "http://127.0.0.1:7480 lakeqtest lakeqsecret"


def main() -> int:
    """Run the sweep; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--moto", action="store_true", help="a server that is started for it (default)")
    where.add_argument("--ceph", action="store_const", const=CEPH, dest="endpoint", help=f"{CEPH}")
    where.add_argument("--endpoint", help="of a server that runs, its key and its secret")
    parser.add_argument("--seed", type=int, default=1, help="of the order, and of what --share leaves out")
    parser.add_argument("--share", type=float, default=1.0, help="how many of the cases, 0 to 1")
    parser.add_argument("--minutes", type=float, default=1e9, help="how long to go on")
    parser.add_argument("--faults", default="", help="a regular expression over their names")
    parser.add_argument("--formats", nargs="*", default=FORMATS, choices=FORMATS)
    options = parser.parse_args()
    with (
        isolated(),
        serve(options.endpoint) as server,
        run_proxy(server.endpoint) as proxy,
        tempfile.TemporaryDirectory() as folder,
    ):
        sweep = Sweep(server, proxy, Path(folder))
        problems = check_places(server, Path(folder))
        outcomes = run_sweep(sweep, options, problems)
    tell(tabulate(outcomes))
    failures = [f"{outcome.case}: {outcome.failure}" for outcome in outcomes if outcome.failure]
    tell(f"{len(outcomes)} cases from seed {options.seed}: {len(failures) + len(problems)} failures")
    return 1 if failures or problems else 0


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """No cache, history or credentials of the user's; no time lost between two tries of a request."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(throttle, "_FIRST_PAUSE", 0.002)
        for name in ("LAKEQ_CACHE_DIR", "LAKEQ_DATA_DIR"):
            patch.setenv(name, folder)
        yield


@contextlib.contextmanager
def serve(endpoint: str | None) -> Iterator[S3Server]:
    """The server that is asked, as the environment's credentials have it for the command line."""
    with contextlib.ExitStack() as stack:
        server = S3Server(*endpoint.split()) if endpoint else stack.enter_context(run_s3_server())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", server.storage_options["key"])
            patch.setenv("AWS_SECRET_ACCESS_KEY", server.storage_options["secret"])
            yield server


def check_places(server: S3Server, folder: Path) -> list[str]:
    """What is wrong with queries where no store is."""
    problems = []
    for name, place in find_places(server.endpoint).items():
        failure = check_place(place, server.storage_options, folder)
        tell(f"{name}: {failure or 'one error, in time'}")
        problems += [f"{name}: {failure}"] if failure else []
    return problems


def run_sweep(sweep: Sweep, options: argparse.Namespace, problems: list[str]) -> list[Outcome]:
    """Run a share of all cases in an order of the seed, telling each failure at once; `problems` gets what is
    wrong with queries that nothing disturbs."""
    draw, outcomes = random.Random(options.seed), list[Outcome]()
    faults = [fault for fault in (*KINDS, *Change) if re.search(options.faults, name_of(fault))]
    cases = []
    for file_format in options.formats:
        found = sweep.prepare(file_format)
        counts = {cache: dict(sweep.counts[file_format, cache]) for cache in CACHES}
        tell(f"{file_format}: {counts} {'; '.join(found)}")
        problems += found
        cases += list(sweep.cases(file_format, faults))
    draw.shuffle(cases)
    cases = cases[: round(options.share * len(cases))]
    began = time.monotonic()
    for number, case in enumerate(cases, 1):
        outcomes.append(sweep.run(case))
        if outcomes[-1].failure:
            tell(f"FAILED {case}: {outcomes[-1].failure}")
        if number % 250 == 0:
            tell(f"{number} of {len(cases)} cases in {time.monotonic() - began:.0f} s")
        if time.monotonic() - began > 60 * options.minutes:
            break
    return outcomes


def tabulate(outcomes: list[Outcome]) -> str:
    """A line a fault: cases, and how they ended."""
    ends: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        ends.setdefault(name_of(outcome.case.fault), Counter())[outcome.end] += 1
    order = [name_of(fault) for fault in (*KINDS, *Change)]
    lines = ["| fault | cases | right | wrong | errors |", "|---|---|---|---|---|"]
    for name in (name for name in order if name in ends):
        count = ends[name]
        errors = ", ".join(f"{end} {n}" for end, n in sorted(count.items()) if end not in ("right", "wrong"))
        lines.append(f"| {name} | {count.total()} | {count['right']} | {count['wrong']} | {errors} |")
    return "\n".join(lines)


def tell(text: str) -> None:
    """Print at once, so that a run that is stopped has told what it found."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
