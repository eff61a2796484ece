"""Encrypted Parquet files as a store of plain ones, which any reader of Parquet can read.

A plain file has the size of the stored one, and each column chunk lies where the encrypted one does: its
pages, which are shorter, move up to its start, and zeros follow. So plans, needs and limits hold for both.
What lies below this store, caches too, sees encrypted bytes alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

import pyarrow as pa

from lakeq.errors import CorruptFileError
from lakeq.formats.ciphers import Module, measure_module
from lakeq.formats.encrypted_footer import EncryptedChunk, OpenedFooter, open_footer
from lakeq.formats.parquet_keys import ParquetKeys
from lakeq.formats.parquet_tail import MAGIC, read_tail
from lakeq.formats.thrift import I32, encode_integer, join_struct, split_struct
from lakeq.storage.base import Store, StoredFile
from lakeq.storage.ranges import Span
from lakeq.storage.workers import Workers

V = TypeVar("V")

_TAIL_BYTES = 16 * 1024
"""What is read of a file's end at first: no more than planning did, which may have kept it."""
_MEMORY_BYTES = 256 << 20
_MOST_FOOTERS = 1_000
_LENGTH, _CHECKSUM = 3, 4  # of PageHeader


class PlainParquetStore:
    """The encrypted files of `store` that have these `sizes`, each as a plain one. Thread-safe. About 256 MiB
    of what was decrypted last are held in memory."""

    is_local = False
    """An engine cannot open them by itself."""

    def __init__(self, store: Store, sizes: Mapping[str, int], keys: ParquetKeys) -> None:
        self._store = store
        self._sizes = sizes
        self._keys = keys
        self._footers: _Held[OpenedFooter] = _Held(_MOST_FOOTERS)
        self._chunks: _Held[bytes] = _Held(_MEMORY_BYTES)

    @property
    def root(self) -> str:
        return self._store.root

    @property
    def workers(self) -> Workers:
        return self._store.workers

    def list(self, prefix: str = "") -> pa.Table:
        """See Store.list."""
        return self._store.list(prefix)

    def url(self, path: str) -> str:
        return self._store.url(path)

    def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        """See Store.read. CorruptFileError where what is stored is not what was encrypted; what is encrypted
        with a key that is not there reads as zeros."""
        stored = StoredFile(self._store, path, self._sizes[path], etag)
        footer = self._footers.get((path, 0), 1, lambda: self._open(stored))
        parts = _split_read(footer, start, start + length)
        fresh = [part for part in parts if part.chunk is None or (path, part.chunk.start) not in self._chunks]
        window = _Window(stored, footer, fresh)
        return b"".join(
            window.read_clear(part.start, part.stop)
            if part.chunk is None
            else self._read_chunk(window, part.chunk)[
                part.start - part.chunk.start : part.stop - part.chunk.start
            ]
            for part in parts
        )

    def _open(self, stored: StoredFile) -> OpenedFooter:
        return open_footer(read_tail(stored, _TAIL_BYTES), stored.size, stored.path, self._keys)

    def _read_chunk(self, window: _Window, chunk: EncryptedChunk) -> bytes:
        size = chunk.stop - chunk.start

        def decrypt() -> bytes:
            try:
                return (
                    _open_pages(window.read(chunk.start, chunk.stop), chunk) if chunk.cipher else bytes(size)
                )
            except (LookupError, ValueError, RecursionError) as error:
                path = window.stored.path
                raise CorruptFileError(
                    f"Encrypted Parquet is damaged: {path}: {error}, among the {size:,} bytes from "
                    f"{chunk.start:,} on. Upload it again, or remove it.",
                    path,
                ) from error

        return self._chunks.get((window.stored.key, chunk.start), size, decrypt)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a read that lies in one encrypted chunk, or in none."""

    start: int
    stop: int
    chunk: EncryptedChunk | None = None

    @property
    def needed(self) -> Span:
        """What must be there to give it."""
        return (self.start, self.stop) if self.chunk is None else (self.chunk.start, self.chunk.stop)


def _split_read(footer: OpenedFooter, start: int, stop: int) -> list[_Part]:
    parts = []
    for chunk in footer.chunks:
        if chunk.stop > start and chunk.start < stop:
            if start < chunk.start:
                parts.append(_Part(start, chunk.start))
            end = min(stop, chunk.stop)
            parts.append(_Part(max(start, chunk.start), end, chunk))
            start = end
    return [*parts, _Part(start, stop)] if start < stop else parts


class _Window:
    """What is stored of a file where some parts of it lie, asked for at once."""

    def __init__(self, stored: StoredFile, footer: OpenedFooter, parts: Sequence[_Part]) -> None:
        self.stored = stored
        self._footer = footer
        self._start = min((part.needed[0] for part in parts), default=0)
        self._stop = min(max((part.needed[1] for part in parts), default=0), footer.start)
        self._data: bytes | None = None

    def read(self, start: int, stop: int) -> bytes:
        """The bytes as they are stored."""
        if not self._start <= start <= stop <= self._stop:  # held when the window was made, and dropped since
            return self.stored.read(start, stop - start)
        if self._data is None:
            self._data = self.stored.read(self._start, self._stop - self._start)
        return self._data[start - self._start : stop - self._start]

    def read_clear(self, start: int, stop: int) -> bytes:
        """A part that is not encrypted: as stored, but for the magic at the start and for the footer."""
        footer = self._footer
        end = min(max(footer.start, start), stop)
        data = self.read(start, end) if start < end else b""
        if start < len(MAGIC):
            data = MAGIC[start : start + len(data)] + data[len(MAGIC) - start :]
        ending = footer.plain.rjust(self.stored.size - footer.start, b"\x00")
        return data + ending[end - footer.start : stop - footer.start] if end < stop else data


def _open_pages(stored: bytes, chunk: EncryptedChunk) -> bytes:
    """A chunk as if nothing were encrypted: its pages, and zeros up to the length that is stored. ValueError
    (NotDecryptedError) and LookupError for one that is damaged."""
    assert chunk.cipher is not None
    parts: list[bytes] = []
    at = page = 0
    while at < len(stored):
        is_dictionary = chunk.has_dictionary and not parts
        place = chunk.place if is_dictionary else (*chunk.place, page)
        header_end = measure_module(stored, at)
        module = Module.DICTIONARY_PAGE_HEADER if is_dictionary else Module.DATA_PAGE_HEADER
        header, _ = split_struct(chunk.cipher.open(stored[at:header_end], module, *place))
        at = measure_module(stored, header_end)
        module = Module.DICTIONARY_PAGE if is_dictionary else Module.DATA_PAGE
        body = chunk.cipher.open(stored[header_end:at], module, *place)
        # A checksum is of the encrypted page.
        shown = {n: field for n, field in header.items() if n != _CHECKSUM}
        parts += [join_struct({**shown, _LENGTH: (I32, encode_integer(len(body)))}), body]
        page += not is_dictionary
    plain = b"".join(parts)
    if len(plain) > len(stored):
        raise ValueError("its pages are longer than what is stored of them")
    return plain.ljust(len(stored), b"\x00")


class _Held(Generic[V]):
    """Values by key, each made once by the first who asks; the latest, up to a limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[tuple[str, int], tuple[int, Future[V]]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def __contains__(self, key: tuple[str, int]) -> bool:
        return key in self._values

    def get(self, key: tuple[str, int], size: int, make: Callable[[], V]) -> V:
        """The value of a key, which takes so much of the limit. An error of `make` is raised to all who wait
        for it, and not held."""
        with self._lock:
            known = self._values.get(key)
            if known is None:
                value: Future[V] = Future()
                self._values[key] = size, value
                self._size += size
                self._drop_oldest()
            else:
                self._values.move_to_end(key)
        if known is not None:
            return known[1].result()
        try:
            value.set_result(make())
        except BaseException as error:
            with self._lock:
                if (key in self._values) and self._values[key][1] is value:
                    self._size -= self._values.pop(key)[0]
            value.set_exception(error)
            raise
        return value.result()

    def _drop_oldest(self) -> None:
        while self._size > self._most and len(self._values) > 1:
            _, (size, _) = self._values.popitem(last=False)
            self._size -= size
