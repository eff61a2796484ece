"""Does lakeq answer TPC-H as DuckDB does over the unpartitioned tables, what does it read, and how long does
it take?

    python -m benchmarks.tpch DIR [--scale 1] [--rounds 3] [--query N]

Runs the 22 queries of TPC-H (default parameters) through lakeq over the lake of benchmarks.tpch_lake in DIR,
and through bare DuckDB over one Parquet file a table. Those with dates run once more by partition: with
conditions on year, month and day added, as someone who knows the lake would write them. Any two answers that
differ end the run: values must be equal, floating-point numbers to 1e-9 of their size.

`bare_seconds` is another layout (one Parquet file a table, no CSV, JSON or ORC), so it is a yardstick and no
target.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

import lakeq
from benchmarks.harness import print_table, time_in_turn, time_once, write_result
from benchmarks.tpch_lake import TABLES, write_tpch

QUERIES = range(1, 23)
_FOLDER = Path(__file__).parent / "queries" / "tpch"
_BY_PARTITION = "--+ "
_FLOAT_TOLERANCE = 1e-9


class AnswersDifferError(Exception):
    """Two engines gave different answers."""


def read_query(number: int) -> str:
    """A TPC-H query as the specification has it."""
    lines = _read_lines(number)
    return "\n".join(line for line in lines if not line.startswith(_BY_PARTITION))


def read_query_by_partition(number: int) -> str | None:
    """The query with conditions on partition columns added; None when its dates imply none."""
    lines = _read_lines(number)
    if not any(line.startswith(_BY_PARTITION) for line in lines):
        return None
    return "\n".join(line.removeprefix(_BY_PARTITION) for line in lines)


def read_forms(number: int) -> Iterator[tuple[str, str]]:
    """The forms of a query to run over the lake, each with its name."""
    yield "as specified", read_query(number)
    by_partition = read_query_by_partition(number)
    if by_partition is not None:
        yield "by partition", by_partition


def _read_lines(number: int) -> list[str]:
    return (_FOLDER / f"{number:02}.sql").read_text(encoding="utf-8").splitlines()


def open_plain(folder: Path) -> duckdb.DuckDBPyConnection:
    """Bare DuckDB over the unpartitioned tables."""
    connection = duckdb.connect()
    for table in TABLES:
        connection.read_parquet(str(folder / f"{table}.parquet")).create_view(table)
    return connection


def check_equal(expected: pa.Table, actual: pa.Table) -> None:
    """AnswersDifferError, naming the first place, unless both hold the same rows in the same order.

    Types may differ (a CSV file's integers are wider than Parquet's), values may not.
    """
    if expected.column_names != actual.column_names:
        raise AnswersDifferError(f"columns {expected.column_names} became {actual.column_names}")
    if expected.num_rows != actual.num_rows:
        raise AnswersDifferError(f"{expected.num_rows} rows became {actual.num_rows}")
    for name in expected.column_names:
        pairs = zip(expected.column(name).to_pylist(), actual.column(name).to_pylist(), strict=True)
        for row, (left, right) in enumerate(pairs):
            if not is_equal(left, right):
                raise AnswersDifferError(f"row {row}, column {name}: {left!r} became {right!r}")


def is_equal(left: Any, right: Any) -> bool:
    """Whether two values are one: floats nearly, everything else exactly."""
    if isinstance(left, float) and isinstance(right, float | Decimal):
        return math.isclose(left, right, rel_tol=_FLOAT_TOLERANCE, abs_tol=0.0)
    return bool(left == right) and isinstance(left, float) == isinstance(right, float)


def run_in_lake(lake: lakeq.Lake, sql: str) -> pa.Table:
    """Plan and run a query anew."""
    return lake.sql(sql).arrow()


def run_query(
    lake: lakeq.Lake, plain: duckdb.DuckDBPyConnection, number: int, rounds: int
) -> Iterator[dict[str, Any]]:
    """One row a form of the query: what it would read, what it read, and the seconds of both engines."""
    plain_sql = read_query(number)
    expected = plain.sql(plain_sql).to_arrow_table()
    for form, sql in read_forms(number):
        result = lake.sql(sql)
        try:
            check_equal(expected, result.arrow())
        except AnswersDifferError as error:
            raise AnswersDifferError(f"TPC-H query {number}, {form}: {error}") from error
        contenders: dict[str, Callable[[], object]] = {
            "lakeq": partial(run_in_lake, lake, sql),
            "bare": lambda: plain.sql(plain_sql).to_arrow_table(),
        }
        seconds = time_in_turn(contenders, rounds)
        yield {
            "query": number,
            "form": form,
            "rows": expected.num_rows,
            "bytes_estimated": result.estimate.bytes_scanned,
            "accuracy": result.estimate.accuracy,
            "bytes_read": result.stats.bytes_scanned,
            "files": result.estimate.files,
            "files_total": result.estimate.files_total,
            "seconds": round(seconds["lakeq"], 3),
            "bare_seconds": round(seconds["bare"], 3),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description="Run TPC-H over a lake and compare the answers.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--query", type=int, choices=QUERIES, action="append")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    plain, definition = write_tpch(arguments.folder, arguments.scale)
    rows: list[dict[str, Any]] = []
    with lakeq.connect(definition, history=False) as lake, open_plain(plain) as connection:
        opening = time_once(lake.tables)
        for number in arguments.query or QUERIES:
            rows += run_query(lake, connection, number, arguments.rounds)
    print_table(rows)
    if not arguments.query:
        question = "TPC-H over a lake: equal answers, bytes estimated and read, files kept, seconds"
        path = write_result(
            "tpch",
            question,
            rows,
            scale=arguments.scale,
            answers="all equal",
            opening_seconds=round(opening, 3),
        )
        print(f"All answers are equal. Written to {path}")


if __name__ == "__main__":
    main()
