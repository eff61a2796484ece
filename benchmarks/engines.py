"""Do Spark and Trino answer as DuckDB does, and do they read what was estimated?

    python -m benchmarks.engines DIR [--scale 0.1] [--engine trino] [--lake parquet] [--query N]

The 22 queries of TPC-H and the 40 of benchmarks/queries/lake.sql, over the same rows as lakes of Parquet,
ORC, CSV and JSON; and TPC-H's once more over the lake of benchmarks.tpch_lake, which has four formats in five
layouts. Each answer is compared with DuckDB's, as rows in any order: values equal, floating-point numbers to
1e-9 of their size. What an engine cannot be told is `refused`, with the reason. Target: no `differs`, no
`failed`, at most 3 refused of 62.

`read` is Trino's own physicalInputBytes. It counts footers, 48 KB a file of Parquet and 16 KB of ORC whatever
they hold, which the estimate leaves out: `footers` are those of the planned files, and `error_percent` is how
far the estimate with them is from what was read. By default Trino also reads small files and stripes whole,
and over the gaps between columns; here it is told not to (`_SETTINGS`). Target: within 5 % where both prune
alike.

Trino is started as tests/trino_server.py says (LAKEQ_TRINO, LAKEQ_TRINO_JAVA), and made to see the tables by
what `lakeq ddl` prints. Spark is that of the `pyspark` installed.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import lakeq
from benchmarks.columnar_lake import write_columnar
from benchmarks.estimate_accuracy import find_error, read_queries
from benchmarks.harness import print_table, write_result
from benchmarks.text_lake import write_text
from benchmarks.tpch import is_equal
from benchmarks.tpch_lake import TABLES, write_tpch
from lakeq.errors import LakeqError, UnsupportedSqlError, UnsupportedTableError
from lakeq.planner.plan import ScanPlan
from tests.trino_server import TrinoServer, run_trino

ENGINES = ("spark", "trino")
LAKES = ("parquet", "orc", "csv", "json", "mixed")
TARGET = 0.05
EQUAL, REFUSED, DIFFERS, FAILED = "equal", "refused", "differs", "failed"
_SETTINGS = (
    "parquet.max-merge-distance=0B",
    "parquet.small-file-threshold=0B",
    "hive.orc.max-merge-distance=0B",
    "hive.orc.tiny-stripe-threshold=0B",
)
_FOOTERS = {"parquet": 48 << 10, "orc": 16 << 10}
"""Bytes at a file's end that Trino reads at once (EXPECTED_FOOTER_SIZE of its readers)."""


def write_lakes(root: Path, scale: float) -> dict[str, Path]:
    """What opens each lake, by its name. Written below `root` unless they are there."""
    columnar = write_columnar(root, scale)
    _, mixed = write_tpch(root / "mixed", scale)
    return {**columnar, **write_text(root, root / "plain"), "mixed": mixed}


@contextlib.contextmanager
def open_engine(engine: str, lakes: Mapping[str, Path]) -> Iterator[dict[str, Any]]:
    """The target of an engine for each lake, while it runs."""
    if engine != "trino":
        yield dict.fromkeys(lakes)
        return
    with run_trino(_SETTINGS) as server:
        for name, location in lakes.items():
            make_tables(server, name, location)
        yield {name: f"http://lakeq@127.0.0.1:{server.port}/hive/lake_{name}" for name in lakes}


def make_tables(server: TrinoServer, name: str, location: Path) -> None:
    """Make Trino see the tables of a lake as `lakeq ddl` says."""
    server.run(f"CREATE SCHEMA hive.lake_{name}")
    with lakeq.connect(location, history=False) as lake:
        for table in TABLES:
            for statement in lake.ddl(table, "trino", name=f"hive.lake_{name}.{table}").statements:
                server.run(statement)


def compare(
    engine: str, name: str, location: Path, target: Any, queries: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """A row a query: the outcome, and what was estimated and read."""
    with lakeq.connect(location, engines={engine: target}, history=False) as lake:
        for query, sql in queries.items():
            row: dict[str, Any] = {"engine": engine, "lake": name, "query": query}
            row |= dict.fromkeys(("outcome", "estimated", "footers", "read", "error_percent", "seconds"))
            row |= {"outcome": FAILED, "detail": ""}
            began = time.perf_counter()
            try:
                result = lake.sql(sql, engine=engine)
                row["estimated"], row["footers"] = result.estimate.bytes_scanned, sum_footers(result.plan)
                answer = result.arrow()
                row["read"] = result.stats.bytes_scanned
                row["seconds"] = round(time.perf_counter() - began, 3)
                foreseen = row["estimated"] + row["footers"]
                if engine == "trino":  # Spark's task metrics count what its filesystems read ahead, too
                    row["error_percent"] = round(100 * find_error(foreseen, row["read"]), 2)
                row["detail"] = find_difference(lake.sql(sql).arrow(), answer)
                row["outcome"] = DIFFERS if row["detail"] else EQUAL
            except (UnsupportedSqlError, UnsupportedTableError) as error:
                row |= {"outcome": REFUSED, "detail": str(error)}
            except LakeqError as error:
                row["detail"] = str(error)
            yield row


def sum_footers(plan: ScanPlan) -> int:
    """Bytes of footers that Trino reads of the planned files."""
    return sum(
        scan.uses * int(np.minimum(scan.files.sizes, _FOOTERS.get(scan.table.format, 0)).sum())
        for scan in plan.scans
    )


def find_difference(expected: pa.Table, actual: pa.Table) -> str:
    """The first difference of two answers, whose rows may be in any order; "" for none."""
    if expected.schema.types != actual.schema.types or expected.column_names != actual.column_names:
        return f"columns {expected.schema} became {actual.schema}"
    if expected.num_rows != actual.num_rows:
        return f"{expected.num_rows} rows became {actual.num_rows}"
    for left, right in zip(*(sort_rows(table) for table in (expected, actual)), strict=True):
        if not all(is_equal(a, b) for a, b in zip(left, right, strict=True)):
            return f"{left} became {right}"
    return ""


def sort_rows(table: pa.Table) -> list[tuple[Any, ...]]:
    """The rows, in an order that does not hang on the last digits of floating-point numbers."""
    columns = [column.to_pylist() for column in table.columns]
    return sorted(zip(*columns, strict=True), key=lambda row: [sort_key(value) for value in row])


def sort_key(value: Any) -> str:
    """What a value is sorted by."""
    return f"{value:.7g}" if isinstance(value, float) else repr(value)


def sum_up(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row an engine and lake: how many answers are equal, and how far the estimates are."""
    for engine, name in dict.fromkeys((row["engine"], row["lake"]) for row in rows):
        group = [row for row in rows if (row["engine"], row["lake"]) == (engine, name)]
        outcomes = Counter(row["outcome"] for row in group)
        errors = [row["error_percent"] for row in group if row["error_percent"] is not None]
        yield {
            "engine": engine,
            "lake": name,
            "queries": len(group),
            **{outcome: outcomes[outcome] for outcome in (EQUAL, REFUSED, DIFFERS, FAILED)},
            "within_target": sum(error <= 100 * TARGET for error in errors) if errors else None,
            "median_error_percent": statistics.median(errors) if errors else None,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the answers and the bytes of engines.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--engine", choices=ENGINES, action="append")
    parser.add_argument("--lake", choices=LAKES, action="append")
    parser.add_argument("--query", help="only those with this in their name")
    arguments = parser.parse_args()
    every = read_queries()
    queries = {name: sql for name, sql in every.items() if not arguments.query or arguments.query in name}
    lakes = {
        name: location
        for name, location in write_lakes(arguments.folder, arguments.scale).items()
        if name in (arguments.lake or LAKES)
    }
    rows: list[dict[str, Any]] = []
    for engine in arguments.engine or ENGINES:
        with open_engine(engine, lakes) as targets:
            for name, location in lakes.items():
                asked = {k: v for k, v in queries.items() if name != "mixed" or k.startswith("TPC-H")}
                for row in compare(engine, name, location, targets[name], asked):
                    rows.append(row)
                    print(*(value for value in row.values() if value != ""), sep="  ", flush=True)
    summary = list(sum_up(rows))
    print_table(summary)
    if not arguments.query:
        question = "Answers of engines equal to DuckDB's, and estimates against the bytes that they read"
        facts = {"summary": summary, "scale": arguments.scale, "target_percent": 100 * TARGET}
        print(f"Written to {write_result('engines', question, rows, **facts)}")


if __name__ == "__main__":
    main()
