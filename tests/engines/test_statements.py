"""Only one statement, and only one that reads, reaches DuckDB."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from lakeq.engines.connection import QueryCheck
from lakeq.engines.statements import find_names, runs_when_bound
from lakeq.errors import EngineError, SqlSyntaxError, UnsupportedSqlError


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "from t",
        "values (1)",
        "table t",
        "describe t",
        "summarize t",
        "unpivot t on b",
        "pivot t on a using sum(b)",
        "pivot t on a in ('x') using sum(b)",
        "with p as (pivot t on a using sum(b)) from p",
        "with recursive x(n) as (select 1 union all select n + 1 from x where n < 3) from x",
        "select 1; -- the end",
        "select copy, delete, updated from t where note = 'insert into'",
        "with copy as (select 1) select * from copy union all (values (2))",
        "from range(3), lateral (from unnest([1]))",
        "describe t",
    ],
)
def test_a_query_passes(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    QueryCheck()(connection, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "copy t to 'x'",
        "copy (select 1) to 'x'",
        "with q as (copy t to 'x') select 1",
        "select 1 from (select 2) union all (with q as (copy t to 'x') select 1)",
        "with q as (insert into t select 1 returning *) from q",
        "with q as (update t set a = 1 returning *) from q",
        "with q as (delete from t returning *) from q",
        "create table z as pivot t on a using sum(b)",
        "copy (pivot t on a using sum(b)) to 'x'",
        "insert into z pivot t on a using sum(b)",
        "explain pivot t on a using sum(b)",
        "with q as (copy t to 'x'), p as (pivot t on a using sum(b)) from p",
        "select json_execute_serialized_sql('x')",
        "from json_execute_serialized_sql('x')",
        "attach 'x'",
        "set threads = 1",
        "reset threads",
        "pragma database_list",
        "call pragma_version()",
        "install httpfs",
        "load httpfs",
        "explain analyze select 1",
        "create view v as select 1",
        "drop view v",
        "use x",
        "begin",
        "prepare a as select 1",
        "export database 'x'",
        "checkpoint",
        "vacuum",
        "from query_table('t')",
        "from (show all tables)",
        "show tables",
        "from main.t",
        "from system.information_schema.tables",
        "select current_setting('x') from t",
        "select system.main.getvariable('x') from t",
        "from t select 'x'.getvariable()",
        "from (from read_text('x'))",
        "pivot read_text('x') on a using sum(b)",
        "pivot \"read_text\"/**/('x') on a using sum(b)",
        "pivot (select current_setting('x') a, 1 b) on a using sum(b)",
        "select 1; select 2",
        "select 1; copy t to 'x'",
    ],
)
def test_anything_else_is_refused(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(UnsupportedSqlError):
        QueryCheck()(connection, sql)


@pytest.mark.parametrize("sql", ["", " ", "-- nothing", ";"])
def test_no_statement_is_a_syntax_error(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(SqlSyntaxError, match="empty"):
        QueryCheck()(connection, sql)


def test_half_a_character_is_no_sql(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(SqlSyntaxError, match="half a character"):
        QueryCheck()(connection, "SELECT '\ud800'")
    assert find_names(connection, "SELECT '\ud800'") is None


def test_what_is_no_sql_has_its_place_told(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        QueryCheck()(connection, "select 1,\n  selec x from")
    assert (caught.value.line, caught.value.sql) == (2, "select 1,\n  selec x from")
    assert caught.value.column > 2


def test_only_a_pivot_without_values_reads_while_it_is_bound(connection: duckdb.DuckDBPyConnection) -> None:
    assert runs_when_bound(connection, "pivot t on a using sum(b)")
    assert not runs_when_bound(connection, "pivot t on a in ('x') using sum(b)")
    assert not runs_when_bound(connection, "select 1")


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("with q as (from t) select x.a from q join s.u x using (a)", {"t", "q", "u"}),
        ('select * from "D d", (select 1 from t where exists (from v))', {"D d", "t", "v"}),
        ("describe t", {"t"}),
        ("summarize t", {"t"}),
        ("select 1", set()),
    ],
)
def test_names_of_tables_are_found(connection: duckdb.DuckDBPyConnection, sql: str, names: set[str]) -> None:
    found = find_names(connection, sql)
    assert found is not None
    assert {name for name in found if name} == names


def test_every_word_of_a_pivot_may_be_a_table(connection: duckdb.DuckDBPyConnection) -> None:
    found = find_names(connection, 'pivot "a ""b" on x using sum(y)')
    assert found is not None
    assert {'a "b', "x", "y"} <= set(found)


@pytest.mark.parametrize("sql", ["selec", "", "select 1; select 2"])
def test_what_is_no_statement_names_no_table(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert find_names(connection, sql) is None


def test_a_text_that_passed_is_not_taken_apart_again_and_any_other_is() -> None:
    check = QueryCheck()
    with duckdb.connect() as connection:
        check(connection, "SELECT 1")
        for _ in range(2):
            with pytest.raises(UnsupportedSqlError):
                check(connection, "COPY (SELECT 1) TO 'x'")
    check(connection, "SELECT 1")  # nothing is asked of the connection, which is closed
    for text in ("SELECT 2", "SELECT 1 ", "select 1"):
        with pytest.raises(EngineError, match="closed"):
            check(connection, text)


def test_texts_are_not_remembered_without_end() -> None:
    check = QueryCheck()
    with duckdb.connect() as connection:
        for number in range(200):
            check(connection, f"SELECT {number}")
    assert len(check._passed) <= 64
