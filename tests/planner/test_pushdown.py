"""Which outputs of a derived table are columns of what lies below it, so that a condition may pass."""

from __future__ import annotations

import pytest
from sqlglot import parse_one

from lakeq.planner.pushdown import counts_rows, group_keys, output_columns, push_through, window_keys
from tests.planner.tables import predicates


@pytest.mark.parametrize(
    ("select", "outputs"),
    [
        ("SELECT x AS A, y + 1 AS b", {"a": "x", "b": "y + 1"}),
        ("SELECT 1 AS one, x + random() AS r, f(x) AS c, x", {"one": None, "r": None, "c": None, "x": "x"}),
        ("SELECT f(x) + random() AS r", {"r": None}),
        ("SELECT x AS a, y AS a", {"a": None}),
        ("SELECT x, max(y) AS m", {"x": None, "m": None}),
        ("SELECT x, (SELECT max(z) FROM u) AS m", {"x": "x", "m": None}),
        ("SELECT x, y + 1 AS b, max(z) AS m FROM t GROUP BY x, y", {"x": "x", "b": None, "m": None}),
        ("SELECT x, y + 1 AS b FROM t GROUP BY x, y", {"x": "x", "b": None}),
        ("SELECT x, y + 1 AS b FROM t GROUP BY 2, x", {"x": "x", "b": "y + 1"}),
        ("SELECT x, y + 1 AS b, max(z) AS m FROM t GROUP BY ALL", {"x": "x", "b": "y + 1", "m": None}),
        ("SELECT x, y FROM t GROUP BY ROLLUP (x, y)", {"x": None, "y": None}),
        ("SELECT x, row_number() OVER (PARTITION BY x, y) AS n, z", {"x": "x", "n": None, "z": None}),
        ("SELECT x, row_number() OVER (PARTITION BY x, y) AS n, row_number() OVER (PARTITION BY y) AS m, y", {"x": None, "n": None, "m": None, "y": "y"}),
        ("SELECT x, sum(z) OVER () AS n", {"x": None, "n": None}),
        ("SELECT x, y FROM t QUALIFY row_number() OVER (PARTITION BY y) = 1", {"x": None, "y": "y"}),
        ("SELECT x FROM t QUALIFY x > 1", {"x": None}),
        ("SELECT x, y FROM t ORDER BY sum(z) OVER (PARTITION BY y)", {"x": None, "y": "y"}),
        ("SELECT x, (SELECT sum(z) OVER () FROM u) AS n", {"x": "x", "n": None}),
    ],
)  # fmt: skip
def test_an_output_is_passed_where_nothing_would_notice_missing_rows(
    select: str, outputs: dict[str, str | None]
) -> None:
    found = output_columns(parse_one(select, dialect="duckdb"))
    assert {name: value and value.sql("duckdb") for name, value in found.items()} == outputs


@pytest.mark.parametrize(
    ("select", "wanted", "pushed"),
    [
        ("SELECT x AS a, y AS b", "a = 1 AND B > 2", "x = 1 AND y > 2"),
        ("SELECT x + 1 AS a", "a * 2 = 4", "(x + 1) * 2 = 4"),
        ("SELECT x AS a, random() AS b", "a = 1 AND b > 2", "x = 1"),
        ("SELECT x AS a, random() AS b", "a = 1 OR b > 2", "TRUE"),
        ("SELECT x AS a", "TRUE", "TRUE"), ("SELECT x AS a", "missing = 1", "TRUE"),
        ("SELECT x AS a FROM t LIMIT 5", "a = 1", "TRUE"), ("SELECT x AS a FROM t OFFSET 5", "a = 1", "TRUE"),
        ("SELECT x AS a FROM t USING SAMPLE 5", "a = 1", "TRUE"), ("SELECT DISTINCT ON (x) x AS a, y FROM t", "a = 1", "TRUE"),
        ("SELECT DISTINCT x AS a FROM t", "a = 1", "x = 1"), ("SELECT x AS a, * FROM t", "a = 1", "TRUE"),
    ],
)  # fmt: skip
def test_a_condition_is_asked_of_what_lies_below(select: str, wanted: str, pushed: str) -> None:
    below, asked = (parse_one(sql, dialect="duckdb") for sql in (select, wanted))
    assert push_through(below, asked).sql("duckdb") == pushed


def test_what_counts_rows_is_noticed_whatever_stands_beside_it() -> None:
    assert counts_rows(parse_one("SELECT x FROM t LIMIT 1", dialect="duckdb"))
    assert not counts_rows(parse_one("SELECT DISTINCT x FROM t ORDER BY x", dialect="duckdb"))


@pytest.mark.parametrize(
    ("group", "keys"),
    [
        ("", []), ("GROUP BY x, y + 1", ["x", "y + 1"]), ("GROUP BY 1", ["x"]), ("GROUP BY 3", ["f(x)"]), ("GROUP BY 4", ["4"]), ("GROUP BY 0", ["0"]),
        ("GROUP BY '1'", ["'1'"]), ("GROUP BY ALL", ["x"]), ("GROUP BY CUBE (x)", []), ("GROUP BY GROUPING SETS ((x), ())", []), ("GROUP BY (x, y)", []),
        ("GROUP BY ROLLUP (x)", []), ("GROUP BY z, ROLLUP (x)", []), ("GROUP BY z, CUBE (x)", []), ("GROUP BY z, GROUPING SETS ((x), ())", []),
    ],
)  # fmt: skip
def test_the_keys_of_a_plain_grouping_are_its_expressions(group: str, keys: list[str]) -> None:
    select = parse_one(f"SELECT x, max(z) AS m, f(x) AS c FROM t {group}", dialect="duckdb")
    assert [key.sql("duckdb").lower() for key in group_keys(select)] == keys


def test_a_window_is_no_key_of_a_grouping_by_all_that_groups() -> None:
    select = parse_one(
        "SELECT x, row_number() OVER () AS n, max(z) AS m FROM t GROUP BY ALL", dialect="duckdb"
    )
    assert [key.sql("duckdb") for key in group_keys(select)] == ["x"]


def test_windows_share_the_keys_that_each_of_them_has() -> None:
    def keys(sql: str) -> list[str] | None:
        found = window_keys(parse_one(sql, dialect="duckdb"))
        return None if found is None else [key.sql("duckdb") for key in found]

    assert keys("SELECT x FROM t") is None
    assert keys("SELECT sum(z) OVER (PARTITION BY x, y, w), sum(z) OVER (PARTITION BY w, x) FROM t") == [
        "x",
        "w",
    ]
    assert keys("SELECT sum(z) OVER (PARTITION BY x), sum(z) OVER (ORDER BY x) FROM t") == []
    assert keys("SELECT x FROM t QUALIFY x > 1") == []


@pytest.mark.parametrize(
    ("sql", "predicate"),
    [
        ("SELECT count(*) FROM events GROUP BY year HAVING year = 2026", "year = 2026"),
        ("SELECT year, count(*) FROM events GROUP BY year HAVING year = 2026 AND count(*) > 1", "year = 2026"),
        ("SELECT x AS year, count(*) FROM events GROUP BY x, events.year HAVING year = 2026", "TRUE"),
        ("SELECT count(*) FROM events GROUP BY month HAVING max(year) = 2026", "TRUE"),
        ("SELECT year FROM events GROUP BY year HAVING my_own(year) = 2026", "TRUE"),
        ("SELECT count(*) FROM events GROUP BY ROLLUP (year) HAVING year = 2026", "TRUE"),
    ],
)  # fmt: skip
def test_having_is_asked_of_rows_where_it_reads_keys_alone(sql: str, predicate: str) -> None:
    assert predicates(sql) == {"events": predicate}


@pytest.mark.parametrize(
    ("sql", "passed"),
    [
        ("SELECT y, z, sum(z) OVER (PARTITION BY y) AS s FROM t", {"y"}),
        ("SELECT y, z, sum(z) FILTER (WHERE z > 1) OVER (PARTITION BY y, z) AS s FROM t", {"y", "z"}),
        ("SELECT y, z, first_value(z IGNORE NULLS) OVER (PARTITION BY y ORDER BY z) AS s FROM t", {"y"}),
        ("SELECT y, z, sum(z) OVER (ORDER BY y) AS s FROM t", set()),
        ("SELECT y, z, sum(z) OVER (PARTITION BY y) AS s, max(z) AS m FROM t", set()),
        ("SELECT y, z, rank() OVER (PARTITION BY y ORDER BY sum(z)) AS s FROM t GROUP BY y, z", {"y"}),
        ("SELECT y, z, sum(sum(z)) OVER (PARTITION BY y, z) AS s FROM t GROUP BY y", {"y"}),
    ],
)  # fmt: skip
def test_the_aggregate_of_a_window_leaves_rows_as_they_are(sql: str, passed: set[str]) -> None:
    columns = output_columns(parse_one(sql, dialect="duckdb"))
    assert {name for name, inner in columns.items() if inner is not None} == passed
