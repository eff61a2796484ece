"""Which format a file is in: by content first, by name where content leaves it open."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from lakeq.formats.detect import FORMATS, detect_format, guess_format
from tests.formats.decoders import write

TABLE = pa.table({"a": [1, 2]})
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def parquet_bytes() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(TABLE, sink)
    return sink.getvalue().to_pybytes()


def orc_bytes() -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.orc.write_table(TABLE, sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("path", "format"),
    [
        ("a/b.parquet", "parquet"),
        ("part-0.snappy.parquet", "parquet"),
        ("part-0.gz.parquet", "parquet"),
        ("B.PARQUET", "parquet"),
        ("x.orc", "orc"),
        ("x.csv", "csv"),
        ("x.CSV.GZ", "csv"),
        ("x.tsv", "csv"),
        ("x.psv.zst", "csv"),
        ("x.json", "json"),
        ("x.ndjson.zst", "json"),
        ("x.jsonl", "json"),
        ("x.parquet.gz", None),
        ("x.gz", None),
        ("x.txt", None),
        ("x", None),
        ("csv", None),
        ("a.csv/part-0", None),
        ("README.md", None),
    ],
)
def test_a_name_tells_the_format_or_nothing(path: str, format: str | None) -> None:
    assert guess_format(path) == format


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("x.csv", parquet_bytes(), "parquet"),
        ("x", parquet_bytes()[:-5], "parquet"),
        ("x", orc_bytes(), "orc"),
        ("x.txt", "ORC,ELF\n1,2\n", "csv"),
        ("x", '{"a": 1}\n{"a": 2}\n', "json"),
        ("x.csv", '[{"a": 1}]', "json"),
        ("x", "[]", "json"),
        ("x.dat", gzip.compress(b'\n {"a": 1}', mtime=0), "json"),
        ("x", "a,b\n1,2\n", "csv"),
        ("x", gzip.compress(b"a|b\n1|2\n", mtime=0), "csv"),
        ("x.txt", "a\tb\n1\t2\n", "csv"),
        ("x.csv", "only one column\n", "csv"),
        ("x.txt", "only one column\nand prose, with a comma\nhere\n", None),
        ("x.log", "[2026-01-01] started\n[2026-01-02] stopped\n", None),
        ("x", "a,b\n", None),
        ("notes.md", "a,b\n1,2\n", None),
        ("x.csv", "<html>a,b\n1,2</html>", None),
        ("x.xml", "<?xml version='1.0'?>", None),
        ("x.csv", PNG, None),
        ("x.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", None),
        ("x.csv.bz2", b"BZh91AY&SY", None),
        ("x.gz", gzip.compress(PNG, mtime=0), None),
        ("x.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], None),
        ("x", b"a", None),
    ],
)
def test_content_tells_the_format_before_the_name(
    tmp_path: Path, name: str, content: bytes | str, format: str | None
) -> None:
    assert detect_format(write(tmp_path / name, content)) == format


def test_a_row_cut_by_the_sniffed_head_does_not_hide_a_table(tmp_path: Path) -> None:
    assert detect_format(write(tmp_path / "x", "1234567,b\n" * 5000)) == "csv"


def test_every_format_is_found_under_its_name() -> None:
    assert {name: format.name for name, format in FORMATS.items()} == {
        name: name for name in ("parquet", "orc", "csv", "json")
    }
    assert [name for name, format in FORMATS.items() if format.has_footers] == ["parquet", "orc"]
