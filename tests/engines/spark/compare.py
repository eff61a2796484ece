"""Spark beside DuckDB over the random lakes of the oracle.

python -m tests.engines.spark.compare --seeds 0-99
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lakeq
from lakeq.errors import UnsupportedSqlError
from tests.engines.spark.sessions import open_session
from tests.oracle.lakes import LakeTable, write_lake


@dataclass(slots=True)
class Comparison:
    """What was compared: queries with one answer, those that Spark refuses, and what differs."""

    compared: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    differing: list[str] = field(default_factory=list)


def compare_lake(root: Path, seed: int, spark: Any) -> Comparison:
    """Each table of the lake of this seed, whole, counted, and by its hidden columns."""
    told = Comparison()
    tables = write_lake(root, seed)
    with lakeq.connect(str(root), engines={"spark": spark}, history="off") as lake:
        for table in tables:
            for sql in _ask(table):
                _compare(lake, sql, told)
    return told


def _ask(table: LakeTable) -> list[str]:
    """Columns that only DuckDB reads are asked for apart, so that the others are compared too."""
    fine = [c for c, kind in table.kinds.items() if kind in ("ts", "ns", "tz") and table.format == "orc"]
    every = [c for c in (*table.kinds, *table.keys) if c not in fine]
    listed = ", ".join(f'"{column}"' for column in every)
    queries = [
        f"SELECT {listed} FROM {table.name}",
        f'SELECT "$path", "$partition", id FROM {table.name} WHERE n > 1',
    ]
    if fine:
        queries.append(f'SELECT "{fine[0]}" FROM {table.name}')
    return queries


def _compare(lake: lakeq.Lake, sql: str, told: Comparison) -> None:
    wanted = lake.sql(sql).arrow()
    try:
        found = lake.sql(sql, engine="spark").arrow()
    except UnsupportedSqlError as error:
        told.refused[str(error)[:80]] += 1
        return
    told.compared += 1
    rows = [sorted(map(repr, table.to_pylist())) for table in (wanted, found)]
    if wanted.schema != found.schema or rows[0] != rows[1]:
        pairs = [pair for pair in zip(*rows, strict=False) if pair[0] != pair[1]][:2]
        told.differing.append(f"{sql}: {len(rows[0])} rows, {len(rows[1])} in Spark: {pairs}")


def main() -> None:
    """Compare the lakes of a range of seeds, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0-19", metavar="FIRST-LAST")
    first, _, last = parser.parse_args().seeds.partition("-")
    whole = Comparison()
    for spark in open_session():
        for seed in range(int(first), int(last or first) + 1):
            with tempfile.TemporaryDirectory() as folder:
                told = compare_lake(Path(folder), seed, spark)
            whole.compared += told.compared
            whole.refused += told.refused
            whole.differing += [f"seed {seed}: {difference}" for difference in told.differing]
            counts = (whole.compared, whole.refused.total(), len(whole.differing))
            sys.stdout.write("seed {}: {} alike, {} refused, {} differ\n".format(seed, *counts))
    sys.stdout.write("".join(f"{told}\n" for told in (*whole.differing, *whole.refused.items())))
    raise SystemExit(bool(whole.differing))


if __name__ == "__main__":
    main()
