"""A filter on one side of a join holds for the other where the join lets it pass, and nowhere else."""

from __future__ import annotations

import pytest

from tests.planner.tables import bind

SEMI = "SELECT v.k FROM visits v WHERE EXISTS (SELECT 1 FROM events e, plain p WHERE {})"


def predicate_of(table: str, sql: str) -> str:
    (predicate,) = (r.predicate.sql("duckdb") for r in bind(sql).references if r.table == table)
    return predicate


@pytest.mark.parametrize(
    ("sql", "events", "visits"),
    [
        ("SELECT 1 FROM events e JOIN visits v ON e.year = v.year WHERE e.year = 2026", "year = 2026", "year = 2026"),
        ("SELECT 1 FROM events e JOIN visits v ON v.year = e.year WHERE v.year = 2026", "year = 2026", "year = 2026"),
        ("SELECT 1 FROM events e, visits v WHERE e.year = v.year AND v.year + 1 = 2027", "year + 1 = 2027", "year + 1 = 2027"),
        ("SELECT 1 FROM events e JOIN visits v USING (year) WHERE year = 2026", "year = 2026", "year = 2026"),
        ("SELECT 1 FROM events e LEFT JOIN visits v ON e.year = v.year WHERE e.year = 2026", "year = 2026", "year = 2026"),
        ("SELECT 1 FROM events e LEFT JOIN visits v ON e.year = v.year AND v.year = 2026", "TRUE", "year = 2026"),
        ("SELECT 1 FROM events e LEFT JOIN visits v USING (year) WHERE year = 2026", "year = 2026", "year = 2026"),
        ("SELECT 1 FROM events e SEMI JOIN visits v ON e.year = v.year AND v.year = 2026", "year = 2026", "year = 2026"),
        ("SELECT 1 FROM events e ANTI JOIN visits v ON e.year = v.year AND v.year = 2026", "TRUE", "year = 2026"),
        ("SELECT 1 FROM events e ANTI JOIN visits v ON e.year = v.year WHERE e.year = 2026", "year = 2026", "year = 2026"),
        ("SELECT 1 FROM events e JOIN visits v ON e.year = v.q WHERE e.year = 2026", "year = 2026", "TRUE"),
        ("SELECT 1 FROM events e JOIN visits v ON e.year <= v.year WHERE e.year = 2026", "year = 2026", "TRUE"),
        ("SELECT 1 FROM events e JOIN visits v ON e.year = v.year WHERE e.year + e.month = 2026", "year + month = 2026", "TRUE"),
        ("SELECT 1 FROM events e JOIN visits v ON e.year = v.year AND e.day = v.day WHERE e.year = 2026 AND v.day = 1", "day = 1 AND year = 2026", "day = 1 AND year = 2026"),
    ],
)  # fmt: skip
def test_a_filter_is_carried_over_an_equality_as_far_as_the_join_allows(
    sql: str, events: str, visits: str
) -> None:
    found = {
        r.table: " AND ".join(sorted(r.predicate.sql("duckdb").split(" AND "))) for r in bind(sql).references
    }
    assert found == {"events": events, "visits": visits}


def test_a_filter_is_carried_over_a_chain_of_equalities() -> None:
    sql = (
        "SELECT 1 FROM plain p JOIN visits v ON p.day = v.day JOIN events e ON v.day = e.day WHERE p.day = 3"
    )
    assert [predicate_of(table, sql) for table in ("plain", "visits", "events")] == ["day = 3"] * 3
    backwards = sql.replace("p.day = 3", "e.day = 3")
    assert [predicate_of(table, backwards) for table in ("plain", "visits", "events")] == ["day = 3"] * 3


def test_an_equality_with_a_query_around_stops_no_other() -> None:
    sql = SEMI.format("e.year = v.year AND e.day = p.day AND p.day = 3")
    assert predicate_of("events", sql) == "day = 3"


def test_a_comparison_with_a_text_is_no_equality_of_columns() -> None:
    sql = "SELECT 1 FROM events e JOIN visits v ON e.year = v.year WHERE e.name = 'a' AND v.q = 'a'"
    assert (predicate_of("events", sql), predicate_of("visits", sql)) == ("name = 'a'", "q = 'a'")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM events e JOIN ({}) v ON e.year = v.y WHERE e.year = 2026",
        "SELECT 1 FROM events e WHERE e.year IN ({}) AND e.year = 2026",
        "SELECT 1 FROM events e WHERE e.year IN ({} UNION ALL SELECT year FROM events) AND e.year = 2026",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("shown", "pushed"),
    [
        ("year", "year = 2026"), ("year::BIGINT", "(CAST(year AS BIGINT)) = 2026"),
        ("coalesce(year, 2.5::DOUBLE)", "TRUE"), ("CASE WHEN k > 1 THEN year ELSE 2.5::DOUBLE END", "TRUE"),
    ],
)  # fmt: skip
def test_a_filter_is_carried_only_where_types_are_surely_the_same(sql: str, shown: str, pushed: str) -> None:
    """sqlglot says that `coalesce(year, 2.5)` is a BIGINT."""
    assert predicate_of("visits", sql.format(f"SELECT {shown} AS y FROM visits")) == pushed
