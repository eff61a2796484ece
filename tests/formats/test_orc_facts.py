"""What ORC's footers tell is held against Arrow, which reads the rows themselves, stripe by stripe."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.orc as orc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakeq.catalog.row_groups import leaf_types
from lakeq.errors import CorruptFileError
from lakeq.formats.arrow_reads import ArrowReads
from lakeq.formats.base import GROUP_FOOTER, ArrowFile, Column, FileFacts
from lakeq.formats.orc import OrcFormat
from tests.formats.decoders import FileSource, inspect, write

ORC = OrcFormat()
DATA = Path(__file__).parents[1] / "data" / "orc"
NOT_RECORDS = ("TestOrcFile.testTimestamp.orc",)
PUBLIC = sorted(path.name for path in DATA.glob("*.orc") if path.name not in NOT_RECORDS)
WITH_ROOT_STREAM = ("bad_bloom_filter_1.6.0.orc",)
"""Says of each record whether it is there, in some bytes that belong to no column."""
LZO = "TestVectorOrcFile.testLzo.orc"


def write_stripes(path: Path, table: pa.Table, rows: int, compression: str = "uncompressed") -> FileSource:
    """A file with a stripe for each `rows` rows: without compression, Arrow ends one after each batch."""
    orc.write_table(table, str(path), stripe_size=1, batch_size=rows, compression=compression)
    return FileSource(path)


def leaf_values(batch: pa.RecordBatch, path: str) -> pa.Array:
    names = path.split(".")
    values = batch.column(names[0])
    for name in names[1:]:
        values = pc.struct_field(values, name)
    return values


def order_key(value: Any) -> Any:
    """Values in DuckDB's order, in which NaN is greatest; text in that of its bytes."""
    if isinstance(value, float):
        return (math.isnan(value), 0.0 if math.isnan(value) else value)
    return value.encode() if isinstance(value, str) else value


def python_values(values: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return [value for value in values.to_pylist() if value is not None]


def check_facts(source: FileSource) -> tuple[int, int]:
    """Hold the facts of a file against its rows; returns how many bounds and null counts there were."""
    facts, file = inspect(ORC, source), orc.ORCFile(str(source.file))
    groups = facts.row_groups or ()
    assert len(groups) == file.nstripes
    bounds = counts = 0
    for number, group in enumerate(groups):
        batch = file.read_stripe(number)
        assert batch.num_rows == group.row_count
        for path, kind in (leaf for column in facts.schema.columns for leaf in leaf_types(column)):
            if pa.types.is_nested(kind) or pa.types.is_union(kind):
                continue
            chunk, stored = group.chunks[path], leaf_values(batch, path)
            if chunk.null_count is not None:
                counts += 1
                assert chunk.null_count == stored.null_count, (number, path)
            values = python_values(stored.cast(kind))
            for bound, is_lower in ((chunk.lower, True), (chunk.upper, False)):
                if bound is not None:
                    bounds += 1
                    (limit,) = python_values(pa.array([bound], kind))
                    low, high = (limit, None) if is_lower else (None, limit)
                    assert low is None or all(order_key(low) <= order_key(v) for v in values), (number, path)
                    assert high is None or all(order_key(v) <= order_key(high) for v in values), path
    return bounds, counts


TYPES: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int8(), st.integers(-128, 127)),
    (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.float32(), st.floats(width=32)),
    (pa.float64(), st.floats()),
    (pa.string(), st.one_of(st.text(max_size=6), st.text(min_size=1, max_size=2).map(lambda t: t * 1500))),
    (pa.date32(), st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))),
    (pa.decimal128(10, 2), st.decimals(Decimal(-9_999_999), Decimal(9_999_999), places=2)),
    (pa.decimal128(38, 5), st.decimals(-(10**30), 10**30, places=5)),
    (pa.timestamp("us"), st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))),
    (pa.timestamp("ns"), st.integers(-(2**60), 2**60)),
    (pa.timestamp("ns", "UTC"), st.integers(-(2**60), 2**60)),
    (pa.bool_(), st.booleans()),
    (pa.binary(), st.binary(max_size=5)),
]


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """A few columns of any types, structs, lists and maps among them, with NULL at any depth."""
    rows = draw(st.integers(1, 12))
    columns = {}
    for number in range(draw(st.integers(1, 4))):
        kind, values = draw(st.sampled_from(TYPES))
        optional = st.one_of(st.none(), values) if draw(st.booleans()) else values
        shape = draw(st.sampled_from(["plain", "plain", "struct", "list", "map"]))
        if shape == "struct":
            kind = pa.struct([("x", kind), ("y", pa.struct([("z", kind)]))])
            inner = st.fixed_dictionaries({"z": optional})
            optional = st.one_of(
                st.none(), st.fixed_dictionaries({"x": optional, "y": st.one_of(st.none(), inner)})
            )
        elif shape == "list":
            kind, optional = pa.list_(kind), st.one_of(st.none(), st.lists(optional, max_size=3))
        elif shape == "map":
            pairs = st.dictionaries(st.text(max_size=3), optional, max_size=3)
            kind = pa.map_(pa.string(), kind)
            optional = st.one_of(st.none(), pairs.map(lambda pairs: list(pairs.items())))
        values_drawn = draw(st.lists(optional, min_size=rows, max_size=rows))
        columns[f"c{number}"] = pa.array(values_drawn, kind)
    return pa.table(columns)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(table=tables(), rows=st.integers(1, 12))
def test_bounds_bracket_the_values_of_each_stripe_and_nulls_are_counted(
    tmp_path_factory: pytest.TempPathFactory, table: pa.Table, rows: int
) -> None:
    path = tmp_path_factory.mktemp("orc") / "a.orc"
    check_facts(write_stripes(path, table, rows))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(table=tables(), compression=st.sampled_from(["uncompressed", "zlib", "snappy", "lz4", "zstd"]))
def test_every_column_takes_the_bytes_that_arrow_reads_for_it(
    tmp_path_factory: pytest.TempPathFactory, table: pa.Table, compression: str
) -> None:
    path = tmp_path_factory.mktemp("orc") / "a.orc"
    source = write_stripes(path, table, 3, compression)
    facts = inspect(ORC, source)
    for name in table.column_names:
        read, stored = read_bytes(source, facts, [name]), stored_bytes(facts, name)
        # Of what is inside of a struct that is NULL throughout a stripe nothing is read.
        assert read <= stored if pa.types.is_nested(table.schema.field(name).type) else read == stored
    plain = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
    assert read_bytes(source, facts, ["k", *plain]) == stored_bytes(facts, *plain)


def stored_bytes(facts: FileFacts, *columns: str) -> int:
    """The bytes of whole columns in all stripes."""
    return sum(
        chunk.bytes
        for group in facts.row_groups or ()
        for path, chunk in group.chunks.items()
        if path != GROUP_FOOTER and any(path == c or path.startswith(c + ".") for c in columns)
    )


def read_bytes(source: FileSource, facts: FileFacts, columns: Sequence[str]) -> int:
    """The bytes of data that a scan of these columns asks for."""
    reads = ArrowReads()
    files = [ArrowFile(source.path, source.size, ds.scalar(True), facts.row_count)]
    local = pa.fs.LocalFileSystem()
    dataset = ORC.arrow_dataset(files, facts.schema, [Column("k", pa.bool_())], local, reads)
    dataset.to_table(columns=list(columns))
    assert reads.data is not None
    return reads.data


def test_bounds_are_there_where_they_help(tmp_path: Path) -> None:
    columns = {
        "i": pa.array([3, None, -5], pa.int32()),
        "s": pa.array(["b", "", "é"]),
        "f": pa.array([2.5, math.nan, 1.5]),
        "n": pa.array([math.nan, 1.0, 2.0]),
        "d": pa.array([dt.date(1969, 12, 31), dt.date(1, 1, 1), None]),
        "m": pa.array([Decimal("1.50"), Decimal("-2.00"), None], pa.decimal128(9, 2)),
        "t": pa.array([0, 1_500_000_000, -1], pa.timestamp("ns")),
        "r": pa.array([{"x": 1}, {"x": 2}, {"x": None}]),
        "o": pa.array([{"x": 1}, None, {"x": None}]),
    }
    facts = inspect(ORC, write_stripes(tmp_path / "a.orc", pa.table(columns), 1000))
    (group,) = facts.row_groups or ()
    told = {p: (c.lower, c.upper, c.null_count) for p, c in group.chunks.items() if p != GROUP_FOOTER}
    assert told == {
        "i": (-5, 3, 1),
        "s": ("", "é", 0),
        "f": (1.5, None, 0),
        "n": (None, None, 0),
        "d": (-719162, -1, 1),
        "m": (Decimal("-2.00"), Decimal("1.50"), 1),
        "t": (-1_000_000_000, 2_500_000_000, 0),
        "r": (None, None, 0),
        "r.x": (1, 2, 1),
        "o": (None, None, 1),
        "o.x": (1, 1, None),
    }


@pytest.mark.parametrize("compression", ["zlib", "snappy", "lz4", "zstd"])
def test_compression_changes_only_sizes(tmp_path: Path, compression: str) -> None:
    numbers = random.Random(1).choices(range(1000), k=20_000)
    table = pa.table({"n": numbers, "s": [f"{n:050}" for n in numbers], "l": [[n] for n in numbers]})
    plain = inspect(ORC, write_stripes(tmp_path / "plain.orc", table, 100_000))
    packed = inspect(ORC, write_stripes(tmp_path / "packed.orc", table, 100_000, compression))
    assert packed.schema == plain.schema
    for a, b in zip(plain.row_groups or (), packed.row_groups or (), strict=True):
        assert a.chunks.keys() == b.chunks.keys()
        for path in a.chunks:
            one, other = a.chunks[path], b.chunks[path]
            assert (one.lower, one.upper, one.null_count) == (other.lower, other.upper, other.null_count)
    sizes = [stored_bytes(facts, "n", "s", "l") for facts in (plain, packed)]
    assert sizes[1] != sizes[0] if compression == "lz4" else sizes[1] < sizes[0]  # Arrow stores LZ4 plain


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != LZO])
def test_files_of_other_writers_hold_what_their_footers_tell(name: str) -> None:
    source = FileSource(DATA / name)
    check_facts(source)
    facts = inspect(ORC, source)
    if facts.row_count and name not in WITH_ROOT_STREAM:
        columns = [column.name for column in facts.schema.columns]
        assert read_bytes(source, facts, columns[:1]) == stored_bytes(facts, columns[0])


def test_files_of_java_have_bounds() -> None:
    assert check_facts(FileSource(DATA / "over1k_bloom.orc")) == (24, 22)
    assert check_facts(FileSource(DATA / "orc_split_elim_new.orc"))[0] == 9


def test_a_value_inside_of_a_struct_that_is_null_is_none(tmp_path: Path) -> None:
    # Arrow's writer stores it, and counts it as a value.
    hidden = pa.StructArray.from_arrays([pa.array([5, 6])], ["x"], mask=pa.array([True, False]))
    source = write_stripes(tmp_path / "a.orc", pa.table({"r": hidden}), 10)
    (group,) = inspect(ORC, source).row_groups or ()
    assert group.chunks["r.x"].null_count is None
    check_facts(source)


def test_a_writer_without_an_index_counted_no_values_and_is_not_believed() -> None:
    # Its statistics say that all rows are NULL; none is.
    facts = inspect(ORC, FileSource(DATA / "TestOrcFile.testMemoryManagementV12.orc"))
    chunks = [group.chunks["int1"] for group in facts.row_groups or ()]
    assert [(c.lower, c.upper, c.null_count) for c in chunks] == [(None, None, None)] * 4


def test_decimals_of_an_old_writer_have_no_bounds() -> None:
    facts = inspect(ORC, FileSource(DATA / "decimal.orc"))
    assert [(c.lower, c.upper) for g in facts.row_groups or () for c in [g.chunks["_col0"]]] == [(None, None)]


def test_encrypted_columns_have_no_bounds() -> None:
    facts = inspect(ORC, FileSource(DATA / "encrypted_sample1.orc"))
    chunks = [chunk for group in facts.row_groups or () for chunk in group.chunks.values()]
    assert {(c.lower, c.upper, c.null_count) for c in chunks} == {(None, None, None)}


def test_where_only_arrow_reads_the_footers_each_column_counts_as_all() -> None:
    source = FileSource(DATA / LZO)
    facts = inspect(ORC, source)
    (group,) = facts.row_groups or ()
    assert (facts.row_count, group.row_count) == (10_000, 10_000)
    assert group.chunks["x"].bytes == source.size - (facts.footer_bytes or 0)
    assert group.chunks[GROUP_FOOTER].start is None
    assert 0 < read_bytes(source, facts, ["x"]) <= group.chunks["x"].bytes


def test_footers_of_stripes_are_read_side_by_side_and_nothing_else(tmp_path: Path) -> None:
    numbers = random.Random(7).choices(range(1 << 60), k=400_000)
    path = tmp_path / "a.orc"
    orc.write_table(pa.table({"n": numbers}), str(path), stripe_size=1, batch_size=80_000)
    source = FileSource(path)
    facts = inspect(ORC, source)
    footers = [group.chunks[GROUP_FOOTER] for group in facts.row_groups or ()]
    assert len(footers) == 5
    # The last stripe's is in what was read of the end.
    assert source.reads[0] == (source.size - 65_536, 65_536)
    assert sorted(source.reads[1:]) == [(footer.start, footer.bytes) for footer in footers[:4]]


def test_footers_close_together_are_one_read(tmp_path: Path) -> None:
    numbers = random.Random(7).choices(range(1 << 60), k=100_000)
    source = write_stripes(tmp_path / "a.orc", pa.table({"n": numbers}), 1000)
    facts = inspect(ORC, source)
    assert len(facts.row_groups or ()) == 100
    assert len(source.reads) == 2


def damaged_files(whole: bytes, start: int) -> list[bytes]:
    """Copies cut short, and copies of which a bit from `start` on is turned over."""
    cuts = [whole[: len(whole) * part // 64] for part in range(64)]
    bits = range(start * 8, len(whole) * 8)
    flips = []
    for bit in random.Random(5).sample(bits, min(len(bits), 600)):
        copy = bytearray(whole)
        copy[bit // 8] ^= 1 << bit % 8
        flips.append(bytes(copy))
    return cuts + flips


@pytest.mark.parametrize("name", ["over1k_bloom.orc", "TestOrcFile.test1.orc", "orc_no_format.orc"])
def test_a_damaged_file_is_named_or_told_without_nonsense(tmp_path: Path, name: str) -> None:
    whole = (DATA / name).read_bytes()
    for number, copy in enumerate(damaged_files(whole, max(0, len(whole) - 4000))):
        source = write(tmp_path / f"damaged-{number}.orc", copy)
        try:
            facts = inspect(ORC, source)
        except CorruptFileError as error:
            assert error.path == source.path
            assert source.path in str(error)
            continue
        for group in facts.row_groups or ():
            assert 0 <= group.row_count < 1 << 63
            for chunk in group.chunks.values():
                start = chunk.start or 0
                assert 0 <= start <= start + chunk.bytes <= source.size
        source.file.unlink()


@pytest.mark.parametrize("name", ["TestOrcFile.test1.orc", "orc_split_elim_new.orc"])
def test_no_cut_is_taken_for_a_whole_file(tmp_path: Path, name: str) -> None:
    whole = (DATA / name).read_bytes()
    for part in range(64):
        source = write(tmp_path / "cut.orc", whole[: len(whole) * part // 64])
        with pytest.raises(CorruptFileError, match=r"cut\.orc"):
            inspect(ORC, source)
