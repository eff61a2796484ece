"""Arithmetic on whole numbers, whatever it is made of, has the value that Trino's has."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.planner.dialects.translate import translate

Term = tuple[str, int]


def truncate(a: int, b: int) -> int:
    """Division that cuts off towards zero, as SQL's does."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def combine(parts: tuple[str, Term, Term]) -> Term:
    sign, (a_text, a), (b_text, b) = parts
    if sign in "/%" and b == 0:
        return a_text, a
    value = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: truncate(a, b),
        "%": lambda: a - b * truncate(a, b),
    }[sign]()
    return (f"({a_text} {sign} {b_text})", value) if abs(value) < 2**30 else (a_text, a)


LEAVES = st.integers(-50, 50).flatmap(
    lambda n: st.sampled_from(
        [
            (f"({n})", n),
            (f"abs({n})", abs(n)),
            (f"coalesce(NULL, {n})", n),
            (f"CAST('{n}' AS bigint)", n),
            (f"(CASE WHEN true THEN {n} ELSE 0 END)", n),
            (f"greatest({n}, {n - 1})", n),
            (f"(SELECT max(x) FROM (VALUES {n}, {n - 3}) AS t(x))", n),
        ]
    )
)
TERMS = st.recursive(
    LEAVES, lambda terms: st.tuples(st.sampled_from("+-*/%"), terms, terms).map(combine), max_leaves=6
)


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@given(term=TERMS)
def test_whole_numbers_are_divided_as_trino_divides_them(
    term: Term, connection: duckdb.DuckDBPyConnection
) -> None:
    text, value = term
    sql = translate(f"SELECT {text}", "trino", [], {}.__getitem__, {}).sql
    assert connection.execute(sql).fetchall() == [(value,)]
