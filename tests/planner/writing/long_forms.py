"""The long forms of the differential test: TPC-H, and random queries over random lakes."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

import lakeq
from benchmarks.tpch import QUERIES as TPCH
from benchmarks.tpch import read_query
from benchmarks.tpch_lake import TABLES, write_tpch
from lakeq.errors import LakeqError, UnsupportedSqlError
from lakeq.formats.types import quote_name, sql_type
from lakeq.lake import Lake
from lakeq.planner.writing import write_query
from tests.oracle.lakes import write_lake
from tests.oracle.queries import Query, QueryWriter
from tests.planner.writing.compare import compare_rows, list_rows
from tests.planner.writing.engines import Run

Show = Callable[[Mapping[str, pa.Table], str], tuple[Run, dict[str, str]]]
Found = tuple[int, list[str], list[str]]
"""How many answers are the same, what is refused, and what differs."""
_LAKE_SQL = Path(__file__).parents[3] / "benchmarks" / "queries" / "lake.sql"


def list_written() -> list[str]:
    """The written queries of the benchmarks. Those of TPC-H; the others, of which one numbers rows with ties
    by what they are ordered by: it is ordered by the key, too."""
    blocks = re.split(r"^-- .*\n", _LAKE_SQL.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    texts = [block.strip().rstrip(";") for block in blocks]
    tied = "PARTITION BY o_custkey ORDER BY o_orderdate)"
    texts = [t.replace(tied, tied.replace(")", ", o_orderkey)")) for t in texts]
    return [*(read_query(number) for number in TPCH), *texts]


def ask_tpch(folder: Path, dialect: str, show: Show, scale: float = 0.01) -> Found:
    """The 22 queries of TPC-H and the 40 others over the lake of benchmarks.tpch_lake."""
    _, definition = write_tpch(folder, scale)
    truth = duckdb.connect()
    truth.execute("SET TimeZone = 'UTC'")
    with lakeq.connect(definition, history=False) as lake:
        tables = {name: lake.sql(f"SELECT * FROM {name}").arrow() for name in TABLES}
        for name, table in tables.items():
            truth.register(name, table)
        run, names = show(tables, "tpch")
        same, refused, wrong = 0, [], []
        for sql in list_written():
            is_ordered = (
                "ORDER BY" in sql.upper() and "OVER" not in sql.upper() and "LIMIT" not in sql.upper()
            )
            told = _compare(lake, truth, Query(sql, is_ordered), dialect, names, run)
            same += told == ""
            if told is None:
                refused.append(sql)
            elif told:
                wrong.append(told)
    return same, refused, wrong


def _compare(
    lake: Lake,
    truth: duckdb.DuckDBPyConnection,
    query: Query,
    dialect: str,
    names: Mapping[str, str],
    run: Run,
) -> str | None:
    """Empty where the answers are one, how they differ where not, None where it is refused."""
    try:
        text = write_query(lake.plan(query.sql), dialect, names)
    except UnsupportedSqlError:
        return None
    except LakeqError:
        return ""
    found = run(text)
    try:
        expected = list_rows(truth.cursor().sql(query.sql).to_arrow_table())
    except duckdb.Error:
        return ""  # an error that a row causes, which another engine may not meet
    told = found[:300] if isinstance(found, str) else compare_rows(found, expected, query.is_ordered)
    return "" if told is None else f"{query.sql}\n    {told}\n    {text[:900]}"


def ask_random(folder: Path, dialect: str, show: Show, seed: int, minutes: float, count: int = 40) -> Found:
    """Random queries of the oracle, over its random lakes, until the time is over."""
    same, refused, wrong = 0, [], []
    began = time.monotonic()
    while time.monotonic() - began < 60 * minutes:
        root = folder / f"random-{seed}"
        root.mkdir()
        tables = write_lake(root, seed)
        with lakeq.connect(root, history=False) as lake, duckdb.connect() as truth:
            truth.execute("SET TimeZone = 'UTC'")
            shown = {}
            for table in tables:
                columns = {c.name: c.type for c in lake.describe(table.name).columns}
                listed = [n for n in columns if n in table.rows.column_names]
                casts = ", ".join(
                    f"CAST({quote_name(n)} AS {sql_type(columns[n])}) AS {quote_name(n)}" for n in listed
                )
                truth.register("written", table.rows)
                truth.execute(f"CREATE TABLE {table.name} AS SELECT {casts} FROM written")
                rows = truth.cursor().sql(f"SELECT * FROM {table.name}").to_arrow_table()
                shown[table.name] = rows.select([f.name for f in rows.schema if "[ns" not in str(f.type)])
            run, names = show(shown, f"random_{seed}")
            writer = QueryWriter(random.Random(seed), tables)
            for _ in range(count):
                query = writer.query()
                if "random()" in query.sql or time.monotonic() - began > 60 * minutes:
                    continue
                told = _compare(lake, truth, query, dialect, names, run)
                same += told == ""
                if told is None:
                    refused.append(query.sql)
                elif told:
                    wrong.append(f"seed {seed}: {told}")
        seed += 1
    return same, refused, wrong
