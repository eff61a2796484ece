"""How far a long piece of work is: told to whoever asked to be told, not more often than one can look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["listing", "inspecting", "reading", "scanning"]

_INTERVAL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a stage. `done` and `total` count objects (listing) or files; totals are None where
    unknown. `seconds` since the stage began. Of a scan, the bytes are a share of those planned: an engine
    tells no more."""

    stage: Stage
    done: int
    total: int | None
    bytes_done: int
    bytes_total: int | None
    seconds: float

    @property
    def bytes_per_second(self) -> float:
        """The mean rate since the stage began."""
        return self.bytes_done / self.seconds if self.seconds > 0 else 0.0

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1; None where that is not known."""
        done, total = (self.bytes_done, self.bytes_total) if self.bytes_total else (self.done, self.total)
        return None if not total else min(done / total, 1.0)

    @property
    def seconds_left(self) -> float | None:
        """How long it will take at the mean rate; None where that is not known."""
        share = self.share
        return self.seconds / share - self.seconds if share else None


Observer = Callable[[Progress], None]
"""Called from any thread, at most about ten times a second a stage; it must be quick and must not raise."""


class Meter:
    """One stage under way. Safe to advance from several threads."""

    def __init__(
        self, observer: Observer | None, stage: Stage, total: int | None, bytes_total: int | None
    ) -> None:
        self._observer = observer
        self._stage: Stage = stage
        self._total = total
        self._bytes_total = bytes_total
        self._lock = threading.Lock()
        self._done = self._bytes = 0
        self._began = self._told = time.monotonic()

    def advance(self, count: int, size: int = 0) -> None:
        """So many more objects or files, and bytes, are done."""
        if self._observer is None:
            return
        with self._lock:
            self._done += count
            self._bytes += size
            now = time.monotonic()
            if now - self._told < _INTERVAL_SECONDS:
                return
            self._told = now
            moment = Progress(
                self._stage, self._done, self._total, self._bytes, self._bytes_total, now - self._began
            )
        self._observer(moment)


class Reporter:
    """Where the stages of long work are told."""

    def __init__(self, observer: Observer | None = None) -> None:
        self.observer = observer

    def start(self, stage: Stage, total: int | None = None, bytes_total: int | None = None) -> Meter:
        """A new stage."""
        return Meter(self.observer, stage, total, bytes_total)
