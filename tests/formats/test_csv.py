"""CSV: what is settled from a head, and that DuckDB and Arrow then read the same."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.errors import ConfigError, CorruptFileError, UnknownFormatError
from lakeq.formats.base import Column, FileSchema, ReadOptions
from lakeq.formats.csv import CsvFormat
from lakeq.formats.scan_sql import list_literal
from tests.formats.decoders import (
    FileSource,
    arrow_dataset,
    assert_decoders_agree,
    inspect,
    names_and_types,
    read_with_arrow,
    read_with_duckdb,
    write,
)

CSV = CsvFormat()


def test_types_come_from_the_values(tmp_path: Path) -> None:
    source = write(
        tmp_path / "a.csv",
        "id,price,day,at,seen,zip,note\n"
        "1,2.5,2026-01-01,2026-01-01 10:00,2026-01-01T10:00:00Z,007,\n"
        "2,3,2026-01-02,2026-01-02T11:00:00.25,2026-01-01T10:00:00+02:00,010,\n",
    )
    facts = inspect(CSV, source)
    assert names_and_types(facts.schema) == [
        ("id", "int64"),
        ("price", "double"),
        ("day", "date32[day]"),
        ("at", "timestamp[us]"),
        ("seen", "timestamp[us, tz=UTC]"),
        ("zip", "string"),
        ("note", "null"),
    ]
    assert (facts.has_rows, facts.row_count, facts.row_groups) == (True, None, None)
    rows = assert_decoders_agree(CSV, source, facts.schema)
    assert rows[1] == {
        "id": 2,
        "price": 3.0,
        "day": date(2026, 1, 2),
        "at": datetime(2026, 1, 2, 11, 0, 0, 250000),
        "seen": datetime(2026, 1, 1, 8, tzinfo=UTC),
        "zip": "010",
        "note": None,
    }


@pytest.mark.parametrize("delimiter", [",", "\t", "|", ";", "\x01"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    source = write(
        tmp_path / "a", f"id{delimiter}name\n1{delimiter}a,b;c|d".replace(delimiter * 2, delimiter)
    )
    lines = ["id name", "1 a", "2 b"]
    source = write(tmp_path / "a", "\n".join(lines).replace(" ", delimiter))
    schema = inspect(CSV, source).schema
    assert schema.option("delimiter") == delimiter
    assert assert_decoders_agree(CSV, source, schema) == [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]


def test_a_decimal_comma_does_not_hide_the_semicolon(tmp_path: Path) -> None:
    schema = inspect(CSV, write(tmp_path / "a.csv", "a;b\n1,5;2,5\n3,5;4,5\n")).schema
    assert schema.option("delimiter") == ";"


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("id,name\n1,a\n2,b\n", True),
        ("1,a\n2,b\n", False),
        ("2026-01-01,a\n2026-01-02,b\n", False),
        ("name,city\nada,london\nbob,paris\n", True),
        ("yes,no\nno,no\nyes,no\n", False),  # what looks like names comes again below
        ("name,name\nada,london\n", False),  # all text, and not unique
        ("id,v\n", True),
        (",id\nx,1\n", True),  # pandas writes the index so
    ],
)
def test_the_first_row_is_a_header_by_the_rule_of_glue(tmp_path: Path, text: str, header: bool) -> None:
    source = write(tmp_path / "a.csv", text)
    schema = inspect(CSV, source).schema
    assert schema.option("header") is header
    rows = assert_decoders_agree(CSV, source, schema)
    assert len(rows) == text.count("\n") - header


def test_names_that_sql_cannot_tell_apart_are_numbered(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", ",ID,id,id_1\nx,1,2,3\n")
    schema = inspect(CSV, source).schema
    assert [column.name for column in schema.columns] == ["column0", "ID", "id_2", "id_1"]
    assert assert_decoders_agree(CSV, source, schema) == [{"column0": "x", "ID": 1, "id_2": 2, "id_1": 3}]


def test_headerless_columns_are_numbered_or_taken_by_position(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "1,007\n2,008\n")
    assert names_and_types(inspect(CSV, source).schema) == [("column0", "int64"), ("column1", "string")]
    declared = (Column("k", pa.int32()), Column("v", pa.int64()))
    schema = inspect(CSV, source, columns=declared).schema
    assert names_and_types(schema) == [("k", "int32"), ("v", "int64")]
    assert assert_decoders_agree(CSV, source, schema) == [{"k": 1, "v": 7}, {"k": 2, "v": 8}]


def test_declared_columns_are_matched_with_a_header_by_name(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "b,A,c\n1,2,3\n")
    declared = (Column("a", pa.string()), Column("d", pa.int64()))
    schema = inspect(CSV, source, columns=declared).schema
    assert names_and_types(schema) == [("b", "int64"), ("A", "string"), ("c", "int64")]


def test_declared_columns_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    declared = (Column("x", pa.string()),)
    with pytest.raises(CorruptFileError, match=r"a\.csv, line 1: 2 cells where 1 columns are declared"):
        inspect(CSV, write(tmp_path / "a.csv", "1,2\n"), columns=declared)
    with pytest.raises(CorruptFileError, match="names id, v and none of the declared"):
        inspect(CSV, write(tmp_path / "b.csv", "id,v\n1,2\n"), columns=declared, header=True)


def test_a_declared_dialect_is_taken(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "1|'a|b'|\\N\n2||3\n")
    schema = inspect(CSV, source, delimiter="|", quote="'", null="\\N", header=False).schema
    assert names_and_types(schema) == [("column0", "int64"), ("column1", "string"), ("column2", "int64")]
    assert assert_decoders_agree(CSV, source, schema) == [
        {"column0": 1, "column1": "a|b", "column2": None},
        {"column0": 2, "column1": "", "column2": 3},
    ]


def test_empty_cells_are_null_but_for_text_where_null_has_its_own_spelling(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "i,f,d,t\n1,1.5,2026-01-01,x\n,,,\n\\N,\\N,\\N,\\N\n")
    schema = inspect(CSV, source, null="\\N").schema
    rows = assert_decoders_agree(CSV, source, schema)
    assert rows[1:] == [dict.fromkeys("ifd") | {"t": ""}, dict.fromkeys("ifdt")]


def test_quoting_can_be_turned_off(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", 'id,v\n1,"a\n2,b"\n')
    schema = inspect(CSV, source, quote="").schema
    assert [row["v"] for row in assert_decoders_agree(CSV, source, schema)] == ['"a', 'b"']


def test_a_dialect_of_several_characters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="delimiter of CSV must be one character"):
        inspect(CSV, write(tmp_path / "a.csv", "a||b\n"), delimiter="||")


def test_quoted_newlines_quotes_and_windows_lines_are_read(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", 'id,v\r\n1,"a\nb"\r\n2,"say ""x"", y"\r\n3,""\r\n4,\r\n')
    schema = inspect(CSV, source).schema
    values = [row["v"] for row in assert_decoders_agree(CSV, source, schema)]
    assert values == ["a\nb", 'say "x", y', None, None]


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path, start: bytes) -> None:
    source = write(tmp_path / "a.csv", start + "id,v\n1,é\n".encode())
    schema = inspect(CSV, source).schema
    assert assert_decoders_agree(CSV, source, schema) == [{"id": 1, "v": "é"}]


@pytest.mark.parametrize("start", ["\n", "\n\n", "\r\n\r\n"])
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\nx,y\n", [{"a": "x", "b": "y"}]),
        ("a,b\n1,2\n\n3,4\n", [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
        ("a\n1\n", [{"a": 1}]),
    ],
)
def test_empty_lines_before_the_header_are_passed_over(
    tmp_path: Path, start: str, text: str, rows: list[dict[str, Any]]
) -> None:
    body = text.replace("\n", "\r\n") if "\r" in start else text
    source = write(tmp_path / "a.csv", start + body)
    schema = inspect(CSV, source, header=True, delimiter=",").schema
    assert assert_decoders_agree(CSV, source, schema) == rows


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_compression_is_told_by_content(tmp_path: Path, name: str) -> None:
    content = gzip.compress(b"id,v\n1,a\n") + gzip.compress(b"2,b\n")
    source = write(tmp_path / name, content)
    schema = inspect(CSV, source).schema
    assert schema.option("compression") == "gzip"
    assert len(assert_decoders_agree(CSV, source, schema)) == 2


def test_zstd_is_read(tmp_path: Path) -> None:
    with pa.CompressedOutputStream(str(tmp_path / "a.csv.zst"), "zstd") as stream:
        stream.write(b"id,v\n1,a\n")
    source = write(tmp_path / "b", (tmp_path / "a.csv.zst").read_bytes())
    assert assert_decoders_agree(CSV, source, inspect(CSV, source).schema) == [{"id": 1, "v": "a"}]


def test_other_compressions_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormatError, match="bzip2, which is not read"):
        inspect(CSV, write(tmp_path / "a.csv.bz2", b"BZh91AY&SY"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("id,v\n1,a\n2\n3,x\n", "line 3: 1 cells where the first row has 2"),
        ("id,v\n1,a\n2,b,c\n", "line 3: 3 cells"),
        ('id,v\n1,"a\nb"\n2\n', "line 4: 1 cells"),
        ('id,v\n1,"abc\n2,def\n', "line 2: quotes do not match"),
        ('id,v\n1,"x"y\n', "line 2: quotes do not match"),
        ("<!DOCTYPE html>\n<html>not found</html>", "Not a file of records.*HTML or XML"),
        ("<?xml version='1.0'?><Error/>", "HTML or XML"),
        (b"id,v\n1,caf\xe9\n", "byte 0xe9 at offset 10 is not UTF-8"),
        ("id,v\n1,a\n".encode("utf-16"), "UTF-16"),
        ("id,v\n1,a\n".encode("utf-16-le"), "UTF-16"),
        (b"id,v\n1,a\0b\n", "NUL"),
    ],
)
def test_what_is_not_whole_csv_is_named_with_its_place(
    tmp_path: Path, text: str | bytes, problem: str
) -> None:
    source = write(tmp_path / "bad.csv", text)
    with pytest.raises(CorruptFileError, match=problem) as raised:
        inspect(CSV, source)
    assert raised.value.path == source.path
    assert source.path in str(raised.value)


def test_a_cut_gzip_is_broken_in_the_head_and_after_it(tmp_path: Path) -> None:
    whole = gzip.compress(b"id,v\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(60_000)))
    with pytest.raises(CorruptFileError, match="gzip"):
        inspect(CSV, write(tmp_path / "short.csv.gz", gzip.compress(b"id,v\n1,a\n")[:-9]))
    source = write(tmp_path / "long.csv.gz", whole[:-1000])
    schema = inspect(CSV, source).schema
    with pytest.raises(duckdb.Error):
        read_with_duckdb(CSV, source, schema)
    with pytest.raises(CorruptFileError, match=r"long\.csv\.gz"):
        read_with_arrow(CSV, source, schema)


def test_only_the_head_is_read_and_a_record_that_it_cuts_is_not_judged(tmp_path: Path) -> None:
    row = '%d,"two\nlines é"\n'
    source = write(tmp_path / "a.csv", "id,v\n" + "".join(row % i for i in range(40_000)))
    for sample in range(1000, 1030):
        facts = inspect(CSV, source, extra={"sample": sample})
        assert names_and_types(facts.schema) == [("id", "int64"), ("v", "string")]
    source.reads.clear()
    assert inspect(CSV, source).has_rows
    assert sum(length for _, length in source.reads) < 200_000 < source.size


@pytest.mark.parametrize(("text", "names"), [("id,v\n", ["id", "v"]), ("\n", []), ("id,v", ["id", "v"])])
def test_no_rows_is_fine(tmp_path: Path, text: str, names: list[str]) -> None:
    source = write(tmp_path / "a.csv", text)
    facts = inspect(CSV, source)
    assert [column.name for column in facts.schema.columns] == names
    assert all(pa.types.is_null(column.type) for column in facts.schema.columns)
    assert facts.has_rows is False
    assert read_with_duckdb(CSV, source, facts.schema).num_rows == 0
    assert read_with_arrow(CSV, source, facts.schema).num_rows == 0


def head_then(path: Path, last: str, kind: str) -> tuple[FileSource, FileSchema]:
    """A file whose head shows one type for `v`, and whose last row holds `last`."""
    source = write(path, "id,v\n" + f"1,{kind}\n" * 400 + f"2,{last}\n")
    return source, inspect(CSV, source, extra={"sample": 800}).schema


@pytest.mark.parametrize(
    ("kind", "last"),
    [
        ("1", "1.5"),  # DuckDB alone reads 2
        ("1", "15e-1"),
        ("1", "x"),
        ("1", "9223372036854775808"),
        ("2026-01-01", "2026-01-01 10:00"),
        ("2026-01-01", "2026-02-30"),
        ("2026-01-01 10:00", "2026-01-01T10:00:00+02:00"),  # DuckDB alone drops the zone
        ("2026-01-01 10:00", "2026-01-01 25:00"),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00"),  # and takes this in the zone of the session
        ("12345678901234567890", "1.5"),
        ("1.5", "x"),
    ],
)
def test_a_late_value_of_another_type_stops_both_decoders(tmp_path: Path, kind: str, last: str) -> None:
    source, schema = head_then(tmp_path / "late.csv", last, kind)
    with pytest.raises(duckdb.Error, match=r"late\.csv"):
        read_with_duckdb(CSV, source, schema)
    with pytest.raises(CorruptFileError, match=r"late\.csv"):
        read_with_arrow(CSV, source, schema)


@pytest.mark.parametrize("last", ["", "3,", '"open'])
def test_a_late_ragged_row_stops_both_decoders_with_its_line(tmp_path: Path, last: str) -> None:
    source = write(tmp_path / "late.csv", "id,v\n" + "1,1\n" * 400 + (f"2,2,{last}\n" if last else "2\n"))
    schema = inspect(CSV, source, extra={"sample": 800}).schema
    with pytest.raises(duckdb.Error, match="Line: 402"):
        read_with_duckdb(CSV, source, schema)
    with pytest.raises(CorruptFileError):
        read_with_arrow(CSV, source, schema)


def test_a_wider_type_reads_every_text_as_written(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "id,v\n1,10\n2,20\n")
    schema = inspect(CSV, source).schema
    rows = assert_decoders_agree(CSV, source, schema, {"id": pa.float64(), "v": pa.string()})
    assert rows == [{"id": 1.0, "v": "10"}, {"id": 2.0, "v": "20"}]


def test_declared_nested_and_decimal_columns_are_exact(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", "a,b\n1.50,2\n")
    declared = (Column("a", pa.decimal128(5, 1)), Column("b", pa.int8()))
    schema = inspect(CSV, source, columns=declared).schema
    assert str(assert_decoders_agree(CSV, source, schema)[0]["a"]) == "1.5"
    source = write(tmp_path / "a.csv", "a,b\n1.55,2\n")
    with pytest.raises(duckdb.Error, match=r"DECIMAL\(5,1\)"):
        read_with_duckdb(CSV, source, schema)
    with pytest.raises(CorruptFileError):
        read_with_arrow(CSV, source, schema)


def test_names_and_paths_are_quoted(tmp_path: Path) -> None:
    folder = tmp_path / "it's"
    folder.mkdir()
    source = write(folder / "a'b.csv", '"a\'b","c""d"\n1,x\n')
    schema = inspect(CSV, source).schema
    assert assert_decoders_agree(CSV, source, schema) == [{"a'b": 1, 'c"d': "x"}]


def test_hive_columns_and_file_names_come_along(tmp_path: Path) -> None:
    folder = tmp_path / "month=03"
    folder.mkdir()
    source = write(folder / "a.csv", "id\n1\n")
    schema = inspect(CSV, source, header=True).schema
    scan = CSV.duckdb_scan(list_literal([source.path]), schema, {"month": "BIGINT"}, "its file")
    with duckdb.connect() as connection:
        relation = connection.sql(f"SELECT * FROM {scan} WHERE month = 3")
        assert relation.fetchall() == [(1, source.path, 3)]
        assert relation.columns == ["id", "its file", "month"]
    month = Column("month", pa.int64())
    dataset = arrow_dataset(CSV, [source], [ds.field("month") == 3], schema, [month])
    assert dataset.to_table().to_pylist() == [{"id": 1, "month": 3}]


SPECTRUM = Path(__file__).parents[1] / "data" / "csv-spectrum"


@pytest.mark.parametrize("path", sorted((SPECTRUM / "csvs").glob("*.csv")), ids=lambda path: path.stem)
def test_csv_spectrum(path: Path) -> None:
    source = FileSource(path)
    schema = inspect(CSV, source, header=True).schema
    text = {column.name: pa.string() for column in schema.columns}
    rows = [{k: v or "" for k, v in row.items()} for row in assert_decoders_agree(CSV, source, schema, text)]
    expected = json.loads((SPECTRUM / "json" / f"{path.stem}.json").read_bytes())
    if path.stem == "location_coordinates":  # its expectation is one object, of another telephone
        assert rows[0]["Cities"] == expected["Cities"]
    else:
        assert rows == expected


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8))
def test_any_quoted_text_survives(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    lines = ["a,b", *(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)]
    source = write(tmp_path_factory.mktemp("csv") / "a.csv", "\n".join(lines) + "\n")
    schema = CSV.inspect(source, ReadOptions(header=True, delimiter=",")).schema
    types = {"a": pa.string(), "b": pa.string()}
    read = assert_decoders_agree(CSV, source, schema, types)
    assert [(row["a"] or "", row["b"] or "") for row in read] == rows


@dataclass(frozen=True)
class EndlessLine:
    """A source of 40 MB, its last line as long as it can be."""

    path: str = "long.csv"
    size: int = 40_000_000

    def read(self, start: int, length: int) -> bytes:
        return (b"a,b\n1,2\n3," + b"x" * length)[:length] if start == 0 else b"x" * length


def test_a_last_line_that_duckdb_would_lose_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError, match=r"long\.csv: its last line is longer than 2 MB"):
        CSV.inspect(EndlessLine(), ReadOptions())
    packed = gzip.compress(b"a,b\n1,2\n3," + b"x" * 33_000_000 + b"\n", 1)
    source = write(tmp_path / "long.csv.gz", packed)
    with pytest.raises(duckdb.Error, match="Maximum line size"):
        read_with_duckdb(CSV, source, inspect(CSV, source).schema)
