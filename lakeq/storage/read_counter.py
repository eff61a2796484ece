"""What a query has read so far, and how much of what was planned is there."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from lakeq.storage.tally import Tally


class ReadCounter:
    """Bytes and requests of one query. Safe to add to from several threads.

    `tally` counts the requests of stores that tell of them; `bytes_cached` came from the disk cache.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.tally = Tally()
        self.bytes_transferred = 0
        self.bytes_cached = 0
        self.requests = 0
        self._planned = [0, 0]
        self._arrived = [0, 0]

    @property
    def requests_by_kind(self) -> Mapping[str, int]:
        """Requests by kind, those that were made again included where the store tells."""
        told = self.tally.requests
        return told or ({"get": self.requests} if self.requests else {})

    @property
    def progress(self) -> tuple[int, int, int, int]:
        """Bytes there, bytes planned, files there, files planned, the disk cache's included."""
        (size, files), (size_total, files_total) = self._arrived, self._planned
        return min(size, size_total), size_total, min(files, files_total), files_total

    def add(self, size: int) -> None:
        """One request that brought `size` bytes."""
        with self._lock:
            self.bytes_transferred += size
            self.requests += 1

    def add_cached(self, size: int) -> None:
        """Bytes that came from the disk cache."""
        with self._lock:
            self.bytes_cached += size

    def expect(self, size: int, files: int) -> None:
        """So many bytes of so many files are planned."""
        with self._lock:
            self._planned[0] += size
            self._planned[1] += files

    def arrive(self, size: int, files: int) -> None:
        """So many bytes of what is planned are there, and so many files with them."""
        with self._lock:
            self._arrived[0] += size
            self._arrived[1] += files
