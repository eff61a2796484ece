"""`python -m tests.planner.writing --engine spark|trino`: ask another engine what DuckDB is asked, and compare.

All cases of `cases`; then with `--minutes N --seed S` random queries of `tests.oracle` over random lakes, and
with `--tpch DIR` the queries of benchmarks/queries over TPC-H at a small scale. Trino has to run on `--port`
of this machine, with the catalogs `hive` (a file metastore, local files) and `memory`.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pyarrow as pa

import lakeq
from tests.planner.writing.asking import ask_all, open_asker
from tests.planner.writing.engines import Run, open_spark, show_to_spark, show_to_trino
from tests.planner.writing.long_forms import ask_random, ask_tpch
from tests.planner.writing.values import write_lake

Show = Callable[[Mapping[str, pa.Table], str], tuple[Run, dict[str, str]]]


@contextmanager
def open_engine(options: argparse.Namespace, folder: Path) -> Iterator[Show]:
    """What shows tables to the engine, under a prefix, and gives what asks it."""
    if options.engine == "trino":
        yield lambda tables, prefix: show_to_trino(options.port, folder, tables, prefix)
        return
    with open_spark(folder, compiles=options.compile) as session:

        def show(tables: Mapping[str, pa.Table], prefix: str) -> tuple[Run, dict[str, str]]:
            place = folder / prefix
            place.mkdir()
            return show_to_spark(session, place, tables)

        yield show


def main() -> int:
    """The exit status: 1 when an answer differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.planner.writing", description=__doc__)
    parser.add_argument("--engine", choices=["spark", "trino"], default="spark")
    parser.add_argument("--port", type=int, default=8080, help="of Trino")
    parser.add_argument("--compile", action="store_true", help="let Spark make code for each query")
    parser.add_argument("--minutes", type=float, default=0.0, help="of random queries")
    parser.add_argument("--seed", type=int, default=1, help="of the first random lake")
    parser.add_argument("--tpch", type=Path, help="where TPC-H is, or is to be made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="writing-") as made:
        folder = Path(made)
        tables = write_lake(folder / "lake")
        with open_engine(options, folder) as show, lakeq.connect(folder / "lake", history=False) as lake:
            run, names = show(tables, "cases")
            asker = open_asker(lake, tables, options.engine, names, run)
            ask_all(asker)
            wrong = tell("cases", asker.same, asker.refused, asker.wrong)
            if options.tpch is not None:
                wrong += partial(tell, "TPC-H")(*ask_tpch(options.tpch, options.engine, show))
            if options.minutes:
                found = ask_random(folder, options.engine, show, options.seed, options.minutes)
                wrong += tell("random queries", *found)
    return 1 if wrong else 0


def tell(what: str, same: int, refused: list[str], wrong: list[str]) -> int:
    """Print what was found; how many differ."""
    for text in wrong:
        sys.stdout.write(f"WRONG {text}\n")
    reasons = len({re.sub(r"\d+", "", text) for text in refused})
    sys.stdout.write(
        f"{what}: {same} the same, {len(refused)} refused ({reasons} texts), {len(wrong)} wrong\n"
    )
    sys.stdout.flush()
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
