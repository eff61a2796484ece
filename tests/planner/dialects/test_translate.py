"""What is translated, what is refused and by which name, and what errors speak of."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

import lakeq
from lakeq.cli.app import main
from lakeq.errors import (
    ColumnNotFoundError,
    ConfigError,
    LakeqError,
    QueryError,
    SqlSyntaxError,
    TableNotFoundError,
    UnsupportedSqlError,
)
from lakeq.lake import Lake
from lakeq.planner.dialects.names import find_dialect
from lakeq.planner.dialects.patterns import PATTERNS
from lakeq.planner.dialects.translate import read_functions
from tests.planner.dialects.lakes import write_lake

REFUSED = [
    ("athena", "SELECT approx_most_frequent(3, kind, 10) FROM events", "`approx_most_frequent()`"),
    ("athena", "SELECT kind, typeof(id) FROM events", "`typeof()`"),
    ("athena", "SELECT year || '-' FROM events", "`||` of INTEGER and TEXT"),
    ("athena", "SELECT concat(year, month) FROM events", "`concat()` of (INTEGER, INTEGER)"),
    ("athena", "SELECT substr(month, 1, 2) FROM events", "`substr()` of (INTEGER, INTEGER, INTEGER)"),
    ("athena", "SELECT CAST(amount AS varchar) FROM events", "DOUBLE"),
    ("athena", "SELECT CAST(ts AS varchar) FROM events", "TIMESTAMP"),
    ("athena", "SELECT date_format(ts, '%D') FROM events", "the format %D"),
    ("athena", "SELECT date_format(ts, kind) FROM events", "`date_format()`"),
    ("athena", "SELECT json_extract_scalar(payload, '$..a') FROM events", "the JSON path"),
    ("athena", "SELECT regexp_extract(kind, '(x)|y', 1) FROM events", "`regexp_extract()`"),
    ("athena", "SELECT avg(price) OVER () FROM events", "`avg()` of decimals"),
    ("athena", "SELECT at_timezone(at, 'Asia/Tokyo') > at FROM events", "a time in a zone of its own"),
    (
        "athena",
        "SELECT 1 FROM events WHERE date_trunc('day', at_timezone(at, 'Asia/Tokyo')) = ts",
        "a time in a zone of its own",
    ),
    ("athena", "SELECT coalesce(at, ts) FROM events", "with and without a time zone"),
    ("athena", "SELECT CASE WHEN id > 1 THEN at ELSE ts END FROM events", "with and without a time zone"),
    ("athena", "SELECT to_unixtime(at_timezone(at, 'Asia/Tokyo')) FROM events", "`to_unixtime()`"),
    ("athena", "SELECT * FROM events FOR VERSION AS OF 1", ""),
    ("athena", "SELECT transform(tags, x -> x / 2) FROM events", "cannot tell whether `/`"),
    ("athena", "SELECT * FROM a.events JOIN b.events ON true", "two tables called events"),
    ("athena", "WITH events AS (SELECT * FROM web.events) SELECT * FROM events", "WITH"),
    ("athena", "UNLOAD (SELECT * FROM events) TO 's3://b/c' WITH (format = 'PARQUET')", "UNLOAD"),
    ("athena", "CREATE TABLE t AS SELECT 1", "CREATE"),
    ("athena", "MSCK REPAIR TABLE events", "MSCK"),
    ("athena", "INSERT INTO events SELECT 1", "INSERT"),
    ("athena", "SELECT 1; SELECT 2", "One statement"),
    ("trino", "SELECT x FROM UNNEST(ARRAY[1], ARRAY['a']) AS t(x, y)", "UNNEST of several arrays"),
    ("trino", "SELECT k FROM events CROSS JOIN UNNEST(map(tags, tags)) AS t(k, v)", "UNNEST of a MAP"),
    ("spark", "SELECT price / 3 FROM events", "`/` of decimals"),
    ("spark", "SELECT * FROM events DISTRIBUTE BY id", "DISTRIBUTE"),
    ("spark", "SELECT posexplode(tags) FROM events", "`posexplode()`"),
    ("spark", "SELECT * FROM events LATERAL VIEW posexplode(tags) t AS i, x", "LATERAL VIEW posexplode()"),
    ("spark", "CACHE TABLE events", "CACHE"),
    ("bigquery", "SELECT AS STRUCT id FROM events", "SELECT with KIND"),
    ("bigquery", "SELECT APPROX_QUANTILES(id, 4)[OFFSET(2)] FROM events", "`APPROX_QUANTILES()`"),
    ("bigquery", "SELECT ARRAY_AGG(id LIMIT 2) FROM events", "LIMIT within `ARRAY_AGG()`"),
    ("bigquery", "SELECT FORMAT('%d', id) FROM events", "`FORMAT()`"),
    ("bigquery", "EXPORT DATA OPTIONS (uri='gs://x') AS SELECT 1", "EXPORT"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lake(tmp_path_factory.mktemp("dialects"))


@pytest.fixture(scope="module")
def lake(folder: Path) -> Iterator[Lake]:
    with lakeq.connect(folder) as lake:
        yield lake


@pytest.mark.parametrize(("dialect", "sql", "named"), REFUSED, ids=[f"{d}: {q}" for d, q, _ in REFUSED])
def test_what_has_no_counterpart_is_refused_by_its_name(
    dialect: str, sql: str, named: str, lake: Lake
) -> None:
    with pytest.raises((UnsupportedSqlError, SqlSyntaxError)) as caught:
        lake.plan(sql, dialect=dialect)
    assert named in str(caught.value)
    assert caught.value.sql == sql


def test_a_refusal_points_at_the_place_in_the_users_text(lake: Lake) -> None:
    with pytest.raises(UnsupportedSqlError) as caught:
        lake.plan("SELECT id,\n  soundex_of(kind)\nFROM events", dialect="athena")
    assert (caught.value.line, caught.value.column) == (2, 3)
    assert "`soundex_of()`" in str(caught.value)
    assert "line 2, column 3" in str(caught.value)


def test_a_column_that_is_not_there_is_found_in_the_users_text(lake: Lake) -> None:
    sql = "SELECT count(*),\n approx_distinct(knd) FROM db.events"
    with pytest.raises(ColumnNotFoundError) as caught:
        lake.plan(sql, dialect="athena")
    assert (caught.value.sql, caught.value.line, caught.value.column) == (sql, 2, 18)
    assert "line 2, column 18" in str(caught.value)
    assert "kind" in caught.value.near


def test_a_table_that_is_not_there_has_the_nearest_names(lake: Lake) -> None:
    with pytest.raises(TableNotFoundError, match=r"'web.evnts'.*'events'") as caught:
        lake.plan("SELECT 1 FROM web.evnts", dialect="trino")
    assert caught.value.near == ("events",)


def test_text_that_is_not_the_dialects_is_a_syntax_error_with_its_place(lake: Lake) -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        lake.plan("SELECT id\nFROM events WHERE WHERE", dialect="spark")
    assert caught.value.line == 2


def test_the_plan_has_what_was_written_and_what_runs(lake: Lake) -> None:
    written = "SELECT id / 7 FROM AwsDataCatalog.web.events WHERE month = '11'"
    plan = lake.plan(written, dialect="athena")
    assert (plan.text, plan.dialect) == (written, "athena")
    assert plan.sql == 'SELECT "id" // 7 AS "_col0" FROM "events" WHERE "month" = \'11\''
    assert plan.notes[0] == f"Translated from Athena: {plan.sql}"
    assert "AwsDataCatalog.web.events is the lake's events." in plan.notes
    assert any("month holds numbers" in note for note in plan.notes)
    assert f"Translated from Athena: {plan.sql}" in lake.explain(written, dialect="athena")
    assert pickle.loads(pickle.dumps(plan)).dialect == "athena"


def test_outputs_without_a_name_have_the_engines(lake: Lake) -> None:
    names = {
        "athena": ["id", "_col1", "n"],
        "spark": ["id", "count(x)", "n"],
        "bigquery": ["id", "f0_", "n"],
    }
    for dialect, expected in names.items():
        sql = "SELECT id, count(x), max(x) AS n FROM (SELECT id, id AS x FROM events) AS t GROUP BY id"
        with lake.sql(sql, dialect=dialect) as result:
            assert result.schema.names == expected


def test_words_that_duckdb_reserves_are_names_elsewhere(lake: Lake) -> None:
    with lake.sql("SELECT max(at) FROM events AS asof WHERE user.age = 3", dialect="spark") as result:
        assert result.fetchall()[0][0] is not None


@pytest.mark.parametrize(
    ("dialect", "sql", "params"),
    [
        ("athena", "SELECT count(*) FROM events WHERE day = ? AND greatest(id, ?) < 1000", [1, 2]),
        ("spark", "SELECT count(*) FROM events WHERE day = :day AND id < :most", {"day": 1, "most": 1000}),
        ("bigquery", "SELECT COUNT(*) FROM events WHERE day = @day AND id < @most", {"day": 1, "most": 1000}),
    ],
)
def test_parameters_are_bound_and_prune(dialect: str, sql: str, params: object, lake: Lake) -> None:
    with lake.sql(sql, params, dialect=dialect) as result:
        assert result.plan.scans[0].files.count == 1
        assert result.fetchall() == [(10,)]
    with pytest.raises(QueryError, match="no value"):
        lake.plan(sql, dialect=dialect)


def test_the_limits_hold_for_a_translated_query(lake: Lake) -> None:
    with pytest.raises(LakeqError, match="Query not run"):
        lake.sql("SELECT sum(id / 2) FROM events", max_bytes=1, dialect="athena")


def test_a_view_may_be_written_in_a_dialect_and_read_in_another(folder: Path) -> None:
    with lakeq.connect(folder) as lake:
        lake.create_view("halves", "SELECT id / 2 AS half, day FROM web.events", dialect="athena")
        assert lake.sql("SELECT max(half) FROM halves WHERE day = 6").fetchall() == [(39,)]
        theirs = lake.sql("SELECT max(half) / 2 FROM halves WHERE day = 6", dialect="trino")
        assert theirs.fetchall() == [(19,)]
        assert theirs.plan.scans[0].files.count == 1


def test_a_lake_declares_its_dialect(folder: Path, tmp_path: Path) -> None:
    definition = tmp_path / "lakeq.toml"
    definition.write_text(f"location = {json.dumps(str(folder))}\ndialect = 'athena'\n", encoding="utf-8")
    with lakeq.connect(definition) as lake:
        assert lake.sql("SELECT 7 / 2").fetchall() == [(3,)]
        assert lake.sql("SELECT 7 / 2", dialect="duckdb").fetchall() == [(3.5,)]
        estimates = lake.estimate_all(["SELECT id / 2 FROM web.events", "SELECT nope(id) FROM events"])
        assert isinstance(estimates[1], UnsupportedSqlError)
        assert not isinstance(estimates[0], LakeqError)


def test_the_dialect_is_as_given_else_declared_else_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAKEQ_DIALECT", "spark")
    assert find_dialect("Trino", "athena") == "trino"
    assert find_dialect(None, "athena") == "athena"
    assert find_dialect(None) == "spark"
    monkeypatch.delenv("LAKEQ_DIALECT")
    assert find_dialect(None) == "duckdb"


def test_an_unknown_dialect_is_an_error_that_lists_those_there_are(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'athna'. Did you mean 'athena'\? There are: duckdb, athena"):
        find_dialect("athna")
    definition = tmp_path / "lakeq.toml"
    definition.write_text("location = '.'\ndialect = 'mysql'\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="'mysql'"):
        lakeq.connect(definition)


def test_the_command_line_takes_a_dialect(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT day / 2 FROM web.events WHERE day = 3 AND id % 10 = 0"
    assert main(["query", str(folder), sql, "--dialect", "athena", "--format", "csv"]) == 0
    assert capsys.readouterr().out.split() == ["_col0", "1"]
    for command in ("estimate", "explain"):
        assert main([command, str(folder), sql, "--dialect", "athena"]) == 0
        assert "1 of 8 partitions" in capsys.readouterr().out
    assert main(["query", str(folder), "SELECT nope(1)", "--dialect", "bigquery"]) == 1
    assert "Not translated from BigQuery at line 1, column 8" in capsys.readouterr().err


def test_check_reads_files_in_a_dialect(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = tmp_path / "q.sql"
    query.write_text("SELECT COUNT(*) FROM `p.web.events` WHERE DIV(day, 2) = 1", encoding="utf-8")
    assert main(["check", str(folder), str(query), "--dialect", "bigquery"]) == 0
    assert "2 of 8 partitions" in capsys.readouterr().out


@pytest.mark.parametrize("dialect", ["trino", "spark", "bigquery"])
def test_the_tables_name_functions_that_duckdb_has(dialect: str) -> None:
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
    known = {name for (name,) in rows} | set(PATTERNS) | {"white_space", "exact_average"}
    for lines in read_functions(dialect).values():
        for line in lines:
            tree = sqlglot.parse_one(line.template, dialect="duckdb")
            assert {call.name.lower() for call in tree.find_all(exp.Anonymous)} <= known, line
