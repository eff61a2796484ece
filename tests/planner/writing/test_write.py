"""Rules and refusals of what is written in Spark's and Trino's SQL."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pytest

from lakeq.errors import UnsupportedSqlError
from lakeq.formats.base import Column
from lakeq.lake import Lake
from lakeq.planner.plan import InlineTable, View
from lakeq.planner.writing import write_query
from tests.planner.writing.lake_plans import NAMES, write

_SPARK = [
    ("SELECT i FROM v ORDER BY i", "ORDER BY 1 ASC NULLS LAST"),
    ("SELECT i / j FROM v", "CASE WHEN CAST(`v`.`j` AS DOUBLE) = 0"),
    ("SELECT i // 2 FROM v", "(`v`.`i` div 2)"),
    ("SELECT CAST(x AS INTEGER) FROM v", "CAST(rint(`v`.`x`) AS INT)"),
    ("SELECT sum(j) FROM v", "CAST(sum(CAST(`v`.`j` AS DECIMAL(19, 0))) AS DECIMAL(38, 0))"),
    ("SELECT avg(d) FROM v", "nullif(count(`v`.`d`), 0)"),
    ("SELECT s LIKE 'a\\b' FROM v", "LIKE 'a\\\\b' ESCAPE '!'"),
    ("SELECT 'a\\b' FROM v", "'a\\\\b'"),
    ("SELECT 1e3 FROM v", "1000.0D"),
    ("SELECT da FROM v WHERE da < DATE '2024-01-31' + INTERVAL 1 MONTH", "(`v`.`da` < DATE '2024-02-29')"),
    ("SELECT da + INTERVAL 1 DAY FROM v", "timestampadd(DAY, 1, CAST(`v`.`da` AS TIMESTAMP_NTZ))"),
    ("SELECT da - db FROM v", "CAST(datediff(`v`.`da`, `v`.`db`) AS BIGINT)"),
    ("SELECT id FROM v QUALIFY row_number() OVER (ORDER BY id) = 1", "WHERE `kept`.`keep`"),
    ("SELECT v.id FROM v SEMI JOIN w ON v.id = w.id", "WHERE (EXISTS (SELECT 1 FROM `w` AS `w` WHERE"),
    ("SELECT id FROM v LIMIT 3 OFFSET 2", "LIMIT 3 OFFSET 2"),
    ("SELECT i IS DISTINCT FROM j FROM v", "(NOT (`v`.`i` <=> `v`.`j`))"),
    ("SELECT unnest(l) AS e FROM v", "LATERAL explode(`v`.`l`)"),
    ("SELECT regexp_matches(s, 'b.$') FROM v", r"regexp_like(`v`.`s`, 'b[^\\n]\\z')"),
    ("SELECT sum(i) FILTER (WHERE b) OVER () FROM v", "sum(CASE WHEN `v`.`b` THEN `v`.`i` END) OVER ()"),
]
_TRINO = [
    ("SELECT i / j FROM v", '(CAST("v"."i" AS DOUBLE) / CAST("v"."j" AS DOUBLE))'),
    ("SELECT x = y FROM v", '(is_nan("v"."x") AND is_nan("v"."y"))'),
    ("SELECT j BETWEEN 5 AND 2.5::DOUBLE FROM v", '(5.0e0 <= CAST("v"."j" AS DOUBLE))'),
    ("SELECT x FROM v ORDER BY x DESC", 'ORDER BY is_nan("v"."x") DESC NULLS LAST, 1 DESC NULLS LAST'),
    ("SELECT id FROM v LIMIT 3 OFFSET 2", "OFFSET 2 LIMIT 3"),
    ("SELECT greatest(i, h) FROM v", 'coalesce(greatest("v"."i", CAST("v"."h" AS INTEGER)), "v"."i"'),
    ("SELECT i IN (1, NULL) FROM v", "OR CAST(NULL AS BOOLEAN)"),
    ("SELECT trim(s) FROM v", 'trim(BOTH \' \' FROM "v"."s")'),
    ("SELECT b IS TRUE FROM v", '("v"."b" IS NOT DISTINCT FROM TRUE)'),
    ("SELECT s LIKE 'a\\b' FROM v", "LIKE 'a\\b')"),
    ("SELECT id, u.e FROM v, UNNEST(l) AS u(e)", ', UNNEST("v"."l") AS "u"("e")'),
    ("SELECT split_part(s, ',', 9) FROM v", "coalesce(split_part("),
    ("SELECT year(tz) FROM v", 'year(("v"."tz" AT TIME ZONE \'UTC\'))'),
]


@pytest.mark.parametrize(("sql", "part"), _SPARK, ids=[sql for sql, _ in _SPARK])
def test_spark_is_told_what_duckdb_means(lake: Lake, sql: str, part: str) -> None:
    assert part in write(lake, sql)


@pytest.mark.parametrize(("sql", "part"), _TRINO, ids=[sql for sql, _ in _TRINO])
def test_trino_is_told_what_duckdb_means(lake: Lake, sql: str, part: str) -> None:
    assert part in write(lake, sql, "trino")
    assert write(lake, sql, "athena") == write(lake, sql, "trino")


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT median(i) FROM v", "median()"),
        ("SELECT approx_count_distinct(i) FROM v", "approx_count_distinct()"),
        ("SELECT CAST(x AS VARCHAR) FROM v", "DOUBLE as VARCHAR"),
        ("SELECT CAST(x AS DECIMAL(9, 2)) FROM v", "DOUBLE as DECIMAL"),
        ("SELECT s = 'a' COLLATE NOCASE FROM v", "COLLATE"),
        ("SELECT v.id FROM v ASOF JOIN w ON v.id >= w.id", "ASOF JOIN"),
        ("SELECT string_agg(s, ',') FROM v", "without ORDER BY"),
        ("SELECT DISTINCT ON (b) id FROM v", "DISTINCT ON without an ORDER BY"),
        ("SELECT regexp_matches(s, '\\bx') FROM v", "the pattern"),
        ("SELECT ts - ts FROM v", "date_diff"),
        ("SELECT INTERVAL 1 DAY FROM v", "an INTERVAL as a value"),
        ("SELECT * FROM v TABLESAMPLE 10%", "SAMPLE"),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT r.n FROM r", "RECURSIVE"),
        ("SELECT (i, j) = (1, 2) FROM v", "TUPLE"),
        ("SELECT hash(i) FROM v", "hash()"),
        ("SELECT i FROM v WHERE i", "as a condition"),
        ("SELECT 1 // 0.5 FROM v", "`//`"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dialect", ["spark", "trino"])
def test_a_refusal_names_the_construct_and_the_way_out(
    lake: Lake, sql: str, named: str, dialect: str
) -> None:
    with pytest.raises(UnsupportedSqlError) as caught:
        write(lake, sql, dialect)
    assert named in str(caught.value)
    assert 'engine="duckdb"' in str(caught.value)


def test_now_is_the_time_of_the_plan(lake: Lake) -> None:
    plan = lake.plan("SELECT now() AS n, current_date AS d FROM w")
    assert plan.clock is not None
    day = plan.clock.date().isoformat()
    text = write_query(plan, "spark", NAMES["spark"])
    assert f"DATE '{day}' AS `d`" in text
    assert f"TIMESTAMP_LTZ '{day}" in text


def test_parameters_are_written_as_literals(lake: Lake) -> None:
    text = write(
        lake, "SELECT id FROM v WHERE s = ? AND d > ? AND da = $3", "trino", ["it's", Decimal("1.5"), None]
    )
    assert "'it''s'" in text
    assert '("v"."d" > 1.5)' in text


def test_a_view_stands_as_its_query(lake: Lake) -> None:
    plan = lake.plan("SELECT id FROM v")
    plan = replace(plan, sql="SELECT k FROM some", views=(View("some", "SELECT id AS k FROM v WHERE i > 1"),))
    assert "FROM (SELECT `v`.`id` AS `k` FROM `v` AS `v` WHERE" in write_query(plan, "spark", NAMES["spark"])


def test_rows_at_hand_are_written_as_values(lake: Lake) -> None:
    plan = replace(
        lake.plan("SELECT id FROM v"),
        sql="SELECT size FROM \"v$files\" WHERE path LIKE '%a'",
        inline=(
            InlineTable("v$files", pa.table({"path": ["a", None], "size": pa.array([1, 2], pa.int64())})),
        ),
    )
    assert "VALUES ('a', 1), (NULL, 2)" in write_query(plan, "spark", NAMES["spark"])
    nothing = plan.inline[0].rows.slice(0, 0)
    empty = replace(plan, inline=(InlineTable("v$files", nothing),))
    assert "WHERE FALSE" in write_query(empty, "trino", NAMES["trino"])


def test_types_there_decide_where_they_are_given(lake: Lake) -> None:
    plan = lake.plan("SELECT i / 2 AS r, sum(i) AS t FROM v GROUP BY ALL")
    columns = [Column("i", pa.float64())]
    text = write_query(plan, "trino", NAMES["trino"], {"v": columns})
    assert 'sum("v"."i") AS "t"' in text


def test_names_do_not_hide_one_another(lake: Lake) -> None:
    text = write(lake, "WITH v AS (SELECT id FROM v) SELECT v.id FROM v JOIN w AS v2 ON v.id = v2.id")
    aliases = re.findall(r"AS `(v\w*)`", text)
    assert len(set(aliases)) == len(aliases)


def test_outputs_have_names_of_their_own(lake: Lake) -> None:
    text = write(lake, "SELECT id, id, count(*) FROM v GROUP BY id")
    assert "AS `id`, `v`.`id` AS `id_1`, count(*) AS `_col2`" in text


def test_star_leaves_hidden_columns_out(lake: Lake) -> None:
    text = write(lake, 'SELECT * FROM w WHERE "$path" IS NOT NULL')
    assert "`$path` IS NULL" in text
    assert "AS `$path`" not in text
    with pytest.raises(UnsupportedSqlError, match=re.escape("$path")):
        write(lake, 'SELECT id FROM w WHERE "$path" IS NOT NULL', "trino")
