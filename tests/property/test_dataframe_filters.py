"""Any condition, as an expression of a DataFrame and as SQL: the same plan and the same rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import narwhals as nw
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lakeq
from lakeq import DataFrame, Lake, col, lit
from tests.dataframe_lake import what_is_read, write_lake

Condition = tuple[nw.Expr, str]

VALUES: dict[str, list[Any]] = {
    "year": [2025, 2026, 2027],
    "month": [1, 2, 3, 12],
    "day": [1, 2, 15, 31],
    "id": [1100, 1115, 2203, 3529, 13129],
    "user_id": [0, 5, 10],
    "amount": [137.5, 150.25, 441.125],
    "name": ["a_10", "b_2", "c_153", "it's"],
    "ts": [dt.datetime(2026, 1, 15, 3, 3), dt.datetime(2026, 2, 1), dt.datetime(2026, 3, 2, 23, 23)],
}
OPERATORS: dict[str, Callable[[nw.Expr, Any], nw.Expr]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def write(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return f"TIMESTAMP '{value}'"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def compare(name: str, operator: str, value: Any) -> Condition:
    return OPERATORS[operator](col(name), lit(value)), f"{name} {operator} {write(value)}"


def is_in(name: str, values: list[Any]) -> Condition:
    return col(name).is_in(values), f"{name} IN ({', '.join(map(write, values))})"


def is_between(name: str, low: Any, high: Any) -> Condition:
    return col(name).is_between(lit(low), lit(high)), f"{name} BETWEEN {write(low)} AND {write(high)}"


def on(make: Callable[..., Condition], *arguments: Callable[[list[Any]], st.SearchStrategy[Any]]) -> Any:
    """Conditions that `make` builds of a column and of what `arguments` draw from its values."""
    return st.sampled_from(sorted(VALUES)).flatmap(
        lambda name: st.builds(make, st.just(name), *(draw(VALUES[name]) for draw in arguments))
    )


def some(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3)


leaves = st.one_of(
    on(compare, lambda _: st.sampled_from(sorted(OPERATORS)), st.sampled_from),
    on(is_in, some),
    on(is_between, st.sampled_from, st.sampled_from),
    st.sampled_from(sorted(VALUES)).map(lambda name: (col(name).is_null(), f"{name} IS NULL")),
    st.sampled_from(
        [
            (col("s").struct.field("a") == 3, "s.a = 3"),
            (col("s").struct.field("b").struct.field("c") == "c2", "s.b.c = 'c2'"),
            (col("name").str.starts_with("a_1"), "starts_with(name, 'a_1')"),
            (col("ts").dt.year() == 2026, "year(ts) = 2026"),
            (col("day") > col("month"), "day > month"),
            (col("amount").fill_null(0.0) < 140, "coalesce(amount, 0.0) < 140"),
        ]
    ),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: (p[0][0] & p[1][0], f"({p[0][1]} AND {p[1][1]})")),
        st.tuples(inner, inner).map(lambda p: (p[0][0] | p[1][0], f"({p[0][1]} OR {p[1][1]})")),
        inner.map(lambda c: (~c[0], f"(NOT {c[1]})")),
    ),
    max_leaves=5,
)

SHAPES: list[tuple[Callable[[Lake, nw.Expr], DataFrame], str]] = [
    (lambda lake, c: lake.table("events").filter(c).select("id"), "SELECT id FROM events WHERE {c}"),
    (
        lambda lake, c: lake.table("events").with_columns(n=col("id") + 1).filter(c).select("n", "month"),
        "SELECT id + 1 AS n, month FROM events WHERE {c}",
    ),
    (
        lambda lake, c: lake.table("events").rename({"id": "i"}).rename({"i": "id"}).filter(c).select("id"),
        "SELECT id FROM events WHERE {c}",
    ),
    (
        lambda lake, c: lake.sql("SELECT * FROM events WHERE month < ?", [3]).lazy().filter(c).select("id"),
        "SELECT id FROM events WHERE month < 3 AND {c}",
    ),
    (
        lambda lake, c: lake.table("events").filter(c).group_by("month").agg(n=col("id").max()),
        "SELECT month, max(id) AS n FROM events WHERE {c} GROUP BY month",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    root = tmp_path_factory.mktemp("lake")
    write_lake(root)
    with lakeq.connect(root, history=False) as opened:
        yield opened


def in_order(table: pa.Table) -> list[str]:
    return sorted(repr(tuple(row.values())) for row in table.to_pylist())


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(condition=conditions, shape=st.sampled_from(SHAPES))
def test_any_condition_has_the_plan_and_the_rows_of_its_sql(
    lake: Lake, condition: Condition, shape: tuple[Callable[[Lake, nw.Expr], DataFrame], str]
) -> None:
    expression, text = condition
    make, template = shape
    frame, sql = make(lake, expression), template.replace("{c}", text)
    assert what_is_read(frame.plan()) == what_is_read(lake.plan(sql)), f"{frame.sql()}\n{sql}"
    assert in_order(frame.collect()) == in_order(lake.sql(sql).arrow())


KEYS = ["id", "user_id", "name", "ts", "month"]


@settings(max_examples=15)
@given(
    shares=st.lists(st.integers(1, 97), min_size=1, max_size=5),
    whole=st.booleans(),
    key=st.sampled_from(KEYS),
    condition=conditions,
)
def test_parts_of_a_split_are_disjoint_and_complete_when_shares_sum_to_one(
    lake: Lake, shares: list[int], whole: bool, key: str, condition: Condition
) -> None:
    total = sum(shares) if whole else sum(shares) + 7
    frame = lake.table("events").filter(condition[0])
    parts = frame.split(key=key, **{f"part{n}": share / total for n, share in enumerate(shares)})
    collected = [part.select(*{"id": 0, key: 0}).collect().to_pylist() for part in parts.values()]
    ids = [row["id"] for rows in collected for row in rows]
    assert len(ids) == len(set(ids))
    every = frame.select("id").collect()["id"].to_pylist()
    assert set(ids) <= set(every) and (not whole or len(ids) == len(every))
    for rows in collected[1:]:
        assert all(row[key] is not None for row in rows)
    keys = [{row[key] for row in rows} for rows in collected]
    assert sum(map(len, keys)) == len(set().union(*keys))


def test_a_split_reads_what_the_frame_would(lake: Lake) -> None:
    frame = lake.table("events").filter(month=1)
    for part in frame.split(train=0.8, test=0.2, key="id").values():
        assert what_is_read(part.plan()) == what_is_read(frame.plan())
    for part in lake.table("events").split(train=0.8, test=0.2, key="id").values():
        assert what_is_read(part.filter(month=1).plan()) == what_is_read(frame.plan())
