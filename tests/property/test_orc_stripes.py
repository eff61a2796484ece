"""Over ORC files of many stripes: pruned answers are the answers over all rows, and an estimate is what is read."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.orc as orc
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.lake import Lake
from tests.property.test_answers_are_equal import rows_of

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("small", pa.int16()),
        ("f", pa.float64()),
        ("s", pa.string()),
        ("d", pa.date32()),
        ("m", pa.decimal128(12, 2)),
        ("ts", pa.timestamp("us")),
        ("z", pa.timestamp("us", "UTC")),
        ("r", pa.struct([("x", pa.int64()), ("t", pa.string())])),
        ("l", pa.list_(pa.int64())),
        ("late", pa.string()),
    ]
)
COLUMNS = ("k", *SCHEMA.names, "r.x")
FIRST = dt.datetime(1969, 12, 30)
ROWS, STRIPE_ROWS = 300, 20


def make_rows(k: int) -> list[dict[str, Any]]:
    """Rows in runs, so that stripes have bounds that tell; some stripes without a value, or with NaN first."""
    drawn = random.Random(k)
    rows = []
    for i in range(ROWS):
        n, stripe = i + k * 100, i // STRIPE_ROWS
        row: dict[str, Any] = {
            "id": n,
            "small": n // 50,
            "f": float("nan") if stripe == 3 and i % STRIPE_ROWS == 0 else n / 4,
            "s": f"{chr(97 + n // 30)}{n % 10}" + "é" * (n % 3),
            "d": (FIRST + dt.timedelta(days=n // 20)).date(),
            "m": Decimal(n - 150) / 4,
            "ts": FIRST + dt.timedelta(hours=n, microseconds=n),
            "z": (FIRST + dt.timedelta(hours=n)).replace(tzinfo=dt.UTC),
            "r": {"x": n, "t": f"t{n % 7}"},
            "l": [n] * (n % 3),
            "late": f"v{n % 5}" if k == 2 else None,
        }
        for name in SCHEMA.names:
            if stripe == 5 or drawn.random() < 0.05:
                row[name] = None
        rows.append(row)
    return rows


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    root = tmp_path_factory.mktemp("lake")
    for k in range(3):
        table = pa.Table.from_pylist(make_rows(k), schema=SCHEMA)
        if k < 2:  # a column that came later
            table = table.drop_columns(["late"])
        folder = root / "t" / f"k={k}"
        folder.mkdir(parents=True)
        orc.write_table(table, str(folder / "f.orc"), stripe_size=1, batch_size=STRIPE_ROWS)
    with lakeq.connect(root) as opened:
        yield opened


@pytest.fixture(scope="module")
def plain() -> Iterator[duckdb.DuckDBPyConnection]:
    tables = [pa.Table.from_pylist(make_rows(k), schema=SCHEMA) for k in range(3)]
    keyed = [
        table.append_column("k", pa.array([k] * table.num_rows, pa.int64())) for k, table in enumerate(tables)
    ]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", pa.concat_tables(keyed))
        connection.execute("CREATE TABLE t AS SELECT * FROM rows")
        yield connection


VALUES = {
    "k": ["1", "2", "3"],
    "id": ["10", "140", "250.5", "k * 100", "-1", "1000"],
    "small": ["2", "5", "'3'"],
    "f": ["20", "30.25", "'nan'::DOUBLE", "1e9", "-1"],
    "s": ["'d'", "'f3é'", "'zz'", "''", "'é'"],
    "d": ["DATE '1970-01-01'", "'1969-12-31'", "DATE '2000-01-01'"],
    "m": ["0", "-12.25", "12.5", "100"],
    "ts": ["'1970-01-01'", "TIMESTAMP '1970-01-05 03:00:00'", "DATE '1969-12-31'", "'1969-12-30 00:00:00'"],
    "ts::DATE": ["DATE '1970-01-02'", "d"],
    "z": ["TIMESTAMPTZ '1970-01-03 00:00:00+00'", "TIMESTAMPTZ '1969-12-31 10:00:00+00'"],
    "r.x": ["17", "200", "id"],
    "r.t": ["'t1'", "'u'"],
    "late": ["'v1'", "'w'"],
}
comparisons = st.sampled_from(sorted(VALUES)).flatmap(
    lambda left: st.builds(
        lambda op, right: f"{left} {op} {right}",
        st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "IS NOT DISTINCT FROM", "IS DISTINCT FROM"]),
        st.sampled_from(VALUES[left]),
    )
)
OTHERS = [
    "id IS NULL", "s IS NOT NULL", "r IS NULL", "r.x IS NULL", "late IS NULL", "l IS NULL", "s LIKE 'c%'",
    "id BETWEEN 100 AND 130", "id NOT BETWEEN 5 AND 290", "id IN (1, 299, NULL)", "isnan(f)",
    "date_trunc('day', ts) = '1970-01-01'", "year(d) = 1969", "len(l) > 1", "m IN (0, 1.25)",
]  # fmt: skip
conditions = st.recursive(
    comparisons | st.sampled_from(OTHERS),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: f"(({p[0]}) AND ({p[1]}))"),
        st.tuples(inner, inner).map(lambda p: f"(({p[0]}) OR ({p[1]}))"),
        inner.map(lambda c: f"(NOT ({c}))"),
    ),
    max_leaves=3,
)
columns = st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3, unique=True).map(", ".join)
SELECTS = [
    "SELECT {columns} FROM t WHERE {c}",
    "SELECT count(*) FROM t WHERE {c}",
    "SELECT k, count(*), max({first}) FROM t WHERE {c} GROUP BY k",
    "SELECT * FROM t WHERE {c}",
]
JOINS = [
    "WITH c AS (SELECT * FROM t WHERE {c}) SELECT a.id, b.s FROM c a JOIN c b USING (k, id)",
    "SELECT id, (SELECT count(*) FROM t i WHERE i.id = o.id) FROM t o WHERE {c}",
    "SELECT s FROM t WHERE {c} UNION ALL SELECT s FROM t WHERE k = 1",
]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(template=st.sampled_from(SELECTS), chosen=columns, condition=conditions)
def test_answers_are_those_over_all_rows_and_estimates_are_what_is_read(
    lake: Lake, plain: duckdb.DuckDBPyConnection, template: str, chosen: str, condition: str
) -> None:
    sql = template.format(columns=chosen, first=chosen.split(",")[0], c=condition)
    try:
        expected = plain.sql(sql).to_arrow_table()
    except duckdb.Error:
        assume(False)
        return
    estimate = lake.estimate(sql)
    result = lake.sql(sql)
    assert rows_of(result.arrow()) == rows_of(expected), sql
    assert estimate.accuracy == "exact"
    assert result.stats.bytes_scanned <= estimate.bytes_scanned, sql


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(template=st.sampled_from(JOINS), condition=conditions)
def test_stripes_kept_for_one_reference_do_not_fail_another(
    lake: Lake, plain: duckdb.DuckDBPyConnection, template: str, condition: str
) -> None:
    sql = template.format(c=condition)
    try:
        expected = plain.sql(sql).to_arrow_table()
    except duckdb.Error:
        assume(False)
        return
    assert rows_of(lake.sql(sql).arrow()) == rows_of(expected), sql


@pytest.mark.parametrize(
    ("sql", "stripes"),
    [
        ("SELECT sum(f), max(s) FROM t WHERE id < 40", 2),
        ("SELECT sum(r.x) FROM t WHERE k = 1 AND id >= 300", 5),
        ("SELECT max(m) FROM t WHERE d = DATE '1970-01-01'", 1),
        ("SELECT max(s) FROM t WHERE ts > '1970-01-18 12:00:00'", 2),
        ("SELECT max(id) FROM t WHERE s IS NULL AND id IS NULL", None),
        ("SELECT k, count(*) FROM t GROUP BY k", 42),
        ("SELECT l FROM t WHERE s LIKE 'c%'", None),
        ("SELECT * FROM t WHERE small = 7", None),
    ],
)
def test_an_estimate_is_the_bytes_that_the_query_reads(lake: Lake, sql: str, stripes: int | None) -> None:
    estimate, result = lake.estimate(sql), lake.sql(sql)
    result.fetchall()
    (kept,) = estimate.scans
    assert kept.row_groups_total == 42
    assert stripes is None or kept.row_groups == stripes
    assert result.stats.bytes_scanned == estimate.bytes_scanned
    assert result.stats.bytes_scanned < lake.estimate("SELECT * FROM t").bytes_scanned


def test_a_file_whose_footers_cannot_be_read_is_read_and_estimated_as_at_most_all_of_it(
    tmp_path: Path,
) -> None:
    stored = Path(__file__).parents[1] / "data/orc/TestVectorOrcFile.testLzo.orc"
    (tmp_path / "t").mkdir()
    shutil.copy(stored, tmp_path / "t/f.orc")
    sql = "SELECT count(x), min(y), max(y) FROM t WHERE y >= 9000"
    with lakeq.connect(tmp_path) as lake:
        estimate, result = lake.estimate(sql), lake.sql(sql)
        assert result.fetchall() == [(1000, 9000, 9999)]
        assert (estimate.accuracy, estimate.low) == ("upper_bound", 0)
        assert str(estimate).startswith("1 of 1 partitions, 1 of 1 files, at most ")
        assert 0 < result.stats.bytes_scanned <= estimate.bytes_scanned
        assert lake.estimate("SELECT count(*) FROM t").bytes_scanned == 0
