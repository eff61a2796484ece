"""The blocks in which ORC compresses footers and streams: three bytes of length each, then a compressed block
or one that would not have become shorter."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

import pyarrow as pa

from lakeq.formats.varints import read_varint

NONE, ZLIB, SNAPPY, LZO, LZ4, ZSTD = range(6)

_HEADER_BYTES = 3
_LONGEST_PLAIN_BLOCK = (1 << 23) - 1
_LARGEST_BLOCK = 64 << 20
_MOST_BYTES = 256 << 20
"""No footer is this long: what claims to be would only fill the memory."""


def decompress(data: bytes, kind: int, block_size: int) -> bytes:
    """What was compressed, `block_size` being the most that a block holds.

    IndexError where the data ends too early; OSError, ValueError and zlib.error for what is damaged.
    """
    if kind == NONE:
        return data
    if not 0 < block_size <= _LARGEST_BLOCK:
        raise ValueError(f"compressed blocks of {block_size:,} bytes")
    blocks: list[bytes] = []
    at = size = 0
    while at < len(data):
        head = int.from_bytes(data[at : at + _HEADER_BYTES], "little")
        at += _HEADER_BYTES
        length, is_plain = head >> 1, head & 1
        block = data[at : at + length]
        if len(block) < length or at > len(data):
            raise IndexError("a compressed block is cut short")
        at += length
        blocks.append(block if is_plain else DECODERS[kind](block, block_size))
        size += len(blocks[-1])
        if size > _MOST_BYTES:
            raise ValueError(f"more than {_MOST_BYTES:,} bytes of footer")
    return b"".join(blocks)


def store_plain(data: bytes, kind: int) -> bytes:
    """The same bytes as blocks that are not compressed, which any reader of a file of this `kind` takes."""
    if kind == NONE:
        return data
    blocks = [data[at : at + _LONGEST_PLAIN_BLOCK] for at in range(0, len(data), _LONGEST_PLAIN_BLOCK)]
    return b"".join((len(b) << 1 | 1).to_bytes(_HEADER_BYTES, "little") + b for b in blocks)


def _inflate(block: bytes, most: int) -> bytes:
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    data = decoder.decompress(block, most)
    if not decoder.eof:
        raise ValueError("a compressed block is longer than it may be, or cut short")
    return data


def _unsnap(block: bytes, most: int) -> bytes:
    return _decode("snappy", block, read_varint(block, 0)[0], most)


def _unpack_lz4(block: bytes, most: int) -> bytes:
    return _decode("lz4_raw", block, _measure_lz4(block), most)


def _unpack_zstd(block: bytes, most: int) -> bytes:
    # Not every writer states the size of what it compressed.
    with pa.CompressedInputStream(pa.BufferReader(block), "zstd") as stream:
        data: bytes = stream.read(most + 1)
    if len(data) > most:
        raise ValueError("a compressed block is longer than it may be")
    return data


def _decode(codec: str, block: bytes, size: int, most: int) -> bytes:
    if size > most:
        raise ValueError("a compressed block is longer than it may be")
    data: bytes = pa.Codec(codec).decompress(block, size, asbytes=True)
    return data


def _measure_lz4(block: bytes) -> int:
    """How many bytes an LZ4 block becomes, which nothing states: its literals and matches counted."""
    at = size = 0
    while at < len(block):
        token = block[at]
        literals, at = _read_lz4_length(block, at + 1, token >> 4)
        at += literals
        size += literals
        if at < len(block):  # the last sequence has no match
            match, at = _read_lz4_length(block, at + 2, token & 15)
            size += match + 4
    return size


def _read_lz4_length(block: bytes, at: int, length: int) -> tuple[int, int]:
    if length == 15:
        while (byte := block[at]) == 255:
            length += byte
            at += 1
        length += byte
        at += 1
    return length, at


DECODERS: Mapping[int, Callable[[bytes, int], bytes]] = MappingProxyType(
    {ZLIB: _inflate, SNAPPY: _unsnap, LZ4: _unpack_lz4, ZSTD: _unpack_zstd}
)
"""How blocks are decompressed, by the file's kind of compression; LZO is not among them."""
