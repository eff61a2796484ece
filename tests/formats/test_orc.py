"""ORC: schema and row count without reading a stripe; decoded by Arrow."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.orc
import pytest

from lakeq.errors import CorruptFileError
from lakeq.formats.base import Column
from lakeq.formats.orc import OrcFormat
from tests.formats.decoders import FileSource, arrow_dataset, inspect, names_and_types, write

ORC = OrcFormat()
DATA = Path(__file__).parents[1] / "data" / "orc"


def stored(path: Path, columns: dict[str, pa.Array]) -> FileSource:
    pyarrow.orc.write_table(pa.table(columns), str(path), compression="uncompressed")
    return FileSource(path)


def test_schema_and_count_come_from_the_end_of_the_file(tmp_path: Path) -> None:
    numbers = pa.array([i * 7919 % 1_000_003 for i in range(200_000)])
    source = stored(tmp_path / "a.orc", {"n": numbers, "t": pa.array(["x"] * 200_000)})
    facts = inspect(ORC, source)
    assert names_and_types(facts.schema) == [("n", "int64"), ("t", "string")]
    assert (facts.row_count, facts.has_rows, len(facts.row_groups or ())) == (200_000, True, 1)
    assert source.reads == [(source.size - 65_536, 65_536)]
    assert source.size > 10 * 65_536


def test_zones_are_utc_and_times_keep_their_nanoseconds(tmp_path: Path) -> None:
    values = pa.array([1], pa.timestamp("ns"))
    source = stored(tmp_path / "a.orc", {"t": values, "z": values.cast(pa.timestamp("ns", "Europe/Paris"))})
    assert names_and_types(inspect(ORC, source).schema) == [
        ("t", "timestamp[ns]"),
        ("z", "timestamp[ns, tz=UTC]"),
    ]


def test_files_of_others_are_read(tmp_path: Path) -> None:
    source = FileSource(DATA / "TestOrcFile.test1.orc")
    facts = inspect(ORC, source)
    assert facts.row_count == 2
    types = dict(names_and_types(facts.schema))
    assert types["middle"] == "struct<list: list<item: struct<int1: int32, string1: string>>>"
    assert types["map"] == "map<string, struct<int1: int32, string1: string>>"
    dataset = arrow_dataset(ORC, [source], [ds.scalar(True)], facts.schema, [])
    assert dataset.to_table().column("string1").to_pylist() == ["hi", "bye"]


def test_duckdb_has_no_reader_and_arrow_adds_the_partition(tmp_path: Path) -> None:
    first = stored(tmp_path / "a.orc", {"a": pa.array([1, 2]), "k": pa.array(["file", "file"])})
    second = stored(tmp_path / "b.orc", {"a": pa.array([3]), "k": pa.array(["file"])})
    schema = inspect(ORC, first).schema
    assert ORC.duckdb_scan("[]", schema, {}, None) is None
    at = Column("k", pa.timestamp("us"))
    conditions = [ds.field("k") == pa.scalar(datetime(2026, 1, 1), at.type), ds.field("k").is_null()]
    dataset = arrow_dataset(ORC, [first, second], conditions, schema, [at])
    assert dataset.to_table(columns=["a", "k"]).to_pylist() == [
        {"a": 1, "k": datetime(2026, 1, 1)},
        {"a": 2, "k": datetime(2026, 1, 1)},
        {"a": 3, "k": None},
    ]
    assert dataset.count_rows(filter=ds.field("k").is_null()) == 1


def test_a_file_without_rows_is_fine(tmp_path: Path) -> None:
    facts = inspect(ORC, stored(tmp_path / "a.orc", {"a": pa.array([], pa.int64())}))
    assert (facts.row_count, facts.has_rows) == (0, False)


@pytest.mark.parametrize("keep", [0, 3, 100, -1, -40])
def test_a_cut_file_is_named(tmp_path: Path, keep: int) -> None:
    whole = stored(tmp_path / "whole.orc", {"a": pa.array(range(5000))}).file.read_bytes()
    source = write(tmp_path / "cut.orc", whole[:keep])
    with pytest.raises(CorruptFileError, match=r"cut\.orc") as raised:
        inspect(ORC, source)
    assert raised.value.path == source.path


def test_rows_that_are_not_records_are_refused() -> None:
    with pytest.raises(CorruptFileError, match="top-level struct"):
        inspect(ORC, FileSource(DATA / "TestOrcFile.testTimestamp.orc"))
