"""Values as servers spell them become Arrow's without losing anything, or are refused."""

from __future__ import annotations

import base64
import datetime as dt
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lakeq.engines.answers import is_readable, read_batch, read_values

DAY = dt.datetime(2026, 11, 3, 1, 2, 3)
NESTED = pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))])


def read(values: list[Any], kind: pa.DataType) -> Any:
    array = read_values(values, kind, base64.b64decode)
    assert array.type == kind
    array.validate(full=True)
    return array.to_pylist()


@pytest.mark.parametrize(
    ("kind", "spelled", "value"),
    [
        (pa.bool_(), True, True),
        (pa.bool_(), "false", False),
        (pa.int8(), -128, -128),
        (pa.int64(), 2**63 - 1, 2**63 - 1),
        (pa.int64(), "17", 17),
        (pa.uint64(), "18446744073709551615", 2**64 - 1),
        (pa.int32(), "3.00", 3),
        (pa.float64(), 0.1, 0.1),
        (pa.float64(), "Infinity", math.inf),
        (pa.float64(), "-Infinity", -math.inf),
        (pa.float64(), "1.0E-7", 1e-7),
        (pa.float32(), 1.5, 1.5),
        (pa.decimal128(38, 0), 12, Decimal(12)),
        (pa.decimal128(38, 3), "12345678901234567890123456789012345.678", Decimal("12345678901234567890123456789012345.678")),
        (pa.decimal128(9, 2), "1.5", Decimal("1.50")),
        (pa.string(), "", ""),
        (pa.string(), "ü'\n", "ü'\n"),
        (pa.binary(), "AP8=", b"\x00\xff"),
        (pa.date32(), "2026-11-03", DAY.date()),
        (pa.time64("us"), "01:02:03.000004000000", dt.time(1, 2, 3, 4)),
        (pa.time64("us"), "23:59:59", dt.time(23, 59, 59)),
        (pa.timestamp("us"), "2026-11-03 01:02:03", DAY),
        (pa.timestamp("us"), "2026-11-03 01:02:03.000", DAY),
        (pa.timestamp("us"), "2026-11-03 01:02:03.100000000000", DAY.replace(microsecond=100000)),
        (pa.timestamp("s"), "2026-11-03 01:02:03.000", DAY),
        (pa.timestamp("us"), "1677-01-01 00:00:00.000001", dt.datetime(1677, 1, 1, 0, 0, 0, 1)),
        (pa.timestamp("us", "UTC"), "2026-11-03 01:02:03.000 UTC", DAY.replace(tzinfo=dt.UTC)),
        (pa.timestamp("us", "UTC"), "2026-11-03 02:02:03.000 +01:00", DAY.replace(tzinfo=dt.UTC)),
        (pa.timestamp("us", "UTC"), "2026-11-03 01:02:03.000000", DAY.replace(tzinfo=dt.UTC)),
        (pa.dictionary(pa.uint8(), pa.string()), "x", "x"),
        (pa.list_(pa.int64()), [1, None, 2], [1, None, 2]),
        (pa.list_(pa.list_(pa.float64())), [[], None, ["NaN"]], None),
        (NESTED, [1, ["x", None]], {"a": 1, "b": ["x", None]}),
        (pa.map_(pa.int64(), NESTED), {"1": [None, None]}, [(1, {"a": None, "b": None})]),
    ],
)  # fmt: skip
def test_a_value_is_what_it_was(kind: pa.DataType, spelled: Any, value: Any) -> None:
    got = read([None, spelled, None], kind)
    assert got[0] is None
    assert got[2] is None
    if value is not None:
        assert got[1] == value


def test_not_a_number_is_one() -> None:
    assert math.isnan(read(["NaN"], pa.float64())[0])


def test_lists_and_rows_that_are_null_are_told_from_empty_ones() -> None:
    assert read([None, [], [1]], pa.list_(pa.int64())) == [None, [], [1]]
    assert read([None, [None, None]], NESTED) == [None, {"a": None, "b": None}]


@pytest.mark.parametrize(
    ("kind", "spelled"),
    [
        (pa.bool_(), 1),
        (pa.int64(), "1.5"),
        (pa.int64(), True),
        (pa.int8(), 128),
        (pa.float64(), "one"),
        (pa.decimal128(5, 2), "1.234"),
        (pa.decimal128(3, 2), "12.00"),
        (pa.string(), 1),
        (pa.string(), ["a"]),
        (pa.date32(), "2026-13-01"),
        (pa.time64("us"), "01:02:03.0000001"),
        (pa.time64("us"), "01:02"),
        (pa.timestamp("us"), "2026-11-03 01:02:03.0000001"),
        (pa.timestamp("us"), "2026-11-03 01:02:03 UTC"),
        (pa.timestamp("us", "UTC"), "2026-11-03 01:02:03 Europe/Berlin"),
        (pa.timestamp("ns"), "1066-10-14 00:00:00"),
        (pa.list_(pa.int64()), ["x"]),
        (NESTED, [1]),
    ],
)
def test_what_would_lose_something_is_refused(kind: pa.DataType, spelled: Any) -> None:
    with pytest.raises(ValueError, match="column 'c'"):
        read_batch([[spelled]], pa.schema([("c", kind)]), base64.b64decode)


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match="rows of 2 columns, where 1"):
        read_batch([[1, 2]], pa.schema([("c", pa.int64())]), base64.b64decode)


@pytest.mark.parametrize(
    "kind", [pa.month_day_nano_interval(), pa.duration("us"), pa.list_(pa.duration("s")), pa.struct([("i", pa.month_day_nano_interval())]), pa.map_(pa.string(), pa.duration("s")), pa.uuid()]
)  # fmt: skip
def test_intervals_are_not_readable(kind: pa.DataType) -> None:
    assert not is_readable(kind)
