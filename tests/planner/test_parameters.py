"""Which parameters a query names."""

from __future__ import annotations

import pytest

from lakeq.planner.parameters import find_parameters


@pytest.mark.parametrize(
    ("sql", "dialect", "names"),
    [
        ("SELECT $b, '$c', $a -- $d", "duckdb", {"a", "b"}),
        ("SELECT $$ $x $$, $1, ? FROM t", "duckdb", set()),
        ("SELECT $a + $a", "duckdb", {"a"}),
        ("SELECT * FROM t WHERE x IN (SELECT y FROM u WHERE z = $day)", "duckdb", {"day"}),
        ("SELECT @day, '@x'", "bigquery", {"day"}),
        ("SELECT :day", "spark", {"day"}),
        ("SELEC $day", "duckdb", set()),
    ],
)
def test_parameters_are_found_where_they_are_parameters(sql: str, dialect: str, names: set[str]) -> None:
    found = find_parameters(sql, dialect)
    assert set(found) == names
    assert len(found) == len(names)
