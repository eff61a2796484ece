"""The most bytes of data that a query may read, counted before each read."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from lakeq.errors import BudgetExceededError
from lakeq.quantities import format_bytes
from lakeq.storage.ranges import Span, subtract_spans, total_bytes, unite_spans


class ReadLimit:
    """Counts what openings of files read, and refuses the read that would pass `max_bytes`. Safe to use from
    several threads."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.scanned = 0
        """Bytes of data read so far, each once an opening."""
        self._lock = threading.Lock()

    def admit(self, size: int) -> None:
        """Count `size` bytes that are about to be read. BudgetExceededError when they are too many."""
        with self._lock:
            if self.scanned + size > self.max_bytes:
                raise BudgetExceededError(
                    f"Query stopped: it reads more than was estimated. It has scanned "
                    f"{format_bytes(self.scanned)}, and the next read would pass the limit of "
                    f"{format_bytes(self.max_bytes)}. Rows it gave are void. Narrow it, or raise the limit.",
                    None,
                    self.max_bytes,
                )
            self.scanned += size


class ReadData:
    """Which bytes of data one opening of a file has read: a byte that it reads again counts once.

    Of a file whose data is known to lie in `spans`, a read counts as far as it covers them: engines read over
    gaps and ahead. One that covers none of them counts whole, unless it is that of a footer: `footers` are
    the lengths of such reads, which begin so far from the file's end.
    """

    def __init__(self, size: int, spans: Sequence[Span] | None, footers: Sequence[int]) -> None:
        self._size = size
        self._spans = None if spans is None else unite_spans(spans)
        self._footers = footers
        self._read: list[Span] = []

    def take(self, start: int, stop: int) -> int:
        """How many bytes a read from `start` to `stop` counts for."""
        if self._spans is None:
            return self._add([(start, stop)])
        if stop == self._size and (start == 0 or stop - start in self._footers):
            return 0
        gaps = subtract_spans([(start, stop)], self._spans)
        covered = subtract_spans([(start, stop)], gaps)
        if covered:
            return self._add(covered)
        return 0 if stop == self._size else self._add([(start, stop)])

    def _add(self, spans: Sequence[Span]) -> int:
        fresh = [part for span in spans for part in subtract_spans([span], self._read)]
        self._read = unite_spans([*self._read, *fresh])
        return total_bytes(fresh)
