"""What was asked of stores: requests by kind and the bytes that came, for whoever counts at the moment."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

RequestKind = Literal["list", "head", "get"]


class Tally:
    """Requests by kind and bytes received so far. Safe to add to from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._retried = 0
        self._bytes = 0

    @property
    def requests(self) -> dict[str, int]:
        """Requests by kind (`list`, `head`, `get`), those that failed and were made again included."""
        with self._lock:
            return dict(self._requests)

    @property
    def bytes_transferred(self) -> int:
        """Bytes of object bodies that arrived."""
        return self._bytes

    @property
    def retried(self) -> int:
        """Requests made again after throttling or a fault."""
        return self._retried

    def add(self, kind: RequestKind, size: int = 0) -> None:
        """One request, and the bytes of the body that it brought."""
        with self._lock:
            self._requests[kind] += 1
            self._bytes += size

    def add_bytes(self, size: int) -> None:
        """Bytes of a request that was counted already, or that needed none."""
        with self._lock:
            self._bytes += size

    def add_retry(self) -> None:
        """A request is about to be made again."""
        with self._lock:
            self._retried += 1


_current: ContextVar[tuple[Tally, ...]] = ContextVar("lakeq_tally", default=())


@contextmanager
def count_into(tally: Tally) -> Iterator[Tally]:
    """Count what this context, and the threads that work for it, ask of stores into `tally` too."""
    token = _current.set((*_current.get(), tally))
    try:
        yield tally
    finally:
        _current.reset(token)


def count_request(kind: RequestKind, size: int = 0) -> None:
    """Tell whoever counts of one request, and the bytes of the body that it brought."""
    for tally in _current.get():
        tally.add(kind, size)


def current_tallies() -> tuple[Tally, ...]:
    """The tallies that count at the moment."""
    return _current.get()
