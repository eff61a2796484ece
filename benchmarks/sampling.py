"""How often does the interval of a sampled estimate hold the truth, and how wide is it?

    python -m benchmarks.sampling [--lakes 200] [--footers 2000] [--seed 1]

Random lakes of 2,500 to 10,000 Parquet files by day, made up as their footers would tell: sizes that
spread, grow and were compacted, columns that come and go, one to five row groups a file with bounds. Random
queries: some of the columns, over all or some of the days, with a condition that all files, some files, some
row groups or few files meet. The estimate from a sample of the footers is compared with that from all of
them. Target: the interval holds the truth in 95 % of lakes, and its median width is at most 10 % of it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa

from benchmarks.harness import print_table, write_result
from lakeq.catalog.database import open_index_database
from lakeq.catalog.entry import TableEntry
from lakeq.catalog.index import FileIndex
from lakeq.catalog.layout import parse_layout
from lakeq.catalog.table import Table
from lakeq.formats.base import Column, ColumnChunk, FileFacts, FileSchema, RowGroup
from lakeq.planner.bind import bind_query
from lakeq.planner.pruning import plan_pruning
from lakeq.planner.weighing import weigh_files, weigh_sample

KEYS = (Column("day", pa.int64()),)
COLUMNS = tuple(Column(name, pa.int64()) for name in "abcdefghij")
CONDITIONS = ("none", "time", "group", "needle")
DATA_SHARE = 0.97


class RandomLake:
    """A table as its footers would tell it, and a query on it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        count = int(rng.integers(2_500, 10_000))
        self.when = np.sort(rng.uniform(0, 1, count))
        sizes = np.exp(rng.normal(13, rng.uniform(0.1, 1.5), count) + rng.uniform(-1, 2) * self.when)
        sizes[rng.random(count) < rng.choice([0, 0.002, 0.02])] *= 50
        self.sizes = sizes.astype(np.int64) + 2_000
        self.condition = CONDITIONS[int(rng.integers(len(CONDITIONS)))]
        self.index = FileIndex(open_index_database(), "t", self._list(), KEYS)
        self.facts = self._make_facts()
        self.index.groups.settle_types(COLUMNS)
        self.table = Table(
            "t",
            "/lake/t",
            "/lake",
            "parquet",
            parse_layout("day={day}/"),
            (*COLUMNS, *KEYS),
            KEYS,
            None,
            None,
            None,
        )

    def _list(self) -> pa.Table:
        count = len(self.sizes)
        days = (self.when * 1_000).astype(np.int64)
        return pa.table(
            {
                "path": [f"t/day={day:03}/{number:05}.parquet" for number, day in enumerate(days)],
                "size": self.sizes,
                "etag": [str(number) for number in range(count)],
                "modified": pa.array((self.when * 1e15).astype(np.int64), pa.timestamp("us", tz="UTC")),
                "storage_class": pa.nulls(count, pa.string()),
                "raw_0": [f"{day:03}" for day in days],
                "value_0": days,
            }
        )

    def _make_facts(self) -> list[FileFacts]:
        """Column `a` has bounds that a condition meets by time, by chance in each row group, or seldom."""
        rng = self.rng
        ends = np.sort(rng.uniform(0, 1, 2))
        shares = rng.dirichlet(np.ones(len(COLUMNS)), 3)
        shares[rng.random(shares.shape) < 0.1] = 0  # columns that an era does not have
        noise, chance = rng.uniform(0.01, 0.3), rng.uniform(0.05, 0.95)
        seldom = 10 ** rng.uniform(-3, -1)
        facts = []
        for when, size in zip(self.when, self.sizes, strict=True):
            era = int(np.searchsorted(ends, when))
            names = [column.name for column, share in zip(COLUMNS, shares[era], strict=True) if share]
            weights = shares[era][shares[era] > 0] * np.exp(rng.normal(0, noise, len(names)))
            groups = int(rng.integers(1, 6))
            stored = (weights / weights.sum() * DATA_SHARE * size / groups).astype(np.int64)
            holds = rng.random() < seldom
            row_groups = []
            for _ in range(groups):
                chunks = {
                    name: ColumnChunk(int(part), 0, 0, 0) for name, part in zip(names, stored, strict=True)
                }
                if "a" in chunks:
                    upper = {"none": 1, "time": int(when > 0.4), "group": int(rng.random() < chance)}.get(
                        self.condition, int(holds)
                    )
                    chunks["a"] = ColumnChunk(chunks["a"].bytes, 0, upper, 0)
                row_groups.append(RowGroup(100, chunks))
            schema = FileSchema(tuple(column for column in COLUMNS if column.name in names))
            facts.append(FileFacts(schema, 100 * groups, True, tuple(row_groups)))
        return facts

    def ask(self, footers: int) -> dict[str, Any]:
        """What a sample of so many footers says, and what all say."""
        first = int(self.rng.integers(0, 400)) if self.rng.random() < 0.3 else 0
        condition = f"day >= {first}" + ("" if self.condition == "none" else " AND a = 1")
        picked = [c.name for c in COLUMNS if c.name == "a" or self.rng.random() < 0.3]
        sql = f"SELECT {', '.join(picked)} FROM t WHERE {condition}"
        bound = bind_query(sql, None, ["t"], lambda name: self.table, {}, dt.datetime.now(dt.UTC))
        pruning = plan_pruning(self.table, bound.references[0].predicate, ())
        entry = cast(
            TableEntry, SimpleNamespace(index=self.index, table=self.table, is_remote=False, is_whole=True)
        )
        selection = self.index.select(pruning.files)
        sample = self.index.sample(selection, footers)
        ids = self.index.number(selection.ids)
        self.index.add_facts([(int(i), self.facts[i]) for i in ids[sample.drawn]])
        began = time.perf_counter()
        told = weigh_sample(selection, sample, entry, pruning, picked).sampled
        seconds = time.perf_counter() - began
        self.index.add_facts([(int(i), self.facts[i]) for i in ids])
        truth = weigh_files(selection, entry, pruning, picked, locates=False).column_bytes
        assert told is not None and truth is not None
        return {
            "files": selection.count,
            "condition": self.condition,
            "truth": truth,
            "expected": told.expected,
            "low": told.low,
            "high": told.high,
            "holds": told.low <= truth <= told.high,
            "width": (told.high - told.low) / max(truth, 1),
            "ms": 1_000 * seconds,
        }


def run(lakes: int, footers: int, seed: int) -> Iterator[dict[str, Any]]:
    for number in range(lakes):
        yield RandomLake(np.random.default_rng((seed, number))).ask(footers)


def sum_up(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One row a kind of condition, and one for all."""
    for kind in (*CONDITIONS, "all"):
        chosen = [row for row in rows if kind in (row["condition"], "all")]
        if chosen:
            yield {
                "condition": kind,
                "lakes": len(chosen),
                "holds the truth": sum(row["holds"] for row in chosen) / len(chosen),
                "median width": statistics.median(row["width"] for row in chosen),
                "median error": statistics.median(
                    abs(row["expected"] - row["truth"]) / max(row["truth"], 1) for row in chosen
                ),
                "median ms": statistics.median(row["ms"] for row in chosen),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the intervals of sampled estimates.")
    parser.add_argument("--lakes", type=int, default=200)
    parser.add_argument("--footers", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rows = list(run(arguments.lakes, arguments.footers, arguments.seed))
    figures = list(sum_up(rows))
    print_table(figures)
    question = "Sampled estimates: how often the interval holds the truth, and how wide it is"
    path = write_result("sampling", question, figures, seed=arguments.seed, footers=arguments.footers)
    print(f"Written to {path}")


if __name__ == "__main__":
    main()
