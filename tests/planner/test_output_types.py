"""What is asked of a UNION is asked of its queries where these give its columns in one type, and only there."""

from __future__ import annotations

import pytest

from tests.planner.tables import bind


def predicates(sql: str) -> tuple[str, str]:
    """What is asked of `events` and of `visits`."""
    found = {r.table: r.predicate.sql("duckdb") for r in bind(sql).references}
    return found["events"], found["visits"]


@pytest.mark.parametrize(
    ("left", "right", "condition", "expected"),
    [
        ("year", "year", "c = 7", ("year = 7", "year = 7")),
        ("year::DOUBLE", "year::DOUBLE", "c = 7", ("(CAST(year AS DOUBLE)) = 7", "(CAST(year AS DOUBLE)) = 7")),
        ("year", "year::DOUBLE", "c = 7", ("TRUE", "TRUE")),
        ("NULL", "year", "c = 7", ("TRUE", "year = 7")),
        ("'a'", "q", "c = 'a'", ("TRUE", "q = 'a'")),
        ("TRUE", "(year = 1)::BOOLEAN", "c = TRUE", ("TRUE", "(CAST((year = 1) AS BOOLEAN)) = TRUE")),
        ("TRUE", "(year = 1)", "c = TRUE", ("TRUE", "TRUE")),
        # whole numbers of several types, as they are
        ("year::INT", "year", "c BETWEEN 1 AND 2", ("(CAST(year AS INT)) BETWEEN 1 AND 2", "year BETWEEN 1 AND 2")),
        ("year + 1", "year", "c = 7", ("(year + 1) = 7", "year = 7")),
        ("year + 1", "year", "(c) IS NULL", ("((year + 1)) IS NULL", "(year) IS NULL")),
        ("year + 1", "year", "c::VARCHAR = '7'", ("TRUE", "TRUE")),
        ("year + 1", "year + 1", "c::VARCHAR = '7'", ("TRUE", "TRUE")),
        ("7", "year", "c = 7", ("TRUE", "year = 7")),
        ("12345678901", "year", "c = 7", ("TRUE", "TRUE")),
        ("year + 1.5", "year", "c = 7", ("TRUE", "TRUE")),
        # calls: of one type where they are the same call of the same types
        ("coalesce(year, 1)", "coalesce(year, 1)", "c = 7", ("(COALESCE(year, 1)) = 7", "(COALESCE(year, 1)) = 7")),
        ("coalesce(year, 2.5)", "coalesce(year, 1)", "c = 7", ("TRUE", "TRUE")),
        ("coalesce(year, 2.5)", "year", "c = 7", ("TRUE", "TRUE")),
        ("coalesce(amount, 1)", "coalesce(year, 1)", "c = 7", ("TRUE", "TRUE")),
        ("lower(name)", "lower(q)", "c = 'a'", ("(LOWER(name)) = 'a'", "(LOWER(q)) = 'a'")),
        ("123456789", "year", "c = 7", ("TRUE", "year = 7")),
        ("(SELECT max(day) FROM plain)", "(SELECT max(day) FROM plain)", "c = 7", ("TRUE", "TRUE")),
        # each condition by itself
        ("year::DOUBLE", "year", "c = 7 AND d = 8", ("day = 8", "day = 8")),
        ("year::DOUBLE", "year", "(c = 7 OR d = 8)", ("TRUE", "TRUE")),
    ],
)  # fmt: skip
def test_a_condition_is_asked_of_each_query_where_types_are_surely_one(
    left: str, right: str, condition: str, expected: tuple[str, str]
) -> None:
    union = f"SELECT {left} AS c, day AS d FROM events UNION ALL SELECT {right}, day FROM visits"
    assert predicates(f"SELECT * FROM ({union}) WHERE {condition}") == expected


@pytest.mark.parametrize(
    ("union", "expected"),
    [
        ("SELECT year AS c FROM events UNION ALL (SELECT year FROM visits UNION ALL SELECT 7)", ("year = 7", "year = 7")),
        ("SELECT year AS c FROM events UNION ALL (SELECT year FROM visits UNION ALL SELECT 2.5::DOUBLE)", ("TRUE", "TRUE")),
        ("(SELECT year AS c FROM events UNION ALL SELECT 2.5::DOUBLE) UNION ALL SELECT year FROM visits", ("TRUE", "TRUE")),
        ("SELECT c FROM (SELECT year AS c FROM events) UNION ALL SELECT e FROM (SELECT year AS e FROM visits)", ("year = 7", "year = 7")),
        ("SELECT c FROM (SELECT year::DOUBLE AS c FROM events) UNION ALL SELECT year FROM visits", ("TRUE", "TRUE")),
        ("SELECT c FROM (SELECT year AS c FROM events UNION ALL SELECT 2.5::DOUBLE) UNION ALL SELECT year FROM visits", ("TRUE", "TRUE")),
        ("SELECT c FROM (SELECT year AS c FROM events UNION ALL SELECT day FROM plain) UNION ALL SELECT year FROM visits", ("year = 7", "year = 7")),
        ("SELECT c FROM (SELECT year AS c, x AS c FROM events) UNION ALL SELECT year FROM visits", ("TRUE", "TRUE")),
        ("SELECT c FROM (VALUES (1)) v(c), events UNION ALL SELECT year FROM visits", ("TRUE", "TRUE")),
    ],
)  # fmt: skip
def test_types_are_known_through_derived_tables_and_nested_unions(
    union: str, expected: tuple[str, str]
) -> None:
    assert predicates(f"SELECT * FROM ({union}) WHERE c = 7") == expected
