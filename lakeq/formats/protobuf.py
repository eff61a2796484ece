"""The wire format of Protocol Buffers, in which ORC's footers are written."""

from __future__ import annotations

from typing import Any

from lakeq.formats.varints import encode_varint, read_varint

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Fields = dict[int, list[Any]]
"""The values of a message under `number << 3 | kind`, in their order: 0x12 is field 2, bytes. So a field of a
kind that it should not have is not found, as in Protocol Buffers itself."""


def read_message(data: bytes) -> Fields:
    """The fields of a message: integers as they are stored (signed ones are not), the rest as bytes.

    IndexError where the data ends too early; ValueError for what is no message.
    """
    fields: Fields = {}
    at, end = 0, len(data)
    while at < end:
        tag = data[at]
        at += 1
        if tag > 127:
            tag, at = read_varint(data, at - 1)
        kind = tag & 7
        value: Any
        if kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        elif kind in (VARINT, BYTES):
            size = data[at]
            at += 1
            if size > 127:
                size, at = read_varint(data, at - 1)
        else:
            raise ValueError(f"unknown wire type {kind}")
        if kind == VARINT:
            value = size
        else:
            value = data[at : at + size]
            at += size
        if tag in fields:
            fields[tag].append(value)
        else:
            fields[tag] = [value]
    if at != end:
        raise IndexError("a field is longer than its message")
    return fields


def read_last(fields: Fields, tag: int, default: Any = None) -> Any:
    """The value of a field that is there once; of one that is there twice, the last counts."""
    return fields[tag][-1] if tag in fields else default


def read_integers(fields: Fields, number: int) -> list[int]:
    """The integers of a repeated field, packed or not."""
    values = list(fields.get(number << 3 | VARINT, ()))
    for packed in fields.get(number << 3 | BYTES, ()):
        at = 0
        while at < len(packed):
            value, at = read_varint(packed, at)
            values.append(value)
    return values


def decode_signed(value: int) -> int:
    """What a zigzag integer (sint32, sint64) means."""
    return (value >> 1) ^ -(value & 1)


def encode_field(tag: int, value: Any) -> bytes:
    """One field as `read_message` gives it."""
    kind = tag & 7
    if kind == VARINT:
        return encode_varint(tag) + encode_varint(value)
    size = encode_varint(len(value)) if kind == BYTES else b""
    return b"".join((encode_varint(tag), size, value))
