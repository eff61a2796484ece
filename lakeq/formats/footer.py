"""A check of a Parquet footer before Arrow looks at its column chunks.

Arrow ends the whole process when a chunk's type is not that of its column, or when a chunk is encrypted
under a plain footer (an exception that its Python layer does not catch). So the few fields concerned are
read here first, in the compact protocol of Thrift. Field numbers are those of parquet.thrift.
"""

from __future__ import annotations

from typing import Any

_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(13)

Fields = dict[int, Any]

ENCRYPTED = "columns of it are encrypted"


def find_footer_fault(footer: bytes) -> str | None:
    """What would end the process in this serialised FileMetaData; None when nothing would."""
    try:
        metadata = _Decoder(footer).read_struct()
        leaves = [
            element.get(1) for element in metadata[2] if element.get(1) is not None and not element.get(5)
        ]
        if 8 in metadata:
            return ENCRYPTED
        for group in metadata.get(4, ()):
            fault = _find_group_fault(group, leaves)
            if fault is not None:
                return fault
    except (IndexError, KeyError, AttributeError, ValueError, RecursionError) as error:
        return f"its footer is not well formed ({error})"
    return None


def _find_group_fault(group: Fields, leaves: list[int]) -> str | None:
    chunks = group.get(1, [])
    if len(chunks) != len(leaves):
        return f"a row group has {len(chunks)} columns where the schema has {len(leaves)}"
    for chunk, leaf in zip(chunks, leaves, strict=True):
        if 8 in chunk or 9 in chunk:
            return ENCRYPTED
        if chunk.get(3, {}).get(1) != leaf:
            return "a column is stored in another type than the schema says"
    return None


class _Decoder:
    """Reads one value after the other; every field of a struct is kept under its number."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read_struct(self) -> Fields:
        fields: Fields = {}
        number = 0
        while True:
            head = self._read_byte()
            if head == _STOP:
                return fields
            number = number + (head >> 4) if head >> 4 else self._read_integer()
            fields[number] = self._read_value(head & 15)

    def _read_value(self, kind: int) -> Any:
        if kind == _BINARY:
            return self._read_bytes(self._read_varint())
        if kind in (_I16, _I32, _I64):
            return self._read_integer()
        if kind == _STRUCT:
            return self.read_struct()
        if kind in (_LIST, _SET):
            return self._read_list()
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind == _BYTE:
            return self._read_byte()
        if kind == _DOUBLE:
            return self._read_bytes(8)
        raise ValueError(f"unknown type {kind}")

    def _read_list(self) -> Any:
        head = self._read_byte()
        size = self._read_varint() if head >> 4 == 15 else head >> 4
        if head & 15 in (_TRUE, _FALSE):
            return self._read_bytes(size)
        return [self._read_value(head & 15) for _ in range(size)]

    def _read_byte(self) -> int:
        byte = self._data[self._at]
        self._at += 1
        return byte

    def _read_bytes(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]

    def _read_varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._read_byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _read_integer(self) -> int:
        value = self._read_varint()
        return (value >> 1) ^ -(value & 1)
