"""Which conditions are asked of files, of row groups and of prefixes, and what is said of the others."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from sqlglot import parse_one

from lakeq.catalog.table import Table
from lakeq.catalog.time_mapping import TimeMapping
from lakeq.planner.bind import TableReference, bind_query
from lakeq.planner.pruning import Pruning, plan_prefixes, plan_pruning
from tests.planner.tables import EVENTS, INTEGER, NOW, PLAIN, make_table

X_OVER_5 = '(("hi:x" > (5) OR "hi:x" IS NULL) AND ("n:x" IS NULL OR "n:x" < rows))'
TIMED = replace(EVENTS, time=TimeMapping("ts", ("year", "month", "day")))


def guard(sql: str) -> str:
    return f"coalesce(TRY(CASE WHEN {sql} THEN TRUE ELSE FALSE END), TRUE)"


def refer(condition: str, table: Table = EVENTS) -> TableReference:
    sql = f"SELECT 1 FROM {table.name} WHERE {condition}"
    (reference,) = bind_query(sql, None, [table.name], lambda _: table, {}, NOW).references
    return reference


def prune(condition: str, table: Table = EVENTS) -> Pruning:
    reference = refer(condition, table)
    return plan_pruning(table, reference.predicate, reference.missed)


def test_conditions_on_keys_are_asked_of_files_and_not_again_of_row_groups() -> None:
    pruning = prune("year = 2026 AND NOT month = 3")
    assert pruning.files == "(p0 = 2026) AND NOT (p1 = 3)"
    assert pruning.guarded_files == f"{guard('(p0 = 2026)')} AND {guard('NOT (p1 = 3)')}"
    assert (pruning.row_groups, pruning.guarded_row_groups, pruning.bounds) == (None, None, ())
    assert pruning.predicate == "year = 2026 AND NOT month = 3"
    assert (pruning.missed, pruning.derived) == ((), {})


def test_conditions_on_stored_columns_are_asked_of_row_groups() -> None:
    pruning = prune("x > 5 AND year = 2026 AND x < 9")
    below = X_OVER_5.replace("hi", "lo").replace("> (5)", "< (9)")
    assert pruning.files == "(p0 = 2026)"
    assert pruning.row_groups == f"{X_OVER_5} AND {below}"
    assert pruning.guarded_row_groups == f"{guard(X_OVER_5)} AND {guard(below)}"
    assert pruning.bounds == ("x",)
    assert pruning.predicate == "x > 5 AND year = 2026 AND x < 9"
    assert pruning.missed == ()


@pytest.mark.parametrize(
    ("condition", "files", "row_groups", "predicate"),
    [
        ("year = 2026 OR x > 5", None, f"((p0 = 2026) OR {X_OVER_5})", "year = 2026 OR x > 5"),
        ("year = 2026 OR x % 2 = 1", None, None, ""),
        ("NOT (year = 2026 AND x <= 5)", None, f"(NOT (p0 = 2026) OR {X_OVER_5})", "NOT year = 2026 OR NOT x <= 5"),
        ("NOT (year = 2026 OR x <= 5)", "NOT (p0 = 2026)", X_OVER_5, "NOT year = 2026 AND NOT x <= 5"),
        ("NOT (year = 2026 OR x % 2 = 1)", "NOT (p0 = 2026)", None, "NOT year = 2026"),
        ("(year = 2026 AND x > 5) OR day = 1", "(((p0 = 2026)) OR (p2 = 1))", f"(((p0 = 2026) AND {X_OVER_5}) OR (p2 = 1))", "(year = 2026 AND x > 5) OR day = 1"),
        ("(x % 2 = 1 AND x > 5) OR day = 1", None, f"(({X_OVER_5}) OR (p2 = 1))", "x > 5 OR day = 1"),
        ("YEAR = 2026", "(p0 = 2026)", None, "year = 2026"),
        ("year + month = 2027", "(p0 + p1 = 2027)", None, "year + month = 2027"),
        ("\"$path\" = 'a'", "(('/lake/' || path) = 'a')", None, "\"$path\" = 'a'"),
        ('"$file_size" > year', "(size > p0)", None, '"$file_size" > year'),
        ("\"$file_modified_time\" > '2026-01-01'", "(modified > '2026-01-01')", None, "\"$file_modified_time\" > '2026-01-01'"),
        ('"$file_size" > 5 OR x > 5', None, None, ""),
        ("TRUE", None, None, ""),
    ],
)  # fmt: skip
def test_a_condition_is_taken_as_far_as_each_index_can_judge_it(
    condition: str, files: str | None, row_groups: str | None, predicate: str
) -> None:
    pruning = prune(condition)
    assert (pruning.files, pruning.row_groups) == (files, row_groups)
    assert pruning.predicate == predicate
    assert (pruning.guarded_files is None, pruning.guarded_row_groups is None) == (
        files is None,
        row_groups is None,
    )


@pytest.mark.parametrize(
    ("condition", "leaf"),
    [("nested.a > 5", "nested.a"), ("NESTED.B.C = 'x'", "nested.b.c"), ("amount < 1", "amount"), ("nested IS NULL", None), ("nested.b IS NULL", None)],
)  # fmt: skip
def test_a_field_of_a_struct_has_bounds_and_a_struct_none(condition: str, leaf: str | None) -> None:
    assert prune(condition).bounds == (() if leaf is None else (leaf,))


VOLATILE = "its value may change from call to call, or is not known while planning"
KEYED = make_table("keyed", {"k": INTEGER, "day": INTEGER}, ["day"], "csv")


@pytest.mark.parametrize(
    ("table", "condition", "reason"),
    [
        (EVENTS, "x % 2 = 1", "row-group statistics say nothing about this kind of condition; a condition on year, month, day would"),
        (EVENTS, "x % year = 1", "it mixes partition columns with data columns so that every partition may match; a condition on year, month, day would"),
        (KEYED, "k > 5", "it is about data columns, and csv keeps no statistics that prune; a condition on day would"),
        (PLAIN, "k > 5", "it is about data columns, and csv keeps no statistics that prune; the table has no partitions"),
    ],
)  # fmt: skip
def test_what_left_nothing_out_is_told_with_the_reason(table: Table, condition: str, reason: str) -> None:
    pruning = prune(condition, table)
    (missed,) = pruning.missed
    assert (missed.condition, missed.reason) == (condition, reason)
    assert missed.node is not None and missed.node.sql("duckdb") == condition
    assert (pruning.files, pruning.row_groups, pruning.predicate) == (None, None, "")


def test_what_may_change_is_told_before_what_left_nothing_out() -> None:
    pruning = prune("x % 2 = 1 AND random() < 0.5")
    assert [missed.reason for missed in pruning.missed] == [VOLATILE, pruning.missed[1].reason]
    assert pruning.missed[1].condition == "x % 2 = 1"


def test_what_pruned_is_told_without_what_no_index_could_judge() -> None:
    assert prune("name LIKE 'a%'").predicate == "name LIKE 'a%'"
    pruning = prune("(day = 1 AND k > 5) OR day = 2", KEYED)
    assert (pruning.files, pruning.predicate) == ("(((p0 = 1)) OR (p0 = 2))", "day = 1 OR day = 2")


@pytest.mark.parametrize("condition", ["year = random()", "x > random()", "random() < 0.5"])
def test_what_may_change_prunes_nothing_even_if_it_comes_so_far(condition: str) -> None:
    pruning = plan_pruning(EVENTS, parse_one(condition, dialect="duckdb"), ())
    assert (pruning.files, pruning.row_groups, pruning.predicate) == (None, None, "")
    assert [missed.reason for missed in pruning.missed] == [VOLATILE]


def test_a_declared_time_prunes_files_by_columns_made_of_the_keys() -> None:
    pruning = prune("ts > '2026-11-01'", TIMED)
    assert pruning.files is not None and "\"to:ts\" > ('2026-11-01')" in pruning.files
    assert list(pruning.derived) == ['"from:ts"', '"to:ts"']
    assert all("p0" in sql and "p2" in sql for sql in pruning.derived.values())
    assert pruning.bounds == ("ts",)
    earlier = prune("ts < '2026-11-01'", TIMED).files
    assert earlier is not None and "\"from:ts\" < ('2026-11-01')" in earlier
    assert prune("x > 5 AND year = 2026", TIMED).derived == {}


def test_a_declared_time_promises_nothing_of_another_column() -> None:
    columns = {"ts": pa.timestamp("us"), "other": pa.timestamp("us"), "year": INTEGER}
    table = replace(make_table("two", columns, ["year"]), time=TimeMapping("ts", ("year",)))
    assert prune("other > '2026-11-01'", table).files is None
    assert plan_prefixes(table, refer("other > '2026-11-01'", table).predicate).keys == set()
    assert prune("ts > '2026-11-01'", table).files is not None


def test_a_prefix_is_asked_for_the_keys_that_it_tells() -> None:
    wanted = plan_prefixes(EVENTS, refer("year = 2026 AND month = 3 AND x > 5").predicate)
    assert wanted.keys == {0, 1}
    assert wanted.render(frozenset({0})) == ("(p0 = 2026)", guard("(p0 = 2026)"))
    assert wanted.render(frozenset({0, 1, 2}))[0] == "(p0 = 2026) AND (p1 = 3)"
    assert wanted.render(frozenset({2})) == (None, None)
    assert plan_prefixes(EVENTS, refer("TRUE").predicate).render(frozenset({0})) == (None, None)


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ("year = 2026 OR x > 5", set()), ("x > 5", set()), ("TRUE", set()), ("year + DAY = 2027", {0, 2}), ("month = 1 OR day = 2", {1, 2}),
        ("\"$path\" LIKE '%a%'", set()), ("ts > '2026-11-01'", {0, 1, 2}), ("ts > '2026-11-01' OR x > 5", set()),
        ('"$file_size" > year', set()),
    ],
)  # fmt: skip
def test_the_keys_of_a_prefix_filter_are_those_that_can_leave_something_out(
    condition: str, keys: set[int]
) -> None:
    assert plan_prefixes(TIMED, refer(condition, TIMED).predicate).keys == keys


def test_keys_of_a_time_are_asked_beside_those_of_other_conditions() -> None:
    table = replace(EVENTS, time=TimeMapping("ts", ("year",)))
    assert plan_prefixes(table, refer("month = 3 AND ts > '2026-11-01'", table).predicate).keys == {0, 1}


def test_a_prefix_that_tells_part_of_a_time_is_judged_by_that_part() -> None:
    wanted = plan_prefixes(TIMED, refer("ts > '2026-11-01'", TIMED).predicate)
    (plain, guarded) = wanted.render(frozenset({0}))
    assert plain is not None and "p0" in plain and "p1" not in plain and guarded == guard(plain)
    assert wanted.render(frozenset()) == (None, None)
    earlier = plan_prefixes(TIMED, refer("ts < '2026-11-01'", TIMED).predicate)
    (before, _) = earlier.render(frozenset({0}))
    assert before is not None and "p0" in before and " < ('2026-11-01')" in before
