"""How many LIST calls, seconds and how much memory does it take to know the files of a table in S3?

    python -m benchmarks.listing --peers PYTHON --peers15 PYTHON [--latency-ms 30] [--rounds 3]

PYTHON is as for benchmarks.remote. benchmarks/s3sim.py makes up the keys of a table by year, month, day and
hour, and answers late by --latency-ms. First 96,768 keys:

    list-all             all files
    list-day             those of one day, given as a condition, as a query has it
    list-day-by-prefix   the same for whoever is told the folder

`obstore` walks by folders to the months, or by the condition to the day, and lists each folder flat, 32 at
once: the floor. The others cannot list by a condition; they list all and look. Then 1,000,000 keys:

    obstore          all files
    lakeq            finds the table and lists it, with nothing known
    lakeq-reopened   what a process before kept is opened, with freshness="index": all files, a day's

The files are CSV, because the bodies of made-up objects are text; lakeq reads the heads of a few to know the
table: its GET calls. Its `list-day` is the estimate of a query with the condition, its `list-all` is
lake.refresh() and the number of files that describe() tells.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import print_table, write_result
from benchmarks.peers.contest import (
    Contender,
    add_ratios,
    choose,
    hold_contest,
    run_simulator,
    sum_up,
    tell_settings,
)
from benchmarks.s3sim import ProductKeys

SMALL = "events/year=2023..2026/month=01..12/day=01..28/hour=00..23/part-0..2.csv"
LARGE = "events/year=2023..2026/month=01..10/day=01..25/hour=00..19/part-00..49.csv"
BODY_BYTES = 1_000
_DAY = "events/year=2025/month=06/day=15/"
_QUESTIONS = ("list-all", "list-day", "list-day-by-prefix")


def make_contenders(folder: Path, peers: str | None, peers15: str | None) -> list[Contender]:
    """Everyone whose environment is there; lakeq begins with an empty cache each time."""
    contenders = [
        Contender("obstore", "raw_obstore", is_floor=True),
        Contender("lakeq", "lakeq_lake", make_options=partial(make_fresh_cache, folder)),
        Contender("pyarrow", "pyarrow_duckdb"),
    ]
    if peers:
        contenders.append(Contender("s3fs", "duckdb_s3fs", peers))
    if peers15:
        contenders.append(Contender("duckdb15-httpfs", "duckdb_httpfs", peers15))
    return contenders


def make_fresh_cache(folder: Path) -> Mapping[str, Any]:
    """Options of lakeq for a cache folder that nobody has used."""
    return {"cache_dir": tempfile.mkdtemp(dir=folder)}


def count_expected(pattern: str, question: str) -> int:
    """How many files there are."""
    keys = ProductKeys(pattern)
    return len(keys) if question == "list-all" else sum(key.startswith(_DAY) for key in keys)


def measure(
    contenders: Sequence[Contender], pattern: str, question: str, endpoint: str, rounds: int
) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
    """A row of figures for each contender, and what they told of themselves; SystemExit for a wrong count."""
    results = hold_contest(contenders, question, endpoint, rounds)
    expected = count_expected(pattern, question)
    for name, runs in results.items():
        if any(run["answer"] != expected for run in runs):
            raise SystemExit(f"{name} finds {runs[0]['answer']:,} files for '{question}', not {expected:,}.")
    head = {"question": question, "files": len(ProductKeys(pattern))}
    rows = [{**head, "contender": name, **sum_up(runs)} for name, runs in results.items()]
    add_ratios(rows, contenders)
    return rows, tell_settings(results)


def measure_small(
    contenders: Sequence[Contender], endpoint: str, rounds: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All questions over 96,768 keys. lakeq needs no prefix told, so it is not asked by one."""
    rows, settings = [], {}
    for question in _QUESTIONS:
        asked = [each for each in contenders if each.name != "lakeq" or question != "list-day-by-prefix"]
        found, settings[question] = measure(asked, SMALL, question, endpoint, rounds)
        rows += found
    return rows, settings


def measure_large(
    contenders: Sequence[Contender], endpoint: str, folder: Path, rounds: int
) -> list[dict[str, Any]]:
    """1,000,000 keys: obstore; lakeq with nothing known, and with what it kept of that."""
    names = [each.name for each in contenders]
    kept = folder / "kept"
    options: dict[str, Callable[[], Mapping[str, Any]]] = {
        "lakeq": partial(make_fresh_cache, folder),
        "lakeq-keeps": partial(dict, cache_dir=kept),
        "lakeq-reopened": partial(dict, cache_dir=kept, freshness="index"),
    }
    lakeq = {name: Contender(name, "lakeq_lake", make_options=make) for name, make in options.items()}
    first = [each for each in contenders if each.name == "obstore"]
    if "lakeq" in names:
        first.append(lakeq["lakeq"])
    rows, _ = measure(first, LARGE, "list-all", endpoint, rounds)
    if "lakeq" in names:
        hold_contest([lakeq["lakeq-keeps"]], "list-all", endpoint, 1)
        for question in ("list-all", "list-day"):
            rows += measure([lakeq["lakeq-reopened"]], LARGE, question, endpoint, rounds)[0]
        size = sum(path.stat().st_size for path in kept.rglob("*") if path.is_file())
        print(f"lakeq keeps {size / 1e6:,.1f} MB about 1,000,000 files.")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Count LIST calls and seconds.")
    parser.add_argument("--peers", metavar="PYTHON", help="with s3fs")
    parser.add_argument("--peers15", metavar="PYTHON", help="with duckdb 1.5.5 and its httpfs")
    parser.add_argument("--latency-ms", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], metavar="CONTENDER", help="again for more")
    parser.add_argument("--no-million", action="store_true", help="leave the 1,000,000 keys out")
    parser.add_argument("--trial", action="store_true", help="print figures, keep none")
    arguments = parser.parse_args()
    latency = ("--latency-ms", str(arguments.latency_ms), "--synthetic-size", str(BODY_BYTES))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        everyone = make_contenders(folder, arguments.peers, arguments.peers15)
        contenders = choose(everyone, arguments.only)
        with run_simulator(folder, *latency, "--synthetic", f"lake={SMALL}") as endpoint:
            rows, settings = measure_small(contenders, endpoint, arguments.rounds)
        if not arguments.no_million:
            with run_simulator(folder, *latency, "--synthetic", f"lake={LARGE}") as endpoint:
                rows += measure_large(contenders, endpoint, folder, arguments.rounds)
    print_table(rows)
    if not arguments.trial:
        facts = {"rounds": arguments.rounds, "latency_ms": arguments.latency_ms, "contenders": settings}
        print(
            write_result(
                "listing", "Knowing the files of a table in S3, each in a new process", rows, **facts
            )
        )


if __name__ == "__main__":
    main()
