"""How long does a query over a table in S3 take, cold, beside others and beside fetching the bytes alone?

    python -m benchmarks.remote --peers PYTHON --peers15 PYTHON [--latency-ms 30] [--rounds 3]

Two environments hold the peers; without them lakeq, pyarrow and the floor run alone. To make them, here as
`peers` and `peers15`:

    python3 -m venv peers && peers/bin/pip install 'duckdb>=2' 's3fs>=2026.1' polars datafusion daft
    python3 -m venv peers15 && peers15/bin/pip install duckdb==1.5.5 duckdb-extension-httpfs

and then `--peers peers/bin/python --peers15 peers15/bin/python`. pyarrow runs in lakeq's own environment,
since Daft needs an older one.

The data are written to a temporary folder, or to --data DIR to be used again. benchmarks/s3sim.py serves them
on loopback, each answer late by --latency-ms (30, then 100). The questions:

    all               1,440 Parquet files of 73 KB, an hour each: count and sum by kind
    day               the same, of one day
    q1, q6            TPC-H as specified, over lineitem by month of l_shipdate: 84 files of 1 to 5 MB
    q6-by-partition   the same with a condition on the year besides

Each run is a process of its own, timed after its imports; connecting is part of the time. Contenders take
turns. Answers must be equal, numbers to a cent. Peers have the settings that made them fastest here: the
result tells them, with versions and requests. `raw` fetches the files whole, 256 at once, keys known
beforehand; it computes nothing, and is left out where only some columns are needed. lakeq runs

    lakeq             with nothing known
    lakeq-planned     tables, files and footers known from an estimate before; no data kept
    lakeq-again       after the same query: bytes kept as well; the lake is listed anew
    lakeq-again-index the same with freshness="index": it is not
    lakeq-no-cache    with cache=False and nothing known
    lakeq-local       over the same files as a local folder, with nothing known
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.harness import print_table, write_result
from benchmarks.peers.contest import (
    Contender,
    add_ratios,
    choose,
    hold_contest,
    run_contender,
    run_simulator,
    sum_up,
    tell_settings,
)
from benchmarks.tpch_lake import generate_tables, write_lineitem

QUESTIONS = ("all", "day", "q1", "q6", "q6-by-partition")
ROWS_A_FILE = 7_200
"""73 KB of Parquet."""
_USERS = 50_000
_DAY = (10, 17)
_FLOORS = ("all", "day")
_RAW = Contender("raw", "raw_obstore", is_floor=True)


def write_data(root: Path, days: int, scale: float) -> None:
    """The bucket `lake` with its two tables below `root`, unless it is there."""
    if (root / "complete").exists():
        return
    shutil.rmtree(root / "lake", ignore_errors=True)
    write_hours(root / "lake" / "events", days)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as connection:
        generate_tables(Path(folder), scale)
        connection.read_parquet(f"{folder}/lineitem.parquet").create_view("lineitem")
        write_lineitem(connection, root / "lake" / "lineitem")
    (root / "complete").touch()


def write_hours(table: Path, days: int) -> None:
    """A Parquet file an hour of `days` days of October and November 2026, the day asked for among them."""
    random = np.random.default_rng(1440)
    kinds = np.array(["buy", "cart", "search", "view"])
    dates = sorted(itertools.product((10, 11), range(1, 31)), key=lambda date: (date != _DAY, date))
    for (month, day), hour in itertools.product(dates[:days], range(24)):
        folder = table / "year=2026" / f"month={month}" / f"day={day:02}" / f"hour={hour:02}"
        folder.mkdir(parents=True)
        rows = {
            "user_id": random.integers(1, _USERS, ROWS_A_FILE),
            "kind": kinds[random.integers(0, 4, ROWS_A_FILE)],
            "amount": random.gamma(2.0, 20.0, ROWS_A_FILE).round(2),
        }
        pq.write_table(pa.table(rows), folder / "part-0.parquet")


@dataclass(frozen=True, slots=True)
class Caches:
    """Cache folders for lakeq below `root`, each in the state that its contender begins with.

    None is deleted before the end: for minutes after, ext4 takes a millisecond to create a file where
    thousands were deleted.
    """

    root: Path

    def fresh(self) -> Path:
        """One that holds nothing."""
        self.root.mkdir(exist_ok=True)
        return Path(tempfile.mkdtemp(dir=self.root)) / "cache"

    def planned(self) -> Path:
        """A copy of the one that an estimate left."""
        return Path(shutil.copytree(self.root / "estimated", self.fresh()))

    def filled(self) -> Path:
        """The one that the query left."""
        return self.root / "filled"


def make_lakeq_contenders(caches: Caches, local: Path) -> list[Contender]:
    """lakeq in each state of its caches."""

    def lakeq(name: str, make_cache: Callable[[], Path], **options: Any) -> Contender:
        return Contender(name, "lakeq_lake", make_options=lambda: {"cache_dir": make_cache(), **options})

    return [
        lakeq("lakeq", caches.fresh, freshness="always"),
        lakeq("lakeq-planned", caches.planned, freshness="always"),
        lakeq("lakeq-again", caches.filled, freshness="always"),
        lakeq("lakeq-again-index", caches.filled, freshness="index"),
        lakeq("lakeq-no-cache", caches.fresh, cache=False, freshness="always"),
        lakeq("lakeq-local", caches.fresh, location=str(local)),
    ]


def fill_caches(caches: Caches, question: str, endpoint: str) -> None:
    """Lay out what `planned` and `filled` begin with."""
    plan = {"cache_dir": caches.root / "estimated", "plan_only": True}
    for options in (plan, {"cache_dir": caches.filled()}):
        run_contender(
            Contender("lakeq", "lakeq_lake", make_options=partial(dict, options)), question, endpoint
        )


def make_contenders(caches: Caches, local: Path, peers: str | None, peers15: str | None) -> list[Contender]:
    """Everyone whose environment is there."""
    contenders = [
        _RAW,
        *make_lakeq_contenders(caches, local),
        Contender("pyarrow-duckdb", "pyarrow_duckdb"),
    ]
    if peers:
        contenders += [
            Contender("duckdb2-s3fs", "duckdb_s3fs", peers),
            Contender("polars", "polars_scan", peers),
            Contender("datafusion", "datafusion_sql", peers),
            Contender("daft", "daft_sql", peers),
        ]
    if peers15:
        contenders.append(Contender("duckdb15-httpfs", "duckdb_httpfs", peers15))
    return contenders


def measure(
    contenders: list[Contender], question: str, endpoint: str, caches: Caches, rounds: int
) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
    """A row of figures for each contender on one question, and what they told of themselves."""
    contenders = [each for each in contenders if question in _FLOORS or not each.is_floor]
    if any(each.module == "lakeq_lake" for each in contenders):
        fill_caches(caches, question, endpoint)
    results = hold_contest(contenders, question, endpoint, rounds)
    rows = [{"contender": name, **sum_up(runs)} for name, runs in results.items()]
    add_ratios(rows, contenders)
    return rows, tell_settings(results)


@contextlib.contextmanager
def open_folder(path: Path | None) -> Iterator[Path]:
    """The folder, made if need be; a temporary one when none is given."""
    if path is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
    else:
        path.mkdir(parents=True, exist_ok=True)
        yield path.resolve()


def main() -> None:
    parser = argparse.ArgumentParser(description="Time queries over S3, cold.")
    parser.add_argument("--peers", metavar="PYTHON", help="with duckdb 2, s3fs, polars, datafusion and daft")
    parser.add_argument("--peers15", metavar="PYTHON", help="with duckdb 1.5.5 and its httpfs")
    parser.add_argument(
        "--latency-ms", type=int, action="append", help="again for more; default: 30, then 100"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--question", action="append", choices=QUESTIONS, help="again for more; default: all")
    parser.add_argument("--only", action="append", default=[], metavar="CONTENDER", help="again for more")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where data are, or are written to")
    parser.add_argument("--days", type=int, default=60, help="of events; fewer make a trial run")
    parser.add_argument("--scale", type=float, default=1, help="of TPC-H")
    parser.add_argument("--trial", action="store_true", help="print figures, keep none")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    settings: dict[str, Any] = {}
    with open_folder(arguments.data) as root, tempfile.TemporaryDirectory() as caches_root:
        write_data(root, arguments.days, arguments.scale)
        for latency in arguments.latency_ms or [30, 100]:
            with run_simulator(root, "--latency-ms", str(latency)) as endpoint:
                run_contender(_RAW, "all", endpoint)  # the server then has the files in memory
                for question in arguments.question or QUESTIONS:
                    caches = Caches(Path(caches_root) / f"{question}-{latency}")
                    everyone = make_contenders(caches, root / "lake", arguments.peers, arguments.peers15)
                    contenders = choose(everyone, arguments.only)
                    found, told = measure(contenders, question, endpoint, caches, arguments.rounds)
                    rows += [{"latency_ms": latency, "question": question, **row} for row in found]
                    settings[f"{question} at {latency} ms"] = told
    print_table(rows)
    if not arguments.trial:
        facts = {"rounds": arguments.rounds, "days": arguments.days, "scale": arguments.scale}
        print(
            write_result(
                "remote", "Queries over S3, each in a new process", rows, **facts, contenders=settings
            )
        )


if __name__ == "__main__":
    main()
