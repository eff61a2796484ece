"""More conditions never cost more, fewer never less, and the parts of a whole cost at least the whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.lake import Lake
from tests.property.lakes import write_lake
from tests.property.test_answers_are_equal import KEY_CONDITIONS, conditions

TABLES = ["hive", "padded", "placed", "striped", "csvs"]
KEY_EXPRESSIONS = [*KEY_CONDITIONS, "year * 100 + month > 202511", "make_date(year, month, day) < DATE '2026-01-01'", "NULL", "day IN (1, NULL)"]  # fmt: skip
key_conditions = st.recursive(
    st.sampled_from(KEY_EXPRESSIONS),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: f"(({p[0]}) AND ({p[1]}))"),
        st.tuples(inner, inner).map(lambda p: f"(({p[0]}) OR ({p[1]}))"),
        inner.map(lambda c: f"(NOT ({c}))"),
    ),
    max_leaves=3,
)
few = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    root = tmp_path_factory.mktemp("lake")
    write_lake(root)
    with lakeq.connect(root, history=False) as opened:
        yield opened


def cost(lake: Lake, sql: str) -> tuple[int, int]:
    """Files and bytes: of all columns, so that a condition adds none."""
    estimate = lake.estimate(sql)
    return estimate.files, estimate.bytes_scanned


@few
@given(table=st.sampled_from(TABLES), first=conditions, second=conditions)
def test_and_never_raises_a_cost_and_or_never_lowers_one(
    lake: Lake, table: str, first: str, second: str
) -> None:
    select = f"SELECT * FROM {table} WHERE"
    alone = cost(lake, f"{select} ({first})")
    both = cost(lake, f"{select} ({first}) AND ({second})")
    either = cost(lake, f"{select} ({first}) OR ({second})")
    for less, more in ((both, alone), (alone, either)):
        assert less[0] <= more[0] and less[1] <= more[1], (first, second, both, alone, either)


@few
@given(table=st.sampled_from(TABLES), condition=conditions | key_conditions)
def test_the_parts_of_a_table_cost_at_least_the_table(lake: Lake, table: str, condition: str) -> None:
    whole = cost(lake, f"SELECT * FROM {table}")
    tests = (f"{condition}", f"NOT ({condition})", f"({condition}) IS NULL")
    parts = [cost(lake, f"SELECT * FROM {table} WHERE {test}") for test in tests]
    assert sum(files for files, _ in parts) >= whole[0], condition
    assert sum(size for _, size in parts) >= whole[1], condition


@few
@given(table=st.sampled_from(TABLES), condition=key_conditions)
def test_the_parts_by_keys_alone_cost_just_the_table(lake: Lake, table: str, condition: str) -> None:
    tests = (f"{condition}", f"NOT ({condition})", f"({condition}) IS NULL")
    parts = [cost(lake, f"SELECT * FROM {table} WHERE {test}") for test in tests]
    sums = sum(files for files, _ in parts), sum(size for _, size in parts)
    assert sums == cost(lake, f"SELECT * FROM {table}"), condition


@few
@given(
    table=st.sampled_from(TABLES),
    key=st.sampled_from(KEY_CONDITIONS),
    kind=st.sampled_from(["", "LEFT ", "SEMI "]),
)
def test_a_key_condition_on_both_sides_of_a_join_never_raises_a_cost(
    lake: Lake, table: str, key: str, kind: str
) -> None:
    join = f"SELECT a.* FROM {table} a {kind}JOIN {table} b ON a.ts = b.ts"
    filtered = f"SELECT a.* FROM (SELECT * FROM {table} WHERE {key}) a {kind}JOIN (SELECT * FROM {table} WHERE {key}) b ON a.ts = b.ts"
    (files, size), (most_files, most_size) = cost(lake, filtered), cost(lake, join)
    assert files <= most_files and size <= most_size
