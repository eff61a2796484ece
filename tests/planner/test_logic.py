"""Weakening predicates: whatever the rows, what comes out is TRUE wherever the original is."""

from __future__ import annotations

import itertools

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from lakeq.planner.logic import VOLATILE, conjoin, disjoin, is_deterministic, may_be_true, rejects_null

leaves = st.sampled_from(["a = 1", "b = 1", "a IS NULL", "b IS NOT NULL", "a < b", "TRUE", "NULL"])
trees = st.recursive(
    leaves,
    lambda t: st.one_of(
        st.tuples(t, t).map(lambda p: f"({p[0]} AND {p[1]})"),
        st.tuples(t, t).map(lambda p: f"({p[0]} OR {p[1]})"),
        t.map(lambda c: f"(NOT {c})"),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(sql=trees, known=st.sampled_from(["a", "b", ""]))
def test_a_weakened_predicate_is_true_wherever_the_original_is(
    database: duckdb.DuckDBPyConnection, sql: str, known: str
) -> None:
    weak = may_be_true(
        parse_one(sql, dialect="duckdb"), lambda leaf: all(c.name == known for c in leaf.find_all(exp.Column))
    )
    values = ", ".join(f"({a}, {b})" for a, b in itertools.product(("0", "1", "NULL"), repeat=2))
    lost = database.execute(
        f"SELECT * FROM (VALUES {values}) v(a, b) WHERE ({sql}) AND ({weak.sql('duckdb')}) IS NOT TRUE"
    ).fetchall()
    assert lost == []


@settings(max_examples=200, deadline=None)
@given(sql=trees)
def test_what_rejects_nulls_is_never_true_of_them(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    if rejects_null(parse_one(sql, dialect="duckdb")):
        row = database.execute(f"SELECT {sql} FROM (SELECT NULL::INT AS a, NULL::INT AS b)").fetchone()
        assert row is not None
        assert row[0] is not True


@pytest.mark.parametrize(
    ("sql", "rejects"),
    [
        ("a = 1", True), ("NOT a = 1", True), ("a IN (1, 2)", True), ("a BETWEEN 1 AND 2", True), ("a LIKE 'x%'", True),
        ("a IS NOT NULL", True), ("a = 1 AND f(b)", True), ("a + 1 > CAST(b AS INT)", True), ("a IS NULL", False),
        ("coalesce(a, 1) = 1", False), ("a = 1 OR b IS NULL", False), ("a IS DISTINCT FROM 1", False), ("1 = 1", False),
        ("CASE WHEN a IS NULL THEN 1 END = 1", False), ("f(a) = 1", False),
        ("coalesce(a, 1) IS NOT NULL", False), ("NOT a IS TRUE", False), ("NOT coalesce(a, 1) = 2", False), ("NOT a IN (1, 2)", True),
        ("1 IN (a, 2)", False), ("1 BETWEEN a AND 2", False), ("a BETWEEN b AND f(b)", False), ("1 = a", True), ("1 = 1 + CAST(a AS DECIMAL(9, 2))", True),
        ("a = 1 AND a IS NULL", True), ("a = 1 OR b = 2", True), ("f(a) = 1 AND b IS NULL", False),
    ],
)  # fmt: skip
def test_null_rejection_is_claimed_only_on_proof(sql: str, rejects: bool) -> None:
    assert rejects_null(parse_one(sql, dialect="duckdb")) is rejects


def test_every_function_that_duckdb_calls_volatile_is_one_to_us() -> None:
    """Functions of times with a zone also depend on the session's zone, which planning and running share."""
    with duckdb.connect() as connection:
        names = connection.execute(
            "SELECT function_name FROM duckdb_functions() WHERE function_type = 'scalar' GROUP BY ALL "
            "HAVING bool_and(stability <> 'CONSISTENT') OR bool_or(stability = 'VOLATILE')"
        ).fetchall()
    clock = {"now", "today", "current_date", "transaction_timestamp", "get_current_timestamp"}
    assert len(names) > 10
    for (name,) in names:
        call = parse_one(f"{name}()", dialect="duckdb")
        assert name in clock or not is_deterministic(call), name
    assert "random" in VOLATILE


def test_functions_mean_the_same_after_a_round_trip_through_the_syntax_tree() -> None:
    """Pruning evaluates conditions as sqlglot prints them: DuckDB's own examples must not change their value."""
    with duckdb.connect() as connection:
        examples = connection.execute(
            "SELECT DISTINCT unnest(examples) FROM duckdb_functions() WHERE function_type = 'scalar'"
        ).fetchall()
        checked = 0
        for (example,) in examples:
            sql = f"SELECT {example}"
            try:
                expected = connection.execute(sql).fetchall()
                tree = parse_one(sql, dialect="duckdb")
            except Exception:  # noqa: BLE001 (an example that does not run, or that the planner reads whole)
                continue
            if not is_deterministic(tree.expressions[0]) or "decode" in example:
                continue  # decode(blob, mode) loses its mode and then fails, which keeps every file
            if "now" in example or "timestamp()" in example or "today" in example or "current" in example:
                continue
            assert repr(connection.execute(tree.sql("duckdb")).fetchall()) == repr(expected), example
            checked += 1
    assert checked > 300


def test_what_is_put_together_leaves_its_parts_where_they_were() -> None:
    whole = parse_one("a = 1 AND b = 2", dialect="duckdb")
    left, right = whole.left, whole.right
    assert conjoin([left, right, left]).sql() == "a = 1 AND b = 2"
    assert disjoin([left, right, left]).sql() == "a = 1 OR b = 2"
    assert left.parent is whole and right.parent is whole
    assert conjoin([left, exp.true()]).sql() == "a = 1"
    assert disjoin([left, exp.true()]).sql() == "TRUE"
    assert conjoin([]).sql() == disjoin([]).sql() == "TRUE"


@pytest.mark.parametrize(
    "sql",
    [
        "(SELECT 1)", "max(a)", "row_number() OVER ()", "?", "$name", "random()", "unnest([1, a])", "COLUMNS(*)", "list_transform([a], x -> x)",
        "current_time", "current_user", "uuid()", "nextval('s')", "a + random()", "EXISTS (SELECT 1)", "a IN (SELECT 1)",
    ],
)  # fmt: skip
def test_what_is_no_plain_function_of_columns_is_not_taken_for_one(sql: str) -> None:
    assert not is_deterministic(parse_one(sql, dialect="duckdb"))
    assert is_deterministic(parse_one("lower(a) || coalesce(b, strftime(c, '%Y'))", dialect="duckdb"))
