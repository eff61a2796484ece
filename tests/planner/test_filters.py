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
