"""A call that means an operator prunes like it, where both surely give the same."""

from __future__ import annotations

import pytest

from tests.planner.tables import bind


def predicate(condition: str) -> str:
    (reference,) = bind(f"SELECT 1 FROM events WHERE {condition}").references
    return reference.predicate.sql("duckdb")


@pytest.mark.parametrize(
    ("call", "operator"),
    [
        ("contains([1, 2], month)", "month IN (1, 2)"),
        ("list_contains([-1], x)", "x IN (-1)"),
        ("contains(['a'], name)", "name IN ('a')"),
        ("NOT contains([1], x)", "NOT x IN (1)"),
        ("contains(['2026-01-01'::TIMESTAMP], ts)", "ts IN (CAST('2026-01-01' AS TIMESTAMP))"),
        ("struct_extract(nested, 'a') = 1", 'nested."a" = 1'),
        ("struct_extract(struct_extract(nested, 'b'), 'c') = 'x'", 'nested."b"."c" = \'x\''),
        ('"add"(x, 1) = 2', "(x) + (1) = 2"),
    ],
)
def test_a_call_is_read_as_the_operator(call: str, operator: str) -> None:
    assert predicate(call) == operator


@pytest.mark.parametrize(
    "call", ["contains([1, NULL], x)", "contains([1], name)", "contains(['1'], x)", "contains([x], year)"]
)
def test_a_list_that_may_compare_otherwise_stays_a_call(call: str) -> None:
    assert "IN (" not in predicate(call)


def test_a_field_by_a_call_is_the_only_one_that_is_read() -> None:
    (reference,) = bind("SELECT struct_extract(nested, 'a') FROM events").references
    assert reference.columns == ("nested.a",)


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT n.a FROM (SELECT nested AS n, x FROM events)", ("nested.a",)),
        ("WITH s AS (SELECT nested.b AS n FROM events) SELECT n.c FROM s", ("nested.b.c",)),
        ("SELECT n.a, n FROM (SELECT nested AS n FROM events)", ("nested",)),
        ("SELECT n.a FROM (SELECT nested AS n FROM events ORDER BY x)", ("x", "nested")),
        ("SELECT n.a FROM (SELECT nested AS n, rank() OVER (ORDER BY x) AS r FROM events)", ("nested",)),
        ("SELECT n.a FROM (SELECT DISTINCT nested AS n FROM events)", ("nested",)),
        (
            "WITH s AS (SELECT nested AS n FROM events) SELECT a.n.a FROM s a, s b WHERE b.n.a = 1",
            ("nested",),
        ),
    ],
)
def test_of_a_nested_column_handed_on_as_it_is_only_the_fields_count(
    sql: str, columns: tuple[str, ...]
) -> None:
    (reference,) = bind(sql).references
    assert reference.columns == columns
