"""Types: SQL names, the common type of two, and names that users write."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.errors import ConfigError
from lakeq.formats.types import common_type, parse_type, plain_type, settle_type, sql_type

SCALARS = [
    pa.bool_(),
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
    *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
    *(pa.float32(), pa.float64(), pa.string(), pa.binary(), pa.date32(), pa.uuid()),
    *(pa.time64("us"), pa.time64("ns")),
    *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")),
    *(pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC")),
    *(pa.decimal128(5, 2), pa.decimal128(18, 0), pa.decimal128(38, 10)),
]
TYPES = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: (
        inner.map(pa.list_)
        | st.tuples(st.sampled_from([pa.string(), pa.int64()]), inner).map(lambda pair: pa.map_(*pair))
        | st.dictionaries(st.sampled_from(["a", "b c", 'q"u', "select"]), inner, min_size=1).map(
            lambda fields: pa.struct(list(fields.items()))
        )
    ),
    max_leaves=5,
)


@given(TYPES)
def test_a_type_survives_its_sql_name(type: pa.DataType) -> None:
    assert parse_type(sql_type(type)) == type


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@settings(max_examples=50, deadline=None)
@given(type=TYPES)
def test_duckdb_gives_arrow_the_name_that_we_give(
    connection: duckdb.DuckDBPyConnection, type: pa.DataType
) -> None:
    connection.register("rows", pa.table({"c": pa.nulls(1, type)}))
    # Compared as DuckDB prints both, for it quotes fewer names.
    names = connection.sql(f"SELECT typeof(c), typeof(NULL::{sql_type(type)}) FROM rows").fetchall()[0]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("type", "plain"),
    [
        (pa.large_string(), pa.string()),
        (pa.string_view(), pa.string()),
        (pa.dictionary(pa.int8(), pa.large_string()), pa.string()),
        (pa.binary(4), pa.binary()),
        (pa.float16(), pa.float32()),
        (pa.date64(), pa.date32()),
        (pa.time32("s"), pa.time64("us")),
        (pa.decimal32(5, 2), pa.decimal128(5, 2)),
        (pa.decimal256(50, 2), pa.float64()),
        (pa.timestamp("ms", "Europe/Paris"), pa.timestamp("ms", "UTC")),
        (pa.json_(), pa.string()),
        (pa.large_list(pa.large_string()), pa.list_(pa.string())),
        (pa.list_(pa.int8(), 3), pa.list_(pa.int8())),
        (pa.struct([pa.field("a", pa.large_string(), False)]), pa.struct([("a", pa.string())])),
    ],
)
def test_encodings_vanish_from_a_type(type: pa.DataType, plain: pa.DataType) -> None:
    assert plain_type(type) == plain
    assert sql_type(type) == sql_type(plain)


@pytest.mark.parametrize(
    ("a", "b", "common"),
    [
        ("int", "bigint", "bigint"),
        ("bigint", "double", "double"),
        ("float", "double", "double"),
        ("float", "tinyint", "double"),
        ("utinyint", "tinyint", "smallint"),
        ("uinteger", "int", "bigint"),
        ("uinteger", "uinteger", "uinteger"),
        ("ubigint", "bigint", "decimal(20,0)"),
        ("ubigint", "tinyint", "decimal(20,0)"),
        ("bigint", "decimal(10,2)", "decimal(21,2)"),
        ("decimal(10,2)", "decimal(12,1)", "decimal(13,2)"),
        ("decimal(38,0)", "decimal(38,10)", "double"),
        ("decimal(5,2)", "double", "double"),
        ("date", "timestamp", "timestamp"),
        ("timestamp_s", "timestamp_ns", "timestamp_ns"),
        ("date", "timestamptz", "text"),
        ("timestamp", "timestamptz", "text"),
        ("timestamptz_ns", "timestamptz", "timestamptz_ns"),
        ("date", "int", "text"),
        ("boolean", "int", "text"),
        ("uuid", "text", "text"),
        ("blob", "text", "text"),
        ("int[]", "bigint[]", "bigint[]"),
        ("int[]", "text[]", "text[]"),
        ("struct(a int)", "struct(A bigint, b text)", "struct(a bigint, b text)"),
        ("map(text, int)", "map(text, double)", "map(text, double)"),
        ("int[]", "int", None),
        ("struct(a int)", "text", None),
        ("struct(a int)", "int[]", None),
        ("struct(a int)", "struct(a int[])", None),
        ("map(text, int)", "struct(a int)", None),
    ],
)
def test_the_common_type_holds_both(a: str, b: str, common: str | None) -> None:
    expected = None if common is None else parse_type(common)
    assert common_type(parse_type(a), parse_type(b)) == expected
    if "A" not in b:  # the first spelling of a field stays
        assert common_type(parse_type(b), parse_type(a)) == expected


def test_null_takes_any_type_at_any_depth() -> None:
    nothing = pa.list_(pa.struct([("a", pa.null())]))
    something = pa.list_(pa.struct([("a", pa.list_(pa.int64()))]))
    assert common_type(pa.null(), something) == something
    assert common_type(nothing, something) == something
    assert common_type(pa.null(), pa.null()) == pa.null()
    assert settle_type(nothing) == pa.list_(pa.struct([("a", pa.string())]))
    assert sql_type(nothing) == 'STRUCT("a" VARCHAR)[]'


@given(TYPES, TYPES)
def test_the_common_type_is_a_bound(a: pa.DataType, b: pa.DataType) -> None:
    common = common_type(a, b)
    assert (common is None) == (common_type(b, a) is None)
    assert common_type(a, a) == a
    if common is not None:
        assert common_type(common, a) == common
        assert common_type(common, b) == common


NUMBERS = [type for type in SCALARS if pa.types.is_integer(type)]


@given(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS), st.data())
def test_no_integer_is_lost_in_the_common_type(a: pa.DataType, b: pa.DataType, data: st.DataObject) -> None:
    common = common_type(a, b)
    for type in (a, b):
        low = -(2 ** (type.bit_width - 1)) if pa.types.is_signed_integer(type) else 0
        value = data.draw(st.sampled_from([low, low + 2**type.bit_width - 1]))
        assert pa.array([value], type).cast(common).to_pylist() == [value]


@pytest.mark.parametrize(
    ("text", "type"),
    [
        ("BIGINT", pa.int64()),
        ("int", pa.int32()),
        ("Float", pa.float32()),
        ("varchar(20)", pa.string()),
        ("decimal", pa.decimal128(18, 3)),
        ("numeric(7)", pa.decimal128(7, 0)),
        ("timestamp with time zone", pa.timestamp("us", "UTC")),
        ("int[][]", pa.list_(pa.list_(pa.int32()))),
        ("array<struct<a:int,b:map<string,date>>>", parse_type("struct(a int, b map(text, date))[]")),
        ('struct("a ""b""" int)', pa.struct([('a "b"', pa.int32())])),
    ],
)
def test_names_of_duckdb_and_athena_are_understood(text: str, type: pa.DataType) -> None:
    assert parse_type(text) == type


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bigin", "Unknown type 'bigin' in 'bigin'. Did you mean 'bigint'?"),
        ("struct(a intt)", "Did you mean 'int'?"),
        ("", "Unknown type ''"),
        ("int)", r"at '\)'"),
        ("int;", "at ';'"),
        ("decimal(40,2)", "1 to 38 digits"),
        ("decimal(2,5)", "1 to 38 digits"),
        ("decimal(2", r"'\)' is missing"),
        ("struct", "needs its types in parentheses"),
        ("struct(a int", r"'\)' is missing"),
        ("struct(a)", r"Unknown type '\)'"),
        ("map(int)", "takes two types"),
        ("array(int, int)", "takes one type"),
    ],
)
def test_a_name_that_is_not_understood_says_where(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        parse_type(text)
