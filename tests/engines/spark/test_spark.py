"""Queries in Spark give what DuckDB gives, or one clear error, and leave nothing behind."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.errors import (
    BudgetExceededError,
    CorruptFileError,
    ExecutionError,
    ObjectChangedError,
    QueryCancelledError,
    ResourceLimitError,
    UnsupportedSqlError,
)
from lakeq.result import Result
from tests.engines.spark.compare import compare_lake
from tests.engines.spark.sessions import LONG, needs_spark, write_big, write_days

# One JVM for all of them; PySpark warns of pandas, which lakeq does not hand it.
pytestmark = [needs_spark, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def days(tmp_path: Path, spark: Any) -> Iterator[lakeq.Lake]:
    """A lake of three days and one large table, and Spark to ask."""
    write_days(tmp_path)
    write_big(tmp_path)
    with lakeq.connect(str(tmp_path), engine="spark", engines={"spark": spark}) as lake:
        yield lake


def test_an_answer_has_duckdbs_rows_names_and_types(days: lakeq.Lake, spark: Any) -> None:
    sql = (
        'SELECT day, count(*), sum(id) AS total, max("$path") AS path, min(x) = 0 AS zero FROM t WHERE day > 1 '
        "GROUP BY day ORDER BY day"
    )
    result = days.sql(sql)
    assert result.arrow() == days.sql(sql, engine="duckdb").arrow()
    assert result.engine == "spark" and result.progress() == 1.0
    assert result.stats.rows == 2 and result.stats.bytes_scanned > 0
    assert (
        days.sql("SELECT * FROM t WHERE day = 9").arrow()
        == days.sql("SELECT * FROM t WHERE day = 9", engine="duckdb").arrow()
    )
    assert not spark.catalog.listTables(), "the user's session has none of the views"


def test_the_clock_is_that_of_the_plan(days: lakeq.Lake) -> None:
    ((now, day),) = days.sql("SELECT max(now()), max(current_date) FROM t WHERE day <= 3").fetchall()
    assert now.date() == day and abs(now - dt.datetime.now(dt.UTC)) < dt.timedelta(hours=1)


def test_spark_lists_nothing(days: lakeq.Lake, tmp_path: Path) -> None:
    result = days.sql("SELECT count(*), sum(id) FROM t")
    extra = tmp_path / "t" / "day=02" / "later.parquet"
    pq.write_table(pa.table({"id": [1_000_000], "x": [1]}), extra)
    assert result.fetchall() == [(30, sum(range(10, 40)))], "a file that was not planned is not read"


def test_a_cancelled_query_ends_with_an_error(days: lakeq.Lake) -> None:
    result = days.sql(LONG)
    threading.Timer(1, result.cancel).start()
    with pytest.raises(QueryCancelledError):
        result.fetchall()


def test_limits_of_time_rows_and_bytes_hold(days: lakeq.Lake, tmp_path: Path, spark: Any) -> None:
    with (
        lakeq.connect(str(tmp_path), engines={"spark": spark}, time_limit=1) as lake,
        pytest.raises(ResourceLimitError, match="time_limit"),
    ):
        lake.sql(LONG, engine="spark").fetchall()
    with lakeq.connect(str(tmp_path), engines={"spark": spark}, row_limit=20) as lake:
        with pytest.raises(ResourceLimitError, match="20 rows"):
            lake.sql("SELECT id FROM t", engine="spark").fetchall()
        assert len(lake.sql("SELECT id FROM t WHERE day < 3", engine="spark").fetchall()) == 20
    engine = days._engines.open("spark")
    plan = days._prepare(days._make_planner(), True, engine, days.plan("SELECT sum(id) FROM t"), None)
    with pytest.raises(BudgetExceededError, match="over the limit of 10 bytes"):
        list(engine.execute(plan, max_bytes=10).batches())


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_file_that_changes_ends_the_query(when: str, days: lakeq.Lake, tmp_path: Path) -> None:
    result = days.sql("SELECT sum(id) FROM t")
    path = tmp_path / "t" / "day=01" / "part.parquet"

    def change(*_: object) -> None:
        path.write_bytes(path.read_bytes())

    if when == "before":
        change()
    else:
        run_then(result, change)
    with pytest.raises(ObjectChangedError):
        result.fetchall()


def run_then(result: Result, act: Any) -> None:
    """Have `act` done when Spark has answered, before anybody looks at the answer."""
    running = result._start()
    job = running._query.job  # type: ignore[attr-defined]  # a SparkResult
    run = job.run

    def run_and_act(frame: Any) -> pa.Table:
        answer = run(frame)
        act()
        return answer

    job.run = run_and_act


def test_what_spark_cannot_be_told_is_refused_before_it_runs(days: lakeq.Lake) -> None:
    with pytest.raises(UnsupportedSqlError, match=r"Spark.*ASOF JOIN"):
        days.sql("SELECT t.id FROM t ASOF JOIN t u ON t.id >= u.id")


def test_a_failed_query_is_one_error_that_says_why(
    days: lakeq.Lake, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ExecutionError, match=r"(?i)overflow|out of range"):
        days.sql("SELECT sum(CAST(id * 1000 AS SMALLINT)) FROM t").fetchall()
    assert capfd.readouterr().err == ""


def test_a_damaged_file_is_named(days: lakeq.Lake, tmp_path: Path) -> None:
    path = tmp_path / "t" / "day=01" / "part.parquet"
    data = path.read_bytes()
    path.write_bytes(data[:4] + b"\xff" * (len(data) // 3) + data[4 + len(data) // 3 :])
    days.refresh()
    with pytest.raises(CorruptFileError, match=r"day=01/part\.parquet"):
        days.sql("SELECT sum(id) FROM t").fetchall()


def test_cells_that_are_no_values_are_named(tmp_path: Path, spark: Any) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "x.csv").write_text("id,due\n1,2025-01-01\n2,\n3,2025-02-30\n")
    with lakeq.connect(str(tmp_path), engines={"spark": spark}) as lake:
        lake.register("c", "c", columns={"id": "bigint", "due": "date"})
        with pytest.raises(
            CorruptFileError, match=r"Column 'due' holds '2025-02-30', which is not DATE\. Mend"
        ):
            lake.sql("SELECT max(due) FROM c", engine="spark").fetchall()
        assert lake.sql("SELECT sum(id) FROM c", engine="spark").fetchall() == [(6,)]


def test_conditions_reach_the_files(tmp_path: Path, spark: Any) -> None:
    folder = tmp_path / "t" / "day=1"
    folder.mkdir(parents=True)
    rows = pa.table({"id": list(range(10_000)), "s": [f"{i:08}" * 8 for i in range(10_000)]})
    pq.write_table(rows, folder / "a.parquet", row_group_size=1_000)
    with lakeq.connect(str(tmp_path), engines={"spark": spark}) as lake:
        found = [
            lake.sql(f"SELECT day, max(s) FROM t WHERE {where} GROUP BY day", engine="spark")
            for where in ("id < 10", "true")
        ]
        assert [result.fetchall()[0][0] for result in found] == [1, 1]
        few, every = (result.stats.bytes_scanned for result in found)
        assert few < every * 0.6, "row groups are left out by their bounds"


@pytest.mark.parametrize("seed", [3, 4])
def test_spark_reads_what_duckdb_reads(seed: int, tmp_path: Path, spark: Any) -> None:
    told = compare_lake(tmp_path, seed, spark)
    assert told.compared >= 2
    assert told.differing == []


def test_csv_keeps_quotes_line_ends_and_nulls(tmp_path: Path, spark: Any) -> None:
    (tmp_path / "c").mkdir()
    lines = [
        "id,s,t",
        '1,"two\r\nlines",a',
        '2,"say ""so""", x ',
        '3,"",',
        "4,NA,",
        '5,a\\b,"c\\"',
        '6,"l\rr","é, 日本"',
    ]
    (tmp_path / "c" / "x.csv").write_text("\r\n".join(lines) + "\r\n", newline="")
    for null in ("", "NA"):
        with lakeq.connect(str(tmp_path), engines={"spark": spark}) as lake:
            lake.register("c", "c", null=null)
            sql = "SELECT * FROM c ORDER BY id"
            assert lake.sql(sql, engine="spark").fetchall() == lake.sql(sql).fetchall()


def test_csv_of_one_column_is_refused(tmp_path: Path, spark: Any) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "x.csv").write_text("id\n1\n\n2\n")
    with lakeq.connect(str(tmp_path), engines={"spark": spark}) as lake:
        lake.register("c", "c", header=True)
        with pytest.raises(UnsupportedSqlError, match="one column"):
            lake.sql("SELECT count(*) FROM c", engine="spark").fetchall()
