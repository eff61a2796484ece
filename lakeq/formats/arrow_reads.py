"""What Arrow reads of a table while a query runs."""

from __future__ import annotations

import time
from threading import Condition

_PATIENCE_SECONDS, _QUIET_SECONDS = 10.0, 0.5


class ArrowReads:
    """Counts what a decoder asks its files for, and ends it with the query. Safe to use from several threads.

    `data` are the bytes of rows, `total` all that were read; both None while nobody counts.

    Arrow reads ahead with threads of its own, which go on when nobody wants the rows any more. One that is
    inside of Python when the interpreter ends would end the process: so a query waits for them.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._opened = 0
        self._last = 0.0
        self._is_stopped = False
        self.data: int | None = None
        self.total: int | None = None

    def add(self, data: int = 0, total: int = 0) -> None:
        """So many bytes were read. OSError once the query has ended."""
        with self._changed:
            self._last = time.monotonic()
            if self._is_stopped:
                raise OSError("The query has ended.")
            self.data, self.total = (self.data or 0) + data, (self.total or 0) + total

    def open(self) -> None:
        """A file is opened. OSError once the query has ended."""
        with self._changed:
            if self._is_stopped:
                raise OSError("The query has ended.")
            self._opened += 1
            self._last = time.monotonic()

    def close(self) -> None:
        """A file that was opened is closed."""
        with self._changed:
            self._opened -= 1
            self._last = time.monotonic()
            self._changed.notify_all()

    def stop(self) -> None:
        """Have every read fail from now on."""
        with self._changed:
            self._is_stopped = True

    def settle(self) -> None:
        """Wait until all files are closed, or none was read for a while: a reader that somebody still holds
        keeps its files, but reads only as far ahead as it may."""
        end = time.monotonic() + _PATIENCE_SECONDS
        with self._changed:
            while self._opened:
                now = time.monotonic()
                left = min(self._last + _QUIET_SECONDS, end) - now
                if left <= 0:
                    return
                self._changed.wait(left)
