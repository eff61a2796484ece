"""Planned reads: exactly the files of a plan as a read-only fsspec filesystem for DuckDB and pyarrow.

An engine sees `lake://…` paths of the planner's choosing. Names, sizes and versions come from the plan;
only `read` asks the store, pinned to the version planned, and everything that arrives is counted. What the
engine is going to need is fetched before it asks; what nobody foresaw is fetched when it asks.
"""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from fsspec.spec import AbstractFileSystem

from lakeq.errors import LakeqError, StorageError
from lakeq.storage.block_cache import BlockCache
from lakeq.storage.cache_index import StoredBlock
from lakeq.storage.caching import CachingStore
from lakeq.storage.local import PinnedFile
from lakeq.storage.pieces import FetchedFile, PlannedFile
from lakeq.storage.prefetch import Prefetch, ReadPolicy
from lakeq.storage.read_counter import ReadCounter
from lakeq.storage.read_limit import ReadData, ReadLimit
from lakeq.storage.workers import Workers

_MIB = 1 << 20
_FIRST_AHEAD, _MOST_AHEAD = _MIB, 8 * _MIB
_URGENT_READS = 64
_FOOTER_READS = (16 << 10, 64 << 10)
"""What DuckDB and Arrow read from a file's end for its footer."""
_STREAM_MAGIC = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PlannedFiles:
    """Files published for one query, until closed. `error` is the first of ours met while reading them."""

    def __init__(self, filesystem: PlannedFileSystem, prefetch: Prefetch, policy: ReadPolicy) -> None:
        self._filesystem = filesystem
        self._files: list[PlannedFile] = []
        self._numbers: Counter[int] = Counter()
        self._keeps = policy.keeps
        self.limit = None if policy.max_bytes is None else ReadLimit(policy.max_bytes)
        self.prefetch = prefetch
        self.error: LakeqError | None = None

    @property
    def counter(self) -> ReadCounter:
        """What was read of them."""
        return self.prefetch.counter

    def add(self, files: Iterable[PlannedFile]) -> None:
        """Show these files as well, before the start. StorageError when a `shown` path is taken."""
        files = tuple(files)
        fetched = self._plan_fetches(files)
        self.prefetch.add(fetched.values())
        self._filesystem.show({f.shown: _Served(f, self, fetched.get(f.shown)) for f in files}, len(files))
        self._files += files

    def start(self, left_out: Collection[str] = ()) -> None:
        """Begin to fetch what the engine is going to need, of all files but those shown as `left_out`."""
        self.prefetch.start(left_out)

    def stop(self) -> None:
        """Have every read fail from now on, also those that wait."""
        self.prefetch.close()

    def close(self) -> None:
        """Withdraw the files and free what was kept of them. Reading a file held open then fails."""
        self._filesystem.withdraw(self._files)
        self.prefetch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _plan_fetches(self, files: Sequence[PlannedFile]) -> dict[str, FetchedFile]:
        """The files of remote stores as they are going to be fetched, by `shown`."""
        known = _find_on_disk(files)
        fetched: dict[str, FetchedFile] = {}
        for file in files:
            if not file.store.is_local:
                number = self._numbers[file.sequence]
                self._numbers[file.sequence] += 1
                fetched[file.shown] = FetchedFile(file, number, known.get(file.shown, ()), self._keeps)
        return fetched


class PlannedFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec is untyped
    """A read-only filesystem of the files that are published on it, and of nothing else."""

    protocol = "lake"
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self._published: dict[str, _Served] = {}
        self._lock = threading.Lock()
        self._urgent = Workers(_URGENT_READS, "lakeq-urgent")

    def publish(self, files: Iterable[PlannedFile], policy: ReadPolicy | None = None) -> PlannedFiles:
        """Show `files` until the result is closed. StorageError when a `shown` path is taken.

        They are read by `policy`; nothing is fetched before the result is started, or a file is read.
        """
        policy = policy or ReadPolicy()
        published = PlannedFiles(self, Prefetch(policy, self._urgent), policy)
        published.add(files)
        return published

    def close(self) -> None:
        """Nothing is read any more."""
        self._urgent.close()

    def show(self, served: Mapping[str, _Served], count: int) -> None:
        """Show `count` files. StorageError when a path is taken."""
        with self._lock:
            taken = self._published.keys() & served.keys()
            if taken or len(served) < count:
                name = min(taken, default="")
                raise StorageError(f"Two planned files are shown as one path: 'lake://{name}'.", name)
            self._published.update(served)

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
    """A published file and the query it belongs to; how it is fetched, if it is not a local one."""

    file: PlannedFile
    query: PlannedFiles
    fetched: FetchedFile | None


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
        self._data = ReadData(served.file.size, served.file.data, _FOOTER_READS)

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
            self._admit(start, start + length)
            if self._served.fetched is None:
                block = self._read_local(start, length)
            else:
                prefetch = self._served.query.prefetch
                block = prefetch.read(self._served.fetched, start, start + length, ahead)
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
        if not self.closed and self._served.fetched is not None:
            self._served.query.prefetch.finish(self._served.fetched)
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

    def _admit(self, start: int, stop: int) -> None:
        limit = self._served.query.limit
        if limit is not None:
            with self._lock:
                limit.admit(self._data.take(start, stop))

    def _read_local(self, start: int, length: int) -> bytes:
        file = self._served.file
        with self._lock:
            if self._pinned is None:
                self._pinned = PinnedFile(file.store.url(file.path), file.etag)
        block = self._pinned.read(start, length)
        self._served.query.counter.add(len(block))
        return block


def _find_on_disk(files: Sequence[PlannedFile]) -> dict[str, list[StoredBlock]]:
    """The blocks that a disk cache has of files, by `shown`: one question for each cache."""
    by_cache: dict[BlockCache, dict[str, str]] = {}
    for file in files:
        if isinstance(file.store, CachingStore) and file.store.cache is not None and file.etag is not None:
            keys = by_cache.setdefault(file.store.cache, {})
            keys[file.shown] = file.store.key(file.path, file.etag)
    found: dict[str, list[StoredBlock]] = {}
    for cache, keys in by_cache.items():
        blocks = cache.find(tuple(set(keys.values())))
        found |= {shown: blocks[key] for shown, key in keys.items() if key in blocks}
    return found
