"""How long does planning take on an index of 1,000,000 files, and how much memory?

    python -m benchmarks.planning [--files 1000000] [--rounds 25]

The index is made up: a Hive table by year, month, day and hour, with long names and unlike etags as stores
have them. Once as Parquet with the footers of five columns read, once as CSV, which has none. Each in a fresh
process: the index is built, what building took is given back, and then `lake.plan(sql)` is timed warm.
`peak_mb` is the most memory that the process held while it planned, interpreter and libraries included.
Targets: 30 ms and 300 MB.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.harness import print_table, time_in_turn, write_result
from lakeq.catalog.database import open_index_database
from lakeq.catalog.definitions import LakeDefinition
from lakeq.catalog.entry import KnownTable, TableEntry
from lakeq.catalog.facts_store import FactStore
from lakeq.catalog.index import FileIndex
from lakeq.catalog.layout import parse_layout
from lakeq.catalog.prefixes import PrefixFilter
from lakeq.catalog.table import IgnoredObjects, TableFiles
from lakeq.catalog.view import CatalogView
from lakeq.formats.base import Column, ColumnChunk, FileFacts, FileSchema, RowGroup
from lakeq.lake import Lake
from lakeq.storage.base import Store
from lakeq.storage.local import LocalStore
from lakeq.storage.progress import Reporter

TARGET_MS, TARGET_MB = 30, 300
KEYS = tuple(Column(name, pa.int64()) for name in ("year", "month", "day", "hour"))
COLUMNS = (
    Column("event_id", pa.int64()),
    Column("at", pa.timestamp("us")),
    Column("user_id", pa.int64()),
    Column("kind", pa.string()),
    Column("amount", pa.float64()),
)
FILES_AN_HOUR = 36
_FIRST_HOUR = np.datetime64("2024-01-01T00", "h")
_BATCH = 20_000
_ROOT = "s3://bucket/lake"

QUERIES = {
    "one day": "SELECT sum(amount) FROM events WHERE year = 2025 AND month = 3 AND day = 14",
    "one day by make_date": "SELECT sum(amount) FROM events "
    "WHERE make_date(year, month, day) = DATE '2025-03-14'",
    "half of it": "SELECT sum(amount) FROM events WHERE year * 100 + month >= 202508",
    "all of it": "SELECT sum(amount) FROM events",
    "a month or large": "SELECT sum(amount) FROM events WHERE (year = 2025 AND month = 3) OR amount > 9999",
    "one user": "SELECT sum(amount) FROM events WHERE user_id = 77",
}


class UnreadStore(LocalStore):
    """Stands for a store that nobody asks: all that is wanted of the files is known."""

    @property
    def is_local(self) -> bool:
        return False


class SyntheticCatalog:
    """The part of a Catalog that planning asks, with one table."""

    definitions = ()

    def __init__(self, entry: TableEntry) -> None:
        self._entry = entry

    def view(self, any_age: bool = False) -> CatalogView:
        return CatalogView(self, since=0)

    def known_tables(self, since: float) -> dict[str, KnownTable]:
        return {"events": self._entry.known}

    def list_whole(self, since: float) -> tuple[IgnoredObjects, ...]:
        return ()

    def make_entry(self, known: KnownTable, filters: Sequence[PrefixFilter], since: float) -> TableEntry:
        return self._entry

    def sample_entry(self, known: KnownTable, since: float) -> TableEntry:
        return self._entry

    def lists_parts(self) -> bool:
        return False

    is_ours = True

    def forget(self) -> None:
        """There is always this one table."""

    def definition(self, name: str) -> None:
        """Nothing was declared."""

    @property
    def root(self) -> Store:
        return self._entry.known.store

    def save(self) -> None:
        """Nothing is kept."""

    def close(self, saves: bool) -> None:
        """Nothing is held."""


def make_files(count: int, suffix: str) -> pa.Table:
    """The listing of the table's files with their partition values."""
    random = np.random.default_rng(1_000_000)
    hours = _FIRST_HOUR + np.arange(count) // FILES_AN_HOUR
    moments = hours.astype(dt.datetime)
    raws = [[f"{getattr(m, key.name):02}" for m in moments] for key in KEYS]
    names = random.bytes(count * 16).hex()
    paths = [
        f"events/year={y}/month={m}/day={d}/hour={h}/"
        f"part-{i % FILES_AN_HOUR:05}-{names[32 * i : 32 * i + 32]}{suffix}"
        for i, (y, m, d, h) in enumerate(zip(*raws, strict=True))
    ]
    etags = random.bytes(count * 16).hex()
    columns: dict[str, Any] = {
        "path": paths,
        "size": random.integers(10_000_000, 200_000_000, count),
        "etag": [etags[32 * i : 32 * i + 32] for i in range(count)],
        "modified": pa.array(hours.astype("datetime64[us]")).cast(pa.timestamp("us", tz="UTC")),
        "storage_class": pa.nulls(count, pa.string()),
    }
    for i, values in enumerate(raws):
        columns[f"raw_{i}"] = values
        columns[f"value_{i}"] = np.array(values, dtype=np.int64)
    return pa.table(columns)


def make_facts(count: int) -> Iterator[tuple[int, FileFacts]]:
    """What the footer of each file would tell: one row group, every tenth with a large amount."""
    random = np.random.default_rng(2)
    schema = FileSchema(COLUMNS)
    start = int(_FIRST_HOUR.astype("datetime64[us]").astype(np.int64))
    sizes = random.integers(100_000, 40_000_000, count).tolist()
    for i, size in enumerate(sizes):
        at = start + i // FILES_AN_HOUR * 3_600_000_000
        chunks = {
            "event_id": ColumnChunk(size, i * 1000, i * 1000 + 999, 0),
            "at": ColumnChunk(size // 2, at, at + 3_599_999_999, 0),
            "user_id": ColumnChunk(size // 3, i % 1000, 50_000 + i % 1000, 0),
            "kind": ColumnChunk(size // 50, "buy", "view", 0),
            "amount": ColumnChunk(size // 4, 0.5, 12_000.0 if i % 10 == 0 else 900.0 + i % 90, i % 7),
        }
        yield i, FileFacts(schema, 1000, True, (RowGroup(1000, chunks),))


def build_catalog(kind: str, count: int) -> SyntheticCatalog:
    """The catalog over `count` files of format `kind`, with the facts of all files for Parquet."""
    index = FileIndex(open_index_database(), "events", make_files(count, f".{kind}"), KEYS)
    if kind == "parquet":
        facts = make_facts(count)
        while batch := list(islice(facts, _BATCH)):
            index.add_facts(batch)
        index.groups.settle_types(COLUMNS)
    files = TableFiles(
        name="events",
        store_root=_ROOT,
        location=f"{_ROOT}/events/",
        format=kind,
        layout=parse_layout("year={year}/month={month}/day={day}/hour={hour}/"),
        partition_columns=KEYS,
        files=pa.table({"path": pa.array([], pa.string())}),
    )
    store = UnreadStore(_ROOT)
    known = KnownTable(files, store, "events/", schemas={FileSchema(COLUMNS): f"{_ROOT}/events/"})
    entry = TableEntry(
        known, files, True, None, lambda files, keys: index, store, FactStore(None), Reporter(None)
    )
    return SyntheticCatalog(entry)


def measure(kind: str, count: int, rounds: int) -> list[dict[str, Any]]:
    """One row a query: what is kept, median milliseconds, and memory, in this process."""
    catalog = build_catalog(kind, count)
    gc.collect()
    pa.default_memory_pool().release_unused()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(LakeDefinition(folder), history=False)
        lake._catalog = catalog  # type: ignore[assignment]  # a million files are not worth writing
        lake.plan(QUERIES["one day"])  # loads what is loaded once
        for name, sql in QUERIES.items():
            held = reset_peak()
            questions = {"plan": partial(lake.plan, sql), "estimate": partial(lake.estimate, sql)}
            medians = time_in_turn(questions, rounds)
            (scan,) = lake.plan(sql).scans
            rows.append(
                {
                    "format": kind,
                    "query": name,
                    "files": scan.files.count,
                    "files_total": count,
                    "ms": round(medians["plan"] * 1000, 1),
                    "estimate_ms": round(medians["estimate"] * 1000, 1),
                    "held_mb": held,
                    "peak_mb": read_memory("VmHWM"),
                }
            )
        lake.close()
    return rows


def reset_peak() -> int:
    """Let the peak of this process's memory start from what it holds now; that, in MB."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return read_memory("VmRSS")


def read_memory(field: str) -> int:
    """A memory figure of this process, as Linux counts it, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) // 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Time planning on a large index. Linux only: it reads /proc."
    )
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--format", choices=("parquet", "csv"), help="measure one, print JSON, write nothing")
    arguments = parser.parse_args()
    if arguments.format:
        print(json.dumps(measure(arguments.format, arguments.files, arguments.rounds)))
        return
    rows: list[dict[str, Any]] = []
    for kind in ("csv", "parquet"):
        options = [f"--files={arguments.files}", f"--rounds={arguments.rounds}", f"--format={kind}"]
        command = [sys.executable, "-m", "benchmarks.planning", *options]
        rows += json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for row in rows:
        row["met"] = row["ms"] <= TARGET_MS and row["peak_mb"] <= TARGET_MB
    print_table(rows)
    question = "Planning a query on an index of a million files, warm"
    print(
        write_result(
            "planning", question, rows, target_ms=TARGET_MS, target_mb=TARGET_MB, rounds=arguments.rounds
        )
    )


if __name__ == "__main__":
    main()
