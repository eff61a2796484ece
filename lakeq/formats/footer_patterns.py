"""The form that Parquet footers usually have, as regular expressions over Thrift's compact protocol.

Decoded field by field in Python, a footer takes as long as Arrow takes for it; matched in four strokes a
column chunk, a fifth of that. Fields have the numbers of parquet.thrift, by their distance from the one
before: 0x26 is an i64 two further on. Every field that Arrow requires is required here, and none is let pass
that would mean something; so what matches is read by Arrow as here. What does not match says nothing.
"""

from __future__ import annotations

import re

from lakeq.formats.thrift import BINARY, I16, I32, I64, STRUCT
from lakeq.formats.varints import read_varint

_INT = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
_OFFSET = rb"[\x80-\xff]{0,8}[\x00-\x7f]"
_CAPTURED = rb"([\x80-\xff]{0,8}[\x00-\x7f])"  # less than 64 bits, so that nothing is cut off
_BYTE = rb"[\x00-\x7f]"  # an integer of one byte


def _heads(*kinds: int) -> bytes:
    """Any field of these kinds, by distance."""
    heads = [bytes([distance << 4 | kind]) for kind in kinds for distance in range(1, 16)]
    return b"[" + b"".join(map(re.escape, heads)) + b"]"


def _list(kind: int, element: bytes, most: int) -> bytes:
    """A list of at most so many of these elements: each more costs time when lakeq starts."""
    sizes = range(most + 1)
    lists = (re.escape(bytes([size << 4 | kind])) + b"(?:%b){%d}" % (element, size) for size in sizes)
    return b"(?:" + b"|".join(lists) + b")"


def _list_head(size: int) -> bytes:
    """How a list of so many 64-bit integers begins, 14 at most: of a longer one none is let pass."""
    return re.escape(bytes([min(size, 15) << 4 | I64]))


def _name() -> bytes:
    """A string of less than 128 bytes."""
    return b"(?:" + b"|".join(re.escape(bytes([size])) + b".{%d}" % size for size in range(128)) + b")"


_INTS = b"(?:" + _heads(I16, I32, I64) + _INT + b")*"
_SHORT_SIZE = b"[" + b"".join(re.escape(bytes([size << 4 | STRUCT])) for size in range(15)) + b"]"
_SIZE = rb"(?:%b|\xfc[\x80-\xff]{0,4}[\x00-\x7f])" % _SHORT_SIZE  # of a list of structs
_TIME_UNIT = _heads(STRUCT) + _heads(STRUCT) + rb"\x00\x00"
_LOGICAL = rb"%b(?:%b%b|%b|%b.|%b)*\x00\x00" % (
    _heads(STRUCT),
    _heads(I32),
    _INT,
    _heads(1, 2),
    _heads(3),
    _TIME_UNIT,
)
_ELEMENT = rb"%b%b%b%b(?:%b%b)?\x00" % (_INTS, _heads(8), _name(), _INTS, _heads(STRUCT), _LOGICAL)

HEAD = re.compile(rb"\x15%b\x19(%b(?:%b)*)\x16%b\x19(%b)" % (_INT, _SIZE, _ELEMENT, _INT, _SIZE), re.DOTALL)
"""FileMetaData until the first row group: version, schema (captured), row count, row groups (how many)."""

GROUP_START = re.compile(rb"\x19(%b)" % _SIZE)
"""RowGroup until the first chunk: chunks (how many)."""

GROUP_END = re.compile(
    rb"\x16%b\x16%b(?:\x19%b)?%b\x00"
    % (_INT, _CAPTURED, _list(STRUCT, rb"\x15%b[\x11\x12][\x11\x12]\x00" % _INT, 4), _INTS)
)
"""RowGroup after its chunks: bytes, rows (captured), sorting columns, offset, compressed bytes, ordinal."""

CHUNK_START = re.compile(rb"\x26%b\x1c\x15(%b)\x19%b\x19" % (_INT, _BYTE, _list(I32, _BYTE, 6)))
"""ColumnChunk until its path: offset, metadata with type (captured) and encodings."""

CHUNK_SIZES = re.compile(
    rb"\x15%(int)b\x16%(int)b\x16%(int)b\x16(?P<size>%(offset)b)\x26(?P<data>%(offset)b)"
    rb"(?:(?P<statistics>\x3c|\x26(?P<dictionary>%(offset)b)\x1c"
    rb"|\x16%(int)b\x2c|\x16%(int)b\x16(?P<indexed>%(offset)b)\x1c)"
    rb"|(?=[\x49\x00])|\x26(?P<plain>%(offset)b)(?=[\x29\x00])|\x16%(int)b(?=[\x39\x00]))"
    % {b"int": _INT, b"offset": _OFFSET}
)
"""From path to statistics: codec, values, sizes (`size` is the compressed one), offsets of the first page
with `data` and of a dictionary's, which may stand in three places. `statistics` is there if these follow."""

CHUNK_END = re.compile(
    rb"(?:[\x19\x29\x39\x49]%(encodings)b)?%(ints)b"
    rb"(?:%(struct)b(%(ints)b(?:[\x19\x29\x39]%(histogram)b){0,2})\x00)?"
    rb"\x00%(ints)b\x00"
    % {
        b"encodings": _list(STRUCT, rb"\x15%b\x15%b\x15%b\x00" % (_INT, _INT, _INT), 6),
        b"ints": _INTS,
        b"struct": _heads(STRUCT),
        b"histogram": _list(I64, _INT, 6),
    }
)
"""ColumnChunk after its statistics: of encodings, a Bloom filter, sizes (captured); page indexes."""


def level_sizes(repetitions: int, definitions: int, is_text: bool) -> re.Pattern[bytes]:
    """The sizes that CHUNK_END captures, of a column with so many levels: a count for each, or none. Only of
    byte arrays bytes are counted."""
    first, second = (
        rb"(?:%b|%b(?:%b){%d})" % (re.escape(bytes([I64])), _list_head(levels), _INT, levels)
        for levels in (repetitions, definitions)
    )
    counts = rb"(?:%b%b(?:\x19%b)?|%b%b)?"
    with_bytes = rb"\x16%b" % _INT + counts % (rb"\x19", first, second, rb"\x29", second)
    without = counts % (rb"\x29", first, second, rb"\x39", second)
    return re.compile(rb"%b|%b" % (with_bytes, without) if is_text else without, re.DOTALL)


def match_at(pattern: re.Pattern[bytes], data: bytes, at: int) -> re.Match[bytes]:
    """ValueError where the footer is not of the usual form."""
    match = pattern.match(data, at)
    if match is None:
        raise ValueError(f"not of the usual form at byte {at}")
    return match


def skip_path(data: bytes, at: int) -> int:
    """Where the path ends that begins at `at`, a list of names. IndexError, ValueError for other things."""
    head = data[at]
    if head & 15 != BINARY or head >> 4 == 15:
        raise ValueError("a path that is no short list of names")
    at += 1
    for _ in range(head >> 4):
        if data[at] > 127:
            raise ValueError("a long name")
        at += data[at] + 1
    return at


def read_size(head: bytes) -> int:
    """How many elements a list has, from what HEAD and GROUP_START capture."""
    return head[0] >> 4 if len(head) == 1 else read_varint(head, 1)[0]


def read_integer(captured: bytes) -> int:
    value = 0
    for byte in reversed(captured):
        value = value << 7 | byte & 127
    return (value >> 1) ^ -(value & 1)
