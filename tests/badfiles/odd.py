"""Files that are broken as files often are, and what lakeq must make of each.

The rows of a table of measured outcomes: what DuckDB and pyarrow make of such files differs, and is often half of
the rows, or none, without an error.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from tests.badfiles.mutate import make_bases


@dataclass(frozen=True, slots=True)
class OddFile:
    """`rows` is how many there must be; None where it must be an error that holds `message`. `read_natively` is
    how many rows DuckDB's reader gives of a broken file all the same: docs/badfiles.md tells of these."""

    name: str
    data: bytes
    rows: int | None
    message: str = ""
    read_natively: int | None = None


ROWS = 7_000
"""So many that no file is all head."""

CSV = b"id,name,v\n" + b"".join(b"%d,name %d,%d.5\n" % (n, n, n) for n in range(ROWS))
LINES = b"".join(b'{"id": %d, "name": "name %d"}\n' % (n, n) for n in range(ROWS))
ARRAY = json.dumps([{"id": n, "name": f"name {n}"} for n in range(ROWS)]).encode()
NOISE = b"id,text\n" + b"".join(b"%d,%s\n" % (n, sha256(b"%d" % n).hexdigest().encode()) for n in range(ROWS))
PAGE = b"<!DOCTYPE html>\n<html><body>503 Slow Down, a,b,c</body></html>\n"
FAULT = b'<?xml version="1.0"?>\n<Error><Code>SlowDown</Code></Error>\n'


def make_text() -> Iterator[OddFile]:
    """CSV and JSON."""
    packed, packed_lines = gzip.compress(CSV, mtime=0), gzip.compress(LINES, mtime=0)
    half = len(CSV) // 2
    yield OddFile("cut_midrow.csv", CSV[: CSV.index(b"\n", half) - 9], None, "cut_midrow")
    yield OddFile("cut_midrow.csv.gz", gzip.compress(CSV[: CSV.index(b"\n", half) - 9]), None, "cut_midrow")
    yield OddFile("stream_cut.csv.gz", packed[: len(packed) // 2], None, "stream_cut")
    yield OddFile("no_trailer.csv.gz", packed[:-8], None, "no_trailer")
    short = gzip.compress(CSV[: CSV.index(b"\n", 1000) + 1], mtime=0)
    yield OddFile("wrong_crc.csv.gz", short[:-8] + b"\1\2\3\4" + short[-4:], None, "wrong_crc")
    yield OddFile("wrong_length.csv.gz", short[:-4] + b"\1\2\3\4", None, "wrong_length")
    # Of a longer file Arrow, which looks into the head, does not see the end.
    noise = gzip.compress(NOISE, mtime=0)
    yield OddFile("late_crc.csv.gz", noise[:-8] + b"\1\2\3\4" + noise[-4:], None, "late_crc", ROWS)
    yield OddFile("two_members.csv.gz", gzip.compress(CSV[:half]) + gzip.compress(CSV[half:]), ROWS)
    yield OddFile("second_cut.csv.gz", packed + gzip.compress(CSV[half:])[:-20], None, "second_cut")
    yield OddFile("garbage_after.csv.gz", packed + b"garbage", None, "garbage_after")
    yield OddFile("stream_cut.json.gz", packed_lines[: len(packed_lines) // 2], None, "stream_cut")
    yield OddFile("wrong_crc.json.gz", packed_lines[:-8] + b"\1\2\3\4" + packed_lines[-4:], None, "wrong_crc")
    yield OddFile("cut_midline.json", LINES[: len(LINES) // 2], None, "cut_midline")
    comma = ARRAY.index(b"},", len(ARRAY) * 9 // 10) + 2
    yield OddFile("cut_after_comma.json", ARRAY[:comma], None, "ends within its array")
    yield OddFile("cut_after_comma.json.gz", gzip.compress(ARRAY[:comma]), None, "cut_after_comma")
    yield OddFile("cut_inside.json", ARRAY[: comma + 9], None, "cut_inside")
    yield OddFile("missing_cell.csv", b"a,b\n1,2\n3\n", None, "line 3")
    yield OddFile("extra_cell.csv", b"a,b\n1,2\n3,4,5\n", None, "line 3")
    yield OddFile("late_missing_cell.csv", CSV + b"7\n", None, "late_missing_cell")
    yield OddFile("page.csv", PAGE, None, "HTML or XML")
    yield OddFile("page.json", PAGE, None, "HTML or XML")
    yield OddFile("fault.csv", FAULT, None, "HTML or XML")
    yield OddFile("type_change_late.csv", CSV + b"x,name,1.5\n", None, "type_change_late")
    yield OddFile("unclosed_quote.csv", b'a,b\n1,"abc\n2,def\n', None, "quotes do not match")
    yield OddFile("nul.csv", b"a,b\n1,\0\n", None, "NUL")
    yield OddFile("late_nul.csv", CSV + b"1,\0,1.5\n", ROWS + 1)
    yield OddFile("crs.csv", b"a,b\r1,2\r3,4\r", 2)
    yield OddFile("bom.csv", b"\xef\xbb\xbfa,b\n1,2\n", 1)
    yield OddFile("utf16.csv", "a,b\n1,2\n".encode("utf-16"), None, "UTF-16")
    yield OddFile("latin1.csv", "a,b\n1,é\n".encode("latin-1"), None, "Latin-1")
    yield OddFile("late_latin1.csv", CSV + "1,é,1.5\n".encode("latin-1"), None, "late_latin1")
    yield OddFile("null.json", b"null", None, "object")
    yield OddFile("nulls.json", b"null\nnull\n", None, "object")
    yield OddFile("null_in_array.json", b'[{"a": 1}, null]', None, "object")
    yield OddFile("late_null.json", LINES + b"null\n", None, "late_null", ROWS + 1)
    yield OddFile("number.json", b"5", None, "object")
    yield OddFile("late_array.json", LINES + b"[1]\n", None, "late_array")
    yield OddFile("twice.json", b'{"a": 1, "a": 2}', None, "twice")
    yield OddFile("half_character.json", b'{"a": "\\ud800"}', None, "surrogate")


def make_binary() -> Iterator[OddFile]:
    """Parquet and ORC."""
    bases = make_bases()
    parquet, orc = bases["none.parquet"][1], bases["uncompressed.orc"][1]
    yield OddFile("no_footer.parquet", parquet[: len(parquet) // 2], None, "Parquet footer")
    yield OddFile("hole.parquet", parquet[:2000] + parquet[4000:], None, "hole")
    yield OddFile("fault.parquet", FAULT, None, "Parquet footer")
    yield OddFile("csv_inside.parquet", CSV, None, "Parquet footer")
    yield OddFile("parquet_inside.csv", parquet, None, "parquet_inside")
    yield OddFile("cut.orc", orc[: len(orc) // 2], None, "cut.orc")
    yield OddFile("page.orc", PAGE, None, "page.orc")


def make_bombs(size: int) -> Iterator[OddFile]:
    """Small files that become `size` bytes, none of which is a row."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()
    yield OddFile("zeros.csv.gz", zeros, None, "zeros")
    yield OddFile("zeros.json.gz", zeros, None, "zeros")
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(b'{"a": 1}\n{"a": "')
    text = head + b"".join(packer.compress(b"x" * (1 << 20)) for _ in range(size >> 20))
    yield OddFile("long_text.json.gz", text + packer.compress(b'"}\n') + packer.flush(), None, "long_text")
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(b"a,b\n1,2\n3,")
    text = head + b"".join(packer.compress(b"x" * (1 << 20)) for _ in range(size >> 20))
    yield OddFile("long_cell.csv.gz", text + packer.compress(b"\n") + packer.flush(), None, "long_cell")
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    opening = b"".join(packer.compress(b"[" * (1 << 20)) for _ in range(size >> 20))
    yield OddFile("nested.json.gz", opening + packer.flush(), None, "nested")
