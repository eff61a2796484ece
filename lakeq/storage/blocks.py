"""Bytes already fetched, kept in memory within a limit: the least recently used go first."""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections import OrderedDict

Dropped = tuple[str, int, bytes]
"""A block that had to go: the file's name, where the block starts, and its bytes."""


class MemoryBlocks:
    """Byte blocks of named files. Safe to use from several threads."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._blocks: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._starts: dict[str, list[int]] = {}
        self._held = 0

    def find(self, name: str, start: int, length: int) -> bytes | None:
        """The bytes asked for, if one block holds them all."""
        with self._lock:
            starts = self._starts.get(name)
            if starts is None:
                return None
            for at in reversed(starts[: bisect_right(starts, start)]):
                block = self._blocks[name, at]
                if start + length <= at + len(block):
                    self._blocks.move_to_end((name, at))
                    break
            else:
                return None
        return block if length == len(block) else block[start - at : start - at + length]

    def keep(self, name: str, start: int, block: bytes) -> list[Dropped]:
        """Hold `block`, which starts at byte `start` of the file, in place of a shorter one there.

        Returns the blocks that had to go for it; `block` itself, if it is larger than all that may be held.
        """
        with self._lock:
            if len(block) > self.limit_bytes:
                return [(name, start, block)]
            before = self._blocks.pop((name, start), None)
            if before is None:
                insort(self._starts.setdefault(name, []), start)
            elif len(before) > len(block):
                block = before
            self._held += len(block) - len(before or b"")
            self._blocks[name, start] = block
            return [self._drop_oldest() for _ in iter(lambda: self._held > self.limit_bytes, False)]

    def clear(self) -> None:
        """Let everything go."""
        with self._lock:
            self._blocks.clear()
            self._starts.clear()
            self._held = 0

    def _drop_oldest(self) -> Dropped:
        (name, at), block = self._blocks.popitem(last=False)
        self._held -= len(block)
        starts = self._starts[name]
        starts.remove(at)
        if not starts:
            del self._starts[name]
        return name, at, block
