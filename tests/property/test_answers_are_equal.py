"""A query over the lake gives what it gives over all rows in a plain table, whatever the layout and format."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.lake import Lake
from tests.property.lakes import plain_table, write_lake

FORMATS = ["hive", "padded", "placed", "striped", "orcs", "csvs", "jsons"]
COLUMNS = {
    "year": ["2025", "2026", "'2026'", "2025.5", "NULL", "x"],
    "month": ["1", "2", "'02'", "'11'", "day", "NULL"],
    "day": ["1", "28", "month"],
    "x": ["10", "120", "year - 2000", "f", "NULL"],
    "f": ["3", "30.25", "x"],
    "s": ["'a5'", "'b'", "lower(s)"],
    "ts": ["TIMESTAMP '2026-02-01 00:00:00'", "make_date(year, month, day)", "'2025-11-28'"],
    "make_date(year, month, day)": ["DATE '2026-01-28'", "ts::DATE", "'2025-02-01'"],
    "year * 100 + month": ["202602", "202511"],
    "lpad(month::TEXT, 2, '0')": ["'02'", "'11'"],
}
EXTRA = [
    "year IN (2025, NULL)", "month NOT IN (1, 2)", "day BETWEEN 1 AND 2", "s LIKE 'a%'", "x IS NULL", "f IS NOT NULL", "year IS NULL",
    "coalesce(x, 0) = 0", "month % 2 = 1", "x IN (1, 110, NULL)", "CASE WHEN year = 2025 THEN month = 1 ELSE x > 120 END", "FALSE",
]  # fmt: skip
comparison = st.sampled_from(sorted(COLUMNS)).flatmap(
    lambda left: st.builds(
        lambda op, right: f"{left} {op} {right}",
        st.sampled_from(["=", "<>", "<", ">=", "IS NOT DISTINCT FROM"]),
        st.sampled_from(COLUMNS[left]),
    )
)
conditions = st.recursive(
    comparison | st.sampled_from(EXTRA),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: f"(({p[0]}) AND ({p[1]}))"),
        st.tuples(inner, inner).map(lambda p: f"(({p[0]}) OR ({p[1]}))"),
        inner.map(lambda c: f"(NOT ({c}))"),
    ),
    max_leaves=4,
)
QUERIES = [
    "SELECT * FROM {t} WHERE {c}",
    "SELECT count(*), sum(x), min(s) FROM {t} WHERE {c}",
    "SELECT year, month, count(*), sum(f) FROM {t} WHERE {c} GROUP BY ALL HAVING {k}",
    "SELECT DISTINCT year, day FROM {t} WHERE {k}",
    "SELECT max(day), min(month), count(DISTINCT year) FROM {t} WHERE {k}",
    "WITH c AS (SELECT * FROM {t}) SELECT a.x, b.s FROM c a JOIN c b ON a.x = b.x AND a.year = b.year WHERE a.{k1} AND b.{k2}",
    "SELECT a.x, b.x FROM {t} a LEFT JOIN (SELECT * FROM {t} WHERE {c}) b ON a.ts = b.ts AND b.{k1} WHERE a.{k2}",
    "SELECT a.x, b.x FROM {t} a RIGHT JOIN {t} b ON a.ts = b.ts AND a.{k1} WHERE b.{k2}",
    "SELECT a.x, b.x FROM {t} a FULL JOIN (SELECT * FROM {t} WHERE {c}) b ON a.ts = b.ts AND a.{k1} WHERE b.{k2}",
    "SELECT a.x FROM {t} a SEMI JOIN {t} b ON a.day = b.day AND b.{k1} WHERE a.{k2}",
    "SELECT a.x FROM {t} a ANTI JOIN {t} b ON a.ts = b.ts AND b.{k1} WHERE a.{k2}",
    "SELECT x FROM {t} WHERE day IN (SELECT day FROM {t} WHERE {c}) AND {k}",
    "SELECT x FROM {t} o WHERE EXISTS (SELECT 1 FROM {t} i WHERE i.ts = o.ts AND i.{k1}) AND {k}",
    "SELECT * FROM (SELECT *, rank() OVER (PARTITION BY year, month ORDER BY ts) r FROM {t}) WHERE {k} AND r < 4",
    "SELECT * FROM (SELECT *, rank() OVER (ORDER BY ts) r FROM {t}) WHERE {c}",
    "SELECT * FROM (SELECT * FROM {t} ORDER BY ts LIMIT 60) WHERE {c}",
    "SELECT x FROM {t} WHERE {c} UNION ALL SELECT x FROM {t} WHERE {k}",
    "SELECT * FROM (SELECT x, year, month FROM {t} EXCEPT SELECT x, year, month FROM {t} WHERE {c}) WHERE {k}",
    "SELECT s FROM {t} WHERE {c} QUALIFY row_number() OVER (PARTITION BY year ORDER BY ts) = 1",
    "SELECT sum(x) FILTER (WHERE {c}), count(*) FROM {t} WHERE {k}",
    "SELECT a.x, b.x FROM {t} a JOIN {t} b USING (year, ts) WHERE year = 2026 AND {c2}",
]  # fmt: skip
KEY_CONDITIONS = ["year = 2026", "month = '02'", "day > 1", "year = 2025", "month IN (1, 11)", "year IS NULL"]


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


def rows_of(table: pa.Table) -> list[str]:
    """The rows in an order of their own, times in microseconds (ORC's are nanoseconds)."""
    kinds = [
        pa.timestamp("us") if pa.types.is_timestamp(field.type) else field.type for field in table.schema
    ]
    table = pa.table(
        [column.cast(kind) for column, kind in zip(table.columns, kinds, strict=True)], table.column_names
    )
    return sorted(repr(tuple(row.values())) for row in table.to_pylist())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    template=st.sampled_from(QUERIES),
    table=st.sampled_from(FORMATS),
    condition=conditions,
    keys=st.tuples(*[st.sampled_from(KEY_CONDITIONS)] * 3),
)
def test_the_answer_over_the_lake_is_the_answer_over_all_rows(
    lake: Lake,
    plain: duckdb.DuckDBPyConnection,
    template: str,
    table: str,
    condition: str,
    keys: tuple[str, str, str],
) -> None:
    names = {
        "c": condition,
        "k": keys[0],
        "k1": keys[1],
        "k2": keys[2],
        "c2": keys[0].replace("year", "a.year"),
    }
    names["c2"] = names["c2"].replace("month", "b.month").replace("day", "a.day")
    try:
        expected = rows_of(plain.sql(template.format(t="t", **names)).to_arrow_table())
    except duckdb.Error:
        assume(False)
        return
    sql = template.format(t=table, **names)
    assert rows_of(lake.sql(sql).arrow()) == expected, sql


@pytest.mark.parametrize("table", FORMATS)
def test_every_format_and_layout_is_read_whole_and_equal(
    lake: Lake, plain: duckdb.DuckDBPyConnection, table: str
) -> None:
    expected = plain.execute("SELECT * FROM t ORDER BY ts").fetchall()
    assert lake.sql(f"SELECT * FROM {table} ORDER BY ts").fetchall() == expected
    kept = lake.estimate(f"SELECT * FROM {table} WHERE year = 2026 AND month = '02'")
    assert (kept.files, kept.files_total, kept.partitions) == (2, 12, 2)
