"""Which conditions reach which table reference, and which columns it reads."""

from __future__ import annotations

import datetime as dt

import pytest

from lakeq.errors import QueryError, SqlSyntaxError, TableNotFoundError, UnsupportedSqlError
from tests.planner.tables import NOW, bind, predicates

REACHES = [
    # one table
    ("SELECT x FROM events WHERE year = 2026", {"events": "year = 2026"}),
    ("SELECT x FROM events WHERE year = 2026 AND random() > 0.5", {"events": "year = 2026"}),
    ("SELECT x FROM events WHERE NOT (year = 2026 OR x > 5)", {"events": "NOT year = 2026 AND NOT x > 5"}),
    ("FROM events SELECT x WHERE year = 1", {"events": "year = 1"}),
    ("SELECT sum(x) FILTER (WHERE year = 3) FROM events", {"events": "TRUE"}),
    ("SELECT x FROM events QUALIFY row_number() OVER (ORDER BY x) = 1 AND year = 1", {"events": "TRUE"}),
    # derived tables and CTEs
    ("SELECT * FROM (SELECT x, year FROM events) WHERE year = 1", {"events": "year = 1"}),
    ("SELECT * FROM (SELECT x, year + 1 AS next FROM events) WHERE next = 1", {"events": "(year + 1) = 1"}),
    ("SELECT * FROM (SELECT * FROM events LIMIT 10) WHERE year = 1", {"events": "TRUE"}),
    ("SELECT * FROM (SELECT * FROM events ORDER BY x OFFSET 3) WHERE year = 1", {"events": "TRUE"}),
    ("SELECT * FROM (SELECT DISTINCT year, x FROM events) WHERE year = 1", {"events": "year = 1"}),
    ("SELECT * FROM (SELECT DISTINCT ON (x) * FROM events ORDER BY x) WHERE year = 1", {"events": "TRUE"}),
    (
        "SELECT * FROM (SELECT *, row_number() OVER (ORDER BY x) r FROM events) WHERE year = 1",
        {"events": "TRUE"},
    ),
    (
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY year, day ORDER BY x) r FROM events) WHERE year = 1",
        {"events": "year = 1"},
    ),
    (
        "SELECT * FROM (SELECT *, sum(x) OVER (PARTITION BY year) a, sum(x) OVER (PARTITION BY day) b FROM events) "
        "WHERE year = 1",
        {"events": "TRUE"},
    ),
    (
        "SELECT * FROM (SELECT year, sum(x) s FROM events GROUP BY year) WHERE year = 1 AND s > 3",
        {"events": "year = 1"},
    ),
    ("SELECT * FROM (SELECT max(year) AS year FROM events) WHERE year = 1", {"events": "TRUE"}),
    (
        "SELECT * FROM (SELECT year, sum(x) FROM events GROUP BY ROLLUP (year)) WHERE year = 1",
        {"events": "TRUE"},
    ),
    ("SELECT year, sum(x) FROM events GROUP BY year HAVING year = 1 AND sum(x) > 3", {"events": "year = 1"}),
    ("SELECT year, sum(x) FROM events GROUP BY ALL HAVING year = 1", {"events": "year = 1"}),
    ("SELECT year - 1 AS year FROM events GROUP BY events.year HAVING year = 3", {"events": "TRUE"}),
    (
        "WITH c AS (SELECT * FROM events) SELECT a.x FROM c a JOIN c b ON a.x = b.x WHERE a.year = 1 AND b.year = 2",
        {"events": "year = 1 OR year = 2"},
    ),
    (
        "WITH c AS (SELECT * FROM events) SELECT x FROM c WHERE year = 1 UNION ALL SELECT x FROM c",
        {"events": "TRUE"},
    ),
    ("SELECT * FROM (SELECT x FROM events USING SAMPLE 10 ROWS) WHERE x = 1", {"events": "TRUE"}),
    ("SELECT x FROM events TABLESAMPLE 10% WHERE year = 1", {"events": "TRUE"}),
    # set operations
    (
        "SELECT x FROM events WHERE year = 1 UNION SELECT k FROM visits WHERE year = 2",
        {"events": "year = 1", "visits": "year = 2"},
    ),
    (
        "SELECT * FROM (SELECT x, year FROM events UNION ALL SELECT k, year + 1 FROM visits) WHERE year = 7",
        {"events": "year = 7", "visits": "(year + 1) = 7"},
    ),
    (
        "SELECT * FROM (SELECT x, year FROM events EXCEPT SELECT k, year FROM visits) WHERE year = 7",
        {"events": "year = 7", "visits": "year = 7"},
    ),
    (
        "SELECT * FROM (SELECT x, year FROM events UNION ALL SELECT k, year FROM visits LIMIT 3) WHERE year = 7",
        {"events": "TRUE", "visits": "TRUE"},
    ),
    # joins
    (
        "SELECT e.x FROM events e, visits v WHERE e.day = v.day AND v.day = 7 AND e.year = 1",
        {"e": "year = 1 AND day = 7", "v": "day = 7"},
    ),
    (
        "SELECT e.x FROM events e JOIN visits v ON e.day = v.day AND v.year = 3",
        {"e": "TRUE", "v": "year = 3"},
    ),
    (
        "SELECT x FROM events JOIN visits USING (day) WHERE day = 5",
        {"events": "day = 5", "visits": "day = 5"},
    ),
    (
        "SELECT e.x FROM events e LEFT JOIN visits v ON e.day = v.day AND v.year = 3 AND e.year = 2 WHERE e.day = 7",
        {"e": "day = 7", "v": "year = 3 AND day = 7"},
    ),
    (
        "SELECT e.x FROM events e LEFT JOIN visits v ON e.x = v.k WHERE v.year = 3",
        {"e": "TRUE", "v": "year = 3"},
    ),
    (
        "SELECT e.x FROM events e LEFT JOIN visits v ON e.x = v.k WHERE v.year IS NULL",
        {"e": "TRUE", "v": "TRUE"},
    ),
    (
        "SELECT e.x FROM events e LEFT JOIN visits v ON e.x = v.k WHERE coalesce(v.year, 3) = 3",
        {"e": "TRUE", "v": "TRUE"},
    ),
    (
        "SELECT e.x FROM events e RIGHT JOIN visits v ON e.x = v.k AND v.year = 3 AND e.year = 2 WHERE v.day = 1",
        {"e": "year = 2", "v": "day = 1"},
    ),
    (
        "SELECT e.x FROM events e FULL JOIN visits v ON e.x = v.k AND v.year = 3 AND e.year = 2",
        {"e": "TRUE", "v": "TRUE"},
    ),
    (
        "SELECT e.x FROM events e FULL JOIN visits v ON e.x = v.k WHERE v.year = 3",
        {"e": "TRUE", "v": "year = 3"},
    ),
    (
        "SELECT x FROM events e SEMI JOIN visits v ON e.day = v.day AND v.year = 4 WHERE e.day = 2",
        {"e": "day = 2", "v": "year = 4 AND day = 2"},
    ),
    (
        "SELECT x FROM events e ANTI JOIN visits v ON e.day = v.day AND v.year = 4 AND e.year = 1 WHERE e.day = 2",
        {"e": "day = 2", "v": "year = 4 AND day = 2"},
    ),
    (
        "SELECT x FROM events e ASOF JOIN visits v ON e.x >= v.k WHERE e.year = 1 AND v.year = 2",
        {"e": "year = 1", "v": "TRUE"},
    ),
    (
        "SELECT x FROM events e POSITIONAL JOIN visits v WHERE e.year = 1",
        {"e": "TRUE", "v": "TRUE"},
    ),
    (
        "SELECT e.x FROM events e JOIN visits v ON e.name = v.day WHERE v.day = 7",
        {"e": "TRUE", "v": "day = 7"},
    ),
    # subqueries
    (
        "SELECT x FROM events WHERE day IN (SELECT day FROM visits WHERE q = 'z') AND day = 3",
        {"events": "day = 3", "visits": "q = 'z' AND day = 3"},
    ),
    (
        "SELECT x FROM events WHERE day NOT IN (SELECT day FROM visits) AND day = 3",
        {"events": "day = 3", "visits": "TRUE"},
    ),
    (
        "SELECT x FROM events WHERE EXISTS (SELECT 1 FROM visits v WHERE v.day = events.day AND v.year = 4) AND day = 7",
        {"events": "day = 7", "v": "year = 4"},
    ),
    (
        "SELECT (SELECT max(k) FROM visits WHERE year = 2) FROM events",
        {"events": "TRUE", "visits": "year = 2"},
    ),
    (
        "SELECT x FROM events WHERE (year = 1 AND x > 1) OR (year = 2 AND x < 2)",
        {"events": "(year = 1 AND x > 1) OR (year = 2 AND x < 2)"},
    ),
]


@pytest.mark.parametrize(("sql", "expected"), REACHES, ids=[sql for sql, _ in REACHES])
def test_a_condition_reaches_exactly_the_tables_whose_rows_it_decides(
    sql: str, expected: dict[str, str]
) -> None:
    assert predicates(sql) == expected


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT x FROM events WHERE random() < 1", "may change from call to call"),
        ("SELECT x FROM events WHERE year = (SELECT max(k) FROM plain)", "subquery"),
        ("SELECT e.x FROM events e, visits v WHERE e.year + v.year = 3", "several tables"),
        (
            "SELECT e.x FROM events e LEFT JOIN visits v ON e.x = v.k AND e.year = 1",
            "outer join keeps the rows",
        ),
        (
            "SELECT e.x FROM visits v LEFT JOIN events e ON e.x = v.k WHERE e.year IS NULL",
            "may make these columns NULL",
        ),
        ("SELECT * FROM (SELECT * FROM events LIMIT 3) WHERE year = 1", "LIMIT"),
        ("SELECT x FROM events TABLESAMPLE 10% WHERE year = 1", "sample"),
        ("SELECT e.x FROM visits v ASOF JOIN events e ON v.k >= e.x WHERE e.year = 1", "ASOF"),
    ],
)
def test_what_cannot_prune_says_why(sql: str, reason: str) -> None:
    missed = [m for r in bind(sql).references if r.table == "events" for m in r.missed]
    assert any(reason in m.reason for m in missed), missed


def test_nothing_is_said_where_there_is_nothing_to_say() -> None:
    sql = "SELECT e.x FROM (SELECT * FROM events) e JOIN visits v ON e.day = v.day WHERE e.year = 1"
    assert [m for r in bind(sql).references for m in r.missed] == []


def test_a_view_is_pruned_through() -> None:
    bound = bind(
        "SELECT x FROM recent WHERE month = 3", views={"recent": "SELECT * FROM events WHERE year = 2026"}
    )
    (reference,) = bound.references
    assert reference.predicate.sql("duckdb") == "year = 2026 AND month = 3"
    assert bound.views == ("recent",)


def test_a_cte_hides_a_table_of_the_same_name() -> None:
    (reference,) = bind(
        "WITH events AS (SELECT * FROM visits) SELECT * FROM events WHERE year = 1"
    ).references
    assert reference.table == "visits"


COLUMNS = [
    ("SELECT count(*) FROM events", ()),
    ("SELECT 1 FROM events", ()),
    ("SELECT * FROM events", ("x", "amount", "name", "ts", "nested", "year", "month", "day")),
    ("SELECT nested.b.c FROM events WHERE nested.a > 3", ("nested.a", "nested.b.c")),
    ("SELECT nested, nested.a FROM events", ("nested",)),
    ("SELECT x FROM (SELECT * FROM events)", ("x",)),
    ("WITH c AS (SELECT * FROM events) SELECT sum(amount) FROM c WHERE year = 1", ("amount", "year")),
    ("SELECT s FROM (SELECT sum(x) s, max(name) n, year FROM events GROUP BY year)", ("x", "year")),
    ("SELECT X, NAME FROM Events", ("x", "name")),
    ("SELECT events FROM events", ("x", "amount", "name", "ts", "nested", "year", "month", "day")),
    ("SELECT count(*) FROM (SELECT x, name FROM events WHERE day = 1)", ("day",)),
    ("SELECT x FROM events ORDER BY amount LIMIT 3", ("x", "amount")),
]


@pytest.mark.parametrize(("sql", "expected"), COLUMNS, ids=[sql for sql, _ in COLUMNS])
def test_only_the_columns_that_the_query_reads_count(sql: str, expected: tuple[str, ...]) -> None:
    (reference,) = bind(sql).references
    assert reference.columns == expected


@pytest.mark.parametrize(
    ("sql", "once"),
    [
        ("SELECT DISTINCT year FROM events", True),
        ("SELECT max(day), min(day), count(DISTINCT year) FROM events", True),
        ("SELECT year FROM events GROUP BY year", True),
        ("SELECT year FROM events", False),
        ("SELECT count(*) FROM events", False),
        ("SELECT DISTINCT year, count(*) FROM events GROUP BY year", False),
        ("SELECT year, row_number() OVER () FROM events GROUP BY year", False),
        ("SELECT DISTINCT ON (year) day FROM events", False),
        ("SELECT max(day) + random() FROM events", False),
        ("SELECT (SELECT max(k) FROM plain) FROM events", False),
    ],
)
def test_rows_are_met_once_only_where_repeats_change_nothing(sql: str, once: bool) -> None:
    assert next(r for r in bind(sql).references if r.table == "events").once is once


def test_parameters_prune_like_literals() -> None:
    sql = "SELECT x FROM events WHERE year = ? AND name = ? AND month = ?"
    assert predicates(sql, [2026, "it's", 3]) == {
        "events": "year = (2026) AND name = 'it''s' AND month = (3)"
    }
    sql = "SELECT x FROM events WHERE year = $y AND ts < $t"
    values = {"y": 2026, "t": dt.datetime(2026, 1, 2)}
    assert predicates(sql, values) == {
        "events": "year = (2026) AND ts < CAST('2026-01-02 00:00:00' AS TIMESTAMP)"
    }


@pytest.mark.parametrize("params", [None, [1], {"a": 1, "b": 2}, [1, 2, 3]])
def test_a_parameter_without_a_value_and_a_value_without_a_parameter_are_errors(params: object) -> None:
    with pytest.raises(QueryError, match=r"parameter|Parameter"):
        bind("SELECT x FROM events WHERE year = ? AND day = ?", params)


def test_the_clock_is_pinned_and_reported() -> None:
    bound = bind("SELECT x FROM events WHERE ts >= now() AND make_date(year, month, day) = current_date")
    assert bound.clock == NOW
    assert "2026-11-23 12:30:00+00:00" in bound.references[0].predicate.sql("duckdb")
    assert bind("SELECT x FROM events").clock is None


def test_hidden_columns_are_read_when_named_and_left_out_of_a_star() -> None:
    bound = bind('SELECT *, "$path" FROM events')
    assert "$path" in bound.references[0].columns
    assert 'EXCLUDE ("$path")' in bound.runnable
    plain = "SELECT * FROM events"
    assert bind(plain).runnable == plain
    assert not [c for c in bind(plain).references[0].columns if c.startswith("$")]


def test_a_natural_join_does_not_join_on_hidden_columns() -> None:
    assert {r.columns for r in bind("SELECT x FROM events NATURAL JOIN visits").references} == {
        ("x", "year", "day"),
        ("year", "day"),
    }
    with pytest.raises(UnsupportedSqlError, match="USING"):
        bind('SELECT "$path" FROM events NATURAL JOIN visits')


def test_metadata_tables_are_recognised() -> None:
    bound = bind('SELECT * FROM "events$files" JOIN "events$partitions" USING (year)')
    assert set(bound.metadata) == {"events$files", "events$partitions"}
    assert bound.references == ()


def test_what_cannot_be_taken_apart_is_read_whole_and_says_so() -> None:
    sql = "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r, events WHERE n < 3 AND year = 1) FROM r"
    bound = bind(sql)
    assert predicates(sql) == {"events": "TRUE"}
    assert "nothing was pruned" in bound.notes[0]


def test_a_wrong_table_gets_the_nearest_name() -> None:
    with pytest.raises(TableNotFoundError, match=r"'evnts'. Did you mean 'events'\?") as caught:
        bind("SELECT * FROM evnts")
    assert caught.value.near == ("events",)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO events VALUES (1)", "COPY events TO 'x.csv'", "CREATE TABLE t AS SELECT 1", "DROP TABLE events",
        "UPDATE events SET x = 1", "DELETE FROM events", "ATTACH 'x.db'", "INSTALL httpfs", "LOAD httpfs", "SET threads = 1",
        "PRAGMA version", "EXPORT DATABASE 'x'", "CALL pragma_version()", "SELECT 1; SELECT 2", "VACUUM", "BEGIN",
        "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_text('x')", "FROM glob('*')", "FROM query('SELECT 1')",
        "SELECT x FROM events WHERE x IN (SELECT * FROM read_parquet('x'))", "SELECT * FROM duckdb_secrets()",
        "WITH c AS (SELECT * FROM read_blob('x')) SELECT * FROM c", "FROM query_table('events')",
    ],
)  # fmt: skip
def test_lakeq_only_reads_and_only_its_tables(sql: str) -> None:
    with pytest.raises(UnsupportedSqlError):
        bind(sql)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "data/x.parquet", "s3://bucket/x.csv", "https://host/x.json"]
)
def test_a_path_is_no_table(path: str) -> None:
    with pytest.raises(TableNotFoundError):
        bind(f"SELECT * FROM '{path}'")


def test_a_syntax_error_says_where() -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        bind("SELECT x\nFROM events WHERE x = = 3")
    assert (caught.value.line, caught.value.column) == (2, 23)


@pytest.mark.parametrize(
    ("sql", "uses"),
    [
        ("SELECT x FROM events", [1]),
        ("SELECT a.x FROM events a JOIN events b ON a.x = b.x", [1, 1]),
        ("WITH c AS (SELECT x FROM events) SELECT * FROM c", [1]),
        ("WITH c AS (SELECT x FROM events) SELECT * FROM c a JOIN c b ON a.x = b.x", [2]),
        ("WITH c AS (SELECT x FROM events) SELECT x FROM c UNION ALL SELECT x FROM c", [2]),
        ("WITH c AS (SELECT x FROM events), d AS (SELECT x FROM c UNION ALL SELECT x FROM c) "
         "SELECT * FROM d a JOIN d b ON a.x = b.x JOIN c ON c.x = a.x", [5]),
        ("WITH c AS (SELECT x FROM events) SELECT x FROM c WHERE x IN (SELECT max(x) FROM c)", [2]),
        ("WITH c AS (SELECT x FROM events) SELECT 1 FROM visits", [1, 1]),
    ],
)  # fmt: skip
def test_an_engine_that_shares_no_results_reads_a_cte_wherever_it_is_used(sql: str, uses: list[int]) -> None:
    assert [reference.uses for reference in bind(sql).references] == uses


def test_a_condition_that_is_true_is_none_that_missed() -> None:
    (reference,) = bind("SELECT x FROM events WHERE TRUE AND year = 2026").references
    assert reference.missed == ()
