"""A run of the oracle: lakes from one seed on, a number of checks over each, and what failed."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.oracle.compare import Failure, OpenLake
from tests.oracle.queries import Query, QueryWriter
from tests.oracle.shrink import shrink_sql


@dataclass(slots=True)
class Tally:
    """What a run has done so far."""

    lakes: int = 0
    pairs: int = 0
    failures: list[Failure] = field(default_factory=list)


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


def check_lake(
    seed: int, queries: int, tally: Tally, keep: Path | None = None, shrinks: bool = True
) -> Iterator[Failure]:
    """Compare `queries` random queries over the lake of `seed`; each failure as it is found.

    A lake with failures is kept below `keep`.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"oracle-{seed}-"))
    failed = False
    try:
        with OpenLake(folder, seed) as opened:
            tally.lakes += 1
            yield from opened.problems
            failed = bool(opened.problems)
            for failure in () if failed else _check_queries(opened, queries, tally, shrinks):
                failed = True
                yield failure
    finally:
        if failed and keep is not None:
            shutil.copytree(folder, keep / str(seed), dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _check_queries(opened: OpenLake, queries: int, tally: Tally, shrinks: bool) -> Iterator[Failure]:
    rng = random.Random(opened.seed)
    writer = QueryWriter(rng, opened.tables)
    for _ in range(queries):
        sql, check = _choose_check(opened, writer, rng)
        tally.pairs += 1
        reason = check(sql)
        if reason is not None:
            small = shrink_sql(sql, check) if shrinks else sql
            yield Failure(opened.seed, small, check(small) or reason)


def _choose_check(
    opened: OpenLake, writer: QueryWriter, rng: random.Random
) -> tuple[str, Callable[[str], str | None]]:
    """A text to check, and what tells how it fails."""
    draw = rng.random()
    if draw < 0.9:
        query = writer.query()
        by_arrow = rng.random() < 0.12
        return query.sql, lambda sql: opened.compare(Query(sql, query.is_ordered), by_arrow=by_arrow)
    if draw < 0.95:
        (a, left), (b, right) = writer.relation("a"), writer.relation("b")
        is_join = rng.random() < 0.4
        relation = (
            f"{a} {rng.choice(['LEFT ', 'FULL ', ''])}JOIN {b} ON {writer.join_keys(left, right)}"
            if is_join
            else a
        )
        condition = writer.write.condition([*left, *right] if is_join else left)
        return condition, lambda sql: None if "random" in sql else opened.compare_parts(relation, sql)
    table = rng.choice(opened.tables)
    condition = writer.write.condition(writer.tables[table.name])
    return condition, lambda sql: opened.check_files(table, sql)
