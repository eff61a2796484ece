"""A condition on the column of a UNION, whose queries give it in types of their own, takes nothing from the answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.lake import Lake

ROWS = {
    "big": pa.array([2**53, 2**53 + 1, 2**53 + 2, 7, None]),
    "small": pa.array([1, 7, -3, None, 5], pa.int32()),
    "f": pa.array([2.0**53, 7.5, 0.1, float("nan"), None]),
    "g": pa.array([0.1, 7.5, 2.0, None, 5.0], pa.float32()),
    "d": pa.array([dt.date(2026, 1, 1), dt.date(2026, 1, 2), dt.date(2025, 12, 31), None, dt.date(2026, 1, 1)]),
    "ts": pa.array([dt.datetime(2026, 1, 1, 12), dt.datetime(2026, 1, 1), None, dt.datetime(2025, 1, 1), dt.datetime(2026, 1, 2)], pa.timestamp("us")),
    "s": pa.array(["7", "10", "2026-01-01", None, "9007199254740993"]),
    "k": pa.array([2**53, 2**53 + 1, 7, 10, 0]),
    "day": pa.array([dt.date(2026, 1, 1), dt.date(2026, 1, 2), dt.date(2025, 12, 31), dt.date(2026, 1, 1), dt.date(2026, 1, 1)]),
}  # fmt: skip
NUMBERS = [
    "big",
    "small",
    "f",
    "g",
    "k",
    "2.5::DOUBLE",
    "7",
    "1.5",
    "NULL",
    "big + 1",
    "k / 2",
    "small::DOUBLE",
    "max(k)",
]
TIMES = ["d", "ts", "day", "TIMESTAMP '2026-01-01 12:00:00'", "DATE '2026-01-01'", "NULL", "d + INTERVAL 12 HOUR", "date_trunc('day', ts)"]  # fmt: skip
TEXTS = ["s", "'7'", "k", "day", "small", "NULL", "lower(s)", "big::VARCHAR"]
VALUES = {
    "number": ["9007199254740992", "9007199254740993", "9007199254740993::DOUBLE", "7", "7.5", "0.1", "5::FLOAT", "'7'"],
    "time": ["'2026-01-01 12:00:00'", "DATE '2026-01-01'", "'2026-01-01'", "TIMESTAMP '2026-01-01 00:00:00'"],
    "text": ["'3'", "'7'", "'2026-01-01'", "'9007199254740992'"],
}  # fmt: skip
CONDITIONS = [
    "c = {0}", "c <> {0}", "c < {0}", "c >= {0}", "c BETWEEN {0} AND {1}", "c NOT BETWEEN {0} AND {1}", "c IN ({0}, {1})", "NOT c IN ({0}, {1})", "c IS NULL",
    "coalesce(c = {0}, true)", "c::VARCHAR = {0}::VARCHAR", "typeof(c) = 'BIGINT'", "c IS DISTINCT FROM {0} AND c > {1}", "(c = {0} OR c IS NULL)",
]  # fmt: skip
FORMS = [
    "SELECT {0} AS c FROM t UNION ALL SELECT {1} FROM t",
    "SELECT {0} AS c FROM t UNION SELECT {1} FROM t",
    "SELECT {0} AS c FROM t UNION ALL SELECT {1} FROM t UNION ALL SELECT {2} FROM t",
    "SELECT {0} AS c FROM t UNION ALL (SELECT {1} FROM t UNION SELECT {2} FROM t)",
    "SELECT {0} AS c FROM t EXCEPT SELECT {1} FROM t",
    "SELECT {0} AS c FROM t INTERSECT SELECT {1} FROM t",
    "SELECT c FROM (SELECT {0} AS c FROM t) UNION ALL SELECT e FROM (SELECT {1} AS e FROM t)",
    "SELECT {0} AS c FROM t UNION ALL BY NAME SELECT {1} AS c FROM t",
]

unions = st.sampled_from([("number", NUMBERS), ("time", TIMES), ("text", TEXTS)]).flatmap(
    lambda kind: st.builds(
        lambda form, parts, condition, values: (
            f"SELECT c::VARCHAR, count(*) FROM ({form.format(*parts)}) WHERE {condition.format(*values)} GROUP BY c"
        ),
        st.sampled_from(FORMS),
        st.lists(st.sampled_from(kind[1]), min_size=3, max_size=3),
        st.sampled_from(CONDITIONS),
        st.lists(st.sampled_from(VALUES[kind[0]]), min_size=2, max_size=2),
    )
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lake, duckdb.DuckDBPyConnection]]:
    """A lake of one row a file, and its rows in DuckDB."""
    root: Path = tmp_path_factory.mktemp("unions")
    rows = pa.table(ROWS)
    for number in range(rows.num_rows):
        row = rows.slice(number, 1)
        folder = root / "t" / f"k={row['k'][0]}" / f"day={row['day'][0]}"
        folder.mkdir(parents=True)
        pq.write_table(row.drop_columns(["k", "day"]), folder / "a.parquet")
    with lakeq.connect(root, history=False) as opened, duckdb.connect() as plain:
        plain.register("rows", rows)
        plain.execute("CREATE TABLE t AS SELECT * FROM rows")
        yield opened, plain


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sql=unions)
def test_a_union_of_several_types_has_the_answer_of_all_rows(
    lake: tuple[Lake, duckdb.DuckDBPyConnection], sql: str
) -> None:
    opened, plain = lake
    try:
        expected = sorted(plain.execute(sql).fetchall(), key=str)
    except duckdb.Error:
        assume(False)
        return
    assert sorted(opened.sql(sql).fetchall(), key=str) == expected
