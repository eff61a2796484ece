"""Writing to the disk cache while others fetch: by one thread, as many would take the engine's time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from lakeq.storage.workers import Workers

_UNWRITTEN_BYTES = 64 << 20
_EAR_SECONDS = 0.1


class WriteBehind:
    """Writes on their way to the disk. Safe to use from several threads."""

    def __init__(self) -> None:
        self._writers = Workers(1, "lakeq-keep")
        self._changed = threading.Condition()
        self._unwritten = 0

    def submit(self, size: int, write: Callable[[], object]) -> None:
        """Have `write` write `size` bytes; the caller does so itself where too many wait already."""
        with self._changed:
            is_full = self._unwritten + size > _UNWRITTEN_BYTES
            self._unwritten += 0 if is_full else size
        if is_full:
            write()
        else:
            self._writers.submit(partial(self._write, size, write))

    def settle(self) -> None:
        """Wait until all is written."""
        with self._changed:
            while not self._changed.wait_for(lambda: not self._unwritten, _EAR_SECONDS):
                pass  # a thread that waits without end may not hear Ctrl-C

    def close(self) -> None:
        """What waits is still written; nobody waits for more."""
        self._writers.close()

    def _write(self, size: int, write: Callable[[], object]) -> None:
        try:
            write()
        finally:
            with self._changed:
                self._unwritten -= size
                self._changed.notify_all()
