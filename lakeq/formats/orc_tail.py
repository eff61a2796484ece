"""The end of an ORC file: postscript, footer and statistics, and the footer of each stripe.

Field numbers are those of orc_proto.proto. A tail can be made anew for some of the stripes, so that a reader
takes the file for one that has no others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from lakeq.formats.orc_blocks import DECODERS, NONE, decompress, store_plain
from lakeq.formats.protobuf import Fields, encode_field, read_last, read_message

TAIL_BYTES = 64 * 1024
MAGIC = b"ORC"

_FOOTER_LENGTH, _COMPRESSION, _BLOCK_SIZE, _METADATA_LENGTH = 0x08, 0x10, 0x18, 0x28
_WRITER_VERSION, _STATISTICS_LENGTH, _MAGIC = 0x30, 0x38, 8000 << 3 | 2
_STRIPES, _ROWS = 0x1A, 0x30
_OFFSET, _INDEX_LENGTH, _DATA_LENGTH, _STRIPE_FOOTER_LENGTH, _STRIPE_ROWS = 0x08, 0x10, 0x18, 0x20, 0x28
_DEFAULT_BLOCK_SIZE = 256 * 1024

Reader = Callable[[int, int], bytes]
"""Gives exactly so many (second) bytes from an offset (first)."""


class TailFaultError(ValueError):
    """What is wrong with the end of a file."""


@dataclass(frozen=True, slots=True)
class Stripe:
    """Where a stripe lies, in bytes, and how many rows it has: indexes, then data, then its footer."""

    offset: int
    index_bytes: int
    data_bytes: int
    footer_bytes: int
    row_count: int

    @property
    def footer_start(self) -> int:
        """Where the footer begins, and the streams end."""
        return self.offset + self.index_bytes + self.data_bytes


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a file of `size` bytes: from `start` on, metadata, footer and postscript.

    `read` are the bytes at the end that were read: those of the tail, and often some before it.
    """

    size: int
    start: int
    read: bytes
    postscript: Fields
    metadata_bytes: int
    footer_bytes: int

    @property
    def compression(self) -> int:
        """How footers and streams are compressed, as numbered in `orc_blocks`."""
        kind: int = read_last(self.postscript, _COMPRESSION, NONE)
        return kind

    @property
    def is_readable(self) -> bool:
        """Whether there is a decoder for the compression of the footers."""
        return self.compression == NONE or self.compression in DECODERS

    @property
    def writer_version(self) -> int:
        """Counts up with each error that writers no longer make; 0 for those that did not count yet."""
        version: int = read_last(self.postscript, _WRITER_VERSION, 0)
        return version

    @property
    def stored(self) -> bytes:
        """The tail as it stands in the file."""
        return self._cut(self.start, self.size - self.start)

    def unpack(self, stored: bytes) -> bytes:
        """A footer as it was before compression. Errors as of `decompress`."""
        block_size = read_last(self.postscript, _BLOCK_SIZE, _DEFAULT_BLOCK_SIZE)
        return decompress(stored, self.compression, block_size)

    def read_footer(self) -> Fields:
        """The footer of the file. Errors as of `decompress` and `read_message`."""
        return read_message(self.unpack(self._cut(self.start + self.metadata_bytes, self.footer_bytes)))

    def read_metadata(self) -> Fields:
        """The statistics of the stripes. Errors as of `decompress` and `read_message`."""
        return read_message(self.unpack(self._cut(self.start, self.metadata_bytes)))

    def find(self, start: int, length: int) -> bytes | None:
        """So many bytes of the file from `start` on, if they were read."""
        return self._cut(start, length) if start >= self.size - len(self.read) else None

    def _cut(self, start: int, length: int) -> bytes:
        at = start - (self.size - len(self.read))
        return self.read[at : at + length]


def read_tail(read: Reader, size: int, first_bytes: int = TAIL_BYTES) -> Tail:
    """The tail of a file of `size` bytes, of whose end so much is read at first.

    TailFaultError, other ValueErrors and IndexError for what is no ORC.
    """
    if size <= len(MAGIC):
        raise TailFaultError("it is too short")
    first_bytes = min(max(first_bytes, 256), size)
    data = read(size - first_bytes, first_bytes)
    length = data[-1]
    if not 0 < length < len(data):
        raise TailFaultError("it does not end with an ORC footer")
    postscript = read_message(data[-1 - length : -1])
    # Version 0.11 has the magic at the beginning only.
    if read_last(postscript, _MAGIC) != MAGIC and read(0, len(MAGIC)) != MAGIC:
        raise TailFaultError("it does not end with an ORC footer")
    footer_bytes = read_last(postscript, _FOOTER_LENGTH, 0)
    metadata_bytes = read_last(postscript, _METADATA_LENGTH, 0)
    total = metadata_bytes + footer_bytes + length + 1
    if not footer_bytes or total + len(MAGIC) > size:
        raise TailFaultError(f"its footer claims {total:,} of {size:,} bytes")
    if total > len(data):
        data = read(size - total, total - len(data)) + data
    return Tail(size, size - total, data, postscript, metadata_bytes, footer_bytes)


def read_stripes(footer: Fields, end: int) -> tuple[Stripe, ...]:
    """The stripes of a file whose tail begins at `end`. TailFaultError where they do not fit before it."""
    stripes = tuple(_read_stripe(read_message(encoded)) for encoded in footer.get(_STRIPES, ()))
    for stripe in stripes:
        if stripe.footer_start + stripe.footer_bytes > end or not stripe.footer_bytes:
            raise TailFaultError(f"its footer tells of a stripe at byte {stripe.offset:,} that does not fit")
    return stripes


def _read_stripe(fields: Fields) -> Stripe:
    tags = (_OFFSET, _INDEX_LENGTH, _DATA_LENGTH, _STRIPE_FOOTER_LENGTH, _STRIPE_ROWS)
    return Stripe(*(read_last(fields, tag, 0) for tag in tags))


def keep_stripes(tail: Tail, kept: Collection[int]) -> bytes:
    """A tail for the same file with those stripes alone whose footers begin at `kept`; without statistics.

    Not shorter than the tail there is, so that a reader who looks for it sees nothing that was not read yet.
    Errors as of `decompress` and `read_message`.
    """
    footer = tail.read_footer()
    stored = [(encoded, _read_stripe(read_message(encoded))) for encoded in footer.get(_STRIPES, ())]
    chosen = [(encoded, stripe) for encoded, stripe in stored if stripe.footer_start in kept]
    changed: Fields = {
        **footer,
        _STRIPES: [encoded for encoded, _ in chosen],
        _ROWS: [sum(stripe.row_count for _, stripe in chosen)],
    }
    return write_tail(changed, tail.postscript).rjust(tail.size - tail.start, b"\0")


def write_tail(footer: Fields, postscript: Fields) -> bytes:
    """A tail with this footer, the rest as `postscript` says, and no statistics."""
    compression = read_last(postscript, _COMPRESSION, NONE)
    packed = store_plain(_encode(footer), compression)
    ending = {
        **{tag: values for tag, values in postscript.items() if tag != _MAGIC},
        _FOOTER_LENGTH: [len(packed)],
        _COMPRESSION: [compression],
        _METADATA_LENGTH: [0],
        _STATISTICS_LENGTH: [0],
        _MAGIC: [MAGIC],  # last, for readers look for it there
    }
    encoded = _encode(ending)
    return packed + encoded + bytes([len(encoded)])


def _encode(fields: Fields) -> bytes:
    return b"".join(encode_field(tag, value) for tag, values in fields.items() for value in values)
