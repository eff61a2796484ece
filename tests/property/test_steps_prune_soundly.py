"""What holds for the rows of a derived table prunes what it is joined to, and takes nothing from the answer."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.lake import Lake
from tests.property.lakes import plain_table, write_lake

KEYS = [
    "year = 2026", "month = 11", "year < 2026", "month IN (1, 11)", "contains([2, 11], month)", "year IS NOT NULL", "TRUE",
    "NOT contains([2026], year)", "(year = 2025 OR month = 2)",
]  # fmt: skip
DATA = [*KEYS, "x > 110", "contains([12, 120], x)", "s IS NULL", "NOT contains([12, 120, 121], x)"]
STEPS = [
    "SELECT year AS y, month AS m, x FROM {t} WHERE {c}",
    "SELECT y, m, x FROM (SELECT year AS y, month AS m, x, s FROM {t} WHERE {k}) WHERE x > 5 AND y > 2024",
    "SELECT year AS y, month AS m, max(x) AS x FROM {t} WHERE {c} GROUP BY year, month",
    "SELECT year AS y, month AS m, sum(x) AS x FROM {t} WHERE {k} GROUP BY ROLLUP (year, month)",
    "SELECT year AS y, month AS m, count(*) AS x FROM {t} WHERE {k} GROUP BY ALL",
    "SELECT DISTINCT year AS y, month AS m, 1 AS x FROM {t} WHERE {c}",
    "SELECT year AS y, month AS m, x FROM {t} WHERE {k} ORDER BY ts LIMIT 40",
    "SELECT a.year AS y, a.month AS m, b.x FROM {t} a LEFT JOIN (SELECT * FROM {t} WHERE {c}) b ON a.ts = b.ts",
    "SELECT b.year AS y, b.month AS m, a.x FROM {t} a LEFT JOIN (SELECT * FROM {t} WHERE {k}) b ON a.ts = b.ts",
    "SELECT b.year AS y, a.month AS m, a.x FROM (SELECT * FROM {t} WHERE {k}) b RIGHT JOIN {t} a ON a.ts = b.ts",
    "SELECT year AS y, month AS m, x FROM {t} WHERE {k} UNION ALL SELECT 2025, 1, 7",
    "SELECT month AS y, year AS m, x FROM {t} WHERE {k}",
    "SELECT year + 0 AS y, month AS m, x FROM {t} WHERE {c}",
    "SELECT year AS y, month AS m, sum(x) OVER (PARTITION BY year) AS x FROM {t} WHERE {k}",
]
JOINS = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN"]
step = st.tuples(st.sampled_from(STEPS), st.sampled_from(DATA), st.sampled_from(KEYS)).map(
    lambda drawn: drawn[0].replace("{c}", drawn[1]).replace("{k}", drawn[2])
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    root = tmp_path_factory.mktemp("lake")
    write_lake(root)
    with lakeq.connect(root) as opened:
        yield opened


@pytest.fixture(scope="module")
def plain() -> Iterator[duckdb.DuckDBPyConnection]:
    with plain_table() as connection:
        yield connection


def in_order(table: pa.Table) -> list[str]:
    return sorted(repr(tuple(row.values())) for row in table.to_pylist())


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=st.tuples(step, step),
    join=st.sampled_from(JOINS),
    on=st.sampled_from(["a.y = b.y", "b.y = a.y AND a.m = b.m", "a.m = b.m AND a.x = b.x"]),
    where=st.sampled_from(["", " WHERE a.y = 2026", " WHERE a.m <> 11"]),
)
def test_joins_of_derived_tables_answer_as_over_all_rows(
    lake: Lake, plain: duckdb.DuckDBPyConnection, steps: tuple[str, str], join: str, on: str, where: str
) -> None:
    sql = f"WITH a AS ({steps[0]}), b AS ({steps[1]}) SELECT a.y, a.m, a.x FROM a {join} b ON {on}{where}"
    expected = plain.sql(sql.replace("{t}", "t")).to_arrow_table()
    assert in_order(lake.sql(sql.replace("{t}", "hive")).arrow()) == in_order(expected), sql
