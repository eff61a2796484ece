"""What is said of a condition that holds for no row of a table reference by itself, and what to write instead."""

from __future__ import annotations

import pytest

from lakeq.planner.scan import Missed
from tests.planner.tables import bind

KEPT = "an outer join keeps the rows that fail its ON condition"
OTHER_ROWS = "other rows: it leaves out those that the join keeps for failing its ON"
SUBQUERY = "it holds a subquery, whose rows are not known while planning"
ASKED_FIRST = "the same rows with the value of the subquery, asked first, in place of …"
SEVERAL = "it compares columns of several tables"
NULLS = "an outer join may make these columns NULL, which the condition lets pass"
VOLATILE = "its value may change from call to call, or is not known while planning"


def missed_of(sql: str, alias: str) -> list[Missed]:
    return [m for r in bind(sql).references if r.alias == alias for m in r.missed]


@pytest.mark.parametrize(
    ("sql", "alias", "condition", "reason", "rewrite", "proviso"),
    [
        ("SELECT v.k FROM visits v LEFT JOIN events e ON e.year = v.year AND v.k > 5", "v", "v.k > 5", KEPT, "WHERE v.k > 5", OTHER_ROWS),
        ("SELECT v.k FROM events e RIGHT JOIN visits v ON e.year = v.year AND v.k > 5", "v", "v.k > 5", KEPT, "WHERE v.k > 5", OTHER_ROWS),
        ("SELECT v.k FROM visits v LEFT JOIN events e ON v.k > e.x", "v", "v.k > e.x", KEPT, "", ""),
        ("SELECT v.k FROM visits v JOIN events e ON v.k > e.x", "v", "v.k > e.x", SEVERAL, "", ""),
        ("SELECT v.k FROM visits v JOIN events e ON v.k > e.x", "e", "v.k > e.x", SEVERAL, "", ""),
        ("SELECT x FROM events e WHERE year = (SELECT max(k) FROM plain)", "e", "e.year = (SELECT MAX(plain.k) AS _col_0 FROM plain AS plain)", SUBQUERY, "e.year = …", ASKED_FIRST),
        ("SELECT x FROM events e WHERE (year) >= ((SELECT max(k) FROM plain))", "e", "(e.year) >= (SELECT MAX(plain.k) AS _col_0 FROM plain AS plain)", SUBQUERY, "e.year >= …", ASKED_FIRST),
        ("SELECT x FROM events e WHERE year + 1 = (SELECT max(k) FROM plain)", "e", "e.year + 1 = (SELECT MAX(plain.k) AS _col_0 FROM plain AS plain)", SUBQUERY, "", ""),
        ("SELECT x FROM events e WHERE year <> (SELECT max(k) FROM plain)", "e", "e.year <> (SELECT MAX(plain.k) AS _col_0 FROM plain AS plain)", SUBQUERY, "", ""),
        ("SELECT x FROM events e WHERE year = month + random()", "e", "e.year = e.month + RANDOM()", VOLATILE, "", ""),
        ("SELECT v.k FROM visits v LEFT JOIN events e ON e.year = v.year WHERE e.x IS NULL", "e", "e.x IS NULL", NULLS, "", ""),
    ],
)  # fmt: skip
def test_what_does_not_hold_for_a_reference_is_told_with_what_would(
    sql: str, alias: str, condition: str, reason: str, rewrite: str, proviso: str
) -> None:
    (missed,) = missed_of(sql, alias)
    assert (missed.condition, missed.reason) == (condition, reason)
    assert (missed.rewrite, missed.proviso or "") == (rewrite, proviso)
    if proviso == OTHER_ROWS:
        assert missed.node is not None and missed.node.sql("duckdb") == "k > 5"
    else:
        assert missed.node is None


def test_a_condition_on_an_aggregate_is_none_that_missed() -> None:
    assert missed_of("SELECT year FROM events e GROUP BY year HAVING max(year) = 2026", "e") == []


NULLABLE = [
    "visits v LEFT JOIN events e ON e.year = v.year JOIN plain p ON p.k = v.k AND {}",
    "events e RIGHT JOIN visits v ON e.year = v.year JOIN plain p ON p.k = v.k AND {}",
    "events e FULL JOIN visits v ON e.year = v.year JOIN plain p ON p.k = v.k AND {}",
    "visits v FULL JOIN events e ON e.year = v.year JOIN plain p ON p.k = v.k AND {}",
    "visits v LEFT JOIN events e ON e.year = v.year LEFT JOIN plain q ON q.k = v.k JOIN plain p ON p.k = v.k AND {}",
    "events e RIGHT JOIN visits v ON e.year = v.year LEFT JOIN plain q ON q.k = v.k JOIN plain p ON p.k = v.k AND {}",
    "events e RIGHT JOIN visits v ON e.year = v.year RIGHT JOIN plain q ON q.k = v.k JOIN plain p ON p.k = q.k AND {}",
    "visits v LEFT JOIN events e ON e.year = v.year RIGHT JOIN plain q ON q.k = v.k JOIN plain p ON p.k = q.k AND {}",
]
CERTAIN = [
    "events e JOIN visits v ON e.year = v.year JOIN plain p ON p.k = v.k AND {}",
    "events e LEFT JOIN visits v ON e.year = v.year JOIN plain p ON p.k = e.x AND {}",
    "visits v RIGHT JOIN events e ON e.year = v.year JOIN plain p ON p.k = e.x AND {}",
    "events e JOIN visits v ON e.year = v.year AND {} RIGHT JOIN plain p ON p.k = v.k",
]


def events_predicate(joins: str, condition: str) -> str:
    found = [
        r.predicate for r in bind(f"SELECT 1 FROM {joins.format(condition)}").references if r.alias == "e"
    ]
    return found[0].sql("duckdb")


@pytest.mark.parametrize("joins", NULLABLE)
def test_a_later_on_that_null_may_meet_keeps_what_an_outer_join_makes_null(joins: str) -> None:
    assert events_predicate(joins, "e.month IS NULL") == "TRUE"


@pytest.mark.parametrize("joins", CERTAIN)
def test_an_on_that_null_may_meet_holds_for_rows_that_no_join_has_made_null_yet(joins: str) -> None:
    assert events_predicate(joins, "e.month IS NULL") == "month IS NULL"
