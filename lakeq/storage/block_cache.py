"""Bytes fetched once, kept on disk between runs and shared by processes, for as long as their etag holds.

Each block is a file of its own that is written once, under a name never used again, and recorded in the index
when it is whole: what a killed process leaves is never taken for a block. Its checksum is looked at before a
process first uses it. Whatever goes wrong with the cache, the bytes are fetched from the store again.
"""

from __future__ import annotations

import itertools
import os
import re
import threading
import time
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b

from lakeq.storage.cache_index import CacheIndex, Lease, StoredBlock
from lakeq.storage.cache_writers import CacheWriters

_VERSION = "1"
_FLUSH_BLOCKS = 512
_SWEEP_SECONDS = 86_400
_LONGEST_FOLDER = 1_000
_LONGEST_NAME = 255
_LARGEST_SHARE = 4
"""A block larger than a fourth of the cache is not kept."""


@dataclass(frozen=True, slots=True)
class CacheUsage:
    """What the cache holds."""

    entries: int
    bytes: int


def object_key(realm: str, url: str, etag: str) -> str:
    """The name of one version of one object, from any characters: 32 hexadecimal digits.

    `realm` tells apart objects of equal url in different places, such as two endpoints.
    """
    text = f"{realm}\0{url}\0{etag}".encode(errors="surrogatepass")
    return blake2b(text, digest_size=16).hexdigest()


class BlockCache:
    """Blocks of objects in `folder`, at most `limit_bytes`. Safe to use from several threads and processes.

    No method raises for what is wrong with the cache itself: blocks that cannot be had are not found, and
    those that cannot be kept are not kept.
    """

    def __init__(self, folder: str, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.folder = os.path.join(os.path.abspath(os.path.expanduser(folder)), f"blocks-{_VERSION}")
        self._index = CacheIndex(self.folder)
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._pending: list[StoredBlock] = []
        self._made: set[str] = set()
        self._verified: dict[str, tuple[int, int, int]] = {}
        self._names = itertools.count()
        self._writers = CacheWriters(self.folder)
        self._is_broken = False

    def find(self, keys: Sequence[str]) -> dict[str, list[StoredBlock]]:
        """The blocks of these objects by key, sorted by their start; they count as used now."""
        self.flush()
        return _by_key(self._index.find(keys)) if keys else {}

    def find_leased(self, keys: Sequence[str]) -> tuple[Lease | None, dict[str, list[StoredBlock]]]:
        """The same, with a lease on what is found and on what this process keeps until it is closed.

        While it is held no other process deletes the blocks' files. None where no lease could be had.
        """
        with suppress(OSError):
            os.makedirs(self.folder, 0o700, exist_ok=True)
        self.flush()
        lease, found = self._index.find_leased(keys)
        return lease, _by_key(found)

    def path(self, block: StoredBlock) -> str:
        """The file that holds just the bytes of `block`."""
        return os.path.join(self.folder, block.folder, block.name)

    def read(self, block: StoredBlock, start: int, length: int) -> bytes | None:
        """`length` bytes of the object from `start`, which lie in `block`; None when they are lost, and the
        block is then forgotten."""
        try:
            descriptor = os.open(self.path(block), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self.drop([block])
            return None
        try:
            if self._is_verified(block, os.fstat(descriptor)):
                part = _read_fully(descriptor, start - block.start, length)
                if len(part) == length:
                    return part
            body = _read_fully(descriptor, 0, block.length + 1)
            if self._verify(block, body, os.fstat(descriptor)):
                return body[start - block.start : start - block.start + length]
        except OSError:
            pass  # a disk that fails
        finally:
            os.close(descriptor)
        self.drop([block])
        return None

    def verify(self, block: StoredBlock) -> bool:
        """Whether the file of `block` is there and whole; it is read unless this process did so before."""
        try:
            if self._is_verified(block, os.stat(self.path(block))):
                return True
        except OSError:
            pass
        return self.read(block, block.start, 0) is not None

    def keep(self, key: str, start: int, body: bytes, folder: str | None = None) -> StoredBlock | None:
        """Keep `body`, the bytes from `start` of the object `key`; None where that cannot be.

        `folder`, below the cache's own, is where its file is to lie, if that matters; other processes find it
        after `flush`.
        """
        if self._is_broken or len(body) * _LARGEST_SHARE > self.limit_bytes:
            return None
        folder = folder or os.path.join("plain", key[0])
        name = self._new_name(key, start)
        crc = _checksum(key, start, body)
        block = StoredBlock(key, start, len(body), folder, name, crc)
        try:
            self._writers.announce()
            status = self._write(block, body)
        except OSError:
            self._is_broken = True  # the disk is full, or not ours to write to
            with suppress(OSError):
                os.unlink(self.path(block))
            return None
        self._verified[name] = status
        with self._lock:
            self._pending.append(block)
            is_full = len(self._pending) >= _FLUSH_BLOCKS
        if is_full:
            self.flush()
        return block

    def link(self, block: StoredBlock, folder: str) -> StoredBlock | None:
        """The same block, with a second name in `folder`; None where that cannot be."""
        name = self._new_name(block.key, block.start)
        linked = StoredBlock(block.key, block.start, block.length, folder, name, block.crc)
        if not self.verify(block):
            return None
        try:
            self._writers.announce()
            self._make_folder(folder)
            os.link(self.path(block), self.path(linked))
        except OSError:
            return None
        self._verified[name] = self._verified[block.name]
        with self._lock:
            self._pending.append(linked)
        return linked

    def flush(self) -> None:
        """Record what was kept, and make room for it. What killed writers left is deleted."""
        with self._flushing:
            if dead := self._writers.find_dead():
                self.sweep()
                self._writers.bury(dead)
            with self._lock:
                blocks, self._pending = self._pending, []
            if not blocks:
                return
            gone = self._index.add(blocks, self.limit_bytes)
            self._delete_files(blocks if gone is None else gone)
        if self._is_sweep_due():
            self.sweep()

    def drop(self, blocks: Sequence[StoredBlock]) -> None:
        """Forget blocks that are lost or damaged, and delete their files."""
        self._index.remove(blocks)
        self._delete_files(blocks)

    def usage(self) -> CacheUsage:
        """How many blocks there are, and their bytes together."""
        self.flush()
        return CacheUsage(*self._index.usage())

    def clear(self) -> None:
        """Delete every block that no running query of any process holds a lease on."""
        self.flush()
        self._delete_files(self._index.clear())
        self.sweep()
        self._is_broken = False

    def sweep(self) -> None:
        """Delete files that are no block's, as a killed process leaves them, but for those that a writer who
        lives is about to record."""
        living = self._writers.find_living()
        known = self._index.files()
        if known is None:
            return
        for parent, folders, names in os.walk(self.folder, topdown=False):
            folder = os.path.relpath(parent, self.folder)
            if folder in (".", "leases", "writers"):
                continue
            for name in names:
                if f"{folder}/{name}" not in known and _token_of(name) not in living:
                    with suppress(OSError):
                        os.unlink(os.path.join(parent, name))
            if not folders or not names:
                with suppress(OSError):
                    os.rmdir(parent)
                    self._made.discard(folder)

    def close(self) -> None:
        """Record what was kept and close the index."""
        self.flush()
        self._index.close()
        self._writers.close()

    def _new_name(self, key: str, start: int) -> str:
        """A name that no process has used or will use."""
        return f"{key}-{start:x}-{os.getpid():x}-{self._writers.token}-{next(self._names):x}"

    def _write(self, block: StoredBlock, body: bytes) -> tuple[int, int, int]:
        path = self.path(block)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._make_folder(block.folder)
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileNotFoundError:  # another process removed the folder, which was empty
            self._made.discard(block.folder)
            self._make_folder(block.folder)
            descriptor = os.open(path, flags, 0o600)
        try:
            rest = memoryview(body)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            return _identity(os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def _make_folder(self, folder: str) -> None:
        if folder not in self._made:
            os.makedirs(self.folder, 0o700, exist_ok=True)  # it alone keeps others out of all below
            os.makedirs(os.path.join(self.folder, folder), 0o700, exist_ok=True)
            self._made.add(folder)

    def _is_verified(self, block: StoredBlock, status: os.stat_result) -> bool:
        return self._verified.get(block.name) == _identity(status)

    def _verify(self, block: StoredBlock, body: bytes, status: os.stat_result) -> bool:
        if len(body) != block.length or _checksum(block.key, block.start, body) != block.crc:
            return False
        self._verified[block.name] = _identity(status)
        return True

    def _delete_files(self, blocks: Iterable[StoredBlock]) -> None:
        folders = set()
        for block in blocks:
            self._verified.pop(block.name, None)
            folders.add(block.folder)
            with suppress(OSError):
                os.unlink(self.path(block))
        for folder in folders:
            with suppress(OSError):  # until one is not empty
                while folder:
                    os.rmdir(os.path.join(self.folder, folder))
                    self._made.discard(folder)
                    folder = os.path.dirname(folder)

    def _is_sweep_due(self) -> bool:
        """Whether nobody looked for leftovers since yesterday; whoever asks is to do it."""
        stamp = os.path.join(self.folder, "swept")
        try:
            is_due = time.time() - os.stat(stamp).st_mtime > _SWEEP_SECONDS
        except FileNotFoundError:
            is_due = False
        except OSError:
            return False
        with suppress(OSError):
            if is_due or not os.path.exists(stamp):
                with open(stamp, "w"):
                    os.utime(stamp)
        return is_due


def is_literal_path(path: str) -> bool:
    """Whether an engine takes `path` as it is: no pattern, and no partition key in a folder's name."""
    return not re.search(r"[*?\[=\\\n]", path)


def fits_folder(folder: str) -> bool:
    """Whether filesystems take `folder` as a path below the cache's own."""
    size = len(folder.encode(errors="surrogatepass"))
    parts = folder.split("/")
    longest = max(len(part.encode(errors="surrogatepass")) for part in parts)
    return size <= _LONGEST_FOLDER and longest <= _LONGEST_NAME and not {"", ".", ".."} & set(parts)


def _token_of(name: str) -> str:
    """Who wrote the block of this name."""
    return name.rpartition("-")[0].rpartition("-")[2]


def _by_key(blocks: Iterable[StoredBlock]) -> dict[str, list[StoredBlock]]:
    found: dict[str, list[StoredBlock]] = {}
    for block in sorted(blocks, key=lambda block: (block.start, -block.length)):
        found.setdefault(block.key, []).append(block)
    return found


def _checksum(key: str, start: int, body: bytes) -> int:
    """It covers what the bytes are of, so that no damaged row lends them to another object."""
    return zlib.crc32(body, zlib.crc32(f"{key}:{start}".encode()))


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read_fully(descriptor: int, start: int, length: int) -> bytes:
    parts, got = [], 0
    while got < length and (part := os.pread(descriptor, length - got, start + got)):
        parts.append(part)
        got += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
