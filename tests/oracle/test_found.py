"""What the oracle has found: the SQL, over the least lake that shows it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.engines.duckdb import Scanner


@pytest.fixture
def drifting(tmp_path: Path) -> Path:
    """A lake with the table `t`: two keys in folders that are escaped, so that DuckDB is shown made-up
    paths, and a column that the older of two files lacks."""
    for folder, rows in {"a=x%20y/b=2": {"x": [1, 2]}, "a=z/b=4": {"x": [3], "late": [9]}}.items():
        path = tmp_path / "t" / folder
        path.mkdir(parents=True)
        pq.write_table(pa.table(rows), path / "f.parquet")
    return tmp_path


@pytest.mark.parametrize("scanner", ["auto", "arrow"])
@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("SELECT count(*) FROM t WHERE greatest(b, 2) = b", 3),
        ("SELECT count(*) FROM t WHERE coalesce(b, 0) = b", 3),
        ("SELECT count(*) FROM t WHERE coalesce(a, '') > 'y'", 1),
    ],
)
def test_a_condition_on_one_key_of_files_that_differ_reads_no_other_key(
    drifting: Path, scanner: Scanner, sql: str, count: int
) -> None:
    with lakeq.connect(drifting, history=False, scanner=scanner) as lake:
        assert lake.sql(sql).fetchall() == [(count,)]


@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("SELECT count(*) FROM t WHERE 3 IN (SELECT unnest([x, 3]))", 3),
        ("SELECT count(*) FROM t WHERE 3 = ANY ([x, 3])", 3),
        ("SELECT count(*) FROM t WHERE CASE WHEN 3 <> ALL ([x]) THEN true ELSE false END", 2),
        ("SELECT count(*) FROM t WHERE (3 <> ALL [x])", 2),
        ("SELECT count(*) FROM (SELECT * FROM t) WHERE (SELECT sum(e) FROM unnest([x, b]) u(e)) > 3", 2),
    ],
)
def test_a_correlated_query_may_keep_whole_rows(drifting: Path, sql: str, count: int) -> None:
    with lakeq.connect(drifting, history=False) as lake:
        assert lake.sql(sql).fetchall() == [(count,)]


@pytest.mark.parametrize(("join", "count"), [("SEMI", 2), ("ANTI", 0)])
def test_the_source_of_a_semi_join_is_no_column_of_the_same_name(
    tmp_path: Path, join: str, count: int
) -> None:
    """`b.year` is the other table's, though this one has a column `b` with a field `year`, whose bounds say
    that no row meets the condition."""
    rows = {"orders": {"id": [1, 2], "b": [{"year": 1990}] * 2}, "days": {"year": [2025]}}
    for name, columns in rows.items():
        (tmp_path / name).mkdir()
        pq.write_table(pa.table(columns), tmp_path / name / "f.parquet")
    with lakeq.connect(tmp_path, history=False) as lake:
        sql = f"SELECT count(*) FROM orders {join} JOIN days AS b ON b.year = 2025"
        assert lake.sql(sql).fetchall() == [(count,)]


def test_the_first_rows_of_groups_are_found_again_beside_a_join(tmp_path: Path) -> None:
    """DuckDB finds them by the number of their file and row, and a filter from the join leaves files out, by
    their keys, which changes the numbers; unless told not to."""
    for day, values in {"1": [], "6": [10, 11, 12], "7": [20]}.items():
        folder = tmp_path / "t" / f"day={day}"
        folder.mkdir(parents=True)
        columns = {name: pa.array(values, pa.int64()) for name in ("id", "n", "x", "e", "f", "g", "h", "i")}
        pq.write_table(pa.table(columns), folder / "f.parquet")
    firsts = "(SELECT * FROM t QUALIFY row_number() OVER (PARTITION BY n ORDER BY id) <= 2)"
    sql = f"SELECT * FROM {firsts} AS a JOIN {firsts} AS b ON a.day = b.day WHERE b.x % 2 = 1"
    with lakeq.connect(tmp_path, history=False) as lake:
        assert sorted(row[0] for row in lake.sql(sql).fetchall()) == [10, 11, 12]


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("big BETWEEN 2305843009213693954 AND 2305843009213693953::DOUBLE", 2),
        ("big IN (1.5, 2305843009213693954, 2.5::DOUBLE)", 2),
        ("big IN (NULL, 2305843009213693954, 2.5::DOUBLE)", 2),
        ("big IN (7, 8, 2305843009213693954, 2.5::DOUBLE)", 2),
        ("big BETWEEN 2305843009213693954 AND 2305843009213693953e0", 2),
        ("big BETWEEN 2305843009213693954 AND 2305843009213693953E0", 2),
        ("big BETWEEN 2305843009213693954 AND 9999999999999999999.111111111111111111111", 2),
        ("big BETWEEN -5 AND 5::DOUBLE", 1),
        ("day NOT IN ('2026-01-01 12:00:00', TIMESTAMP '2026-01-02 12:00:00')", 3),
        ("day NOT BETWEEN '2026-01-01 12:00:00' AND TIMESTAMP '2026-01-03 00:00:00'", 1),
    ],
)
def test_values_that_a_column_is_compared_with_at_once_are_of_one_type(
    days: Path, condition: str, count: int
) -> None:
    with lakeq.connect(days, history=False) as lake:
        assert lake.sql(f"SELECT count(*) FROM t WHERE {condition}").fetchall() == [(count,)]


@pytest.mark.parametrize(
    ("union", "condition", "count"),
    [
        ("SELECT big AS c FROM t UNION ALL SELECT 2.5::DOUBLE", "c = 2305843009213693954", 2),
        ("SELECT day AS c FROM t UNION ALL SELECT now()::TIMESTAMP", "c < '2026-01-01 12:00:00'", 1),
        ("SELECT day AS c FROM t UNION ALL SELECT now()::TIMESTAMP", "c <> '2026-01-01 12:00:00'", 4),
        ("SELECT big AS c FROM t UNION ALL SELECT 'abc'", "c < '3'", 2),
    ],
)
def test_a_condition_on_a_union_is_asked_in_its_type(
    days: Path, union: str, condition: str, count: int
) -> None:
    with lakeq.connect(days, history=False) as lake:
        assert lake.sql(f"SELECT count(*) FROM ({union}) WHERE {condition}").fetchall() == [(count,)]


def test_a_condition_that_a_union_keeps_from_its_queries_is_told_with_the_way_out(days: Path) -> None:
    union = "SELECT {} AS c FROM t UNION ALL SELECT now()::TIMESTAMP"
    sql = f"SELECT count(*) FROM ({union}) WHERE c < '2026-01-01 12:00:00'"
    with lakeq.connect(days, history=False) as lake:
        told = lake.explain(sql.format("day"))
        assert "not pruned by: c < '2026-01-01 12:00:00': the queries of the UNION give its column" in told
        assert "instead: a CAST of the column to one type in each query" in told
        cast = lake.explain(sql.format("day::TIMESTAMP"))
        assert "of the UNION" not in cast
        assert "files: 1 of 3" in cast


def test_a_filter_is_not_carried_to_what_is_equal_in_another_type(days: Path) -> None:
    """To sqlglot `greatest(date, timestamp)` is a DATE."""
    for at in ("2026-01-01%2000%3A00%3A00", "2026-01-01%2018%3A00%3A00"):
        path = days / "u" / "day=2026-01-01" / f"moment={at}" / "a.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table({"x": [1]}), path)
    join = "SELECT count(*) FROM t JOIN (SELECT greatest(day, moment) AS e FROM u) q ON t.day = q.e"
    member = "SELECT count(*) FROM t WHERE day IN (SELECT greatest(day, moment) FROM u)"
    with lakeq.connect(days, history=False) as lake:
        assert str(lake.table("u").schema.field("moment").type).startswith("timestamp")
        assert lake.sql(f"{join} WHERE t.day >= '2026-01-01 12:00:00'").fetchall() == [(1,)]
        assert lake.sql(f"{member} AND day >= '2026-01-01 12:00:00'").fetchall() == [(1,)]


@pytest.fixture
def days(tmp_path: Path) -> Path:
    """A lake with the table `t`: three files of a day and a number beyond 2^53, of which two are one double."""
    for number, big in enumerate([2**61, 2**61 + 2, 5]):
        path = tmp_path / "t" / f"{number}.parquet"
        path.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"big": [big], "day": [dt.date(2026, 1, 1 + number)]}), path)
    return tmp_path
