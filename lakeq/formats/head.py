"""The beginning of a text file, decompressed and decoded."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

import pyarrow as pa

from lakeq.errors import CorruptFileError, UnknownFormatError
from lakeq.formats.base import Source
from lakeq.formats.source_file import SourceFile

HEAD_BYTES = 128 * 1024
"""Decompressed bytes looked at. Within the longest field that Python's csv module takes."""

_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_OTHER_COMPRESSIONS = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
    b"\x04\x22\x4d\x18": "lz4",
}
_MARKUP = re.compile(r"\s*<(?:\?xml|!|/?[A-Za-z])")


@dataclass(frozen=True, slots=True)
class Head:
    """The first bytes of a file, decompressed. `is_whole`: there is nothing after them."""

    data: bytes
    is_whole: bool
    compression: str


def read_head(source: Source, limit: int = HEAD_BYTES) -> Head:
    """Up to `limit` decompressed bytes; gzip and zstd are told by content, never by name.

    UnknownFormatError for a compression that is not read, CorruptFileError for a broken stream.
    """
    magic = source.read(0, min(6, source.size))
    for start, name in _OTHER_COMPRESSIONS.items():
        if magic.startswith(start):
            message = f"Compressed with {name}, which is not read: {source.path}. Use gzip or zstd."
            raise UnknownFormatError(message, source.path)
    compression = next((name for start, name in _COMPRESSIONS.items() if magic.startswith(start)), None)
    if compression is None:
        data = source.read(0, min(limit, source.size))
        return Head(data, len(data) == source.size, "none")
    try:
        with pa.CompressedInputStream(pa.PythonFile(SourceFile(source), "r"), compression) as stream:
            data = stream.read(limit)
            return Head(data, len(data) < limit or not stream.read(1), compression)
    except (pa.ArrowException, OSError) as error:
        message = f"Broken {compression} stream: {source.path} ({error}). Upload it again, or remove it."
        raise CorruptFileError(message, source.path) from error


def decode_head(head: Head, path: str) -> str:
    """The head as text without byte order mark; a character cut by the head's end is left out.

    CorruptFileError for anything but UTF-8, for NUL bytes, and for HTML or XML.
    """
    data = head.data.removeprefix(codecs.BOM_UTF8)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data:
        raise _not_text(path, "it holds NUL bytes or a UTF-16 mark: UTF-16 or binary")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        is_cut = not head.is_whole and error.start >= len(data) - 3 and "unexpected end" in error.reason
        if not is_cut:
            problem = f"byte 0x{data[error.start]:02x} at offset {error.start:,} is not UTF-8 (Latin-1?)"
            raise _not_text(path, problem) from error
        text = data[: error.start].decode()
    if _MARKUP.match(text):
        message = (
            f"Not a file of records: {path} begins as HTML or XML, perhaps an error page saved in its place. "
            "Upload it again, or remove it."
        )
        raise CorruptFileError(message, path)
    return text


def _not_text(path: str, problem: str) -> CorruptFileError:
    return CorruptFileError(f"Not UTF-8 data: {path}: {problem}. Convert it to UTF-8, or remove it.", path)
