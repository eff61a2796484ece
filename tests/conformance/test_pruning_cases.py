"""Others' queries over partitioned tables: the rows, and the files or partitions that are left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.errors import PartitionLayoutError
from lakeq.lake import Lake

CASES = Path(__file__).parent.parent / "data" / "cases"


def read_cases(name: str) -> Any:
    return json.loads((CASES / f"{name}_cases.json").read_text(encoding="utf-8"))


SPARK = read_cases("spark_partition")["pruning"]
DUCKDB = read_cases("duckdb_hive")["static_reads"]
TRINO = read_cases("trino")["partition_filter_required"]
SOUNDNESS = read_cases("pushdown_soundness")["predicate_pushdown_soundness"]


def in_order(table: pa.Table) -> list[str]:
    return sorted(map(repr, table.to_pylist()))


def write_file(path: Path, columns: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        rows = zip(*columns.values(), strict=True)
        lines = [",".join(columns), *(",".join("" if v is None else str(v) for v in row) for row in rows)]
        path.write_text("\n".join(lines) + "\n")
    else:
        pq.write_table(pa.table(columns), path)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    root = tmp_path_factory.mktemp("cases")
    for p in range(1, 5):
        write_file(root / f"t/p={p}/f.parquet", {"i": list(range(1000))})
    for p in range(3):
        write_file(root / f"tmp/p={p}/f.parquet", {"id": [i for i in range(10) if i % 3 == p]})
    for p in (1, 2):
        write_file(root / f"files/p1={p}/file{p}.parquet", {"c1": list(range(10))})
    write_file(root / "different_order/date=2012-01-01/part=a/test.parquet", {"id": [1], "value": ["value1"]})
    write_file(root / "different_order/part=b/date=2013-01-01/test.parquet", {"id": [2], "value": ["value2"]})
    write_file(root / "types/part=1000/date=2012-01-01/test.csv", {"id": [1], "value": ["value1"]})
    write_file(root / "types/part=9000/date=2013-01-01/test.csv", {"id": [2], "value": ["value2"]})
    for hour, name in ((10, "a1"), (11, "a2")):
        write_file(root / f"pt/dt=2021-12-09/hh={hour}/f.parquet", {"id": [hour - 9], "name": [name]})
    write_file(root / "np/f.parquet", {"name": ["a1", "a2"], "dt": ["2021-12-09"] * 2})
    with lakeq.connect(root) as opened:
        yield opened


SPARK_TABLES = [c for c in SPARK if c.get("sql", "").startswith("SELECT")]


@pytest.mark.parametrize("case", SPARK_TABLES, ids=[c["sql"] for c in SPARK_TABLES])
def test_spark_partitions_left(lake: Lake, case: dict[str, Any]) -> None:
    estimate = lake.estimate(case["sql"].replace("rand()", "random()"))
    assert estimate.partitions == case["partitions"]


@pytest.mark.parametrize(
    "condition",
    [c["sql"].removeprefix("... ").partition(" (case")[0] for c in SPARK if c.get("files_read") == 1],
)
def test_spark_files_left(lake: Lake, condition: str) -> None:
    assert lake.estimate(f"SELECT c1 FROM files {condition}").files == 1


STATIC = [c for c in DUCKDB if "where" in c]


@pytest.mark.parametrize("case", STATIC, ids=[c["where"] for c in STATIC])
def test_duckdb_rows_and_files_left(lake: Lake, case: dict[str, Any]) -> None:
    """Two differ for the better: bounds of `id` leave out files that DuckDB only skips row groups of."""
    table = "types" if "/types/" in case["table"] else "different_order"
    sql = f"SELECT id FROM {table} WHERE {case['where']} ORDER BY id"
    expected = case["rows_id"] if "rows_id" in case else [row[0] for row in case["rows"]]
    result = lake.sql(sql)
    assert [row[0] for row in result.fetchall()] == expected
    by_bounds = table == "different_order" and " id " in case["where"] and not expected
    assert result.estimate.files == (0 if by_bounds else case["files"])


@pytest.mark.parametrize("sql", [sql for sql, _ in TRINO["accepted"]], ids=str)
def test_trino_answers(lake: Lake, sql: str) -> None:
    """`dt` is a date and `hh` an integer here, and compare with text as these queries do."""
    expected = next(rows for known, rows in TRINO["accepted"] if known == sql)
    if "LIKE" in sql:
        sql = sql.replace("hh LIKE", "hh::TEXT LIKE")
    rows = lake.sql(sql.replace("t1.dt = t2.dt", "t1.dt = t2.dt::DATE")).fetchall()
    assert sorted(row[0] if len(row) == 1 else list(row) for row in rows) == sorted(expected)


def test_trino_an_expression_that_fails_while_pruning_fails_no_query(tmp_path: Path) -> None:
    write_file(tmp_path / "t/p=abc/f.parquet", {"x": [123]})
    with lakeq.connect(tmp_path) as lake:
        assert lake.sql("SELECT * FROM t WHERE x < 0 AND CAST(p AS INT) > 0").fetchall() == []


@pytest.mark.parametrize(("sql", "rule"), SOUNDNESS, ids=[rule for _, rule in SOUNDNESS])
def test_conditions_do_not_prune_where_that_would_show(tmp_path: Path, sql: str, rule: str) -> None:
    """The rules of sqlglot's fixtures and our own, on tables `x` and `y` where a wrong prune changes the answer."""
    if "..." in sql:
        sql = {
            "a CTE read twice needs the union of both filters": (
                "WITH m AS (SELECT * FROM x), n AS (SELECT * FROM m WHERE m.p = 1), o AS (SELECT * FROM m WHERE m.p = 2) "
                "SELECT n.v, o.v AS w FROM n FULL OUTER JOIN o ON n.v = o.v"
            ),
        }.get(rule, sql.replace("SELECT ...", "SELECT x.v"))
    for p in ("1", "2", "3", "__HIVE_DEFAULT_PARTITION__"):
        number = None if p.startswith("_") else int(p)
        write_file(
            tmp_path / f"x/p={p}/f.parquet", {"a": [1, 2, 3], "b": [1, 2, 3], "id": [1, 2, 3], "v": [4, 5, 6]}
        )
        write_file(tmp_path / f"y/p={p}/f.parquet", {"b": [number or 0, 3], "id": [1, 9]})
    with lakeq.connect(tmp_path) as lake, duckdb.connect() as plain:
        for name in ("x", "y"):
            source = lake.sql(f"SELECT * FROM {name}").arrow()
            plain.register(f"rows_{name}", source)
            plain.execute(f"CREATE TABLE {name} AS FROM rows_{name}")
        if "x LEFT JOIN y" in sql and not sql.startswith("SELECT"):
            sql = f"SELECT x.v, y.b FROM {sql}"
        expected = plain.sql(sql).to_arrow_table()
        if "LIMIT" in sql or "OFFSET" in sql or "QUALIFY" in sql:
            assert lake.estimate(sql).files == 4
        else:
            assert in_order(lake.sql(sql).arrow()) == in_order(expected)


def test_duckdb_paths_win_over_columns_in_the_files(tmp_path: Path) -> None:
    write_file(tmp_path / "t/a=5/f.parquet", {"a": [1], "b": [2]})
    write_file(tmp_path / "t/a=6/f.parquet", {"a": [3], "b": [4]})
    with lakeq.connect(tmp_path) as lake:
        assert lake.sql("SELECT * FROM t ORDER BY b").fetchall() == [(5, 2), (6, 4)]
        assert lake.sql("SELECT b FROM t WHERE a = 6").fetchall() == [(4,)]
        assert lake.sql("SELECT b FROM t WHERE a = 1").fetchall() == []
        assert any("path's value" in sentence for sentence in lake.describe("t").evidence)


def test_duckdb_files_of_different_columns_and_types_are_united(tmp_path: Path) -> None:
    write_file(tmp_path / "u/x=1/f.parquet", {"i": [42], "j": [84]})
    write_file(tmp_path / "u/x=2/f.parquet", {"j": [128], "k": [33]})
    write_file(tmp_path / "m/part=1/f.csv", {"a": ["xxx"], "b": [42]})
    write_file(tmp_path / "m/part=2/f.csv", {"a": [99], "b": ["world"]})
    with lakeq.connect(tmp_path) as lake:
        assert lake.sql("SELECT i, j, k, x FROM u ORDER BY x").fetchall() == [
            (42, 84, None, 1),
            (None, 128, 33, 2),
        ]
        assert lake.sql("SELECT x FROM u WHERE k IS NULL").fetchall() == [(1,)]
        assert lake.estimate("SELECT j FROM u WHERE k > 0").files == 1
        assert lake.sql("SELECT a, b, part FROM m ORDER BY part").fetchall() == [
            ("xxx", "42", 1),
            ("99", "world", 2),
        ]


def test_duckdb_empty_and_null_texts_filter(tmp_path: Path) -> None:
    for key, value in (("a", "a"), ("", "b"), ("NULL", "c")):
        write_file(tmp_path / f"t/key={key}/f.parquet", {"c": [value]})
    with lakeq.connect(tmp_path) as lake:
        for key, value in (("a", "a"), ("", "b"), ("NULL", "c")):
            assert lake.sql("SELECT c, key FROM t WHERE key = ?", [key]).fetchall() == [(value, key)]
        assert lake.sql("SELECT count(*) FROM t WHERE key IS NULL").fetchall() == [(0,)]


def test_duckdb_keys_that_differ_from_a_column_in_case_alone_are_one_column(tmp_path: Path) -> None:
    write_file(tmp_path / "t/COL1=Hannes/f.parquet", {"col1": ["x"], "v": [2]})
    write_file(tmp_path / "t/COL1=Mark/f.parquet", {"col1": ["y"], "v": [1]})
    with lakeq.connect(tmp_path) as lake:
        assert lake.sql("SELECT col1, v FROM t ORDER BY v").fetchall() == [("Mark", 1), ("Hannes", 2)]
        assert len(lake.describe("t").columns) == 2


@pytest.mark.parametrize("other", ["partition=a/date=2012-01-01", "date=2012-01-01"])
def test_duckdb_mismatching_keys_are_an_error(tmp_path: Path, other: str) -> None:
    write_file(tmp_path / "t/part=b/date=2013-01-01/f.parquet", {"id": [1]})
    write_file(tmp_path / f"t/{other}/f.parquet", {"id": [2]})
    with lakeq.connect(tmp_path) as lake, pytest.raises(PartitionLayoutError):
        lake.sql("SELECT * FROM t")


def test_differs_from_duckdb_a_filter_by_a_subquery_is_not_pruned_while_planning(lake: Lake) -> None:
    """DuckDB finds the partition while it runs, and so reads one file here too; the estimate stays the upper figure."""
    sql = "SELECT count(i) FROM t WHERE p = (SELECT max(p) FROM t)"
    assert lake.sql(sql).fetchall() == [(1000,)]
    assert "subquery" in lake.explain(sql)
