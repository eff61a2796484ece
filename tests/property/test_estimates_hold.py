"""What a query reads lies between the `low` and the `high` of its estimate, whatever the query."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.engines.needs import FOOTER_BYTES
from lakeq.errors import BudgetExceededError, LakeqError
from lakeq.lake import Lake
from tests.property.lakes import make
from tests.property.test_answers_are_equal import KEY_CONDITIONS, QUERIES, conditions

FORMATS = ["hive", "csvs"]
ROWS, GROUP = 12_000, 4_000
LARGEST_CHUNK = 73_000
SMALL_CHUNK = 60_000
PLAIN = [
    "SELECT * FROM {t} WHERE {k}",
    "SELECT x, s AS name FROM {t} WHERE {k1} OR {k2} ORDER BY ts DESC",
    "SELECT DISTINCT s, year FROM {t}",
    "SELECT year, sum(x), avg(f) FROM {t} WHERE {k} GROUP BY year ORDER BY 1",
    "SELECT sum(x) FROM {t} o WHERE NOT ({k})",
    "SELECT sum(f) FROM {t} GROUP BY s, month",
]
LESS = [
    "SELECT x FROM {t} LIMIT 1",
    "SELECT x, s FROM {t} ORDER BY ts LIMIT 2",
    "SELECT count(s), max(ts) FROM {t} WHERE {k}",
    "SELECT x FROM {t} WHERE {c} AND x = -1",
    "SELECT CASE WHEN FALSE THEN s END, coalesce(1, x) FROM {t}",
    "SELECT x FROM {t} WHERE {k} AND day < 0",
    "SELECT x FROM {t} a JOIN (SELECT -1 AS v) b ON a.x = b.v",
    "SELECT x FROM {t} USING SAMPLE 1 ROWS",
    "WITH c AS (SELECT x, s FROM {t}) SELECT x FROM c UNION ALL SELECT x FROM c",
    "WITH c AS (SELECT x FROM {t}) SELECT s FROM {t}",
]

CORRELATED = [
    "EXISTS (SELECT 1 FROM {t} b WHERE b.{j} < a.{i} AND b.x < 0)",
    "EXISTS (SELECT 1 FROM {t} b WHERE b.{j} = a.{i} AND b.day > 1)",
    "(SELECT CASE WHEN a.{i} IS NOT NULL THEN 1 END) = 1",
    "(SELECT max(b.{j}) FROM {t} b WHERE b.year = a.year AND b.x > a.x) IS NULL",
    "a.{i} NOT IN (SELECT a.{j} WHERE a.x < 0)",
    "EXISTS (SELECT a.{i} INTERSECT SELECT a.{i})",
    "list_contains([a.{i}], a.{i})",
]
"""Conditions on the rows of a; `i` and `j` are columns of one type."""
AROUND = [
    "SELECT {h} FROM {t} a WHERE {q}",
    "SELECT {h} FROM {t} a WHERE {k} AND {q} AND x > 3",
    "SELECT count(*) FROM (SELECT {h} FROM {t} a WHERE {q})",
    "SELECT count(*) FROM (SELECT x, s, (SELECT a.ts) AS e FROM {t} a WHERE {q}) WHERE x > 2",
    "WITH c AS (SELECT * FROM {t}) SELECT {h} FROM c a WHERE {q}",
    "WITH c AS (SELECT x, year FROM {t} a WHERE {q}) SELECT (SELECT count(*) FROM c), max(x) FROM c",
    "SELECT {h} FROM {t} a JOIN (SELECT 2025 AS v) b ON a.year = b.v AND {q}",
    "SELECT count(*) FROM (SELECT 1 AS v) b LEFT JOIN {t} a ON {q}",
    "SELECT {h} FROM {t} a, LATERAL (SELECT a.x + 1 AS e) b WHERE {q}",
    "SELECT count(*) FROM {t} a, LATERAL (SELECT b.v FROM (SELECT 3 AS v) b WHERE b.v < a.x) c",
    "SELECT EXISTS (SELECT x FROM {t} a WHERE {q})",
    "SELECT x FROM (SELECT x FROM {t} a WHERE {q} UNION ALL SELECT x FROM {t})",
]
HEADS = [
    "count(*)",
    "1",
    "count(s)",
    "max(x)",
    "(SELECT a.f)",
    "CASE WHEN false THEN s END",
    "row_number() OVER ()",
]


def write_large_files(root: Path) -> None:
    """Values that do not compress, so that no column is small enough for an engine to read over it."""
    rng = np.random.default_rng(7)
    for year, month, day in [(2025, 1, 1), (2025, 11, 28), (2026, 2, 1), (2026, 1, 28)]:
        values = np.sort(rng.integers(0, 2**40, ROWS))
        table = pa.table(
            {
                "x": values,
                "f": rng.uniform(0, 1, ROWS),
                "s": [f"a{value:x}" for value in rng.integers(0, 2**62, ROWS)],
                "ts": pa.array(rng.integers(0, 2**50, ROWS), pa.timestamp("us")),
            }
        )
        folder = f"year={year}/month={month:02}/day={day}"
        pq.write_table(table, make(root / "hive" / folder / "f.parquet"), row_group_size=GROUP)
        pyarrow.csv.write_csv(table.slice(0, 1_000), make(root / "csvs" / folder / "f.csv"))


@pytest.fixture(scope="module")
def small_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Few rows, so that rows may be compared with rows; nearly all of its bytes are those of `pad`."""
    root = tmp_path_factory.mktemp("small")
    rng = np.random.default_rng(5)
    for year, month, day in [(2025, 1, 1), (2026, 2, 1)]:
        table = pa.table(
            {
                "x": np.sort(rng.integers(0, 2**40, 200)),
                "f": rng.uniform(0, 1, 200),
                "s": [rng.bytes(150).hex() for _ in range(200)],
                "pad": [rng.bytes(3_000).hex() for _ in range(200)],
                "ts": pa.array(rng.integers(0, 2**50, 200), pa.timestamp("us")),
            }
        )
        folder = f"year={year}/month={month:02}/day={day}"
        pq.write_table(table, make(root / "hive" / folder / "f.parquet"))
    with lakeq.connect(root, history=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    root = tmp_path_factory.mktemp("lake")
    write_large_files(root)
    with lakeq.connect(root) as opened:
        yield opened


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    template=st.sampled_from([*PLAIN, *LESS]) | st.sampled_from(QUERIES),
    table=st.sampled_from(FORMATS),
    condition=conditions,
    keys=st.tuples(*[st.sampled_from(KEY_CONDITIONS)] * 3),
)
def test_what_is_read_lies_between_low_and_high(
    lake: Lake, template: str, table: str, condition: str, keys: tuple[str, str, str]
) -> None:
    sql = template.format(t=table, c=condition, k=keys[0], k1=keys[1], k2=keys[2], c2=condition)
    try:
        result = lake.sql(sql)
        result.arrow()
    except LakeqError:
        return
    estimate, read = result.estimate, result.stats.bytes_scanned
    # DuckDB reads over the few bytes between two columns; where it reads a file twice, its footer again; and
    # now and then, as threads happen to meet, a column chunk twice.
    most = 1.01 * estimate.high + estimate.files * (FOOTER_BYTES + LARGEST_CHUNK)
    assert 0.99 * estimate.low <= read <= most, (sql, estimate.low, read, estimate.high)


@pytest.mark.parametrize("template", PLAIN)
@pytest.mark.parametrize("table", FORMATS)
def test_what_must_be_read_is_certain(lake: Lake, table: str, template: str) -> None:
    sql = template.format(t=table, k="year = 2026", k1="month = 1", k2="day > 1")
    estimate = lake.estimate(sql)
    assert estimate.low == estimate.bytes_scanned > 0


@pytest.mark.parametrize("template", LESS)
def test_what_may_do_with_less_promises_nothing(lake: Lake, template: str) -> None:
    sql = template.format(t="hive", c="x > 1", k="year = 2026")
    estimate = lake.estimate(sql)
    assert estimate.low == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    around=st.sampled_from(AROUND),
    head=st.sampled_from(HEADS),
    query=st.sampled_from(CORRELATED),
    pair=st.sampled_from([("x", "x"), ("f", "f"), ("year", "month"), ("s", "s")]),
    key=st.sampled_from(KEY_CONDITIONS),
    limit=st.floats(0.2, 1.2) | st.none(),
)
def test_a_correlated_query_reads_no_column_that_is_not_estimated(
    small_lake: Lake, around: str, head: str, query: str, pair: tuple[str, str], key: str, limit: float | None
) -> None:
    i, j = pair
    sql = around.format(t="hive", h=head, q=query.format(t="hive", i=i, j=j), k=key)
    estimate = small_lake.estimate(sql)
    slack = estimate.files * (FOOTER_BYTES + SMALL_CHUNK)
    try:
        result = small_lake.sql(sql, max_bytes=None if limit is None else int(estimate.high * limit))
        result.arrow()
    except BudgetExceededError:
        assert limit is not None
        return
    most = estimate.high if limit is None else min(estimate.high, estimate.high * limit)
    assert result.stats.bytes_scanned <= 1.01 * most + slack, (sql, result.stats.bytes_scanned, estimate.high)
