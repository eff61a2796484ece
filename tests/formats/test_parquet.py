"""Parquet: types as DuckDB reads them, exact sizes, and bounds only where they can be trusted."""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.errors import CorruptFileError
from lakeq.formats.base import Column, ColumnChunk, FileFacts
from lakeq.formats.parquet import ParquetFormat
from lakeq.formats.scan_sql import list_literal
from lakeq.formats.types import sql_type
from tests.formats.decoders import (
    FileSource,
    arrow_dataset,
    assert_decoders_agree,
    inspect,
    names_and_types,
    read_with_arrow,
    read_with_duckdb,
    scan_sql,
    write,
)

PARQUET = ParquetFormat()
DATA = Path(__file__).parents[1] / "data"


def stored(path: Path, columns: dict[str, pa.Array], **options: Any) -> FileSource:
    pq.write_table(pa.table(columns), path, **options)
    return FileSource(path)


def chunk(facts: FileFacts, leaf: str) -> ColumnChunk:
    assert facts.row_groups is not None
    return facts.row_groups[0].chunks[leaf]


def bounds(source: FileSource, leaf: str = "c") -> tuple[Any, Any]:
    found = chunk(inspect(PARQUET, source), leaf)
    return found.lower, found.upper


EVERY_TYPE = {
    "bool": pa.array([True, False]),
    "i8": pa.array([-5, 1], pa.int8()),
    "i16": pa.array([-5, 1], pa.int16()),
    "i32": pa.array([-5, 1], pa.int32()),
    "i64": pa.array([-5, 1], pa.int64()),
    "u8": pa.array([200, 1], pa.uint8()),
    "u16": pa.array([2**16 - 1, 1], pa.uint16()),
    "u32": pa.array([2**32 - 1, 1], pa.uint32()),
    "u64": pa.array([2**64 - 1, 1], pa.uint64()),
    "f16": pa.array([1.5, 2], pa.float16()),
    "f32": pa.array([1.5, 2], pa.float32()),
    "f64": pa.array([1.5, math.inf]),
    "text": pa.array(["x", "é"]),
    "large": pa.array(["x", "é"], pa.large_string()),
    "view": pa.array(["x", "é"], pa.string_view()),
    "dictionary": pa.array(["x", "é"]).dictionary_encode(),
    "json": pa.array(["{}", "[]"], pa.json_()),
    "uuid": pa.array([b"0" * 16, b"1" * 16], pa.uuid()),
    "blob": pa.array([b"a", b"\xff"]),
    "fixed": pa.array([b"ab", b"cd"], pa.binary(2)),
    "d32": pa.array([Decimal("-1.5"), Decimal(2)], pa.decimal32(5, 2)),
    "d64": pa.array([Decimal("-1.5"), Decimal(2)], pa.decimal64(12, 2)),
    "d128": pa.array([Decimal("-1.5"), Decimal(2)], pa.decimal128(30, 2)),
    "d256": pa.array([Decimal("-1.5"), Decimal(2)], pa.decimal256(50, 2)),
    "date": pa.array([-1, 1], pa.date32()),
    "date64": pa.array([86_400_000, 0], pa.date64()),
    "time_s": pa.array([1, 2], pa.time32("s")),
    "time_us": pa.array([1, 2], pa.time64("us")),
    "ts_s": pa.array([1, 2], pa.timestamp("s")),
    "ts_ms": pa.array([1, 2], pa.timestamp("ms")),
    "ts_us": pa.array([1, 2], pa.timestamp("us")),
    "ts_ns": pa.array([1000, 2000], pa.timestamp("ns")),
    "zoned": pa.array([1, 2], pa.timestamp("ms", "Europe/Paris")),
    "duration": pa.array([1, 2], pa.duration("us")),
    "struct": pa.array([{"a": 1, "b": {"c": "x"}}, None]),
    "list": pa.array([[1, 2], None]),
    "large_list": pa.array([["a"], []], pa.large_list(pa.large_string())),
    "fixed_list": pa.array([[1, 2], [3, 4]], pa.list_(pa.int8(), 2)),
    "map": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
    "structs": pa.array(
        [[{"t": 5, "s": "x"}], []], pa.list_(pa.struct([("t", pa.timestamp("ms")), ("s", pa.string())]))
    ),
    "null": pa.nulls(2),
}


def test_every_type_is_what_duckdb_reads(tmp_path: Path) -> None:
    source = stored(tmp_path / "a.parquet", EVERY_TYPE)
    schema = inspect(PARQUET, source).schema
    with duckdb.connect() as connection:
        described = connection.sql(f"DESCRIBE FROM '{source.path}'").fetchall()
    # Where DuckDB has a finer name, values are the same text.
    expected = [(row[0], {"JSON": "VARCHAR", '"NULL"': "VARCHAR"}.get(row[1], row[1])) for row in described]
    assert [(column.name, sql_type(column.type).replace('"', "")) for column in schema.columns] == expected


@pytest.mark.parametrize("name", EVERY_TYPE)
def test_both_decoders_read_every_type_alike(tmp_path: Path, name: str) -> None:
    source = stored(tmp_path / "a.parquet", {name: EVERY_TYPE[name]})
    schema = inspect(PARQUET, source).schema
    assert_decoders_agree(PARQUET, source, schema)


@pytest.mark.parametrize(
    "condition", ["f = 'nan'", "f >= 'nan'", "f > 2", "f > 'inf'", "isnan(f)", "f IS NOT DISTINCT FROM 'nan'"]
)
@pytest.mark.parametrize("type", [pa.float32(), pa.float64()])
def test_bounds_that_leave_nan_out_hide_no_nan_from_duckdb(
    tmp_path: Path, type: pa.DataType, condition: str
) -> None:
    source = stored(tmp_path / "a.parquet", {"f": pa.array([1.0, math.nan, -0.0], type)})
    (group,) = inspect(PARQUET, source).row_groups or ()
    assert group.chunks["f"].lower == 0
    assert pq.read_metadata(source.file).row_group(0).column(0).statistics.max == 1
    schema = inspect(PARQUET, source).schema
    with duckdb.connect() as connection:
        scan = scan_sql(PARQUET, source, schema, None)
        assert connection.sql(f"SELECT count(*) FROM {scan} WHERE {condition}").fetchall() == [(1,)]


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_int96_is_a_naive_time_without_bounds(tmp_path: Path, zone: str | None) -> None:
    values = pa.array([datetime(1500, 1, 1), datetime(2500, 1, 1)], pa.timestamp("us", zone))
    source = stored(tmp_path / "a.parquet", {"c": values}, use_deprecated_int96_timestamps=True)
    facts = inspect(PARQUET, source)
    assert names_and_types(facts.schema) == [("c", "timestamp[us]")]
    assert bounds(source) == (None, None)
    assert assert_decoders_agree(PARQUET, source, facts.schema)[1]["c"] == datetime(2500, 1, 1)


def test_times_from_before_logical_types_are_naive_as_in_duckdb(tmp_path: Path) -> None:
    source = FileSource(DATA / "parquet" / "nested_structs.rust.parquet")
    schema = inspect(PARQUET, source).schema
    with duckdb.connect() as connection:
        described = connection.sql(f"DESCRIBE FROM '{source.path}'").fetchall()
    for column, row in zip(schema.columns, described, strict=True):
        assert sql_type(column.type).replace('"', "") == row[1].replace('"', "")
    assert any("timestamp[us]" in str(column.type) for column in schema.columns)


def test_sizes_and_counts_are_exact(tmp_path: Path) -> None:
    columns = {"a": pa.array(range(1000)), "s": pa.array([{"x": i, "l": [i]} for i in range(1000)])}
    source = stored(tmp_path / "a.parquet", columns, row_group_size=400)
    facts = inspect(PARQUET, source)
    metadata = pq.read_metadata(source.file)
    assert (facts.row_count, facts.has_rows) == (1000, True)
    assert facts.row_groups is not None
    assert [group.row_count for group in facts.row_groups] == [400, 400, 200]
    for i, group in enumerate(facts.row_groups):
        assert set(group.chunks) == {"a", "s.x", "s.l.list.element"}
        expected = [metadata.row_group(i).column(j).total_compressed_size for j in range(3)]
        assert [found.bytes for found in group.chunks.values()] == expected


def test_the_footer_takes_one_read_and_a_long_one_two(tmp_path: Path) -> None:
    small = stored(tmp_path / "a.parquet", {"c": pa.array([1])})
    inspect(PARQUET, small)
    assert small.reads == [(0, small.size)]
    wide = {f"column_{i:05}": pa.array(range(500)) for i in range(1500)}
    large = stored(tmp_path / "b.parquet", wide)
    facts = inspect(PARQUET, large)
    assert len(facts.schema.columns) == 1500
    assert len(large.reads) == 2
    assert large.reads[0] == (large.size - 65_536, 65_536)
    assert sum(large.reads[1]) == large.size - 65_536, "the second read ends where the first began"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([3, 1, None], pa.int8()), (1, 3)),
        (pa.array([2**31, 1], pa.uint32()), (1, 2**31)),
        (pa.array([2**63, 1], pa.uint64()), (1, 2**63)),
        (pa.array([True, False]), (False, True)),
        (pa.array([Decimal("-1.5"), Decimal("2")], pa.decimal128(30, 2)), (Decimal("-1.5"), Decimal(2))),
        (pa.array([Decimal("-1.5"), Decimal("2")], pa.decimal256(50, 2)), (None, None)),
        (pa.array([date(1969, 12, 31), date(1970, 1, 2)]), (-1, 1)),
        (pa.array([-1, 5], pa.timestamp("ms")), (-1000, 5000)),
        (pa.array([-1, 5], pa.timestamp("us", "UTC")), (-1, 5)),
        (pa.array([-1, 5], pa.timestamp("ns")), (-1, 5)),
        (pa.array([2**60], pa.timestamp("ms")), (None, None)),  # no microseconds for it
        (pa.array(["b", "é", "Z"]), ("Z", "é")),
        (pa.array([b"a", b"b"]), (None, None)),
        (pa.array([1.5, 2.5]), (1.5, None)),
        (pa.array([math.nan, 2.5, 1.5]), (1.5, None)),
        (pa.array([math.nan]), (None, None)),
        (pa.array([1.5], pa.float16()), (None, None)),
        (pa.array([None], pa.int64()), (None, None)),
        (pa.array([1], pa.time64("us")), (None, None)),
    ],
)
def test_bounds_are_in_the_units_of_the_column(
    tmp_path: Path, values: pa.Array, expected: tuple[Any, Any]
) -> None:
    source = stored(tmp_path / "a.parquet", {"c": values})
    assert bounds(source) == expected
    facts = inspect(PARQUET, source)
    assert chunk(facts, "c").null_count == values.null_count
    type = facts.schema.columns[0].type
    assert len(pa.array(list(expected), type)) == 2, "bounds are values of the column's type"


def test_elements_of_lists_have_no_bounds_and_fields_of_structs_have(tmp_path: Path) -> None:
    columns = {"l": pa.array([[1, None], []]), "s": pa.array([{"x": 1}, None])}
    facts = inspect(PARQUET, stored(tmp_path / "a.parquet", columns))
    found = chunk(facts, "l.list.element")
    assert found == ColumnChunk(found.bytes, start=found.start)
    assert (chunk(facts, "s.x").lower, chunk(facts, "s.x").null_count) == (1, 1)


@pytest.mark.parametrize("dictionary", [True, False])
def test_a_chunk_begins_where_arrow_says(tmp_path: Path, dictionary: bool) -> None:
    columns = {
        "a": pa.array(["x", "y", "x"]),
        "b": pa.array([1.5, None, 2.5]),
        "l": pa.array([[1], [], None]),
    }
    source = stored(tmp_path / "a.parquet", columns, use_dictionary=dictionary)
    group = pq.read_metadata(tmp_path / "a.parquet").row_group(0)
    facts = inspect(PARQUET, source)
    for i in range(group.num_columns):
        told = group.column(i)
        first = told.dictionary_page_offset if told.has_dictionary_page else told.data_page_offset
        assert chunk(facts, told.path_in_schema).start == first


def test_without_statistics_nothing_is_claimed(tmp_path: Path) -> None:
    source = stored(tmp_path / "a.parquet", {"c": pa.array([1, 2])}, write_statistics=False)
    found = chunk(inspect(PARQUET, source), "c")
    assert (found.lower, found.upper, found.null_count) == (None, None, None)


def test_a_name_with_a_dot_does_not_lend_its_bounds_to_a_field(tmp_path: Path) -> None:
    columns = {"s": pa.array([{"x": 1}]), "s.x": pa.array([100])}
    found = chunk(inspect(PARQUET, stored(tmp_path / "a.parquet", columns)), "s.x")
    assert (found.lower, found.upper, found.null_count) == (None, None, None)
    assert found.bytes > 0


ORDERED = st.one_of(
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)),
    st.lists(st.none() | st.floats()),
    st.lists(st.none() | st.text(st.characters(codec="utf-8"))),
    st.lists(st.none() | st.dates()),
    st.lists(st.none() | st.booleans()),
    st.lists(st.none() | st.decimals(-(10**8), 10**8, places=3)),
    st.lists(st.none() | st.datetimes(timezones=st.just(UTC))),
)


@settings(max_examples=40, deadline=None)
@given(values=ORDERED, writer=st.sampled_from(["arrow", "duckdb"]))
def test_no_value_lies_outside_the_bounds_in_duckdbs_order(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], writer: str
) -> None:
    path = tmp_path_factory.mktemp("bounds") / "a.parquet"
    table = pa.table({"c": pa.array(values)})
    with duckdb.connect() as connection:
        connection.register("given", table)
        if writer == "arrow":
            pq.write_table(table, path)
        else:
            connection.execute(f"COPY given TO '{path}' (FORMAT parquet)")
        facts = inspect(PARQUET, FileSource(path))
        type = facts.schema.columns[0].type
        for group in facts.row_groups or ():
            found = group.chunks["c"]
            for side, comparison in ((found.lower, "<"), (found.upper, ">")):
                if side is not None:
                    connection.register("bound", pa.table({"b": pa.array([side], type)}))
                    outside = f"SELECT count(*) FROM '{path}', bound WHERE c {comparison} b"
                    assert connection.sql(outside).fetchall() == [(0,)]
            if found.null_count is not None:
                assert found.null_count == table.column("c").null_count


def test_a_page_with_another_checksum_is_not_decoded_by_arrow(tmp_path: Path) -> None:
    """DuckDB's reader does not look at them."""
    path = tmp_path / "f.parquet"
    numbers = {"x": pa.array(range(1_000))}
    source = stored(path, numbers, write_page_checksum=True, compression="none", use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[data.index((500).to_bytes(8, "little") + (501).to_bytes(8, "little"))] ^= 1
    path.write_bytes(data)
    dataset = arrow_dataset(PARQUET, [source], [ds.scalar(True)], inspect(PARQUET, source).schema, [])
    with pytest.raises(OSError, match="CRC checksum verification failed"):
        dataset.to_table()


def test_partitions_are_columns_and_win_over_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "k=007"
    folder.mkdir()
    source = stored(folder / "a'b.parquet", {"a": pa.array([1]), "k": pa.array(["file"])})
    schema = inspect(PARQUET, source).schema
    scan = PARQUET.duckdb_scan(list_literal([source.path]), schema, {"k": "BIGINT"}, "f")
    with duckdb.connect() as connection:
        relation = connection.sql(f"SELECT a, k, f FROM {scan} WHERE k = 7")
        assert relation.fetchall() == [(1, 7, source.path)]
    key = Column("k", pa.int64())
    dataset = arrow_dataset(PARQUET, [source], [ds.field("k") == 7], schema, [key])
    assert dataset.to_table().to_pylist() == [{"a": 1, "k": 7}]
    assert dataset.count_rows(filter=pc.field("k") == 8) == 0


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda data: data[:-1], "does not end with a Parquet footer"),
        (lambda data: data[: len(data) // 2], "does not end with a Parquet footer"),
        (lambda data: b"PAR1", "its footer claims"),
        (lambda data: b"", "does not end with a Parquet footer"),
        (lambda data: data[:-8] + b"\xff\xff\xff\x7f" + data[-4:], "its footer claims 2,147,483,655 of"),
        (lambda data: data[:-8] + b"\x00\x00\x00\x00" + data[-4:], "its footer claims"),
        (lambda data: data[:-60] + bytes(40) + data[-20:], "cannot be read"),
        (lambda data: data[:-4] + b"PARE", "its encryption is not well formed"),
        (lambda data: b"PAR1" + data[-600:], "its footer tells of"),
        (lambda data: b"<Error>SlowDown</Error>", "does not end with a Parquet footer"),
    ],
)
def test_a_broken_footer_is_named(tmp_path: Path, damage: Any, problem: str) -> None:
    rows = pa.array([f"text {i * 7919 % 10_007}" for i in range(2000)])
    whole = stored(tmp_path / "whole.parquet", {"c": rows}).file.read_bytes()
    source = write(tmp_path / "bad.parquet", damage(whole))
    with pytest.raises(CorruptFileError, match=problem) as raised:
        inspect(PARQUET, source)
    assert raised.value.path == source.path
    assert source.path in str(raised.value)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("type-mismatch.fuzz", "stored in another type"),
        ("encrypted-chunk.fuzz", "not well formed"),
        ("plaintext-footer.encrypted", "Locked(column='float_field', key='kc2', reason='was not given')"),
    ],
)
def test_footers_that_would_end_the_process_never_reach_arrow(name: str, problem: str) -> None:
    # In a process of its own: without the check Arrow ends it.
    program = f"""
from pathlib import Path
from lakeq.errors import CorruptFileError
from tests.formats.test_parquet import PARQUET, FileSource, inspect
try:
    print(inspect(PARQUET, FileSource(Path({str(DATA / "parquet" / name)!r}))).schema.encryption)
except CorruptFileError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=DATA.parents[1])
    assert problem in run.stdout, run.stderr


def test_a_file_without_rows_is_fine(tmp_path: Path) -> None:
    facts = inspect(PARQUET, stored(tmp_path / "a.parquet", {"c": pa.array([], pa.int64())}))
    assert (facts.row_count, facts.has_rows) == (0, False)
    assert names_and_types(facts.schema) == [("c", "int64")]


def test_arrow_verifies_the_checksums_of_pages_and_duckdb_does_not(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"a": [1111, 2222]}),
        path,
        compression="none",
        use_dictionary=False,
        write_page_checksum=True,
        write_statistics=False,
    )
    data = path.read_bytes()
    path.write_bytes(data.replace((2222).to_bytes(8, "little"), (2223).to_bytes(8, "little"), 1))
    source = FileSource(path)
    schema = inspect(PARQUET, source).schema
    with pytest.raises(OSError, match="could not verify page integrity"):
        read_with_arrow(PARQUET, source, schema)
    # Told in docs/badfiles.md; when this fails, that can be changed.
    assert read_with_duckdb(PARQUET, source, schema)["a"].to_pylist() == [1111, 2223]
