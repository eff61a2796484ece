"""Each construct that is not written is refused by its name, in both dialects; also those that DuckDB refuses as well,
which are only written when a plan was made by hand."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from lakeq.errors import UnsupportedSqlError
from lakeq.formats.base import Column
from lakeq.lake import Lake
from lakeq.planner.plan import InlineTable, ScanPlan
from lakeq.planner.writing import write_query
from lakeq.planner.writing.inline import MOST_ROWS
from tests.planner.writing.asking import plan_all
from tests.planner.writing.lake_plans import NAMES, write

_AGGREGATES = [
    ("count(i, j)", "count() of several columns"), ("count(DISTINCT l)", "count() of LIST"), ("sum(s)", "sum() of VARCHAR"),
    ("sum(*)", "sum(*)"), ("sum(ORDER BY i)", "sum() with this ORDER BY"), ("min(i, j)", "min() of 2 arguments"),
    ("bool_and(i)", "bool_and() of INTEGER"), ("count_if(i)", "count_if() of INTEGER"), ("count_if(DISTINCT b)", "count_if() of BOOLEAN"),
    ("arg_min(s)", "arg_min() of 1 arguments"), ("arg_max(s, id, 2)", "arg_max() of 3 arguments"), ("any_value(l)", "any_value() of LIST"),
    ("any_value(s ORDER BY id)", "any_value() with an order"), ("any_value(i) OVER (ORDER BY id)", "any_value() with an order"),
    ("stddev(DISTINCT i)", "DISTINCT within a deviation"), ("stddev(s)", "VARCHAR where a number is expected"), ("bit_and(x)", "bit_and() of DOUBLE"),
    ("string_agg(s, t ORDER BY id)", "a separator that is not a literal"), ("string_agg(s, ',', 'x')", "a separator that is not a literal"),
    ("string_agg(s, ',' ORDER BY l)", "ORDER BY of LIST"), ("abs(i) FILTER (WHERE b)", "FILTER behind what is no aggregate"),
    ("lag(i) FILTER (WHERE b) OVER (ORDER BY id)", "FILTER behind what is no aggregate"),
]  # fmt: skip
_ARITHMETIC = [
    ("i + s", "`+` of INTEGER and VARCHAR"), ("d + '1'", "CAST the text"), ("b + 1", "`+` of BOOLEAN and INTEGER"), ("s / 2", "`/` of VARCHAR and INTEGER"),
    ("CAST(7 AS UTINYINT) + i", "UTINYINT"), ("d::DECIMAL(38, 30) * d::DECIMAL(38, 20)", "decimals with 50 digits after the point"),
    ("j::HUGEINT // 7", "`//` of HUGEINT"), ("mod(j::HUGEINT, 7)", "mod() of (HUGEINT, a literal)"), ("-s", "`-` of VARCHAR"), ("-NULL", "`-` of NULL"),
    ("s & 1", "integers of 64 bits"), ("j::HUGEINT & 1", "integers of 64 bits"), ("array_length(NULL)", "NULL as a list"),
]  # fmt: skip
_CASTS = [
    ("s = 1 + 0", "VARCHAR and INTEGER in one expression"), ("CAST('abc' AS DATE)", "'abc' as DATE"), ("CAST('2024-02-30' AS DATE)", "'2024-02-30' as DATE"),
    ("CAST('12.5' AS DECIMAL(3, 2))", "VARCHAR as DECIMAL"), ("CAST('yes' AS BOOLEAN)", "VARCHAR as BOOLEAN"), ("CAST(da AS INTEGER)", "DATE as INTEGER"),
    ("l::VARCHAR[]", "LIST of BIGINT as of VARCHAR"), ("st::STRUCT(a VARCHAR, b VARCHAR)", "STRUCT of BIGINT as of VARCHAR"),
    ("st::STRUCT(c INTEGER, d VARCHAR)", "structs of other fields"), ("CAST(s AS INTEGER DEFAULT 0 ON CONVERSION ERROR)", "CAST … FORMAT"),
    ("ts::TIMESTAMP_NS", "a cast to TIMESTAMP_NS"),
]  # fmt: skip
_CHOICES = [
    ("if(b, 1)", "if() without three arguments"), ("nullif(i)", "nullif() without two arguments"), ("greatest(b, FALSE)", "greatest() of BOOLEAN"),
    ("concat_ws(',')", "concat_ws() of a separator alone"), ("l || [1]", "`||` of what is not text"), ("coalesce(st, {'a': 1, 'b': 'x'})", "STRUCT in one expression"),
    ("st = st", "a comparison of STRUCT"), ("st IN (st)", "a comparison of STRUCT"), ("i IN l", "IN of a list"), ("i BETWEEN SYMMETRIC 7 AND 1", "BETWEEN SYMMETRIC"),
    ("s IS OF (INTEGER)", "this IS"), ("s LIKE 'a' ESCAPE 'ab'", "ESCAPE that is not one character"), ("i LIKE '1'", "LIKE of what is not text"),
    ("(SELECT 1, 2)", "a query with more than one column"), ("s.upper()", "a call behind a dot"), ("COUNT(v.*)", "`*` here"), ("now(1)", "now()"),
]  # fmt: skip
_MOMENTS = [
    ("epoch(i)", "epoch of INTEGER"), ("date_part(s, da)", "a field that is not a literal"), ("date_trunc('decade', da)", "date_trunc() to decade of DATE"),
    ("date_diff('day', da)", "date_diff() without three arguments"), ("date_diff('day', tz, tz)", "date_diff() of TIMESTAMPTZ"), ("date_diff('decade', da, db)", "date_diff() in decade"),
    ("strftime(da)", "strftime() without two arguments"), ("strftime('%Y', da)", "a format that is not a literal"), ("strftime(i, '%Y')", "strftime() of INTEGER"),
    ("to_days()", "to_days() without one argument"), ("db + to_days(1.5)", "no whole number"), ("date_add(db, 1)", "date_add() of other than"), ("da + db", "`+` of DATE and DATE"),
    ("db + INTERVAL '3 days 2 hours'", "this INTERVAL"), ("db + INTERVAL '3 parsecs'", "this INTERVAL"), ("db + INTERVAL 'x days'", "no whole number"),
    ("db + INTERVAL (x) DAY", "no whole number"),
]  # fmt: skip
_NESTED = [
    ("{'a'}", "a struct without names"), ("l[1, 2]", "more than one part"), ("list_extract(l, i)", "list_extract() of these arguments"), ("st.zzz", "which the struct does not have"),
    ("st.a.b", "b of what is not a struct"), ("list_contains(l, 1.5)", "list_contains() of DECIMAL in a list of BIGINT"), ("list_contains([[1]], [1])", "a list of LIST"),
    ("list_transform(l, 1)", "list_transform() without a lambda"), ("list_transform(l, lambda e, k: e + k)", "a lambda of one parameter"),
    ("list_transform(l, lambda e: NULL)", "list_transform() to NULL"), ("list_max([x])", "list_max() of these arguments"),
]  # fmt: skip
_TEXTS = [
    ("upper(s, t)", "upper() of these arguments"), ("regexp_matches(s, '[[:alpha:]]')", "the pattern"), ("regexp_replace(s, 'a', 'b', 'gi')", "the option 'g' alone"),
    ("string_split(s, t)", "by what is not a literal"), ("string_split(s, '')", "by what is not a literal"),
]  # fmt: skip
_WINDOWS = [
    ("ntile(i) OVER (ORDER BY id)", "ntile() of these arguments"), ("lag(i ORDER BY id) OVER ()", "lag() of these arguments"), ("nth_value(i, 0) OVER (ORDER BY id)", "nth_value() of these arguments"),
    ("lag(NULL) OVER (ORDER BY id)", "lag() of NULL"), ("lag(i, 1, s) OVER (ORDER BY id)", "CAST one of them"), ("lag(i, 1, 0) IGNORE NULLS OVER (ORDER BY id)", "a default and IGNORE NULLS"),
    ("first(i) OVER (ORDER BY id)", "first() with OVER"), ("sum(i) OVER nowhere", "the window nowhere"), ("sum(i) OVER (ORDER BY l)", "ORDER BY of LIST"),
    ("row_number() OVER (ORDER BY i WITH FILL)", "WITH FILL"), ("sum(i) OVER (w FIRST ORDER BY id)", "OVER with FIRST or LAST"),
    ("sum(i) OVER (ORDER BY id ROWS BETWEEN j PRECEDING AND CURRENT ROW)", "a frame of ROWS"),
]  # fmt: skip
_EXPRESSIONS = [*_AGGREGATES, *_ARITHMETIC, *_CASTS, *_CHOICES, *_MOMENTS, *_NESTED, *_TEXTS, *_WINDOWS]
_SELECTS = [
    ("SELECT i FROM v ORDER BY 99", "ORDER BY 99"), ("SELECT i FROM v GROUP BY 99", "GROUP BY 99"), ("SELECT count(*) FROM v GROUP BY (i, j)", "GROUP BY of a row"),
    ("SELECT count(*) FROM v GROUP BY to_days(i)", "GROUP BY of INTERVAL"), ("SELECT count(*) FROM v GROUP BY i WITH ROLLUP", "GROUP BY with ROLLUP"),
    ("SELECT count(*) FROM v GROUP BY GROUPING SETS ((i), (i))", "two are the same"), ("SELECT count(*) FROM v GROUP BY GROUPING SETS (ROLLUP (i, j))", "within GROUPING SETS"),
    ("SELECT i FROM v LIMIT i", "LIMIT of what is not a number"), ("SELECT i FROM v OFFSET (SELECT 2)", "OFFSET of what is not a number"), ("SELECT i FROM v FOR UPDATE", "SELECT with LOCKS"),
    ("SELECT i FROM v USING SAMPLE 3", "SELECT with SAMPLE"), ("SELECT DISTINCT ON (i) i FROM v QUALIFY row_number() OVER (ORDER BY id) = 1 ORDER BY i", "DISTINCT ON with QUALIFY"),
    ("SELECT unnest(l), unnest(l) FROM v", "unnest() twice"), ("SELECT unnest(l), row_number() OVER () FROM v", "unnest() beside"), ("SELECT unnest(st) FROM v", "UNNEST of STRUCT"),
    ("SELECT * ILIKE 's%' FROM v", "`*` with ILIKE"), ("SELECT * EXCLUDE (v.i) FROM v", "EXCLUDE of a column with its table"), ("SELECT zzz.* FROM v", "zzz.*"), ("SELECT *", "`*` of nothing"),
    ("SELECT COLUMNS('i.*?') FROM v", "COLUMNS() of such a pattern"), ("SELECT COLUMNS(c -> c LIKE 'i%') FROM v", "neither `*` nor a literal"), ("SELECT COLUMNS('i|j') AS a FROM v", "COLUMNS() with an alias"),
    ("SELECT id FROM v, w", "a column of more than one table"), ("SELECT zz FROM v", "zz is not found"),
]  # fmt: skip
_SOURCES = [
    ("SELECT * FROM w NATURAL JOIN (SELECT 1 AS zz)", "without columns in common"), ("SELECT * FROM w LEFT JOIN u", "an outer join without a condition"),
    ("SELECT 1 FROM v JOIN w USING (s)", "USING of s"), ("SELECT 1 FROM w FULL JOIN (SELECT f FROM w) q USING (f)", "a FULL JOIN USING doubles"),
    ("SELECT 1 FROM v NATURAL SEMI JOIN w", "this SEMI JOIN"), ("SELECT 1 FROM v SEMI JOIN w", "a SEMI JOIN without a condition"),
    ("SELECT v.id FROM v ANTI JOIN w ON v.id = w.id RIGHT JOIN u ON u.n = v.id", "behind a SEMI or ANTI JOIN"),
    ("SELECT a.id FROM v a JOIN (w b SEMI JOIN u c ON b.k = c.k) ON a.id = b.id", "in parentheses"), ("SELECT * FROM range(3)", "a function in FROM"),
    ("SELECT * FROM v a JOIN w b JOIN u c ON b.k = c.k ON a.id = b.id", "a join within a join"), ("SELECT * FROM zzz", "the table zzz"),
    ("SELECT * FROM UNNEST([1, 2]) WITH ORDINALITY", "WITH ORDINALITY"), ("SELECT e FROM v, UNNEST(s) AS q(e)", "UNNEST of VARCHAR"), ("SELECT * FROM v, LATERAL UNNEST(l)", "LATERAL in FROM"),
    ("SELECT i FROM v UNION SELECT i, j FROM v", "unlike numbers of columns"), ("SELECT l FROM v UNION SELECT i FROM v", "a set operation of LIST and INTEGER"),
    ("SELECT i + 1 FROM v UNION BY NAME SELECT i FROM v", "columns without names"), ("SELECT i FROM v UNION ALL CORRESPONDING SELECT i FROM v", "this set operation"),
    ("VALUES (1), (2, 3)", "unlike lengths"), ("SELECT * FROM (DESCRIBE v)", "DESCRIBE as a query"), ("WITH q AS (UPDATE v SET i = 1) SELECT 1", "UPDATE as a query"),
]  # fmt: skip
_SPARK = [
    ("SELECT d::DECIMAL(38, 20) * e::DECIMAL(38, 18) FROM v", "decimals with so many digits"), ("SELECT grouping(i, j), count(*) FROM v GROUP BY ROLLUP (i, j)", "GROUPING of several columns"),
    ("SELECT list(DISTINCT i ORDER BY i) FROM v", "of which Spark leaves NULLs out"), ("SELECT i, count(*) FROM v GROUP BY ROLLUP (i) ORDER BY sum(j)", "ordered by what is not shown"),
    ("SELECT i, count(*) FROM v GROUP BY GROUPING SETS ((i)) HAVING count(*) > 1 QUALIFY row_number() OVER (ORDER BY i) = 1", "HAVING and QUALIFY"),
    ("SELECT (SELECT max(n) FROM w) AS m, count(*) FROM v GROUP BY ROLLUP (i)", "an expression of their keys"),
    ("SELECT id FROM v WHERE NOT (b OR i IN (SELECT id FROM w))", "within NOT and OR"), ("SELECT id FROM v WHERE i NOT IN (SELECT id FROM w) OR b", "within NOT and OR"),
]  # fmt: skip
_TRINO = [
    ("SELECT g % 2.5::FLOAT FROM v", "`%` of FLOAT"), ("SELECT x IN (y, 1) FROM v", "doubles that may be NaN"), ("SELECT i IN (SELECT id, n FROM w) FROM v", "more than one column"),
    ("SELECT l IN (SELECT l FROM v) FROM v", "a comparison of LIST"), ("SELECT list_contains([x], 1.0::DOUBLE) FROM v", "list_contains() of DOUBLE"),
    ("SELECT list(DISTINCT i ORDER BY i) FROM v", "with DISTINCT"), ("SELECT e FROM v, UNNEST([st]) AS q(e)", "UNNEST of LIST"),
]  # fmt: skip
_BOTH = [*((f"SELECT {sql} AS r FROM v", said) for sql, said in _EXPRESSIONS), *_SELECTS, *_SOURCES]
_CASES = [
    *((dialect, *case) for dialect in ("spark", "trino") for case in _BOTH),
    *(("spark", *case) for case in _SPARK),
    *(("trino", *case) for case in _TRINO),
]


@pytest.fixture(scope="module")
def plan(lake: Lake) -> ScanPlan:
    return plan_all(lake)


@pytest.mark.parametrize(("dialect", "sql", "said"), _CASES)
def test_what_has_no_counterpart_is_refused_by_name(
    plan: ScanPlan, dialect: str, sql: str, said: str
) -> None:
    with pytest.raises(UnsupportedSqlError) as caught:
        write_query(replace(plan, sql=sql), dialect, NAMES[dialect])
    assert said in str(caught.value)


@pytest.mark.parametrize("sql", ["SHOW TABLES", "PIVOT v ON b USING sum(i)"])
def test_only_queries_are_written(plan: ScanPlan, sql: str) -> None:
    with pytest.raises(UnsupportedSqlError, match="Only a SELECT"):
        write_query(replace(plan, sql=sql), "spark", NAMES["spark"])


@pytest.mark.parametrize("value", [b"x", [1, 2], {"a": 1}])
def test_parameters_without_a_literal_there_are_refused(lake: Lake, value: object) -> None:
    with pytest.raises(UnsupportedSqlError, match=r"the value of a parameter, .* in \$1"):
        write(lake, "SELECT id FROM v WHERE s = ?", "trino", [value])


def test_columns_of_types_that_are_not_there_are_refused_when_they_are_read(plan: ScanPlan) -> None:
    columns = [Column("id", pa.int32()), Column("ts", pa.timestamp("ns")), Column("s", pa.time64("us"))]
    tables = {"v": columns}
    for name in ("ts", "s"):
        with pytest.raises(UnsupportedSqlError, match=f"the column {name}, which is of a type"):
            write_query(replace(plan, sql=f"SELECT {name} FROM v"), "spark", NAMES["spark"], tables)
    assert "`v`.`id`" in write_query(replace(plan, sql="SELECT id FROM v"), "spark", NAMES["spark"], tables)


def test_unsigned_integers_are_wider_there_and_not_added_up(plan: ScanPlan) -> None:
    columns = [Column("a", pa.uint8()), Column("b", pa.uint32()), Column("c", pa.uint64())]

    def written(sql: str) -> str:
        return write_query(replace(plan, sql=sql), "spark", NAMES["spark"], {"v": columns})

    with pytest.raises(UnsupportedSqlError, match="unsigned integers, whose bounds"):
        written("SELECT a + b FROM v")
    assert "coalesce(CAST(`v`.`a` AS BIGINT), `v`.`b`)" in written("SELECT coalesce(a, b) FROM v")
    assert "coalesce(`v`.`a`, `v`.`a`)" in written("SELECT coalesce(a, a) FROM v")
    assert "SELECT `v`.`b` AS `r`" in written("SELECT b::BIGINT AS r FROM v")
    assert "CAST(`v`.`c` AS BIGINT)" in written("SELECT c::BIGINT AS r FROM v")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (pa.table({"n": range(MOST_ROWS + 1)}), f"{MOST_ROWS + 1} rows"),
        (pa.table({"n": [[1]]}), "the column n of type list"),
        (pa.table({"n": pa.array([b"x"])}), "the column n of type binary"),
    ],
)
def test_rows_at_hand_that_cannot_be_written_are_refused(plan: ScanPlan, rows: pa.Table, said: str) -> None:
    there = replace(plan, sql='SELECT n FROM "v$files"', inline=(InlineTable("v$files", rows),))
    with pytest.raises(UnsupportedSqlError) as caught:
        write_query(there, "spark", NAMES["spark"])
    assert said in str(caught.value)


def test_a_dialect_that_is_not_written_is_a_mistake_of_the_caller(plan: ScanPlan) -> None:
    with pytest.raises(ValueError, match="no dialect to write: mysql"):
        write_query(plan, "mysql", {})


@pytest.mark.parametrize(
    ("cast", "is_in"),
    [
        ("CAST(127 AS TINYINT)", True), ("CAST(128 AS TINYINT)", False), ("CAST(-128 AS TINYINT)", True), ("CAST(-129 AS TINYINT)", False),
        ("CAST(32768 AS SMALLINT)", False), ("CAST(2147483647 AS INTEGER)", True), ("CAST(2147483648 AS INTEGER)", False), ("CAST('128' AS TINYINT)", False),
        ("CAST(9223372036854775808 AS BIGINT)", False), ("CAST(1e0 AS TINYINT)", False), ("CAST(99.99 AS DECIMAL(3, 1))", False),
    ],
)  # fmt: skip
def test_constants_beyond_a_type_stay_casts_that_fail(plan: ScanPlan, cast: str, is_in: bool) -> None:
    text = write_query(replace(plan, sql=f"SELECT {cast} AS r"), "spark", NAMES["spark"])
    assert ("CAST(" not in text) is is_in
