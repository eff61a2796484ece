"""Planned reads: exactly the files of a plan as a read-only fsspec filesystem for DuckDB and pyarrow.

An engine sees `lake://…` paths of the planner's choosing. Names, sizes and versions come from the plan;
only `read` asks the store, pinned to the version planned, and everything that arrives is counted.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from fsspec.spec import AbstractFileSystem

from lakeq.errors import LakeqError, StorageError
from lakeq.storage.base import Store
from lakeq.storage.blocks import BlockCache
from lakeq.storage.local import PinnedFile

_MIB = 1 << 20
WHOLE_FILE_BYTES = 8 * _MIB
"""Remote files up to this size are fetched whole, once: a request costs as much as some MiB."""
_CACHE_BYTES = 256 * _MIB
_KEEP_BYTES = _MIB
"""Larger ranges are column chunks or blocks of text, which an engine reads once."""
_FIRST_AHEAD, _MOST_AHEAD = _MIB, 8 * _MIB
_STREAM_MAGIC = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One version of one object, shown to an engine as `lake://` + `shown` (taken literally)."""

    shown: str
    store: Store
    path: str
    size: int
    etag: str | None


class ReadCounter:
    """What was read so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.bytes_transferred = 0
        self.requests = 0

    def add(self, size: int) -> None:
        """One request that brought `size` bytes."""
        with self._lock:
            self.bytes_transferred += size
            self.requests += 1


class PlannedFiles:
    """Files published for one query, until closed. `error` is the first of ours met while reading them."""

    def __init__(self, filesystem: PlannedFileSystem, files: tuple[PlannedFile, ...]) -> None:
        self._filesystem = filesystem
        self._files = files
        self.counter = ReadCounter()
        self.cache = BlockCache(_CACHE_BYTES)
        self.error: LakeqError | None = None

    def close(self) -> None:
        """Withdraw the files and free what was kept of them. Files held open fall back on the store."""
        self._filesystem.withdraw(self._files)
        self.cache.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PlannedFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec is untyped
    """A read-only filesystem of the files that are published on it, and of nothing else."""

    protocol = "lake"
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self._published: dict[str, _Served] = {}
        self._lock = threading.Lock()

    def publish(self, files: Iterable[PlannedFile]) -> PlannedFiles:
        """Show `files` until the result is closed. StorageError when a `shown` path is taken."""
        files = tuple(files)
        handle = PlannedFiles(self, files)
        served = {file.shown: _Served(file, handle, threading.Lock()) for file in files}
        with self._lock:
            taken = self._published.keys() & served.keys()
            if taken or len(served) < len(files):
                name = min(taken, default="")
                raise StorageError(f"Two planned files are shown as one path: 'lake://{name}'.", name)
            self._published.update(served)
        return handle

    def withdraw(self, files: Iterable[PlannedFile]) -> None:
        """Show `files` no longer; those already withdrawn are passed over."""
        with self._lock:
            for file in files:
                self._published.pop(file.shown, None)

    def glob(self, path: str, maxdepth: int | None = None, **_: Any) -> list[str]:
        """The published path equal to `path`: planned paths may hold `*` and `[`, and mean themselves."""
        shown = self._strip_protocol(path)
        return [shown] if shown in self._published else []

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        file = self._served(path).file
        return {"name": file.shown, "size": file.size, "type": "file"}

    def exists(self, path: str, **_: Any) -> bool:
        return self._strip_protocol(path) in self._published

    def isfile(self, path: str) -> bool:
        return self.exists(path)

    def isdir(self, path: str) -> bool:
        return False

    def modified(self, path: str) -> datetime:
        """The same for all: a path stands for one version, so an engine's own cache never goes stale."""
        self._served(path)
        return _EPOCH

    def _open(self, path: str, mode: str = "rb", **_: Any) -> _PlannedReader:
        if mode != "rb":
            raise io.UnsupportedOperation(f"lake:// is read-only; '{path}' cannot be opened as '{mode}'.")
        return _PlannedReader(self._served(path))

    def _served(self, path: str) -> _Served:
        try:
            return self._published[self._strip_protocol(path)]
        except KeyError:
            raise FileNotFoundError(f"Not planned: '{path}'.") from None


@dataclass(frozen=True, slots=True)
class _Served:
    """A published file and the query it belongs to. `lock` lets one thread fetch for all."""

    file: PlannedFile
    query: PlannedFiles
    lock: threading.Lock

    def read(self, start: int, length: int, ahead: int) -> bytes:
        """`length` bytes from `start`, from the cache or the store; `ahead`: fetch that many if any."""
        name, size, cache = self.file.shown, self.file.size, self.query.cache
        kept = cache.find(name, start, length)
        if kept is not None:
            return kept
        if size > WHOLE_FILE_BYTES:
            block = self._fetch(start, min(max(length, ahead), size - start))
            if len(block) > length or length <= _KEEP_BYTES:
                cache.keep(name, start, block)
            return block[:length]
        with self.lock:
            kept = cache.find(name, start, length)
            if kept is not None:
                return kept
            block = self._fetch(0, size)
            cache.keep(name, 0, block)
            return block[start : start + length]

    def _fetch(self, start: int, length: int) -> bytes:
        block = self.file.store.read(self.file.path, start, length, self.file.etag)
        self.query.counter.add(len(block))
        return block


class _PlannedReader(io.RawIOBase):
    """One opening of a planned file.

    DuckDB reads from several threads through one opening, each read being a `seek` and then a `read`:
    two calls, between which another thread may seek. So a thread's `read` starts where that thread last
    sought; only a read without such a seek goes on from the common position, and voids older seeks.
    A compressed file is read as one stream that threads hand on to each other, in turn: there the
    common position is the only one.
    """

    def __init__(self, served: _Served) -> None:
        super().__init__()
        self._served = served
        self._lock = threading.Lock()
        self._position = 0
        self._aims: dict[int, tuple[int, int]] = {}
        self._continued = 0
        self._is_stream = False
        self._end = -1
        self._ahead = 0
        self._pinned: PinnedFile | None = None

    def size(self) -> int:
        return self._served.file.size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        at, continued = self._aims.get(threading.get_ident(), (0, -1))
        return at if continued == self._continued and not self._is_stream else self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self.size()}[whence]
        with self._lock:
            self._position = max(0, base + offset)
            self._aims[threading.get_ident()] = (self._position, self._continued)
            return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes, fewer only at the end. Errors are ours; the query keeps the first."""
        start, length, ahead = self._aim(size)
        if not length:
            return b""
        try:
            if self._served.file.store.is_local:
                block = self._read_local(start, length)
            else:
                block = self._served.read(start, length, ahead)
        except LakeqError as error:
            if self._served.query.error is None:
                self._served.query.error = error
            raise
        if start == 0:
            self._is_stream = block.startswith(_STREAM_MAGIC)
        return block

    def readinto(self, buffer: Any) -> int:
        got = self.read(len(buffer))
        buffer[: len(got)] = got
        return len(got)

    def close(self) -> None:
        if self._pinned is not None:
            self._pinned.close()
        super().close()

    def _aim(self, size: int | None) -> tuple[int, int, int]:
        """Where this thread reads, how much, and how far to fetch ahead: more, the longer in sequence."""
        with self._lock:
            start, continued = self._aims.pop(threading.get_ident(), (0, -1))
            if continued != self._continued or self._is_stream:
                start = self._position
                self._continued += 1
            left = max(0, self.size() - start)
            length = left if size is None or size < 0 else min(size, left)
            in_sequence = start == self._end
            self._ahead = min(max(2 * self._ahead, _FIRST_AHEAD), _MOST_AHEAD) if in_sequence else 0
            self._position = self._end = start + length
            return start, length, self._ahead

    def _read_local(self, start: int, length: int) -> bytes:
        file = self._served.file
        with self._lock:
            if self._pinned is None:
                self._pinned = PinnedFile(file.store.url(file.path), file.etag)
        block = self._pinned.read(start, length)
        self._served.query.counter.add(len(block))
        return block
