"""SQL put together by calls is written as a person would, word by word."""

from __future__ import annotations

import re

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.planner.printing import find_free, name_tables, tidy_query


def test_steps_and_tables_get_names() -> None:
    sql = """WITH "__duckdb_s0" AS NOT MATERIALIZED (
SELECT "a" AS "a", ("b" + 1) AS "It's" FROM "t 1"
)
SELECT * FROM "__duckdb_s0" AS "t 1" WHERE (("a" = 'x  (y)'))"""
    assert tidy_query(name_tables(sql, {"t 1": "Tab"})) == (
        'WITH step_1 AS (\n  SELECT a, b + 1 AS "It\'s"\n  FROM "Tab"\n)\n'
        "SELECT *\nFROM step_1\nWHERE a = 'x  (y)'"
    )


def test_a_last_step_that_selects_all_is_left_out() -> None:
    sql = 'WITH "__duckdb_s0" AS NOT MATERIALIZED ( SELECT 1 AS "a" FROM "t" ) SELECT * FROM "__duckdb_s0" AS "t"'
    assert tidy_query(name_tables(sql, {"t": "t"})) == "SELECT 1 AS a\nFROM t"


def test_a_step_that_is_read_twice_stays_inlined() -> None:
    sql = 'WITH "__duckdb_s0" AS NOT MATERIALIZED ( SELECT * FROM "t" ) SELECT * FROM "__duckdb_s0" AS "lhs" CROSS JOIN "__duckdb_s0" AS "rhs"'
    assert "step_1 AS NOT MATERIALIZED (" in name_tables(sql, {"t": "t"}).replace('"', "")


def test_names_drawn_at_random_become_the_same_each_time() -> None:
    for drawn in ("row_index_324ede3eae0051", "row_index_00ff324ede3eae"):
        named = name_tables(f'SELECT "a" AS "{drawn}" FROM "t"', {"t": "t"})
        assert named == 'SELECT "a" AS "row_index_1" FROM "t"'


def test_a_name_that_is_taken_is_not_given() -> None:
    assert find_free("step", {"STEP_1", "step_3"}) == "step_2"
    assert find_free("query", (), ["SELECT * FROM Query_1"]) == "query_2"


PARSER = duckdb.connect()

leaves = st.sampled_from(
    [
        '"a"',
        '"order"',
        "1",
        "'it''s (x)'",
        "NULL",
        '"year"("a")',
        '("a", 1)',
        "'1'::INTEGER",
        "(SELECT 1)",
        """(\nsum("a") over (partition by "b", ("a" + 1) order by "a")\n)""",
    ]
)
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(
            inner, st.sampled_from(["+", "*", "=", "AND", "OR", "||", "IS NOT DISTINCT FROM"]), inner
        ).map(lambda p: f"({' '.join(p)})"),
        inner.map(lambda e: f"(NOT {e})"),
        inner.map(lambda e: f"(-{e})"),
        inner.map(lambda e: f"(({e}))"),
        inner.map(lambda e: f"({e} IS NOT NULL)"),
        st.tuples(inner, inner).map(lambda p: f'"add"({p[0]}, {p[1]})'),
        st.tuples(inner, inner).map(lambda p: f"(CASE WHEN ({p[0]}) THEN {p[1]} ELSE ({p[0]}) END)"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} IN ({p[1]}, 2))"),
        inner.map(lambda e: f"contains([{e}, 2], {e})"),
    ),
    max_leaves=8,
)


@given(shown=expressions, where=expressions)
def test_a_tidied_query_is_the_same_query(shown: str, where: str) -> None:
    sql = f'SELECT {shown} AS "b", "t"."a" FROM "t" WHERE ({where}) ORDER BY "a" DESC NULLS LAST LIMIT 3'
    assert parse(tidy_query(sql, keeps_brackets=True)) == parse(sql)
    assert parse(tidy_query(sql)) == parse(sql)


def parse(sql: str) -> str:
    """DuckDB's syntax tree, without places in the text."""
    (tree,) = PARSER.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchone() or ("",)
    assert tree.startswith('{"error":false'), sql
    return re.sub(r'"query_location(_length)?":\d+,?', "", tree)


@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT *", 'SELECT "a"', ""])
def test_short_texts_are_printed_too(sql: str) -> None:
    assert tidy_query(name_tables(sql, {})).replace('"', "") == sql.replace('"', "")
