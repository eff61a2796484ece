"""Messages of Protocol Buffers: what is stored comes out, and what is no message is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.formats.protobuf import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    decode_signed,
    encode_field,
    read_integers,
    read_last,
    read_message,
)
from lakeq.formats.varints import encode_varint, read_varint

numbers = st.integers(1, 1 << 20)
fields = st.one_of(
    st.tuples(numbers.map(lambda n: n << 3 | VARINT), st.integers(0, (1 << 64) - 1)),
    st.tuples(numbers.map(lambda n: n << 3 | BYTES), st.binary(max_size=300)),
    st.tuples(numbers.map(lambda n: n << 3 | FIXED64), st.binary(min_size=8, max_size=8)),
    st.tuples(numbers.map(lambda n: n << 3 | FIXED32), st.binary(min_size=4, max_size=4)),
)


@given(st.lists(fields))
def test_every_field_comes_back_in_its_order(stored: list[tuple[int, Any]]) -> None:
    expected: dict[int, list[Any]] = {}
    for tag, value in stored:
        expected.setdefault(tag, []).append(value)
    assert read_message(b"".join(encode_field(tag, value) for tag, value in stored)) == expected


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_an_error(data: bytes) -> None:
    try:
        message = read_message(data)
    except (IndexError, ValueError):
        return
    encoded = (encode_field(tag, value) for tag, values in message.items() for value in values)
    assert read_message(b"".join(encoded)) == message


@pytest.mark.parametrize(
    "data", [b"\x08", b"\x12\x05abc", b"\x09\x00", b"\x80", b"\x08" + b"\xff" * 11, b"\x0b", b"\x0e"]
)
def test_what_is_cut_or_unknown_is_refused(data: bytes) -> None:
    with pytest.raises((IndexError, ValueError)):
        read_message(data)


def test_the_last_of_a_repeated_field_counts() -> None:
    assert read_last(read_message(b"\x08\x01\x08\x02"), 0x08) == 2
    assert read_last({}, 0x08, 7) == 7


def test_integers_are_found_packed_and_one_by_one() -> None:
    assert read_integers(read_message(b"\x10\x05\x12\x03\x01\xac\x02"), 2) == [5, 1, 300]


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_signed_integers_are_zigzag(value: int) -> None:
    stored = value << 1 if value >= 0 else (-value << 1) - 1
    assert decode_signed(read_varint(encode_varint(stored), 0)[0]) == value
