"""Facts read from a footer's bytes are those that Arrow's objects give."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.formats import thrift
from lakeq.formats.base import FileFacts, ReadOptions
from lakeq.formats.footer_patterns import HEAD, match_at, read_size
from lakeq.formats.parquet import ParquetFormat
from lakeq.formats.parquet_facts import find_groups, read_common_facts, read_facts_by_arrow
from lakeq.formats.parquet_tail import MAGIC, read_tail
from tests.formats.decoders import FileSource
from tests.formats.test_parquet import EVERY_TYPE

DATA = Path(__file__).parents[1] / "data"
DECIMALS = {
    f"decimal{digits}": pa.array([Decimal(-5), None, Decimal(700)], pa.decimal128(digits, 2))
    for digits in (5, 9, 12, 18, 20, 38)
}


def read_footer(path: Path) -> bytes:
    """The footer of a file, as Arrow is shown it."""
    return MAGIC + read_tail(FileSource(path))


def assert_same(footer: bytes) -> FileFacts:
    """Both ways give the same, to the last digit of a decimal and the sign of a zero; it is returned."""
    facts = read_common_facts(footer)
    assert facts is not None, "left to Arrow"
    assert repr(facts) == repr(read_facts_by_arrow(footer))
    return facts


def footer_of(path: Path, table: pa.Table, **options: Any) -> bytes:
    pq.write_table(table, path, **options)
    return read_footer(path)


@pytest.mark.parametrize("version", ["1.0", "2.4", "2.6"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"write_statistics": False},
        {"use_dictionary": False, "compression": "zstd"},
        {"write_page_index": True, "row_group_size": 1},
        {"store_schema": False, "store_decimal_as_integer": True},
        {"use_deprecated_int96_timestamps": True, "data_page_version": "2.0"},
    ],
    ids=str,
)
def test_every_type_of_arrow(tmp_path: Path, version: str, options: dict[str, Any]) -> None:
    for name, values in {**EVERY_TYPE, **DECIMALS}.items():
        assert_same(footer_of(tmp_path / "a.parquet", pa.table({name: values}), version=version, **options))
    assert_same(footer_of(tmp_path / "a.parquet", pa.table(EVERY_TYPE), version=version, **options))


def test_statistics_of_some_columns_and_sorted_rows(tmp_path: Path) -> None:
    table = pa.table(
        {"a": [1, 2], "b": ["x" * 300, "y"], "a.b": [1, 2], "s": [{"a.b": 1}, None], "n" * 200: [1, 2]}
    )
    assert_same(footer_of(tmp_path / "a.parquet", table.select(range(4)), write_statistics=["a"]))
    assert_same(
        footer_of(tmp_path / "a.parquet", table.select(range(4)), sorting_columns=[pq.SortingColumn(0)])
    )
    long_name = footer_of(tmp_path / "a.parquet", table)
    assert read_common_facts(long_name) is None, "what is not usual is left to Arrow"


def test_every_type_of_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    query = """SELECT i, i::VARCHAR t, i::DOUBLE f, i::FLOAT r, i::DECIMAL(9,2) d, i::DECIMAL(18,2) e,
        i::DECIMAL(38,2) g, DATE '1969-01-01' + i::INTEGER AS on_day, TIMESTAMP '1969-12-31' + INTERVAL (i) HOUR ts,
        TIMESTAMPTZ '2020-01-01 00:00:00+00' tz, TIMESTAMP_NS '2020-01-01' tn, TIMESTAMP_MS '2020-01-01' tm,
        TIME '01:02:03' clock, INTERVAL (i) DAY span, i % 2 = 0 b, (i % 200)::UTINYINT u8, i::UBIGINT u64,
        (i % 100)::TINYINT i8, i::HUGEINT h, uuid() u, 'x'::BLOB bl, [i] l, {'a': i, 'b': [i]} s,
        MAP {i: i} m, repeat('x', 200) long FROM range(5000) r(i)"""
    with duckdb.connect() as connection:
        for version in ("v1", "v2"):
            connection.execute(f"COPY ({query}) TO '{path}' (PARQUET_VERSION {version}, ROW_GROUP_SIZE 2048)")
            facts = assert_same(read_footer(path))
            assert facts.row_groups is not None and len(facts.row_groups) == 3


def test_statistics_of_types_without_an_order_are_left_to_arrow(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT NULL c) TO '{path}' (FORMAT parquet)")
    footer = read_footer(path)
    assert read_common_facts(footer) is None
    assert ParquetFormat().inspect(FileSource(path), ReadOptions()) == read_facts_by_arrow(footer)


@pytest.mark.parametrize("statistics", [True, "full", False])
def test_polars(tmp_path: Path, statistics: Any) -> None:
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame({"a": [1, None], "s": ["x", "y"], "f": [1.0, float("nan")], "l": [[1], []]})
    frame.write_parquet(path, statistics=statistics)
    assert_same(read_footer(path))


def test_files_of_other_writers_come_out_the_same_if_read_here() -> None:
    path = DATA / "parquet" / "nested_structs.rust.parquet"
    footer = read_footer(path)
    assert repr(read_common_facts(footer)) in ("None", repr(read_facts_by_arrow(footer)))


WRITERS = (
    None,
    b"",
    b"DuckDB",
    b"parquet-cpp-arrow version 26.0.1",
    b"parquet-mr version 1.12.3 (build abc)",
    b"parquet-mr version 1.10.0-SNAPSHOT (build abc)",
    b"parquet-cpp version 1.5.1-SNAPSHOT",
    b"\xff",
)
DOUBTED = (b"parquet-mr", b"parquet-mr version 1.9.0 (build a)", b"parquet-cpp version 1.2.9", b"PARQUET-MR")


@pytest.mark.parametrize("has_orders", [True, False])
def test_bounds_are_trusted_by_writer_and_order_as_arrow_does(tmp_path: Path, has_orders: bool) -> None:
    for values in (*EVERY_TYPE.values(), *DECIMALS.values()):
        footer = footer_of(tmp_path / "a.parquet", pa.table({"c": values}))
        for writer in WRITERS:
            assert_same(end_anew(footer, writer, has_orders))
        for writer in DOUBTED:
            assert read_common_facts(end_anew(footer, writer, has_orders)) is None


def end_anew(footer: bytes, writer: bytes | None, has_orders: bool) -> bytes:
    """The footer as by another writer, with the order of columns or without."""
    data = footer[4:-8]
    head = match_at(HEAD, data, 0)
    _, end = find_groups(data, head.end(), read_size(head[2]))
    fields, _ = thrift.read_struct(data, end, 0x40)
    pairs = [
        b"\x18" + thrift.encode_bytes(pair[0x18]) + b"\x18" + thrift.encode_bytes(pair[0x28]) + b"\x00"
        for pair in fields.get(0x59, ())
    ]
    data = data[:end] + b"\x19" + thrift.encode_structs(pairs)
    if writer is not None:
        data += b"\x18" + thrift.encode_bytes(writer)
    if has_orders:
        orders = thrift.encode_structs([b"\x1c\x00\x00"] * len(fields[0x79]))
        data += (b"\x29" if writer is None else b"\x19") + orders
    data += b"\x00"
    return b"PAR1" + data + len(data).to_bytes(4, "little") + b"PAR1"


def integers(bits: int, signed: bool) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else st.integers(0, 2**bits - 1)


def timestamps(unit: str, zone: str | None) -> tuple[pa.DataType, st.SearchStrategy[int]]:
    # Seconds are stored as milliseconds, and by old versions nanoseconds as microseconds, which must fit.
    exact = st.integers(-(2**53), 2**53)
    values = {"s": exact, "ns": exact.map(lambda value: value * 1000)}
    return pa.timestamp(unit, zone), values.get(unit, integers(64, True))


SCALARS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    *((pa.type_for_alias(f"int{bits}"), integers(bits, True)) for bits in (8, 16, 32, 64)),
    *((pa.type_for_alias(f"uint{bits}"), integers(bits, False)) for bits in (8, 16, 32, 64)),
    *(timestamps(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC")),
    (pa.float32(), st.floats(width=32)),
    (pa.float64(), st.floats() | st.sampled_from([0.0, -0.0])),
    (pa.float16(), st.floats(width=16)),
    (pa.bool_(), st.booleans()),
    (pa.date32(), integers(32, True)),
    (pa.time32("s"), st.integers(0, 86_399)),
    (pa.time64("us"), st.integers(0, 86_399_999_999)),
    (pa.string(), st.text(st.characters(codec="utf-8"))),
    (pa.binary(), st.binary()),
    (pa.binary(3), st.binary(min_size=3, max_size=3)),
    (pa.decimal128(7, 3), st.decimals(-9999, 9999, places=3)),
    (pa.decimal128(15, 3), st.decimals(-(10**11), 10**11, places=3)),
    (pa.decimal128(38, 5), st.decimals(-(10**32), 10**32, places=5)),
    (pa.decimal256(60, 5), st.decimals(-(10**32), 10**32, places=5)),
    (pa.dictionary(pa.int32(), pa.string()), st.text(st.characters(codec="utf-8"))),
]


@st.composite
def columns(draw: st.DrawFn, rows: int) -> pa.Array:
    type, values = draw(st.sampled_from(SCALARS))
    nullable = draw(st.sampled_from([values, st.none() | values, st.none()]))
    array = pa.array(draw(st.lists(nullable, min_size=rows, max_size=rows)), type)
    shape = draw(st.sampled_from(["flat", "flat", "flat", "list", "struct", "map"]))
    if shape == "list":
        return pa.ListArray.from_arrays(pa.array(range(rows + 1), pa.int32()), array)
    if shape == "struct":
        return pa.StructArray.from_arrays([array, pa.array(range(rows))], ["x", "y.z"])
    if shape == "map":
        keys = pa.array([f"k{i}" for i in range(rows)], pa.string())
        return pa.MapArray.from_arrays(pa.array(range(rows + 1), pa.int32()), keys, array)
    return array


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(0, 5))
    arrays = draw(st.lists(columns(rows), min_size=1, max_size=4))
    return pa.table({f"c{i}": array for i, array in enumerate(arrays)})


@settings(max_examples=150, deadline=None)
@given(
    table=tables(),
    version=st.sampled_from(["1.0", "2.4", "2.6"]),
    row_group_size=st.integers(1, 3),
    use_dictionary=st.booleans(),
    store_schema=st.booleans(),
    statistics=st.sampled_from([True, True, ["c0"], False]),
)
def test_any_table_of_arrow(
    tmp_path_factory: pytest.TempPathFactory, table: pa.Table, statistics: Any, **options: Any
) -> None:
    path = tmp_path_factory.mktemp("facts") / "a.parquet"
    assert_same(footer_of(path, table, write_statistics=statistics, **options))


@settings(max_examples=30, deadline=None)
@given(table=tables())
def test_any_table_of_duckdb(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> None:
    path = tmp_path_factory.mktemp("facts") / "a.parquet"
    with duckdb.connect() as connection:
        try:
            connection.register("given", table)
            connection.execute(f"COPY given TO '{path}' (FORMAT parquet)")
        except duckdb.Error:  # types and values that DuckDB does not have: half floats, dates far off
            return
    assert_same(read_footer(path))


def test_files_of_one_schema_share_it_and_differ_in_the_rest(tmp_path: Path) -> None:
    tables = [
        pa.table({"c": [i]}).replace_schema_metadata({"written": f"{i} o'clock", "": "x" * i})
        for i in range(9)
    ]
    found = [assert_same(footer_of(tmp_path / "a.parquet", table, store_schema=False)) for table in tables]
    assert all(facts.schema is found[0].schema for facts in found)
    assert [facts.row_groups[0].chunks["c"].lower for facts in found if facts.row_groups] == list(range(9))
    other = assert_same(footer_of(tmp_path / "a.parquet", pa.table({"c": ["x"]})))
    assert other.schema != found[0].schema


def test_a_zone_that_only_arrows_own_schema_tells_is_not_mixed_up(tmp_path: Path) -> None:
    """The elements of both files are the same; what differs stands in the metadata."""
    plain = pa.table({"c": pa.array([1], pa.int64())})
    span = pa.table({"c": pa.array([1], pa.duration("us"))})
    large = pa.table({"c": pa.array([1], pa.int64()), "d": pa.array(["x"], pa.large_string())})
    for table in (plain, span, large, plain):
        assert_same(footer_of(tmp_path / "a.parquet", table))


def test_threads_may_inspect_at_once(tmp_path: Path) -> None:
    sources = []
    for i in range(40):
        path = tmp_path / f"{i}.parquet"
        pq.write_table(pa.table({f"c{i % 5}": [i]}), path)
        sources.append(FileSource(path))
    found: dict[int, FileFacts] = {}

    def inspect_all(first: int) -> None:
        for i in range(first, 40, 4):
            found[i] = ParquetFormat().inspect(sources[i], ReadOptions())

    threads = [threading.Thread(target=inspect_all, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(40):
        assert repr(found[i]) == repr(read_facts_by_arrow(read_footer(sources[i].file)))
