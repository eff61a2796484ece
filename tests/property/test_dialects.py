"""Translation: arithmetic keeps its value, and no text whatever brings about anything but errors of ours."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakeq.errors import LakeqError
from lakeq.planner.dialects.translate import translate
from tests.planner.dialects.values import read_cases

EXPRESSIONS = [expression for _, expression, _ in read_cases()]

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


@settings(deadline=None)
@given(term=TERMS)
def test_whole_numbers_are_divided_as_trino_divides_them(
    term: Term, connection: duckdb.DuckDBPyConnection
) -> None:
    text, value = term
    sql = translate(f"SELECT {text}", "trino", [], {}.__getitem__, {}).sql
    assert connection.execute(sql).fetchall() == [(value,)]


@settings(deadline=None)
@given(
    dialect=st.sampled_from(["athena", "spark", "bigquery"]),
    expression=st.sampled_from(EXPRESSIONS),
    cut=st.tuples(st.integers(0, 60), st.integers(0, 8)),
    doubled=st.sampled_from(["", "(", "'", ")", "[", ","]),
)
@example(
    dialect="athena",
    expression="lead(x) over (order by x) from values (1),(2) t(x)",
    cut=(1, 7),
    doubled="",
)
def test_text_that_was_cut_is_translated_or_an_error_of_ours(
    dialect: str, expression: str, cut: tuple[int, int], doubled: str
) -> None:
    start, length = cut
    text = expression[:start] + expression[start + length :]
    try:
        sql = translate(
            f"SELECT {text.replace(doubled, doubled * 2, 1)}", dialect, [], {}.__getitem__, {}
        ).sql
    except LakeqError:
        return
    assert sql.split()[0] == "SELECT"
