"""Whole copies of remote files in the disk cache, which DuckDB reads by itself.

Its own file system reads many small files in two thirds of the time that it needs through ours. A file that
cannot be copied is read through the planned filesystem, in the same scan: only its path differs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from queue import Empty, SimpleQueue

from lakeq.engines.groups import PLANNED_SCHEME, copy_folder
from lakeq.engines.needs import is_read_whole
from lakeq.engines.tables import OpenedTable
from lakeq.errors import QueryCancelledError
from lakeq.storage.block_cache import BlockCache
from lakeq.storage.cache_index import Lease, StoredBlock
from lakeq.storage.caching import CachingStore
from lakeq.storage.read_counter import ReadCounter
from lakeq.storage.tally import count_into

_MOST_BYTES = 2 << 30
_LIMIT_SHARE = 2
_EAR_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class _Original:
    """A remote file, and where its copy is to lie: a folder that spells its partition values, or "" (any)."""

    store: CachingStore
    shown: str
    path: str
    size: int
    etag: str
    key: str
    folder: str

    def is_copy(self, block: StoredBlock) -> bool:
        """Whether `block` is the whole file."""
        return block.start == 0 and block.length == self.size


class Copies:
    """The copies that one query reads. No other process deletes them before they are closed."""

    def __init__(
        self, cache: BlockCache, counter: ReadCounter, memory_bytes: int, stopped: threading.Event
    ) -> None:
        self._cache = cache
        self._counter = counter
        self._memory = memory_bytes
        self._stopped = stopped
        self._lease: Lease | None = None
        self._blocks: dict[str, StoredBlock] = {}
        self.paths: dict[str, str] = {}
        """The path of the copy of each file, by the name under which the planned filesystem shows it."""

    def close(self) -> None:
        """Let go of the copies."""
        if self._lease is not None:
            self._lease.close()

    def make(self, tables: Sequence[OpenedTable]) -> None:
        """Have copies of the files of `tables` that are read whole. Raises the error of a file that cannot be
        fetched; QueryCancelledError once `stopped` is set."""
        originals = [one for table in tables for one in _find_originals(table)]
        if not originals:
            return
        self._lease, found = self._cache.find_leased(list({one.key for one in originals}))
        if self._lease is None:
            return
        missing = [one for one in originals if not self._use_copy(one, found.get(one.key, ()))]
        fresh = self._fetch(missing)
        self._cache.flush()
        lost = [one for one, block in fresh if not self._use_fresh(one, block)]
        if lost:  # another process was quicker to keep them, or there was no room
            found = self._cache.find([one.key for one in lost])
            for one in lost:
                self._use_copy(one, found.get(one.key, ()))

    def apply(self, table: OpenedTable) -> OpenedTable:
        """The table with the paths of the copies."""
        groups = []
        for group in table.groups:
            paths = [self.paths.get(path.removeprefix(PLANNED_SCHEME), path) for path in group.paths]
            groups.append(replace(group, paths=tuple(paths)))
        return replace(table, groups=tuple(groups))

    def _use_copy(self, original: _Original, blocks: Sequence[StoredBlock]) -> bool:
        """Whether there was a copy that lies where it must, or could be made of another."""
        whole = [block for block in blocks if original.is_copy(block)]
        copy = next((block for block in whole if original.folder in ("", block.folder)), None)
        if copy is not None and self._cache.verify(copy):
            self._take(original, copy)
        else:
            links = (self._cache.link(block, original.folder) for block in whole if block is not copy)
            copy = next((link for link in links if link is not None), None)
            if copy is None:
                return False
            self._take(original, copy)
        self._counter.add_cached(original.size)
        return True

    def _use_fresh(self, original: _Original, block: StoredBlock) -> bool:
        if not self._cache.verify(block):
            return False
        self._take(original, block)
        return True

    def _fetch(self, originals: Sequence[_Original]) -> list[tuple[_Original, StoredBlock]]:
        """Copies of these files. Many threads fetch, this one writes: more would wait for each other's
        Python. What has come and is not written yet is within the memory allowed."""
        coming = _Coming(self._counter)
        waiting = deque(originals)
        copies: list[tuple[_Original, StoredBlock]] = []
        try:
            for _ in originals:
                while waiting and coming.bytes < self._memory:
                    coming.ask(waiting.popleft())
                original, body = coming.take(self._stopped)
                block = self._cache.keep(original.key, 0, body, original.folder)
                if block is None:
                    break  # the disk is full: the planned filesystem reads the rest
                copies.append((original, block))
        finally:
            coming.close()
        return copies

    def _take(self, original: _Original, block: StoredBlock) -> None:
        path = self._cache.path(block)
        self.paths[original.shown] = path
        self._blocks[path] = block
        self._counter.arrive(original.size, 1)

    def is_lost(self, path: str) -> bool:
        """Whether `path` is that of a copy which is not there, or not whole, any more."""
        block = self._blocks.get(path)
        return block is not None and not self._cache.verify(block)


class _Coming:
    """Files that are being fetched, and those that have come."""

    def __init__(self, counter: ReadCounter) -> None:
        self._counter = counter
        self._arrived: SimpleQueue[tuple[_Original, bytes | BaseException]] = SimpleQueue()
        self._closed = False
        self.bytes = 0
        """What is asked for and was not taken yet."""

    def ask(self, original: _Original) -> None:
        """Have a file fetched, unless memory holds it."""
        self.bytes += original.size
        body = original.store.find_in_memory(original.key, 0, original.size)
        if body is not None:
            self._arrived.put((original, body))
            return
        with count_into(self._counter.tally):
            original.store.workers.submit(partial(self._fetch, original))

    def take(self, stopped: threading.Event) -> tuple[_Original, bytes]:
        """The next file that has come, whichever; its own error if it could not be fetched."""
        while not stopped.is_set():
            with suppress(Empty):
                original, body = self._arrived.get(timeout=_EAR_SECONDS)
                if isinstance(body, BaseException):
                    raise body
                self.bytes -= original.size
                return original, body
        raise QueryCancelledError("Query cancelled.")

    def close(self) -> None:
        """Nobody waits for the others any more."""
        self._closed = True

    def _fetch(self, original: _Original) -> None:
        if self._closed:
            return
        try:
            body = original.store.store.read(original.path, 0, original.size, original.etag)
            self._counter.add(len(body))
            self._arrived.put((original, body))
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
            self._arrived.put((original, error))


def most_bytes(cache: BlockCache) -> int:
    """What a query may copy: not so much that it drives out all that others use."""
    return min(cache.limit_bytes // _LIMIT_SHARE, _MOST_BYTES)


def _find_originals(table: OpenedTable) -> Iterator[_Original]:
    store = table.store
    if not isinstance(store, CachingStore) or store.cache is None or table.by_arrow:
        return
    for group in table.groups:
        if not group.native and group.schema.encryption is None and is_read_whole(group, table.needs):
            columns = (group.files[name].to_pylist() for name in ("path", "size", "etag"))
            folders = cache(copy_folder)
            for opened, path, size, etag in zip(group.paths, *columns, strict=True):
                shown = opened.removeprefix(PLANNED_SCHEME)
                key = store.key(path, etag or "")
                folder = folders(shown.rpartition("/")[0])
                if etag is not None and size and folder is not None:
                    yield _Original(store, shown, path, size, etag, key, folder)
