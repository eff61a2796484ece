"""The condition that an engine is given is true of every partition kept, and changes no answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.engines.kept_partitions import tell_kept, tell_rows
from lakeq.engines.tables_there import name_tables
from lakeq.formats.base import Column

KEYS = {
    pa.int64(): st.integers(-3, 9),
    pa.string(): st.sampled_from(["", "a", "b", "it's", "2026"]),
    pa.date32(): st.dates(dt.date(2026, 2, 26), dt.date(2026, 3, 3)),
    pa.bool_(): st.booleans(),
}
YEAR, MONTH = Column("year", pa.int64()), Column("month", pa.int64())


@st.composite
def draw_partitions(
    draw: st.DrawFn,
) -> tuple[list[Column], list[tuple[Any, ...]], frozenset[tuple[Any, ...]]]:
    """Keys, the partitions that there are, and those kept."""
    kinds = draw(st.lists(st.sampled_from(list(KEYS)), min_size=1, max_size=3))
    keys = [Column(f'k"{i}', kind) for i, kind in enumerate(kinds)]
    values = st.tuples(*(st.none() | KEYS[kind] for kind in kinds))
    there = draw(st.lists(values, min_size=1, max_size=25, unique=True))
    return keys, there, frozenset(draw(st.lists(st.sampled_from(there), unique=True)))


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as opened:
        yield opened


def evaluate(
    connection: duckdb.DuckDBPyConnection, condition: str, keys: list[Column], rows: list[tuple[Any, ...]]
) -> set[tuple[Any, ...]]:
    columns = [pa.array([row[i] for row in rows], key.type) for i, key in enumerate(keys)]
    there = pa.table(columns, names=[key.name for key in keys])
    connection.register("there", there)
    return set(connection.sql(f"SELECT * FROM there WHERE {condition}").fetchall())


@settings(max_examples=25)
@given(draw_partitions(), st.integers(1, 40))
def test_no_partition_kept_is_left_out(connection: duckdb.DuckDBPyConnection, drawn: Any, most: int) -> None:
    keys, there, kept = drawn
    condition = tell_rows(kept, keys, most)
    if condition is not None:
        assert kept <= evaluate(connection, condition, keys, there)


@settings(max_examples=20)
@given(draw_partitions())
def test_no_other_is_kept_while_there_are_few(connection: duckdb.DuckDBPyConnection, drawn: Any) -> None:
    keys, there, kept = drawn
    condition = tell_rows(kept, keys)
    assert condition is not None
    plain = {tuple(None if value == "" else value for value in row) for row in kept}
    found = evaluate(connection, condition, keys, there)
    assert {tuple(None if value == "" else value for value in row) for row in found} <= plain


@pytest.mark.parametrize(
    ("rows", "condition"),
    [
        ([], "FALSE"),
        ([(2026, 3)], '"year" = 2026 AND "month" = 3'),
        ([(2026, 3), (2026, 4), (2026, 5)], '"year" = 2026 AND "month" BETWEEN 3 AND 5'),
        ([(2025, 1), (2026, 1), (2026, 9)], '("year" = 2025 AND "month" = 1 OR "year" = 2026 AND "month" IN (1, 9))'),
        ([(2026, None), (2026, 7)], '"year" = 2026 AND ("month" = 7 OR "month" IS NULL)'),
        ([(y, m) for y in (2024, 2025, 2026) for m in range(1, 13)], '"year" BETWEEN 2024 AND 2026 AND "month" BETWEEN 1 AND 12'),
    ],
)  # fmt: skip
def test_neighbours_are_a_range_and_others_a_list(rows: list[tuple[Any, ...]], condition: str) -> None:
    assert tell_rows(frozenset(rows), [YEAR, MONTH]) == condition


def test_too_many_values_are_told_by_the_coarser_keys_then_by_a_span() -> None:
    odd = frozenset((year, 2 * month) for year in (2025, 2026) for month in range(20))
    assert tell_rows(odd, [YEAR, MONTH], most=10) == '"year" IN (2025, 2026)'
    assert tell_rows(frozenset((2 * n,) for n in range(20)), [MONTH], most=10) == '"month" BETWEEN 0 AND 38'
    assert tell_rows(frozenset((str(n),) for n in range(20)), [Column("k", pa.string())], most=10) is None


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lakeq.Lake]:
    """Events by month and site, with declared times; a site is NULL, one a number's text."""
    root: Path = tmp_path_factory.mktemp("kept")
    for month in range(1, 13):
        for site in ("north", "it%27s", "7", "__HIVE_DEFAULT_PARTITION__")[: 1 + month % 4]:
            place = root / "events" / "year=2026" / f"month={month:02}" / f"site={site}"
            place.mkdir(parents=True)
            times = pa.array([dt.datetime(2026, month, day) for day in (1, 15, 28)], pa.timestamp("us"))
            pq.write_table(
                pa.table({"moment": times, "n": pa.array([month, 2 * month, 30], pa.int64())}),
                place / "a.parquet",
            )
    (root / "lakeq.toml").write_text('[tables.events.time]\ncolumn = "moment"\nfrom = ["year", "month"]\n')
    with lakeq.connect(root / "lakeq.toml", history=False) as opened:
        yield opened


CONDITIONS = st.sampled_from([
    "month > 3", "month IN (2, 7, 11)", "year * 100 + month < 202605", "site IS NULL", "site = 'it''s'", "site LIKE 'n%'",
    "moment < TIMESTAMP '2026-04-15'", "moment BETWEEN '2026-02-03' AND '2026-06-03'", "date_trunc('quarter', moment) = DATE '2026-07-01'",
    "n > 14", "make_date(year, month, 1) >= DATE '2026-10-01'", "coalesce(site, 'none') = 'none'", "month = 13", "length(site) = 5",
])  # fmt: skip


@settings(max_examples=12)
@given(st.lists(CONDITIONS, min_size=1, max_size=3), st.sampled_from([" AND ", " OR ", " AND NOT "]))
def test_with_it_the_answer_is_the_same(
    connection: duckdb.DuckDBPyConnection, lake: lakeq.Lake, conditions: list[str], joint: str
) -> None:
    where = joint.join(f"({condition})" for condition in conditions)
    everything = lake.sql("SELECT * FROM events").arrow()
    plan = lake.plan(f"SELECT * FROM events WHERE {where}")
    target = name_tables(plan.scans, lambda name: name)["events"]
    connection.register("events", everything)
    plain, told = (
        connection.sql(f"SELECT * FROM {name} WHERE {where}").fetchall() for name in ("events", target)
    )
    assert sorted(map(str, told)) == sorted(map(str, plain))


def test_the_declared_time_of_a_folder_is_told_as_its_keys(lake: lakeq.Lake) -> None:
    plan = lake.plan("SELECT n FROM events WHERE moment >= TIMESTAMP '2026-11-03'")
    condition = tell_kept(plan.scans)
    assert condition is not None
    assert '"month" = 11' in condition
    assert '"month" = 10' not in condition


def test_two_references_of_a_table_keep_the_partitions_of_both(lake: lakeq.Lake) -> None:
    plan = lake.plan("SELECT * FROM events a JOIN events b USING (n) WHERE a.month = 4 AND b.month = 8")
    assert tell_kept(plan.scans) == '"year" = 2026 AND "month" IN (4, 8) AND "site" = \'north\''


def test_where_all_are_kept_they_are_told_too(lake: lakeq.Lake) -> None:
    told = name_tables(lake.plan("SELECT * FROM events").scans, str.upper)["events"]
    assert told.startswith('(SELECT * FROM EVENTS WHERE "year" = 2026 AND ("month" ')
