"""Both scanners over what is hard to read: equal to the last bit, but for the differences that are pinned here.

docs/oracle.md has the table of these.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.errors import LakeqError
from lakeq.lake import Lake
from tests.oracle.scanners import Tally, check_scanners, compare_exactly

NAN, INF = math.nan, math.inf
FLOATS = [1.0, NAN, None, -0.0, 0.0, INF, -INF, 2.5]
DAYS = [-719_162, -577_737, -141_428, -1, 0, 2_932_896, None]
"""0001-01-01, before and after the calendar changed in 1582, around 1970, 9999-12-31."""
TIMES = {
    f"{unit}_{zone}": pa.array(
        [None if d is None else d * per_day + 1 for d in DAYS], pa.timestamp(unit, zone)
    )
    for unit, per_day in (("s", 86_400), ("ms", 86_400_000), ("us", 86_400_000_000))
    for zone in (None, "UTC", "Europe/Paris")
}
NANOSECONDS = [-(2**63) + 200, -1, 0, 999, 2**63 - 2, None]
CENTS = [Decimal("-1.50"), Decimal("2.00"), Decimal("999.99"), None]

PARQUET: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "floats": (
        {"f": pa.array(FLOATS * 2), "g": pa.array(FLOATS * 2, pa.float32()), "i": pa.array(range(16))},
        {"row_group_size": 4},
        ["f = 'nan'", "f <> 'nan'", "f > 2", "f <= 0", "f = -0.0", "isnan(g)", "g < '-inf'", "g >= 'inf'"],
    ),
    "halves": ({"h": pa.array(FLOATS, pa.float16())}, {}, ["h > 2", "h = 'nan'"]),
    "deep_floats": (
        {"s": pa.array([{"x": NAN}, {"x": -0.0}, None]), "l": pa.array([[NAN, -0.0], None, [INF, None]])},
        {},
        ["s.x > 1", "s.x = 0", "list_contains(l, 'nan')"],
    ),
    "times": (TIMES, {}, ["us_None < '1582-10-15'", "ms_UTC > '9999-01-01'", "s_None = '1970-01-01 00:00:01'"]),
    "nanoseconds": (
        {"n": pa.array(NANOSECONDS, pa.timestamp("ns")), "z": pa.array(NANOSECONDS, pa.timestamp("ns", "UTC"))},
        {},
        ["n > '1970-01-01'", "n < '1970-01-01 00:00:00.000000999'", "z <= '1970-01-01 00:00:00+00'"],
    ),
    "int96": (
        {"t": pa.array([datetime(1, 1, 1), datetime(1500, 1, 1), datetime(9999, 12, 31), None])},
        {"use_deprecated_int96_timestamps": True},
        ["t < '1582-10-15'", "t > '2262-05-01'"],
    ),
    "int96_nanoseconds": (
        {"t": pa.array([1, 999, 1001, -1, -1001, None], pa.timestamp("ns"))},
        {"use_deprecated_int96_timestamps": True},
        ["t < '1970-01-01'"],
    ),
    "decimals": (
        {
            "d32": pa.array(CENTS, pa.decimal32(5, 2)),
            "d64": pa.array(CENTS, pa.decimal64(12, 2)),
            "d128": pa.array(CENTS, pa.decimal128(30, 2)),
            "d256": pa.array(CENTS, pa.decimal256(50, 2)),
            "most": pa.array([Decimal(10**38 - 1), Decimal(1 - 10**38), None, Decimal(0)]),
        },
        {},
        ["d32 = 2", "d64 < 0", "d128 > 999.98", "d256 > 1.5", "most > 0"],
    ),
    "integer_decimals": (
        {"d9": pa.array(CENTS, pa.decimal128(9, 2)), "d18": pa.array(CENTS, pa.decimal128(18, 2))},
        {"store_decimal_as_integer": True},
        ["d9 = 2", "d18 > 999.985::DOUBLE"],
    ),
    "unsigned": (
        {f"u{b}": pa.array([0, 2 ** (b - 1), 2**b - 1, None], getattr(pa, f"uint{b}")()) for b in (8, 16, 32, 64)},
        {},
        ["u8 > 127", "u16 > 32767", "u32 = 4294967295", "u64 > 9223372036854775807", "u64 > -1"],
    ),
    "bytes": (
        {
            "b": pa.array([b"", b"\x00\xff", b"abc", None]),
            "t": pa.array(["", "\x00", "é", None]),
            "x": pa.array([b"ab", b"\xff\x00", b"cd", None], pa.binary(2)),
            "u": pa.array([UUID(int=1).bytes, b"\xff" * 16, b"\x80" + b"\0" * 15, None], pa.uuid()),
            "e": pa.array(["x", "", None, "x"]).dictionary_encode(),
        },
        {},
        ["b = 'abc'::BLOB", "t = ''", "t = chr(0)", "x > 'b'::BLOB", "u > '80000000-0000-0000-0000-000000000000'", "e = 'x'"],
    ),
    "nested": (
        {
            "l": pa.array([[1, None], [], None, [3]]),
            "ll": pa.array([[[1], None, []], [], None, [[2, 3]]]),
            "s": pa.array([{"a": 1, "b": {"c": "x"}}, {"a": None, "b": None}, None, {"a": 2, "b": {"c": None}}]),
            "m": pa.array([[("k", 1), ("j", None)], [], None, [("é", 2)]], pa.map_(pa.string(), pa.int64())),
            "ls": pa.array([[{"x": 1, "y": ["a"]}], [None], None, []]),
            "fixed": pa.array([[1, 2], [3, None], None, [5, 6]], pa.list_(pa.int8(), 2)),
        },
        {},
        ["l = [3]", "s.b.c = 'x'", "s IS NULL", "s.b IS NULL", "m['k'] = 1", "ls[1].x = 1", "cardinality(m) = 0"],
    ),
}  # fmt: skip

CSV = {
    "empty_cells": b'a,b,n\nx,"",1\n"",y,\n,z,2\n"q""q",,3\n',
    "lines_in_cells": b'a,b\n"one\ntwo",1\n"x\r\ny",2\n"c,d",3\n',
    "windows_lines": b'a,b\r\nx,1\r\n"y\nz",2\r\n,3\r\n',
    "old_mac_lines": b"a,b\rx,1\ry,2\r",
    "byte_order_mark": b'\xef\xbb\xbf"a",b\nx,1\n',
    "no_last_line_end": b"a,b\nx,1\ny,2",
    "spaces": b"a,b\n x , 1\ny, 2\n",
    "empty_lines": b"\n\na,b\nx,1\n\ny,2\n\n",
    "one_column": b'a\nx\n\n""\ny\n',
    "words": b"a,b\nNULL,1\n\\N,3\nNaN,4\n",
    "numbers": b"i,f,e,z\n9223372036854775807,0.1,1e5,007\n-9223372036854775808,-0.0,2E-3,08\n",
    "large_numbers": b"i,f\n9223372036854775808,0.1234567890123456789\n1,123456789012345678901234.5\n",
    "times": b"t,d,z\n1500-01-01 00:00,0001-01-01,1500-01-01T00:00:00+02:00\n2020-01-01T00:00:00.5,9999-12-31,2020-01-01 00:00:00Z\n",
    "backslashes": b'a,b\n"x\\",1\n"y\\n",2\n',
}

JSON = {
    "large_integers": b'{"i": 9223372036854775807, "d": 123456789012345678901234567890}\n{"i": -9223372036854775808, "d": 1}\n',
    "floats": b'{"f": 1.0, "g": 1e308}\n{"f": 100000000000000000001, "g": -0.0}\n{"f": 1E-7, "g": 1e400}\n',
    "absent": b'{"s": {"a": 1, "b": "x"}}\n{"s": {"b": null}}\n{"s": {}}\n{}\n{"s": null}\n',
    "nested": b'{"l": [[1], [], null], "s": {"x": [{"z": 1}]}}\n{"l": null, "s": {"x": [{"z": null, "w": "q"}]}}\n',
    "texts": b'{"t": "\\u00e9\\n\\"\\\\\\u0000\\ud83d\\ude00", "e": ""}\n{"t": "null", "e": "x"}\n',
    "mixed": b'{"m": 1}\n{"m": "x"}\n{"m": [1, 2.50]}\n{"m": {"a": 1.0}}\n{"m": true}\n{"m": null}\n{"m": 1e2}\n',
    "times": b'{"t": "0001-01-01T00:00:00", "z": "2020-06-01 00:00+05:30"}\n{"t": "1500-01-01 00:00:00.5", "z": "1500-01-01T00:00:00Z"}\n',
    "pretty": b'{\n "a": 1\n}\n{\n "a": 2 }\n',
}

TEXT = {
    **{f"csv_{name}": text for name, text in CSV.items()},
    **{f"json_{name}": text for name, text in JSON.items()},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hard")
    for name, (columns, options, _) in PARQUET.items():
        (folder / name).mkdir()
        pq.write_table(pa.table(columns), folder / name / "f.parquet", **options)
    for name, text in {**TEXT, **BROKEN_TEXT}.items():
        (folder / name).mkdir()
        (folder / name / f"f.{name.partition('_')[0]}").write_bytes(text)
    with duckdb.connect() as connection:
        for name, value in WRITTEN.items():
            (folder / name).mkdir()
            rows = f"SELECT {value} AS c UNION ALL SELECT NULL"
            connection.execute(f"COPY ({rows}) TO '{folder / name}/f.parquet'")
    (folder / "far_orc").mkdir()
    orc.write_table(pa.table({"t": pa.array([datetime(1500, 1, 1)])}), str(folder / "far_orc/f.orc"))
    return folder


@pytest.fixture(scope="module")
def native(root: Path) -> Iterator[Lake]:
    with lakeq.connect(root, history=False, freshness="1h") as lake:
        yield lake


@pytest.fixture(scope="module")
def arrow(root: Path) -> Iterator[Lake]:
    with lakeq.connect(root, history=False, freshness="1h", scanner="arrow") as lake:
        yield lake


def check_equal(native: Lake, arrow: Lake, sql: str) -> pa.Table:
    found = native.sql(sql).arrow()
    assert compare_exactly(found, arrow.sql(sql).arrow()) is None
    return found


@pytest.mark.parametrize("name", PARQUET)
def test_parquet_is_read_alike(native: Lake, arrow: Lake, name: str) -> None:
    conditions = PARQUET[name][2]
    marked = ", ".join(f"({condition}) AS is{i}" for i, condition in enumerate(conditions))
    truth = check_equal(native, arrow, f"SELECT {marked} FROM {name}")
    kept = " UNION ALL ".join(f"SELECT {i} AS n FROM {name} WHERE {c}" for i, c in enumerate(conditions))
    counts = check_equal(native, arrow, kept)["n"].to_pylist()
    expected = {i: truth[f"is{i}"].to_pylist().count(True) for i in range(len(conditions))}
    assert {i: counts.count(i) for i in expected} == expected
    check_equal(native, arrow, f"SELECT * FROM {name}")


@pytest.mark.parametrize("name", TEXT)
def test_text_is_read_alike(native: Lake, arrow: Lake, name: str) -> None:
    assert check_equal(native, arrow, f"SELECT * FROM {name}").num_rows > 0


def test_both_scanners_read_a_random_lake_alike() -> None:
    tally = Tally()
    check_scanners(46, tally)
    assert tally.failures == []
    assert tally.scans.total() > 20


# --- what differs -----------------------------------------------------------------------------------

WRITTEN = {
    "written_interval": "INTERVAL '3 months 2 days 1 second'",
    "written_array": "[1, 2]::INTEGER[2]",
    "written_variant": "1::VARIANT",
}
"""What DuckDB writes to Parquet, each beside a NULL."""
BROKEN_TEXT = {
    "csv_both_line_ends": b"a,b\nx,1\r\ny,2\n",
    "csv_space_before_quote": b'a,b\n"x", "y"\n1,z\n',
    "json_beyond_doubles": b'{"m": 1E400}\n{"m": "x"}\n{"m": ' + b"1" * 45 + b"}\n",
}
DIFFERENCES: list[tuple[str, Any, Any]] = [
    ("written_interval", [(pa.MonthDayNano([3, 2, 10**9]),), (None,)], "interval"),
    ("written_array", [([1, 2],), (None,)], "list offsets"),
    ("written_variant", "VARIANT", 2),
    ("csv_both_line_ends", "CSV", [("x", 1), ("y", 2)]),
    ("csv_space_before_quote", [("x", "y"), ("1", "z")], [("x", ' "y"'), ("1", "z")]),
    ("json_beyond_doubles", [("1E400",), ("x",), ("1" * 45,)], [("Infinity",), ("x",), ("1.111111111111111e+44",)]),
    ("far_orc", "out of range", "out of range"),
]  # fmt: skip
"""A table, and what each scanner makes of it: rows, their number, or what its error tells."""


@pytest.mark.parametrize(
    ("name", "by_duckdb", "by_arrow"), DIFFERENCES, ids=[name for name, *_ in DIFFERENCES]
)
def test_a_difference_is_as_documented(
    native: Lake, arrow: Lake, name: str, by_duckdb: Any, by_arrow: Any
) -> None:
    for lake, expected in ((native, by_duckdb), (arrow, by_arrow)):
        if isinstance(expected, str):
            with pytest.raises(LakeqError, match=f"(?i){expected}"):
                lake.sql(f"SELECT * FROM {name}").arrow()
            continue
        rows = [tuple(row.values()) for row in lake.sql(f"SELECT * FROM {name}").arrow().to_pylist()]
        assert (len(rows) if isinstance(expected, int) else rows) == expected


def test_every_difference_stands_in_the_docs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "oracle.md").read_text(encoding="utf-8")
    section = text.partition("## Two scanners")[2]
    assert all(f"`{name}`" in section for name, *_ in DIFFERENCES)
