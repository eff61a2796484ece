"""Tables full of values over which engines fall out: NULL, NaN, -0.0, empty texts, leap days, extremes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

NAN, INF = float("nan"), float("inf")
UTC = dt.UTC

COLUMNS: dict[str, tuple[pa.DataType, list[object]]] = {
    "i": (pa.int32(), [0, 1, -1, 7, -7, 2, None, 12, 100, 2, -13, 5]),
    "j": (pa.int64(), [3, 2, 10**12, -3, 5, 2**53 + 1, 1, None, -(10**12), 2, 4, -1]),
    "h": (pa.int16(), [1, -1, 300, None, 7, 8, 9, -32000, 2, 2, 3, 0]),
    "x": (pa.float64(), [0.0, -0.0, NAN, INF, -INF, 1.5, 2.5, -2.5, None, 1e10, 0.1, -7.25]),
    "y": (pa.float64(), [1.0, 0.0, -0.0, 2.0, NAN, 3.0, 0.5, None, 1e300, -4.0, NAN, 7.0]),
    "g": (pa.float32(), [0.5, -0.0, 1.25, None, NAN, INF, 3.0, -8.5, 100.0, 0.1, 2.0, -1.0]),
    "d": (
        pa.decimal128(9, 2),
        [
            Decimal(t) if t else None
            for t in ["0.00", "1.50", "-1.50", "2.25", "-99.99", "1234567.89", "0.05", "7.00", "", "0.01", "-0.05", "12.34"]
        ],
    ),
    "e": (
        pa.decimal128(18, 4),
        [
            Decimal(t) if t else None
            for t in ["1.0000", "0.0005", "-0.0005", "12345678.1234", "2.5000", "-2.5000", "3.3333", "7.0000", "0.1250", "", "9.9999", "-7.7777"]
        ],
    ),
    "s": (pa.string(), ["", "abc", "ABC", None, "a%b", "a_b", "a\\b", "it's", " pad ", "ünïcode", "日本語", "12"]),
    "t": (
        pa.string(),
        ["b", "abc", "c", "x", None, "a_", "\\", "'", "pad", "ÜNÏ", "本", " 3 "],
    ),
    "b": (pa.bool_(), [True, False, None, True, False, True, None, False, True, True, False, None]),
    "da": (
        pa.date32(),
        [
            dt.date(2024, 2, 29), dt.date(2023, 12, 31), dt.date(2024, 1, 1), dt.date(1969, 12, 31), None,
            dt.date(2000, 1, 1), dt.date(1900, 3, 1), dt.date(2024, 3, 31), dt.date(2021, 1, 3),
            dt.date(9999, 12, 31), dt.date(1582, 10, 10), dt.date(1, 1, 1),
        ],
    ),
    "db": (
        pa.date32(),
        [
            dt.date(2024, 3, 1), dt.date(2024, 1, 1), dt.date(2024, 1, 1), dt.date(1970, 1, 1), dt.date(2020, 1, 1),
            None, dt.date(2001, 9, 9), dt.date(2023, 4, 30), dt.date(2021, 1, 4), dt.date(2000, 1, 1),
            dt.date(1600, 2, 29), dt.date(100, 2, 2),
        ],
    ),
    "ts": (
        pa.timestamp("us"),
        [
            dt.datetime(2024, 2, 29, 23, 59, 59, 999999), dt.datetime(2023, 12, 31, 12), None,
            dt.datetime(1969, 12, 31, 23, 59, 59, 500000), dt.datetime(2000, 1, 1), dt.datetime(2021, 1, 31, 10, 30),
            dt.datetime(1900, 3, 1, 1, 2, 3), dt.datetime(2024, 3, 31, 2, 30), dt.datetime(2, 1, 1),
            dt.datetime(9998, 12, 31, 23), dt.datetime(1582, 10, 10, 5), dt.datetime(2024, 2, 29),
        ],
    ),
    "tz": (
        pa.timestamp("us", "UTC"),
        [
            dt.datetime(2024, 2, 29, 23, 59, 59, 999999, UTC), None, dt.datetime(2023, 12, 31, 12, tzinfo=UTC),
            dt.datetime(1969, 12, 31, 23, 59, 59, 500000, UTC), dt.datetime(2000, 1, 1, tzinfo=UTC),
            dt.datetime(2021, 1, 31, 10, 30, tzinfo=UTC), dt.datetime(1900, 3, 1, 1, 2, 3, tzinfo=UTC),
            dt.datetime(2024, 3, 31, 2, 30, tzinfo=UTC), dt.datetime(1950, 1, 1, tzinfo=UTC),
            dt.datetime(2100, 12, 31, 23, tzinfo=UTC), dt.datetime(1990, 10, 10, 5, tzinfo=UTC),
            dt.datetime(2024, 2, 29, tzinfo=UTC),
        ],
    ),
    "l": (pa.list_(pa.int64()), [[1, 2, 3], [], None, [None], [3, None, 1], [7], [2, 2], [5, 4], [0], [-1], [9], [1]]),
    "st": (
        pa.struct([("a", pa.int64()), ("b", pa.string())]),
        [{"a": i, "b": t} for i, t in zip([1, 2, None, 4, 5, 6, 7, 8, 9, 10, 11], ["p", None, "q", "", "r", "s", "p", "P", "a", "b", "c"], strict=True)] + [None],
    ),
}  # fmt: skip


def nasty_rows() -> pa.Table:
    """The table `v`: `id` from 1, and a column a type."""
    arrays = {name: pa.array(values, type_) for name, (type_, values) in COLUMNS.items()}
    return pa.table({"id": pa.array(range(1, 13), pa.int32()), **arrays})


def write_lake(root: Path) -> dict[str, pa.Table]:
    """The lake of the differential tests: `v`, and `w` and `u` to join with. Its tables by name."""
    rows = nasty_rows()
    tables = {
        "v": rows,
        "w": pa.table({
            "id": pa.array([1, 2, 2, 3, None, 40], pa.int32()),
            "k": pa.array(["abc", "x", "", None, "b", "c"]),
            "n": pa.array([7, None, 2, 0, 5, -1], pa.int64()),
            "f": pa.array([0.5, NAN, 1.5, None, -0.0, 2.5], pa.float64()),
        }),
        "u": pa.table({
            "k": pa.array(["abc", None, "c", "abc"]),
            "n": pa.array([1, 2, None, 7], pa.int64()),
            "p": pa.array([Decimal("1.10"), Decimal("2.20"), None, Decimal("-3.30")], pa.decimal128(15, 2)),
        }),
        "nothing": pa.table({"id": pa.array([], pa.int32()), "n": pa.array([], pa.int64())}),
    }  # fmt: skip
    for name, table in tables.items():
        (root / name).mkdir(parents=True)
        pq.write_table(table, root / name / "part-0.parquet", coerce_timestamps="us")
    return tables
