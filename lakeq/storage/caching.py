"""A store whose bytes are asked for once: they are kept in memory, and on disk if there is a cache."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from lakeq.storage.base import Store
from lakeq.storage.block_cache import BlockCache, object_key
from lakeq.storage.blocks import MemoryBlocks
from lakeq.storage.workers import Workers

WHOLE_OBJECT_BYTES = 512 * 1024
"""A remote object up to this size is fetched whole: a request costs as much as these bytes."""
MEMORY_BYTES = 256 << 20


class CachingStore:
    """`store`, read through up to `memory_bytes` of memory and the disk `cache`.

    What memory has no room for goes to the disk. Only objects with an etag are kept, and a store of local
    files is read as it is. `realm` tells apart objects of equal url in different places (an endpoint's url).
    """

    def __init__(
        self,
        store: Store,
        cache: BlockCache | None = None,
        memory_bytes: int = MEMORY_BYTES,
        realm: str = "",
    ) -> None:
        self.store = store
        self.cache = None if store.is_local else cache
        self._memory = MemoryBlocks(0 if store.is_local else memory_bytes)
        self._realm = realm
        self._absent: frozenset[str] = frozenset()

    @property
    def root(self) -> str:
        return self.store.root

    @property
    def is_local(self) -> bool:
        return self.store.is_local

    @property
    def workers(self) -> Workers:
        return self.store.workers

    def list(self, prefix: str = "") -> pa.Table:
        """See Store.list."""
        return self.store.list(prefix)

    def url(self, path: str) -> str:
        return self.store.url(path)

    def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        """See Store.read. Bytes that were read before are given without asking whether the version of that
        etag is still the newest."""
        if etag is None or not length or self.is_local:
            return self.store.read(path, start, length, etag)
        key = self.key(path, etag)
        found = self._memory.find(key, start, length)
        if found is None and self.cache is not None and key not in self._absent:
            found = _find_on_disk(self.cache, key, start, length)
        if found is None:
            found = self.store.read(path, start, length, etag)
            self._keep(key, start, found)
        return found

    def look_up(self, files: Iterable[tuple[str, str | None]]) -> None:
        """Find out in one go which of these files (path, etag) the disk has nothing of; to be called before
        many are read, as each would be looked for by itself."""
        if self.cache is not None:
            keys = [self.key(path, etag) for path, etag in files if etag is not None]
            self._absent = frozenset(keys) - self.cache.find(keys).keys()

    def holds(self, size: int) -> bool:
        """Whether `size` bytes that are read now will be there when a query asks for them."""
        limit = self.cache.limit_bytes // 2 if self.cache is not None else 0
        return size <= max(limit, self._memory.limit_bytes)

    def key(self, path: str, etag: str) -> str:
        """The name of an object's version in the caches."""
        return object_key(self._realm, self.url(path), etag)

    def find_in_memory(self, key: str, start: int, length: int) -> bytes | None:
        """The bytes of the object of this `key`, if memory holds them."""
        return self._memory.find(key, start, length)

    def _keep(self, key: str, start: int, block: bytes) -> None:
        for name, at, dropped in self._memory.keep(key, start, block):
            if self.cache is not None:
                self.cache.keep(name, at, dropped)


def _find_on_disk(cache: BlockCache, key: str, start: int, length: int) -> bytes | None:
    for block in cache.find([key]).get(key, ()):
        if block.start <= start and start + length <= block.stop:
            found = cache.read(block, start, length)
            if found is not None:
                return found
    return None
