"""How hard a store is pressed: requests at once rise while it answers, fall when it asks to slow down.

A request that failed for a passing reason (503 SlowDown, 500, 429, a reset, a body cut short) is made again
after a pause that grows and is drawn at random, until the time allowed is over.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from lakeq.errors import StorageUnavailableError
from lakeq.storage.tally import current_tallies

R = TypeVar("R")

MOST_AT_ONCE = 256
_LEAST_AT_ONCE = 4
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 8.0


class Throttle:
    """The requests to one store: at most `limit` at once, each tried again for `patience` seconds."""

    def __init__(self, patience: float, most: int = MOST_AT_ONCE) -> None:
        self._patience = patience
        self._most = most
        self._free = threading.Condition()
        self._limit = float(most)
        self._running = 0
        self._lowered = 0.0

    @property
    def limit(self) -> int:
        """How many requests may be under way at once now."""
        return int(self._limit)

    def call(self, request: Callable[[], R]) -> R:
        """The outcome of `request`. StorageUnavailableError only once it failed for all the time allowed."""
        began = time.monotonic()
        tries = 0
        while True:
            tries += 1
            with self._free:
                self._free.wait_for(lambda: self._running < int(self._limit))
                self._running += 1
            try:
                outcome = request()
            except StorageUnavailableError as error:
                self._leave(succeeded=not error.is_passing)
                pause = self._pause(tries)
                seconds = time.monotonic() - began
                if not error.is_passing or (seconds + pause > self._patience and tries == 1):
                    raise
                if seconds + pause > self._patience:
                    raise _given_up(error, tries, seconds) from error
            except BaseException:
                self._leave(succeeded=True)
                raise
            else:
                self._leave(succeeded=True)
                return outcome
            for tally in current_tallies():
                tally.add_retry()
            time.sleep(pause)

    def _leave(self, succeeded: bool) -> None:
        with self._free:
            self._running -= 1
            if succeeded:
                self._limit = min(float(self._most), self._limit + 1 / self._limit)
            elif time.monotonic() - self._lowered > _FIRST_PAUSE:  # one burst of refusals counts once
                self._limit = max(float(_LEAST_AT_ONCE), min(self._limit, self._running + 1.0) / 2)
                self._lowered = time.monotonic()
            self._free.notify()

    @staticmethod
    def _pause(tries: int) -> float:
        """Full jitter: anything up to a bound that doubles."""
        return random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**tries))


def _given_up(error: StorageUnavailableError, tries: int, seconds: float) -> StorageUnavailableError:
    return StorageUnavailableError(f"{error} Tried {tries} times in {seconds:.0f} s.", error.location)
