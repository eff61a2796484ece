"""What a derived table's rows meet anyway holds for what they are joined to."""

from __future__ import annotations

import pytest

from tests.planner.tables import bind

FILTERED = "SELECT x, year AS y FROM events WHERE year = 2026"


def visits_predicate(sql: str) -> str:
    (predicate,) = (r.predicate.sql("duckdb") for r in bind(sql).references if r.table == "visits")
    return predicate


@pytest.mark.parametrize(
    "step",
    [
        FILTERED,
        "SELECT DISTINCT year AS y FROM events WHERE year = 2026",
        "SELECT count(*) AS n, year AS y FROM events WHERE year = 2026 GROUP BY year",
        "SELECT x, year AS y FROM events WHERE year = 2026 ORDER BY x LIMIT 3",
        f"SELECT y, x + 1 AS z FROM ({FILTERED}) WHERE x > 1",
        "SELECT l.year AS y FROM (SELECT * FROM events WHERE year = 2026) l LEFT JOIN plain p ON l.x = p.k",
    ],
)
@pytest.mark.parametrize("join", ["JOIN", "LEFT JOIN", "SEMI JOIN", "ANTI JOIN"])
def test_a_filter_below_a_join_prunes_the_other_side(step: str, join: str) -> None:
    sql = f"SELECT a.y FROM ({step}) a {join} visits v ON a.y = v.year"
    assert visits_predicate(sql) == "year = 2026"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT v.k FROM visits v LEFT JOIN ({FILTERED}) a ON a.y = v.year",
        f"SELECT v.k FROM visits v ANTI JOIN ({FILTERED}) a ON a.y = v.year",
        f"SELECT v.k FROM ({FILTERED}) a RIGHT JOIN visits v ON a.y = v.year",
        f"SELECT v.k FROM ({FILTERED}) a FULL JOIN visits v ON a.y = v.year",
        f"SELECT v.k FROM ({FILTERED}) a JOIN visits v ON a.y < v.year",
        f"SELECT v.k FROM ({FILTERED}) a JOIN visits v ON a.x = v.year",
        f"SELECT v.k FROM ({FILTERED} UNION ALL SELECT 1, 2) a JOIN visits v ON a.y = v.year",
        "SELECT v.k FROM (SELECT year AS y FROM events WHERE year = 2026 OR x = 1) a JOIN visits v ON a.y = v.year",
        "SELECT v.k FROM (SELECT year + 1 AS y FROM events WHERE year = 2026) a JOIN visits v ON a.y = v.year",
        "SELECT v.k FROM (SELECT year AS y FROM events WHERE year = 2026 GROUP BY ROLLUP (year)) a "
        "JOIN visits v ON a.y = v.year",
        "SELECT v.k FROM (SELECT r.year AS y FROM plain p LEFT JOIN (SELECT * FROM events WHERE year = 2026) r "
        "ON r.x = p.k) a JOIN visits v ON a.y = v.year",
        "SELECT v.k FROM (SELECT year AS y FROM events WHERE random() < year) a JOIN visits v ON a.y = v.year",
    ],
)
def test_what_proves_nothing_of_the_other_side_keeps_it_whole(sql: str) -> None:
    assert visits_predicate(sql) == "TRUE"
