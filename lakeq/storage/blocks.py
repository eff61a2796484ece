"""Bytes already fetched, kept within a limit: the least recently used go first."""

from __future__ import annotations

import threading
from collections import OrderedDict


class BlockCache:
    """Byte blocks of named files. Safe to use from several threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._blocks: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._starts: dict[str, set[int]] = {}
        self._held = 0

    def find(self, name: str, start: int, length: int) -> bytes | None:
        """The bytes asked for, if one block holds them all."""
        with self._lock:
            for at in self._starts.get(name, ()):
                block = self._blocks[name, at]
                if at <= start and start + length <= at + len(block):
                    self._blocks.move_to_end((name, at))
                    break
            else:
                return None
        return block if length == len(block) else block[start - at : start - at + length]

    def keep(self, name: str, start: int, block: bytes) -> None:
        """Hold `block`, which starts at byte `start` of the file, in place of a shorter one there."""
        with self._lock:
            if len(block) > self._limit:
                return
            self._held += len(block) - len(self._blocks.pop((name, start), b""))
            self._blocks[name, start] = block
            self._starts.setdefault(name, set()).add(start)
            while self._held > self._limit:
                (old, at), dropped = self._blocks.popitem(last=False)
                self._held -= len(dropped)
                self._starts[old].discard(at)

    def clear(self) -> None:
        """Let everything go."""
        with self._lock:
            self._blocks.clear()
            self._starts.clear()
            self._held = 0
