"""Integers of seven bits a byte, as Thrift and Protocol Buffers store them."""

from __future__ import annotations

_LONGEST_SHIFT = 63


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The integer that begins at `at`, and where it ends.

    IndexError where the data ends too early; ValueError for one of more than ten bytes.
    """
    value = shift = 0
    while (byte := data[at]) > 127:
        value |= (byte & 127) << shift
        shift += 7
        at += 1
    if shift > _LONGEST_SHIFT:
        raise ValueError("an integer of more than ten bytes")
    return value | byte << shift, at + 1


def encode_varint(value: int) -> bytes:
    """The bytes of an integer that is not negative."""
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes((*encoded, value))
