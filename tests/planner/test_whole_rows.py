"""Where DuckDB may read columns that nobody asks for: held against what it reads in test_estimates_hold."""

from __future__ import annotations

import pytest

from tests.planner.tables import bind

CORRELATED = "(SELECT e.x + 1) = 3"
WHOLE = [
    "SELECT count(*) FROM events e WHERE {c}",
    "SELECT 1 FROM events e WHERE {c}",
    "SELECT CASE WHEN false THEN x END FROM events e WHERE {c}",
    "SELECT row_number() OVER () FROM events e WHERE {c}",
    "SELECT count(*) FROM (SELECT x, day FROM events e WHERE {c}) WHERE x > 3",
    "SELECT EXISTS (SELECT x FROM events e WHERE {c})",
    "WITH q AS (SELECT x FROM events e WHERE {c}) SELECT max(x), (SELECT count(*) FROM q) FROM q",
    "SELECT u.one FROM (SELECT 1 AS one) u LEFT JOIN events e ON {c}",
    "SELECT count(*) FROM events e, LATERAL (SELECT 1 WHERE e.x > 3) u",
]
NARROW = [
    "SELECT count(*) FROM events e WHERE x > 3",
    "SELECT count(*) FROM events e WHERE x IN (SELECT max(x) FROM events)",
    "SELECT count(x) FROM events e WHERE {c}",
    "SELECT x FROM events e WHERE {c}",
    "SELECT count(*) FROM events e WHERE {c} GROUP BY x",
    "SELECT 1 FROM events e WHERE {c} ORDER BY x",
    "SELECT x FROM (SELECT x FROM events e WHERE {c}) UNION ALL SELECT 1",
    "SELECT count(*) FROM (SELECT x FROM events e WHERE {c} UNION SELECT 1)",
    "SELECT u.one FROM (SELECT 1 AS one) u, events e WHERE {c}",
    "SELECT 1 IN (SELECT x FROM events e WHERE {c})",
]


@pytest.mark.parametrize("sql", WHOLE)
def test_rows_of_which_nothing_is_shown_may_be_kept_whole(sql: str) -> None:
    bound = bind(sql.format(c=CORRELATED))
    assert {"year", "day", "x", "name"} <= set(bound.references[0].columns)
    assert any("All columns of events are read" in note for note in bound.notes)


def test_of_a_derived_table_all_that_it_gives_may_be_kept() -> None:
    bound = bind(f"SELECT count(*) FROM (SELECT x, name FROM events) e WHERE {CORRELATED}")
    assert {"x", "name"} <= set(bound.references[0].columns)
    assert "amount" not in bound.references[0].columns


@pytest.mark.parametrize("sql", NARROW)
def test_one_column_that_is_shown_is_enough(sql: str) -> None:
    bound = bind(sql.format(c=CORRELATED))
    for reference in bound.references:
        assert set(reference.columns) <= {"year", "month", "day", "x"}
    assert bound.notes == ()
