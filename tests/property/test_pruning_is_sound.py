"""Whatever the condition: a file or row group that holds a matching row is kept."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lakeq.catalog.database import Database
from lakeq.catalog.index import FileIndex
from lakeq.catalog.layout import Layout
from lakeq.catalog.table import Table
from lakeq.formats.base import Column, ColumnChunk, FileFacts, FileSchema, RowGroup
from lakeq.planner.bind import bind_query
from lakeq.planner.pruning import Pruning, plan_pruning

KEYS = (Column("year", pa.int64()), Column("day", pa.date32()), Column("part", pa.string()))
DATA = (
    Column("x", pa.int64()),
    Column("f", pa.float64()),
    Column("s", pa.string()),
    Column("ts", pa.timestamp("us")),
)
COLUMNS = (*DATA, *KEYS)
TABLE = Table("t", "/l/t", "/l", "parquet", Layout("hive"), COLUMNS, KEYS, 0, 0, 0)

YEARS = [None, 2024, 2025, 2026]
DAYS = [None, dt.date(2025, 12, 31), dt.date(2026, 1, 1), dt.date(2026, 2, 28)]
PARTS = [None, "", "1", "01", "abc", "a%b", "Zz"]
VALUES: dict[str, list[Any]] = {
    "x": [None, -1, 0, 1, 5, 2**53, 2**53 + 1],
    "f": [None, -1.5, -0.0, 0.0, 2.5, math.nan, math.inf],
    "s": [None, "", "a", "abc", "abd", "b", "é"],
    "ts": [None, dt.datetime(2025, 12, 31, 23, 59), dt.datetime(2026, 1, 1), dt.datetime(2026, 3, 1, 12)],
}

rows = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})
row_groups = st.lists(rows, min_size=1, max_size=3)
files = st.tuples(
    st.sampled_from(YEARS),
    st.sampled_from(DAYS),
    st.sampled_from(PARTS),
    st.lists(row_groups, min_size=1, max_size=2),
)
lakes = st.lists(files, min_size=1, max_size=6)

COMPARISONS = ["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]
LITERALS = {
    "year": ["2025", "2026", "'2026'", "2025.5", "NULL", "CAST('2026' AS BIGINT)", "year(ts)", "x"],
    "x": [
        "0",
        "1",
        "5",
        "0.5",
        "NULL",
        "year",
        "year - 2025",
        "9007199254740993",
        "f",
        "'1'",
        "9007199254740992::DOUBLE",
        "0.5::FLOAT",
        "4503599627370496 * 2.0",
    ],
    "f": ["0", "2.5", "'nan'::DOUBLE", "1e300", "x", "NULL", "year"],
    "s": ["'abc'", "''", "part", "'a'", "NULL", "lower('ABC')"],
    "part": ["'1'", "'abc'", "s", "''", "'01'"],
    "day": [
        "DATE '2026-01-01'",
        "'2026-01-01'",
        "'2026-01-01 12:00:00'",
        "TIMESTAMP '2026-01-01 12:00:00'",
        "make_date(year, 1, 1)",
        "ts",
        "ts::DATE",
    ],
    "ts": [
        "'2026-01-01'",
        "TIMESTAMP '2026-01-01 00:00:00'",
        "day",
        "make_date(year, 2, 1)",
        "day + INTERVAL 1 DAY",
    ],
    "ts::DATE": ["DATE '2026-01-01'", "day", "'2025-12-31'"],
    "date_trunc('month', ts)": ["DATE '2026-01-01'", "TIMESTAMP '2026-03-01 00:00:00'"],
    "year(ts)": ["2026", "year", "2025"],
    "year(day)": ["2026", "year"],
    "year * 100 + month(day)": ["202601", "202512"],
    "lpad(year::TEXT, 6, '0')": ["'002026'"],
}
PLAIN_CONDITIONS = [
    "x IS NULL", "x IS NOT NULL", "s IS NULL", "year IS NULL", "part IS NOT NULL", "x BETWEEN 0 AND 3", "x NOT BETWEEN 0 AND 3",
    "x IN (1, 5)", "x NOT IN (1, 5)", "x IN (1, NULL)", "x NOT IN (1, NULL)", "year IN (2025, 2026)", "year NOT IN (2025, NULL)",
    "s LIKE 'ab%'", "s NOT LIKE 'ab%'", "s LIKE '_b%'", "s ILIKE 'AB%'", "starts_with(s, 'ab')", "part LIKE 'a%'", "part SIMILAR TO 'a.*'",
    "coalesce(year, 2026) = 2026", "coalesce(x, 1) = 1", "day BETWEEN '2026-01-01' AND '2026-02-28'", "TRUE", "FALSE", "NULL", "1 = 0",
    "isnan(f)", "f = 'nan'::DOUBLE", "f > 100", "(year, x) = (2026, 1)", "CASE WHEN year > 2025 THEN x > 0 ELSE FALSE END",
    "CASE WHEN year > 2025 THEN TRUE ELSE NULL END", "TRY_CAST(part AS BIGINT) = 1", "CAST(part AS BIGINT) = 1", "length(part) + x > 3",
    "part || s = 'abcabc'", "greatest(year, 2025) = 2025", "strftime(day, '%Y%m') = '202601'", "x % 2 = 1", "-x > 0", "x + 1 = 2",
    "contains([2025, 2026], year)", "contains([1, 5], x)", "contains([1, NULL], x)", "contains(['abc', ''], s)", "contains(['1'], part)",
    "contains([DATE '2026-01-01'], day)", "contains([-1.5, 2.5], f)", "contains([2.5::DOUBLE, 'nan'::DOUBLE], f)", "NOT contains([0.0::DOUBLE], f)", "contains([TIMESTAMP '2026-01-01 00:00:00'], ts)", "add(x, 1) = 2",
    "(year = 2026) IS TRUE", "(x = 1) IS NOT TRUE", "(year > 2024) = (x > 0)", "year IN (x, 2026)", "random() >= 0", "part = '1' OR random() >= 0",
]  # fmt: skip

comparisons = st.sampled_from(sorted(LITERALS)).flatmap(
    lambda left: st.builds(
        lambda op, right, flip: f"({right} {op} {left})" if flip else f"({left} {op} {right})",
        st.sampled_from(COMPARISONS),
        st.sampled_from(LITERALS[left]),
        st.booleans(),
    )
)
# Of different types, and so near to one another that it matters in which type a column is compared with them.
NEAR = {
    "x": [
        "9007199254740992", "9007199254740993", "9007199254740992::DOUBLE", "9007199254740993.0", "'9007199254740993'",
        "f", "4503599627370496 * 2e0", "NULL", "5::FLOAT",
    ],
    "f": ["2", "3", "2.5", "'2.5'", "2.5::FLOAT", "0.1", "0.1::FLOAT", "x", "NULL"],
    "day": [
        "DATE '2026-01-01'", "'2026-01-01'", "'2026-01-01 12:00:00'", "TIMESTAMP '2026-01-01 12:00:00'", "ts",
        "TIMESTAMPTZ '2026-01-01 00:30:00+01'", "make_date(year, 1, 1)", "coalesce(day, ts)",
    ],
    "ts": [
        "greatest(day, ts)", "DATE '2026-01-01'", "'2025-12-31 23:59:00'", "TIMESTAMP '2026-01-01 00:00:00'", "day", "NULL",
        "TIMESTAMPTZ '2026-01-01 00:30:00+01'",
    ],
    "ts::DATE": ["DATE '2026-01-01'", "'2026-01-01 12:00:00'", "TIMESTAMP '2026-01-01 12:00:00'", "day"],
}  # fmt: skip
at_once = st.sampled_from(sorted(NEAR)).flatmap(
    lambda left: st.builds(
        lambda form, values: f"({left} {form.format(*values)})",
        st.sampled_from(["BETWEEN {} AND {}", "NOT BETWEEN {} AND {}", "IN ({}, {})", "NOT IN ({}, {}, {})"]),
        st.lists(st.sampled_from(NEAR[left]), min_size=3, max_size=3),
    )
)
conditions = st.recursive(
    comparisons | at_once | st.sampled_from(PLAIN_CONDITIONS).map(lambda c: f"({c})"),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: f"({p[0]} AND {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} OR {p[1]})"),
        inner.map(lambda c: f"(NOT {c})"),
    ),
    max_leaves=5,
)


def chunk(column: Column, values: list[Any]) -> ColumnChunk:
    """The statistics that a footer would hold, floats as `formats/parquet.py` takes them."""
    present = [v for v in values if v is not None]
    nulls = len(values) - len(present)
    if pa.types.is_floating(column.type):
        numbers = [v for v in present if not math.isnan(v)]
        return ColumnChunk(8, min(numbers) if len(numbers) == len(present) and numbers else None, None, nulls)
    return ColumnChunk(8, min(present, default=None), max(present, default=None), nulls)


def build_index(database: Database, lake: list[Any]) -> tuple[FileIndex, pa.Table]:
    """The index of a lake, and all of its rows with the file and row group that hold them."""
    listing = pa.table(
        {
            "path": [f"t/{i}" for i in range(len(lake))],
            "size": pa.array([1] * len(lake), pa.int64()),
            "etag": pa.nulls(len(lake), pa.string()),
            "modified": pa.nulls(len(lake), pa.timestamp("us", tz="UTC")),
            "storage_class": pa.nulls(len(lake), pa.string()),
            **{
                f"raw_{i}": pa.array([None if f[i] is None else str(f[i]) for f in lake], pa.string())
                for i in range(3)
            },
            **{f"value_{i}": pa.array([f[i] for f in lake], key.type) for i, key in enumerate(KEYS)},
        }
    )
    index = FileIndex(database, "t", listing, KEYS)
    records, facts = [], []
    for file_id, (year, day, part, groups) in enumerate(lake):
        stored = []
        for number, group in enumerate(groups):
            chunks = {c.name: chunk(c, [row[c.name] for row in group]) for c in DATA}
            stored.append(RowGroup(len(group), chunks))
            records += [
                {**row, "year": year, "day": day, "part": part, "file": file_id, "rg": number}
                for row in group
            ]
        facts.append((file_id, FileFacts(FileSchema(DATA), sum(map(len, groups)), True, tuple(stored))))
    index.add_facts(facts)
    index.groups.settle_types(DATA)
    schema = pa.schema([(c.name, c.type) for c in COLUMNS] + [("file", pa.int64()), ("rg", pa.int64())])
    return index, pa.Table.from_pylist(records, schema=schema)


def prune(condition: str) -> Pruning:
    bound = bind_query(
        f"SELECT x FROM t WHERE {condition}", None, ["t"], lambda _: TABLE, {}, dt.datetime.now(dt.UTC)
    )
    (reference,) = bound.references
    return plan_pruning(TABLE, reference.predicate, reference.missed)


@settings(max_examples=120, deadline=None)
@given(lake=lakes, condition=conditions)
def test_files_and_row_groups_with_a_matching_row_are_kept(
    database: duckdb.DuckDBPyConnection, index_database: Database, lake: list[Any], condition: str
) -> None:
    check_kept(database, index_database, lake, condition)


@settings(max_examples=120, deadline=None)
@given(lake=lakes, condition=at_once)
def test_values_of_several_types_that_are_compared_at_once_prune_no_matching_row(
    database: duckdb.DuckDBPyConnection, index_database: Database, lake: list[Any], condition: str
) -> None:
    check_kept(database, index_database, lake, condition)


def check_kept(
    database: duckdb.DuckDBPyConnection, index_database: Database, lake: list[Any], condition: str
) -> None:
    """Every file and row group with a row that DuckDB finds is kept."""
    index, data = build_index(index_database, lake)
    with database.cursor() as cursor:
        cursor.register("t", data)
        try:
            matching = cursor.execute(f"SELECT DISTINCT file, rg FROM t WHERE {condition}").fetchall()
        except duckdb.Error:
            assume(False)
            return
    pruning = prune(condition)
    for conditions_ in (
        ((pruning.files, pruning.guarded_files), (pruning.row_groups, pruning.guarded_row_groups)),
        ((pruning.guarded_files,), (pruning.guarded_row_groups,)),
    ):
        selection = index.select(*conditions_[0])
        kept = set(selection.to_table().column("file_id").to_pylist())
        assert {file for file, _ in matching} <= kept, condition
        measure = index.groups.measure(selection, conditions_[1], ["x"], pruning.bounds)
        kept = set(measure.files.to_table().column("file_id").to_pylist())
        assert {file for file, _ in matching} <= kept, condition
        assert len(matching) <= measure.row_groups, condition


def test_a_condition_that_fails_while_pruning_keeps_what_it_cannot_judge(index_database: Database) -> None:
    lake = [(2026, None, part, [[{"x": 1, "f": 1.0, "s": "a", "ts": None}]]) for part in ("abc", "1", "2")]
    index, _ = build_index(index_database, lake)
    pruning = prune("x < 0 AND CAST(part AS BIGINT) > 1")
    selection = index.select(pruning.files, pruning.guarded_files)
    assert selection.to_table().column("raw_2").to_pylist() == ["abc", "2"]


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("year = 2026", 1), ("year = '2026'", 1), ("year * 100 > 202500", 1), ("year IS NULL", 1), ("year <> 2026", 1),
        ("coalesce(year, 2026) = 2026", 2), ("year IS DISTINCT FROM 2026", 2), ("year NOT IN (2026, NULL)", 0),
        ("NOT (year = 2026 AND x > 5)", 3), ("NOT (year = 2026 OR x > 5)", 1), ("x > 5", 0), ("x = 1", 3), ("FALSE", 0),
        ("year = 2026 OR x > 5", 1), ("x BETWEEN 2 AND 9", 0), ("s LIKE 'b%'", 0), ("s LIKE 'a%'", 3), ("s NOT LIKE 'b%'", 3), ("f > 100", 3), ("f < 1", 0),
        ("x IS NULL", 0), ("ts IS NULL", 3), ("ts IS NOT NULL", 0), ("ts > '2026-01-01'", 0), ("random() > 2", 3),
        ("year = 2026 AND random() > 2", 1),
    ],
)  # fmt: skip
def test_pruning_leaves_out_what_it_can(index_database: Database, condition: str, kept: int) -> None:
    """Sound is not enough: keeping everything would be sound too."""
    group = [{"x": 1, "f": 2.5, "s": "abc", "ts": None}]
    index, _ = build_index(
        index_database, [(2026, None, "p", [group]), (2025, None, "p", [group]), (None, None, "p", [group])]
    )
    pruning = prune(condition)
    selection = index.select(pruning.files, pruning.guarded_files)
    measure = index.groups.measure(
        selection, (pruning.row_groups, pruning.guarded_row_groups), ["x"], pruning.bounds
    )
    assert measure.files.count == kept
