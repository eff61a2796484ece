"""Types of text: exact patterns, no lenient parser."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.formats.text_types import cast_text, infer_text_type

TEXT = pa.string()
UTC_TIME = pa.timestamp("us", "UTC")
CASES = Path(__file__).parents[1] / "data" / "cases" / "lakeq_own_cases.json"


def infer(*texts: str | None, zero_padded: bool = False) -> pa.DataType:
    return infer_text_type(pa.array(texts, TEXT), zero_padded=zero_padded)


DOCUMENTED = {
    "+5": TEXT,
    "007": pa.int64(),
    "01": pa.int64(),
    "1e5": TEXT,
    "1.0": pa.float64(),
    "true": TEXT,
    "": TEXT,
    "9223372036854775808": pa.decimal128(38, 0),
    "2024-01-01T00:00:00Z": UTC_TIME,
}
NAMED = {
    "int64": pa.int64(),
    "integer": pa.int64(),
    "date": pa.date32(),
    "string": TEXT,
    "string 'null'": TEXT,
}


@pytest.mark.parametrize(
    "case", json.loads(CASES.read_text(encoding="utf-8"))["value_text_traps"], ids=lambda case: case["text"]
)
def test_traps_of_partition_values(case: dict[str, str]) -> None:
    text = case["text"]
    expected = DOCUMENTED.get(text) or NAMED[case["must_be"]]
    assert infer(text, zero_padded=True) == expected


@pytest.mark.parametrize(
    ("texts", "type"),
    [
        ((), pa.null()),
        ((None, None), pa.null()),
        (("", None), TEXT),
        (("1", "", None), pa.int64()),
        (("0", "-1"), pa.int64()),
        (("-0",), TEXT),
        (("007", "8"), TEXT),
        (("1", "1.5", "-0.5"), pa.float64()),
        (("1.5", "01.5"), TEXT),
        ((".5",), TEXT),
        (("5.",), TEXT),
        (("9" * 38,), pa.decimal128(38, 0)),
        (("9" * 39,), TEXT),  # Arrow alone wraps it into another number
        (("9" * 400 + ".5",), TEXT),
        (("1", "9223372036854775808"), pa.decimal128(38, 0)),
        (("2026-01-01", "2026-01-01 10:00"), pa.timestamp("us")),
        (("2026-01-01T10:00:00.123456", "2026-01-01 10:00:00"), pa.timestamp("us")),
        (("2026-01-01T10:00:00.1234567",), TEXT),
        (("2026-01-01T24:00",), TEXT),
        (("2026-01-01T10:00+02", "2026-01-01T10:00:00-02:30", "2026-01-01 10:00Z"), UTC_TIME),
        (("2026-01-01T10:00Z", "2026-01-01T10:00"), TEXT),
        (("2026-01-01", "1"), TEXT),
        (("0000-01-01",), TEXT),
        (("1\n",), TEXT),
        (("1", "a"), TEXT),
    ],
)
def test_all_texts_of_a_cell_must_share_the_type(texts: tuple[str | None, ...], type: pa.DataType) -> None:
    assert infer(*texts) == type
    assert infer(*reversed(texts)) == type


@pytest.mark.parametrize("texts", [("007", "8"), ("-01",), ("00",)])
def test_zero_padded_numbers_are_numbers_where_asked_for(texts: tuple[str, ...]) -> None:
    assert infer(*texts, zero_padded=True) == pa.int64()
    assert infer(*texts, zero_padded=False) == TEXT


@pytest.mark.parametrize(
    ("text", "type", "value"),
    [
        ("007", pa.int64(), 7),
        ("", pa.int64(), None),
        ("", TEXT, ""),
        (None, TEXT, None),
        ("2026-01-01", pa.timestamp("us"), datetime(2026, 1, 1)),
        ("2026-01-01", pa.date32(), date(2026, 1, 1)),
        ("1.50", pa.decimal128(5, 1), 1.5),
        ("-5", pa.decimal128(38, 0), -5),
    ],
)
def test_texts_are_cast(text: str | None, type: pa.DataType, value: Any) -> None:
    cast = cast_text(pa.array([text], TEXT), type)
    assert cast.type == type
    assert cast.to_pylist() == [value]


@pytest.mark.parametrize(
    ("text", "type"),
    [
        ("0x10", pa.int64()),
        (" 5", pa.int64()),
        ("300", pa.int8()),
        ("1.5", pa.int64()),
        ("9" * 39, pa.decimal128(38, 0)),
        ("999", pa.decimal128(2, 0)),
        ("1.55", pa.decimal128(5, 1)),
        ("2026-02-30", pa.date32()),
        ("2026-01-01T10:00Z", pa.timestamp("us")),
        ("2026-01-01T10:00", UTC_TIME),
        ("[1]", pa.list_(pa.int64())),
    ],
)
def test_a_text_that_is_no_value_of_the_type_is_refused(text: str, type: pa.DataType) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        cast_text(pa.array([text], TEXT), type)


@given(st.lists(st.integers(-(10**40), 10**40), min_size=1))
def test_integers_keep_their_value(numbers: list[int]) -> None:
    texts = pa.array([str(number) for number in numbers])
    type = infer_text_type(texts, zero_padded=False)
    cast = cast_text(texts, type).to_pylist()
    assert cast == (numbers if type != TEXT else texts.to_pylist())
    assert (type == TEXT) == any(abs(number) >= 10**38 for number in numbers)


@given(st.lists(st.text(max_size=12) | st.from_regex(r"[0-9Te:. +-]{1,12}", fullmatch=True), min_size=1))
def test_what_is_inferred_can_be_cast(texts: list[str]) -> None:
    array = pa.array(texts, TEXT)
    for zero_padded in (False, True):
        type = infer_text_type(array, zero_padded=zero_padded)
        assert len(cast_text(array, type)) == len(texts)
