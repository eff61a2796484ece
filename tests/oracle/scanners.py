"""The two decoders against each other: `python -m tests.oracle.scanners --lakes N --seed S [--jobs J]`.

Of every table of a random lake both scanners read all rows, the ends of each column, and the rows that a
condition on each column keeps. Their answers must be equal to the last bit, types and all.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakeq.errors import LakeqError
from tests.oracle.compare import Failure, OpenLake, run_lake, tell_difference
from tests.oracle.expressions import Expressions, Ref, spell_literal
from tests.oracle.lakes import LakeTable, list_values


@dataclass(slots=True)
class Tally:
    """What was compared: scans by the format of their table, and the queries that both refused alike."""

    lakes: int = 0
    scans: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count what `other` has counted."""
        self.lakes += other.lakes
        self.scans += other.scans
        self.refused += other.refused
        self.failures += other.failures


def check_scanners(seed: int, tally: Tally, keep: Path | None = None) -> None:
    """Compare the scanners over the lake of `seed`. A lake over which they differ is kept below `keep`."""
    folder = Path(tempfile.mkdtemp(prefix=f"scanners-{seed}-"))
    before = len(tally.failures)
    try:
        with OpenLake(folder, seed) as opened:
            tally.lakes += 1
            for table in opened.tables:
                check_table(opened, table, tally)
    finally:
        if len(tally.failures) > before and keep is not None:
            shutil.copytree(folder, keep / str(seed), dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def check_table(opened: OpenLake, table: LakeTable, tally: Tally) -> None:
    """Compare all rows of a table, its ends, and its rows under conditions."""
    ends = ", ".join(f"min({c}), max({c}), count({c})" for c in (*table.kinds, *table.keys))
    _check(opened, table, f"SELECT count(*), {ends} FROM {table.name}", tally)
    queries = [f"SELECT * FROM {table.name}", *write_filters(random.Random(opened.seed), table)]
    numbered = (f"(SELECT {number} AS query, * FROM ({sql}))" for number, sql in enumerate(queries))
    # All in one query take a third of the time. Where that fails, each tells for itself.
    together = Tally()
    _check(opened, table, " UNION ALL ".join(numbered), together)
    if not together.refused and not together.failures:
        tally.scans[table.format] += len(queries)
        return
    for sql in queries:
        _check(opened, table, sql, tally)


def write_filters(rng: random.Random, table: LakeTable) -> Iterator[str]:
    """A condition on each column."""
    for column, kind, values in list_values(table):
        literals = [] if kind in ("list", "struct") else [spell_literal(value, kind) for value in values]
        drawn = Expressions(rng).comparison([Ref(column, column, kind, tuple(literals))])
        fixed = rng.choice(
            [f"{column} IS NULL", f"{column} IS NOT NULL", *(f"{column} >= {v}" for v in literals[:1])]
        )
        yield f"SELECT * FROM {table.name} WHERE {rng.choice([drawn, drawn, fixed])}"


def _check(opened: OpenLake, table: LakeTable, sql: str, tally: Tally) -> None:
    tally.scans[table.format] += 1
    native, arrow = run_lake(opened.lake, sql), run_lake(opened.arrow_lake, sql)
    if isinstance(native, LakeqError) and type(native) is type(arrow):
        tally.refused += 1
    elif isinstance(native, pa.Table) and isinstance(arrow, pa.Table):
        if reason := compare_exactly(native, arrow):
            tally.failures.append(Failure(opened.seed, sql, reason))
    else:
        tally.failures.append(Failure(opened.seed, sql, f"auto: {_tell(native)}; arrow: {_tell(arrow)}"))


def compare_exactly(native: pa.Table, arrow: pa.Table) -> str | None:
    """How two answers differ in columns, Arrow types or rows; -0.0 is not 0.0, a nanosecond counts."""
    if native.schema != arrow.schema:
        return f"auto has {native.schema}, arrow has {arrow.schema}"
    rows, others = Counter(list_exact_rows(native)), Counter(list_exact_rows(arrow))
    return None if rows == others else f"arrow: {tell_difference(others, rows)}"


def list_exact_rows(table: pa.Table) -> list[tuple[str, ...]]:
    """The rows as texts that are equal only where the values are, NaN with NaN."""
    columns = [map(repr, map(_plain, column)) for column in table.columns]
    return list(zip(*columns, strict=True)) if columns else [()] * table.num_rows


def _plain(value: pa.Scalar) -> Any:
    """The value in Python; of times the number that is stored, for Python's have no nanoseconds."""
    if not value.is_valid:
        return None
    if pa.types.is_temporal(value.type) and not pa.types.is_interval(value.type):
        return value.value
    if isinstance(value, pa.StructScalar):
        return [(name, _plain(inner)) for name, inner in value.items()]
    if isinstance(value, pa.MapScalar):
        return [[_plain(part) for part in entry.values()] for entry in value.values]
    if isinstance(value, pa.ListScalar):
        return [_plain(inner) for inner in value.values]
    return value.as_py()


def _tell(answer: pa.Table | LakeqError | str) -> str:
    return f"{answer.num_rows} rows" if isinstance(answer, pa.Table) else f"{type(answer).__name__} {answer}"


def main() -> int:
    """Check `--lakes` lakes from seed S on; 1 when the scanners differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.scanners", description=__doc__)
    parser.add_argument("--lakes", type=int, default=20, help="how many lakes")
    parser.add_argument("--seed", type=int, default=1, help="of the first lake")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--keep", type=Path, default=Path("oracle-failures"), help="where failing lakes are kept"
    )
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.lakes)
    tally = Tally()
    with get_context("spawn").Pool(options.jobs) as pool:
        for part in pool.imap_unordered(partial(_check_seed, keep=options.keep), seeds):
            tally.add(part)
            for failure in part.failures:
                _say(f"FAILED seed {failure.seed}\n  {failure.sql}\n  {failure.reason}")
            if tally.lakes % 10 == 0:
                _say(_sum_up(tally))
    _say(_sum_up(tally))
    return 1 if tally.failures else 0


def _check_seed(seed: int, keep: Path) -> Tally:
    tally = Tally()
    check_scanners(seed, tally, keep)
    return tally


def _sum_up(tally: Tally) -> str:
    by_format = ", ".join(f"{count:,} {name}" for name, count in sorted(tally.scans.items()))
    return (
        f"{tally.lakes} lakes: {tally.scans.total():,} scans by each ({by_format}), {tally.refused} refused by "
        f"both, {len(tally.failures)} differ"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
