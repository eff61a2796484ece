"""A Source as a Python file, for libraries that want one."""

from __future__ import annotations

import io

from lakeq.formats.base import Source


class SourceFile(io.RawIOBase):
    """Reads exactly the ranges it is asked for; keeps `tail` bytes of the end after the first read there."""

    def __init__(self, source: Source, tail: int = 0) -> None:
        self._source = source
        self._at = 0
        self._tail_start = max(source.size - tail, 0)
        self._tail: bytes | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        self._at = start + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(self._source.size - self._at, 0)
        length = left if size < 0 else min(size, left)
        data = self._read_range(self._at, length) if length else b""
        self._at += length
        return data

    def _read_range(self, start: int, length: int) -> bytes:
        if start < self._tail_start or self._tail_start == self._source.size:
            return self._source.read(start, length)
        if self._tail is None:
            self._tail = self._source.read(self._tail_start, self._source.size - self._tail_start)
        return self._tail[start - self._tail_start :][:length]
