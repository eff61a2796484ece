"""The end of a Parquet file, in which its footer lies."""

from __future__ import annotations

from lakeq.errors import CorruptFileError
from lakeq.formats.base import Source

TAIL_BYTES = 64 * 1024
"""What is read of a file's end at first."""
MAGIC, ENCRYPTED_MAGIC = b"PAR1", b"PARE"
_TRAILER_BYTES = 8


def read_tail(source: Source, tail_bytes: int = TAIL_BYTES) -> bytes:
    """The footer, also an encrypted one, with its length and magic: one read of so much of the file's end, a
    second only when the footer is longer. CorruptFileError where there is none."""
    tail = source.read(max(source.size - tail_bytes, 0), min(tail_bytes, source.size))
    if tail[-4:] not in (MAGIC, ENCRYPTED_MAGIC):
        raise corrupt(source, "it does not end with a Parquet footer")
    length = int.from_bytes(tail[-8:-4], "little") + _TRAILER_BYTES
    if length == _TRAILER_BYTES or length + len(MAGIC) > source.size:
        raise corrupt(source, f"its footer claims {length:,} of {source.size:,} bytes")
    if length > len(tail):
        tail = source.read(source.size - length, length - len(tail)) + tail
    return tail[-length:]


def corrupt(source: Source, problem: str) -> CorruptFileError:
    """The error for a file that has this problem."""
    return CorruptFileError(
        f"Not a whole Parquet file: {source.path}: {problem}. Upload it again, or remove it.", source.path
    )
