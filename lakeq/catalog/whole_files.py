"""Parquet files that are there whole or as they were, and that notice any damage.

A digest of all other bytes lies between the data and the footer, where readers of Parquet do not look: a
file cut short or altered is told before Arrow sees it, which a damaged footer can make end the process.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

UNFINISHED = "*.unfinished"
"""The names of files that are being written, or whose writer was killed."""

_DIGEST_BYTES = 16
_TRAILER_BYTES = 8


def seal(parquet: bytes) -> bytes:
    """A Parquet file with a digest of its bytes before its footer. No offset in it points behind there."""
    cut = len(parquet) - _TRAILER_BYTES - _footer_length(parquet)
    data, footer = memoryview(parquet)[:cut], memoryview(parquet)[cut:]
    return b"".join((data, _digest(data, footer), footer))


def is_sealed(data: bytes) -> bool:
    """Whether these are the bytes that `seal` gave, whole and unaltered."""
    end = len(data) - _TRAILER_BYTES - _footer_length(data)
    start = end - _DIGEST_BYTES
    view = memoryview(data)
    return start > 0 and view[start:end] == _digest(view[:start], view[end:])


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or as it was; only its owner may read it.

    Whoever writes it holds a lock: what killed writers left under the same name is removed."""
    for left in path.parent.glob(f"{path.stem}{UNFINISHED}"):
        left.unlink(missing_ok=True)
    handle, unfinished = tempfile.mkstemp(prefix=path.stem, suffix=UNFINISHED[1:], dir=path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def digest_footer(path: Path) -> str:
    """A digest of the footer of a Parquet file and of where it lies: a damaged one can make Arrow end the
    process. OSError for a file that cannot be read."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _TRAILER_BYTES, 0))
        file.seek(max(size - _TRAILER_BYTES - _footer_length(file.read()), 0))
        return hashlib.blake2b(file.read(), digest_size=_DIGEST_BYTES).hexdigest()


def _footer_length(data: bytes) -> int:
    return int.from_bytes(data[-_TRAILER_BYTES:-4], "little")


def _digest(data: memoryview, footer: memoryview) -> bytes:
    digest = hashlib.blake2b(data, digest_size=_DIGEST_BYTES)
    digest.update(footer)
    return digest.digest()
