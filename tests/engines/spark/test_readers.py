"""What Spark's readers are told, and which files and columns are not given to them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from lakeq.engines.spark.readers import StoredColumn, choose_options, find_obstacle, store_column
from lakeq.engines.spark.types import spark_type
from lakeq.formats.base import Column, Encryption, FileSchema

STRUCT = pa.struct([("a", pa.int64()), ("b", pa.string())])


def schema(*types: pa.DataType, **options: Any) -> FileSchema:
    columns = tuple(Column(f"c{i}", type) for i, type in enumerate(types))
    return FileSchema(columns, tuple(options.items()))


@pytest.mark.parametrize(
    ("type", "told"),
    [
        (pa.uint8(), "SMALLINT"),
        (pa.uint64(), "DECIMAL(20,0)"),
        (pa.large_string(), "STRING"),
        (pa.dictionary(pa.int8(), pa.string()), "STRING"),
        (pa.timestamp("ms"), "TIMESTAMP_NTZ"),
        (pa.timestamp("us", "Europe/Paris"), "TIMESTAMP"),
        (pa.decimal128(9, 2), "DECIMAL(9,2)"),
        (STRUCT, "STRUCT<`a`: BIGINT, `b`: STRING>"),
        (pa.map_(pa.string(), pa.list_(pa.float32())), "MAP<STRING, ARRAY<FLOAT>>"),
        (pa.time64("us"), None),
        (pa.duration("us"), None),
        (pa.list_(pa.time64("us")), None),
        (pa.struct([]), None),
    ],
)
def test_types_are_those_that_hold_all_values(type: pa.DataType, told: str | None) -> None:
    assert spark_type(type) == told


def test_encrypted_files_are_not_given() -> None:
    found = find_obstacle("parquet", FileSchema((), (), Encryption()), ["/a"])
    assert found is not None and "no keys" in found


@pytest.mark.parametrize(
    ("compression", "path", "fits"),
    [
        ("none", "/a.csv", True),
        ("gzip", "/a.csv.gz", True),
        ("gzip", "/a.csv", False),
        ("none", "/a.csv.gz", False),
        ("zstd", "/a.csv.gz", False),
        ("none", "/a.lz4", False),
    ],
)
def test_compressed_text_is_given_if_its_name_says_so(compression: str, path: str, fits: bool) -> None:
    found = find_obstacle("csv", schema(pa.int64(), pa.int64(), compression=compression), [path])
    assert (found is None) == fits


def test_fields_of_structs_are_read_in_the_order_of_the_table() -> None:
    stored = pa.struct([("b", pa.string()), ("extra", pa.int8()), ("A", pa.int32())])
    found = store_column("parquet", schema(stored), Column("c0", stored), STRUCT)
    assert found == StoredColumn("STRUCT<`a`: INT, `b`: STRING>", "`c0`")


@pytest.mark.parametrize(
    ("format", "stored", "shown"),
    [
        ("parquet", pa.float64(), pa.string()),
        ("parquet", pa.timestamp("us"), pa.string()),
        ("parquet", pa.list_(pa.float64()), pa.list_(pa.string())),
        ("parquet", pa.time64("us"), pa.time64("us")),
        ("parquet", pa.list_(pa.timestamp("ns")), pa.list_(pa.timestamp("ns"))),
        ("orc", pa.timestamp("ns"), pa.timestamp("ns")),
        ("json", pa.list_(pa.date32()), pa.list_(pa.date32())),
        ("csv", pa.binary(), pa.binary()),
    ],
)
def test_columns_that_spark_would_read_otherwise_are_refused(
    format: str, stored: pa.DataType, shown: pa.DataType
) -> None:
    told = schema(stored, stored, null="")
    assert isinstance(store_column(format, told, told.columns[0], shown), str)


def test_integers_and_dates_may_be_shown_as_text() -> None:
    for stored in (pa.int32(), pa.date32(), pa.bool_()):
        assert isinstance(
            store_column("parquet", schema(stored), Column("c0", stored), pa.string()), StoredColumn
        )


def test_nothing_broken_is_passed_over() -> None:
    csv = choose_options("csv", schema(delimiter=";", quote='"', header=True, null=""))
    assert (csv["mode"], csv["sep"], csv["header"], csv["multiLine"]) == ("FAILFAST", ";", "true", "true")
    assert choose_options("json", schema(layout="array"))["multiLine"] == "true"
    assert choose_options("json", schema(layout="newline_delimited"))["mode"] == "FAILFAST"
