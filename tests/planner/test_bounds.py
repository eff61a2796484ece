"""What bounds prove of a condition: a row group that may hold a row is kept, another is left out."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from lakeq.catalog.row_groups import leaf_types
from lakeq.formats.types import quote_name, sql_type
from lakeq.planner.bind import bind_query
from lakeq.planner.pruning import Pruning, plan_pruning
from tests.planner.tables import NOW, make_table

TABLE = make_table(
    "groups",
    {
        "x": pa.int64(),
        "f": pa.float64(),
        "d": pa.decimal128(9, 2),
        "s": pa.string(),
        "large": pa.large_string(),
        "flag": pa.bool_(),
        "clock": pa.time64("us"),
        "ts": pa.timestamp("us"),
        "ts_ns": pa.timestamp("ns"),
        "date": pa.date32(),
        "utc": pa.timestamp("us", "UTC"),
        "utc_ns": pa.timestamp("ns", "UTC"),
        "nested": pa.struct([("a", pa.int64())]),
        "k": pa.int64(),
    },
    ["k"],
)
TYPES = dict(leaf for column in TABLE.columns for leaf in leaf_types(column))


def prune(condition: str) -> Pruning:
    sql = f"SELECT x FROM groups WHERE {condition}"
    (reference,) = bind_query(sql, None, ["groups"], lambda _: TABLE, {}, NOW).references
    return plan_pruning(TABLE, reference.predicate, reference.missed)


def keeps(
    database: duckdb.DuckDBPyConnection,
    condition: str,
    low: str,
    high: str,
    nulls: str = "0",
    zone: str = "UTC",
) -> bool | None:
    """Whether ten rows with these bounds and NULLs of the column that `condition` is about are kept, where
    `k` is 7; None when bounds say nothing about it."""
    pruning = prune(condition)
    if pruning.row_groups is None:
        assert (pruning.bounds, pruning.guarded_row_groups) == ((), None)
        return None
    (leaf,) = pruning.bounds
    columns = [f"CAST({value} AS {sql_type(TYPES[leaf])}) AS " for value in (low, high)]
    low, high = (sql + quote_name(f"{side}:{leaf}") for sql, side in zip(columns, ("lo", "hi"), strict=True))
    group = f"SELECT 10 AS rows, 7 AS p0, {low}, {high}, {nulls}::BIGINT AS {quote_name('n:' + leaf)}"
    with database.cursor() as cursor:
        cursor.execute(f"SET TimeZone = '{zone}'")
        sql = f"SELECT ({pruning.row_groups}) IS TRUE, ({pruning.guarded_row_groups}) IS TRUE FROM ({group})"
        ((kept, guarded),) = cursor.execute(sql).fetchall()
    assert kept is guarded
    return bool(kept)


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("x < 10", False), ("x < 11", True), ("x <= 9", False), ("x <= 10", True), ("x > 20", False), ("x > 19", True),
        ("x >= 21", False), ("x >= 20", True), ("10 > x", False), ("11 > x", True), ("9 >= x", False), ("10 >= x", True),
        ("20 < x", False), ("19 < x", True), ("21 <= x", False), ("20 <= x", True), ("x = 9", False), ("x = 10", True),
        ("x = 20", True), ("x = 21", False), ("9 = x", False), ("21 = x", False), ("x IS NOT DISTINCT FROM 9", False),
        ("x IS NOT DISTINCT FROM 21", False), ("x IS NOT DISTINCT FROM 20", True), ("9 IS NOT DISTINCT FROM x", False),
        ("x IS DISTINCT FROM 10", None), ("NOT x IS NOT DISTINCT FROM 10", None),
        ("NOT x > 9", False), ("NOT x > 10", True), ("NOT x >= 10", False), ("NOT x >= 11", True), ("NOT x < 21", False),
        ("NOT x < 20", True), ("NOT x <= 20", False), ("NOT x <= 19", True), ("NOT x <> 9", False), ("NOT x <> 10", True),
        ("NOT 9 < x", False), ("x IN (9, 21)", False), ("x IN (9, 20)", True), ("x IN (10, 21)", True), ("x NOT IN (9, 21)", True),
        ("x IN (9, s)", None), ("x IN (s, 9)", None), ("x NOT IN (9, f)", True), ("x NOT IN (9, s)", None),
        ("x BETWEEN 21 AND 30", False), ("x BETWEEN 1 AND 9", False), ("x BETWEEN 20 AND 30", True), ("x BETWEEN 1 AND 10", True),
        ("x BETWEEN f AND 9", False), ("x BETWEEN 21 AND f", False), ("x BETWEEN s AND 9", None),
        ("x BETWEEN 21 AND 30.5::DOUBLE", False), ("x BETWEEN 19.5::DOUBLE AND 30", True), ("x BETWEEN 20.5::DOUBLE AND 30", False), ("x IN (9, 21.5::DOUBLE)", False),
        ("x IN (9, 20::DOUBLE)", True), ("x IN (9, 21, 22::FLOAT, 23::DOUBLE)", False), ("x BETWEEN 21 AND 2 * k::DOUBLE", False), ("x BETWEEN 21 AND random()", None),
        ("x BETWEEN 21 AND f + 1", None), ("x BETWEEN 21 AND f::FLOAT", False), ("x BETWEEN -30 AND -21", False), ("x BETWEEN -30 AND 10::DOUBLE", True),
        ("x BETWEEN 21 AND NULL", False), ("x BETWEEN 21 AND 1e3", False), ("x BETWEEN 21 AND '30'", False), ("x NOT BETWEEN 10 AND 20::DOUBLE", False),
        ("x IN (NULL, 21)", False), ("x BETWEEN 21 AND DATE '2026-01-01'", None), ("x BETWEEN 1234567890123456789012345678901234567890 AND 30", False), ("x NOT BETWEEN 10 AND 20", False), ("x NOT BETWEEN 10 AND 19", True),
        ("x NOT BETWEEN 11 AND 20", True), ("x NOT BETWEEN 10 AND s", None),
        ("x = NULL", False), ("x = '9'", False), ("x = '10'", True), ("x < 10.5", True), ("x < 9.5", False), ("x = k", False), ("x > k", True),
        ("k > x", False), ("x = k + 3", True), ("x = k + 2", False), ("x = s", None), ("x = f", None), ("x = random()", None), ("x + 1 = 9", None),
        ("x = DATE '2026-01-01'", None), ("x = (SELECT 1)", None), ("x IN (SELECT 1)", None), ("x LIKE '1%'", None), ("x::DATE = '2026-01-01'", None),
    ],
)  # fmt: skip
def test_bounds_of_ten_to_twenty(
    database: duckdb.DuckDBPyConnection, condition: str, kept: bool | None
) -> None:
    assert keeps(database, condition, "10", "20") is kept


@pytest.mark.parametrize(
    ("condition", "low", "high", "kept"),
    [
        ("x <> 10", "10", "10", False), ("10 <> x", "10", "10", False), ("NOT x = 10", "10", "10", False), ("x <> 11", "10", "10", True),
        ("x <> 10", "10", "11", True), ("x <> 10", "9", "10", True), ("x NOT IN (10)", "10", "10", False), ("x NOT IN (10, 11)", "10", "10", False),
        ("x NOT IN (11, 12)", "10", "10", True),
        ("x < 10", "NULL", "20", True), ("x > 20", "NULL", "20", False), ("x = 9", "NULL", "20", True), ("x = 21", "NULL", "20", False),
        ("x <> 20", "NULL", "20", True), ("x > 30", "10", "NULL", True), ("x < 10", "10", "NULL", False), ("x = 9", "10", "NULL", False),
        ("x = 21", "10", "NULL", True), ("x <> 10", "10", "NULL", True), ("x = 5", "NULL", "NULL", True),
        ("f < 2.5", "2.5", "NULL", False), ("f > 100", "2.5", "NULL", True), ("d = 1.5", "2", "3", False), ("d = 2.5", "2", "3", True),
        ("nested.a = 9", "10", "20", False), ("NESTED.A = 10", "10", "20", True), ("large = 'c'", "'a'", "'b'", False), ("large = 'b'", "'a'", "'b'", True),
        ("flag = TRUE", "FALSE", "FALSE", None), ("nested IS NULL", "NULL", "NULL", None), ("clock = '10:00:00'", "NULL", "NULL", None),
    ],
)  # fmt: skip
def test_an_unknown_bound_proves_nothing_and_one_value_is_not_another(
    database: duckdb.DuckDBPyConnection, condition: str, low: str, high: str, kept: bool | None
) -> None:
    assert keeps(database, condition, low, high) is kept


NULL_COUNTS = ("0", "9", "10", "NULL")


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("x = 10", [True, True, False, True]), ("x <> 10", [True, True, False, True]), ("x < 11", [True, True, False, True]),
        ("x >= 11", [True, True, False, True]), ("x IS NULL", [False, True, True, True]), ("x IS NOT NULL", [True, True, False, True]),
        ("NOT x IS NULL", [True, True, False, True]), ("x IS NOT DISTINCT FROM 9", [False, True, True, True]),
        ("x IS NOT DISTINCT FROM 10", [True, True, True, True]), ("flag IS NULL", [False, True, True, True]),
    ],
)  # fmt: skip
def test_rows_that_are_all_null_meet_no_comparison_and_rows_without_one_no_is_null(
    database: duckdb.DuckDBPyConnection, condition: str, kept: list[bool]
) -> None:
    """Of ten rows: none is NULL, nine are, all are, or nobody knows."""
    low, high = ("FALSE", "TRUE") if "flag" in condition else ("10", "20")
    assert [keeps(database, condition, low, high, nulls) for nulls in NULL_COUNTS] == kept


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("s LIKE 'abd%'", True), ("s LIKE 'abc%'", True), ("s LIKE 'abe%'", True), ("s LIKE 'abf%'", False), ("s LIKE 'abb%'", False), ("s LIKE 'ab'", True),
        ("s LIKE 'abf'", False), ("s LIKE 'b%c_d'", False), ("s LIKE 'b_c%d'", False), ("s LIKE 'a_z'", True), ("s LIKE 'a%z'", True),
        ("s LIKE '%c'", None), ("s LIKE '_b'", None), ("s LIKE ''", None), ("s LIKE 'b!%' ESCAPE '!'", None), ("s NOT LIKE 'b%'", None), ("NOT s LIKE 'b%'", None),
        ("s ILIKE 'b%'", None), ("s LIKE lower('B%')", None), ("s LIKE s", None), ("s LIKE 5", None), ("s LIKE 'ab_b_z'", True), ("s LIKE 'ab%b%z'", True),
        ("starts_with(s, 'abe')", True), ("starts_with(s, 'abf')", False), ("starts_with(s, 'abb')", False), ("starts_with(s, 'a%')", False), ("starts_with(s, 'a_')", False),
        ("starts_with(s, large)", None), ("NOT starts_with(s, 'b')", None),
        ("s = 'abd'", True), ("s = 'abf'", False), ("s = lower('X')", False), ("s = 5", None), ("s > 'abe'", False), ("s >= 'abe'", True),
    ],
)  # fmt: skip
def test_bounds_of_texts(database: duckdb.DuckDBPyConnection, condition: str, kept: bool | None) -> None:
    assert keeps(database, condition, "'abc'", "'abe'") is kept


@pytest.mark.parametrize(
    ("condition", "low", "high", "nulls", "kept"),
    [
        ("s LIKE 'z%'", "'abc'", "NULL", "0", True), ("s LIKE 'abb%'", "'abc'", "NULL", "0", False), ("s LIKE 'a%'", "NULL", "'b'", "0", True),
        ("s LIKE 'c%'", "NULL", "'b'", "0", False), ("s LIKE 'a%'", "'a'", "'b'", "10", False), ("s LIKE 'a%'", "'a'", "'b'", "9", True),
        ("starts_with(s, 'it''s')", "'it''s'", "'it''s'", "0", True),
    ],
)  # fmt: skip
def test_a_prefix_is_sought_between_the_bounds_that_are_known(
    database: duckdb.DuckDBPyConnection, condition: str, low: str, high: str, nulls: str, kept: bool
) -> None:
    assert keeps(database, condition, low, high, nulls) is kept


FIRST, LAST = "TIMESTAMP '2026-01-01 12:00:00'", "TIMESTAMP '2026-01-03 12:00:00'"


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("ts::DATE = DATE '2025-12-31'", False), ("ts::DATE = '2026-01-01'", True), ("ts::DATE = DATE '2026-01-03'", True), ("ts::DATE = '2026-01-04'", False),
        ("CAST(ts AS TIMESTAMP) < '2026-01-01 12:00:00'", False), ("CAST(ts AS TIMESTAMP) > '2026-01-03 12:00:00'", False), ("date(ts) = DATE '2026-01-04'", False),
        ("date(ts) = DATE '2026-01-03'", True), ("ts::VARCHAR = 'x'", None), ("ts::TIME = TIME '10:00:00'", None),
        ("date_trunc('month', ts) = DATE '2026-02-01'", False), ("date_trunc('month', ts) = DATE '2026-01-01'", True), ("date_trunc('day', ts) = '2025-12-31'", False),
        ("date_trunc('minute', ts) < '2026-01-01 12:00:00'", False), ("date_trunc('century', ts) = '1900-01-01'", None),
        ("year(ts) = 2025", False), ("year(ts) = 2026", True), ("year(ts) = 2027", False), ("extract(year FROM ts) = 2027", False), ("extract(year FROM ts) = 2026", True),
        ("extract(month FROM ts) = 7", None), ("extract(day FROM ts) = 7", None), ("month(ts) = 7", None),
        ("strftime(ts, '%Y-%m') = '2026-02'", False), ("strftime(ts, '%Y-%m') = '2026-01'", True), ("strftime(ts, '%Y-%m-%d %H:%M:%S') > '2026-01-03 12:00:00'", False),
        ("strftime(ts, '%Y%m%d') = '20251231'", False), ("strftime(ts, '%m-%Y') = '02-2026'", None), ("strftime(ts, '%Y-%d') = '2026-04'", None), ("strftime(ts, s) = 'x'", None), ("strftime(ts, '%Y-%m') = lower('2026-02')", False),
        ("ts = DATE '2026-01-04'", False), ("ts = DATE '2026-01-02'", True), ("ts = '2026-01-04'", False), ("ts = 5", None), ("ts = x", None), ("ts > TIME '10:00:00'", None),
        ("ts = TIMESTAMPTZ '2026-01-04 00:00:00+00'", False), ("ts = TIMESTAMPTZ '2026-01-01 11:00:00+00'", False), ("ts = TIMESTAMPTZ '2026-01-02 00:00:00+00'", True),
    ],
)  # fmt: skip
def test_a_rising_function_of_a_time_has_the_bounds_of_the_time(
    database: duckdb.DuckDBPyConnection, condition: str, kept: bool | None
) -> None:
    assert keeps(database, condition, FIRST, LAST) is kept


@pytest.mark.parametrize(
    ("low", "high", "kept"),
    [("0999-12-31", "1001-01-01", True), ("1000-01-01", "9999-12-31", False), ("1000-01-01", "10000-01-01", True), ("NULL", "9999-12-31", True)],
)  # fmt: skip
def test_years_are_in_the_order_of_their_texts_while_they_have_four_digits(
    database: duckdb.DuckDBPyConnection, low: str, high: str, kept: bool
) -> None:
    written = (value if value == "NULL" else f"'{value}'" for value in (low, high))
    assert keeps(database, "strftime(ts, '%Y') = '0'", *written) is kept


@pytest.mark.parametrize(
    ("condition", "in_utc", "in_berlin"),
    [
        ("utc = TIMESTAMPTZ '2026-01-04 00:00:00+00'", False, False), ("utc = '2026-01-04'", False, False), ("utc = TIMESTAMP '2026-01-04 00:00:00'", False, False),
        ("utc::DATE = '2026-01-04'", False, True), ("utc::DATE = '2026-01-02'", True, True), ("date_trunc('day', utc) = '2026-01-04'", False, True),
        ("year(utc) = 2027", False, True), ("strftime(utc, '%Y') = '2027'", False, True), ("utc_ns::DATE = '2026-01-04'", None, None),
        ("utc_ns = TIMESTAMPTZ '2026-01-04 00:00:00+00'", False, False),
        ("ts = TIMESTAMPTZ '2026-01-04 00:00:00+00'", False, True), ("ts = TIMESTAMPTZ '2026-01-04 13:00:00+00'", False, False),
        ("ts = TIMESTAMPTZ '2025-12-31 12:00:00+00'", False, True), ("ts = TIMESTAMPTZ '2025-12-31 09:00:00+00'", False, False),
        ("ts_ns = TIMESTAMPTZ '2026-01-09 00:00:00+00'", None, None), ("ts_ns = TIMESTAMP '2026-01-09 00:00:00'", False, False),
        ("ts = coalesce(NULL::TIMESTAMP, TIMESTAMPTZ '2026-01-04 00:00:00+00')", False, True),
        ("ts = CASE WHEN k = 7 THEN TIMESTAMP '2026-01-04 00:00:00' ELSE TIMESTAMPTZ '2026-01-09 00:00:00+00' END", False, True),
        ("ts = if(k = 7, TIMESTAMP '2026-01-04 00:00:00', TIMESTAMPTZ '2026-01-09 00:00:00+00')", False, True),
        ("ts = greatest(DATE '2026-01-04', TIMESTAMPTZ '2025-01-01 00:00:00+00')", False, True),
        ("ts = least(TIMESTAMP '2026-01-04 00:00:00', DATE '2026-01-09')", False, False),
        ("ts = CASE WHEN k = 7 THEN DATE '2026-01-04' END", False, False),
        ("ts BETWEEN TIMESTAMP '2026-01-04 00:00:00' AND TIMESTAMPTZ '2026-01-09 00:00:00+00'", False, True),
        ("ts NOT IN (DATE '2026-01-01', TIMESTAMPTZ '2026-01-09 00:00:00+00')", True, True),
        ("date = TIMESTAMPTZ '2026-01-09 00:00:00+00'", False, False), ("date = TIMESTAMPTZ '2026-01-03 23:30:00+00'", False, True),
    ],
)  # fmt: skip
def test_what_depends_on_the_zone_of_the_session_is_proved_in_utc_alone_or_with_a_day_to_spare(
    database: duckdb.DuckDBPyConnection, condition: str, in_utc: bool | None, in_berlin: bool | None
) -> None:
    low, high = "'2026-01-01 12:00:00'", "'2026-01-03 12:00:00'"
    if condition.startswith("utc"):
        low, high = "'2026-01-01 12:00:00+00'", "'2026-01-03 12:00:00+00'"
    assert keeps(database, condition, low, high) is in_utc
    assert keeps(database, condition, low, high, zone="Etc/UTC") is in_utc
    assert keeps(database, condition, low, high, zone="Europe/Berlin") is in_berlin
