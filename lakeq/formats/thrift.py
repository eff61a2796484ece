"""The compact protocol of Thrift, in which Parquet footers are written."""

from __future__ import annotations

from typing import Any

from lakeq.formats.varints import encode_varint, read_varint

STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(13)

Fields = dict[int, Any]
"""The fields of a struct under `number << 4 | kind`: 0x48 is field 4, a string. So a field of a kind that
it should not have is not found, as in Thrift itself. Booleans have the kind TRUE."""


def read_struct(data: bytes, at: int, number: int = 0) -> tuple[Fields, int]:
    """The struct that begins at `at`, and where it ends; `number << 4` is the field read before `at`.

    Of a field that is there twice the last counts. IndexError where the data ends too early; ValueError for
    what is no Thrift; RecursionError for structs in structs without end.
    """
    fields: Fields = {}
    while head := data[at]:
        at += 1
        kind = head & 15
        if head > 15:
            number += head & 0xF0
        else:
            number, at = _read_long_number(data, at)
        key = number | kind
        if I32 <= kind <= I64:
            value = data[at]
            at += 1
            if value > 127:
                value, at = read_varint(data, at - 1)
            fields[key] = (value >> 1) ^ -(value & 1)
        elif TRUE <= kind <= FALSE:
            fields[number | TRUE] = kind == TRUE
        else:
            fields[key], at = _read_value(data, at, kind)
    return fields, at + 1


def read_list(data: bytes, at: int) -> tuple[list[Any], int]:
    """The elements of the list that begins at `at`, and where it ends. Errors as of `read_struct`."""
    kind, size, at = data[at] & 15, data[at] >> 4, at + 1
    if size == 15:
        size, at = read_varint(data, at)
    if kind > STRUCT:
        raise ValueError(f"unknown type {kind}")
    if size > len(data) - at:  # each takes a byte at least; else a few bytes could claim 2^63 of them
        raise IndexError("a list has more elements than there are bytes")
    values = []
    for _ in range(size):
        value, at = _read_value(data, at, kind)
        values.append(value)
    return values, at


RawFields = dict[int, tuple[int, bytes]]
"""The fields of a struct in their order, by number: kind and encoded value, for one that is written anew in
parts."""


def split_struct(data: bytes, at: int = 0) -> tuple[RawFields, int]:
    """The encoded fields of the struct that begins at `at`, and where it ends. Errors as of `read_struct`."""
    fields: RawFields = {}
    number = 0
    while head := data[at]:
        at += 1
        kind = head & 15
        if head > 15:
            number += head & 0xF0
        else:
            number, at = _read_long_number(data, at)
        end = at if kind in (TRUE, FALSE) else _read_value(data, at, kind)[1]
        fields[number >> 4] = kind, data[at:end]
        at = end
    return fields, at + 1


def split_structs(data: bytes) -> list[RawFields]:
    """The structs of an encoded list of them. Errors as of `read_struct`."""
    size, at = data[0] >> 4, 1
    if data[0] & 15 != STRUCT:
        raise ValueError("not a list of structs")
    if size == 15:
        size, at = read_varint(data, at)
    structs = []
    for _ in range(size):
        struct, at = split_struct(data, at)
        structs.append(struct)
    return structs


def join_struct(fields: RawFields) -> bytes:
    """The encoded struct of these fields."""
    parts, before = [], 0
    for number, (kind, value) in sorted(fields.items()):
        step = number - before
        parts.append(bytes([step << 4 | kind] if 0 < step < 16 else [kind]))
        if not 0 < step < 16:
            parts.append(encode_integer(number))
        parts.append(value)
        before = number
    return b"".join(parts) + b"\x00"


def encode_integer(value: int) -> bytes:
    return encode_varint(value << 1 ^ value >> 63)


def encode_bytes(value: bytes) -> bytes:
    return encode_varint(len(value)) + value


def encode_structs(structs: list[bytes]) -> bytes:
    """A list of structs that are encoded already."""
    size = len(structs)
    head = bytes([size << 4 | STRUCT]) if size < 15 else bytes([0xF0 | STRUCT]) + encode_varint(size)
    return head + b"".join(structs)


def _read_value(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind == BINARY:
        size, at = read_varint(data, at)
        return data[at : at + size], at + size
    if kind == STRUCT:
        return read_struct(data, at)
    if kind in (LIST, SET):
        return read_list(data, at)
    if kind in (I16, I32, I64):
        value, at = read_varint(data, at)
        return (value >> 1) ^ -(value & 1), at
    if kind in (TRUE, FALSE, BYTE):  # a boolean here is an element of a list
        return data[at], at + 1
    if kind == DOUBLE:
        return data[at : at + 8], at + 8
    raise ValueError(f"unknown type {kind}")


def _read_long_number(data: bytes, at: int) -> tuple[int, int]:
    value, at = read_varint(data, at)
    number = (value >> 1) ^ -(value & 1)
    return ((number + 2**15) % 2**16 - 2**15) << 4, at  # 16 bits count
