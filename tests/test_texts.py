"""One spelling of Arrow values for tables, CSV and JSON."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.texts import spell_json, spell_values

NOON = dt.datetime(2026, 11, 3, 12)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (7, pa.uint64(), "7"),
        (True, pa.bool_(), "true"),
        (0.1, pa.float64(), "0.1"),
        (Decimal("12345678901234567890.10"), pa.decimal128(38, 2), "12345678901234567890.10"),
        (dt.date(2026, 11, 3), pa.date32(), "2026-11-03"),
        (NOON, pa.timestamp("us"), "2026-11-03 12:00:00"),
        (NOON.replace(microsecond=500_000), pa.timestamp("us"), "2026-11-03 12:00:00.500000"),
        (1_793_707_200_000_000_001, pa.timestamp("ns"), "2026-11-03 12:00:00.000000001"),
        (NOON.replace(tzinfo=dt.UTC), pa.timestamp("us", "UTC"), "2026-11-03 12:00:00Z"),
        (dt.time(12), pa.time64("us"), "12:00:00"),
        (b"\x00\xff", pa.binary(), "00ff"),
        ("tea", pa.string_view(), "tea"),
        ("tea", pa.large_string(), "tea"),
        ("tea", pa.dictionary(pa.int8(), pa.string()), "tea"),
        (pa.MonthDayNano([1, 2, 3_500_000_000]), pa.month_day_nano_interval(), "1 months 2 days 3.5 seconds"),
        (pa.MonthDayNano([0, 0, 0]), pa.month_day_nano_interval(), "0 seconds"),
        ([1, None], pa.list_(pa.int64()), "[1, null]"),
        ({"at": NOON, "raw": b"\x01"}, pa.struct([("at", pa.timestamp("us")), ("raw", pa.binary())]), None),
    ],
)
def test_values_have_one_spelling(value: Any, kind: pa.DataType, text: str | None) -> None:
    spelled = spell_values(pa.array([value, None], kind)).to_pylist()
    assert spelled == [text or '{"at": "2026-11-03 12:00:00", "raw": "01"}', None]


def test_null_is_null_in_every_type() -> None:
    for kind in (pa.null(), pa.string(), pa.float64(), pa.list_(pa.int8()), pa.binary(), pa.date32()):
        column = pa.nulls(2, kind)
        assert spell_values(column).null_count == 2
        assert spell_json(column).to_pylist() == ["null", "null"]


def test_json_quotes_all_but_numbers_and_truth() -> None:
    columns = [pa.array([1]), pa.array([1.5]), pa.array([True]), pa.array(['a"b\n']), pa.array([NOON])]
    texts = [spell_json(column)[0].as_py() for column in columns]
    assert [json.loads(text) for text in texts] == [1, 1.5, True, 'a"b\n', "2026-11-03 12:00:00"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
@given(
    numbers=st.lists(st.one_of(st.none(), st.integers(-(2**31), 2**31).map(lambda n: n * 500))),
    start=st.integers(0, 2),
)
def test_a_moment_has_a_fraction_only_where_there_is_one(
    unit: str, zone: str | None, numbers: list[int | None], start: int
) -> None:
    moments = pa.array(numbers, pa.int64()).cast(pa.timestamp(unit, zone))[start:]
    bare = pc.replace_substring_regex(moments.cast(pa.string()), r"\.0+(Z|[+-]\d{4})?$", r"\1")
    assert spell_values(moments).equals(bare)


@pytest.mark.parametrize("kind", [pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")])
@pytest.mark.parametrize("numbers", [[], [None], [0, 1000, 3_000_000], [1, 1500, None, 2_000_000], [7, None]])
def test_a_time_has_a_fraction_only_where_there_is_one(kind: pa.DataType, numbers: list[int | None]) -> None:
    limit = 86_400 if kind == pa.time32("s") else 2_000_001
    times = pa.array(
        [n if n is None else n % limit for n in numbers], pa.int32() if kind.bit_width == 32 else pa.int64()
    ).cast(kind)
    bare = pc.replace_substring_regex(times.cast(pa.string()), r"\.0+$", "")
    assert spell_values(times).equals(bare)
