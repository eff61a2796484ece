"""Who is writing blocks: the files that no index knows yet belong to a process that lives, or to nobody."""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from contextlib import suppress

from lakeq.storage.locks import is_held


class CacheWriters:
    """One writer of the cache in `folder`, and what it knows of others. Safe to use from several threads.

    A writer has a file that it holds a lock on. The kernel lets go of that when the process ends, however it
    ends. `token` is a part of the name of each block that it writes.
    """

    def __init__(self, folder: str) -> None:
        self._folder = os.path.join(folder, "writers")
        self._lock = threading.Lock()
        self._descriptor = -1
        self._process = os.getpid()
        self._has_looked = False
        self.token = secrets.token_hex(4)

    def announce(self) -> None:
        """Let others know of this writer, before it writes. OSError where that cannot be."""
        with self._lock:
            if self._descriptor >= 0:
                return
            for folder in (os.path.dirname(self._folder), self._folder):  # each for its owner alone
                os.makedirs(folder, 0o700, exist_ok=True)
            path = os.path.join(self._folder, self.token)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with suppress(OSError):  # without locks its blocks may be swept, which costs work only
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def find_living(self) -> frozenset[str]:
        """The tokens of the writers that live."""
        return frozenset(name for name in self._list() if self._lives(name))

    def find_dead(self) -> frozenset[str]:
        """The tokens of writers that were killed, as they left their files; looked for once."""
        if self._has_looked:
            return frozenset()
        self._has_looked = True
        return frozenset(name for name in self._list() if not self._lives(name))

    def bury(self, tokens: frozenset[str]) -> None:
        """Remove the files of dead writers, of whom nothing is left."""
        for token in tokens:
            with suppress(OSError):
                os.unlink(os.path.join(self._folder, token))

    def close(self) -> None:
        """This writer has recorded all that it wrote."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, -1
            if descriptor >= 0:
                if os.getpid() == self._process:  # else it is the writer of the process that was forked
                    self.bury(frozenset([self.token]))
                os.close(descriptor)

    def _list(self) -> list[str]:
        try:
            return os.listdir(self._folder)
        except OSError:
            return []

    def _lives(self, token: str) -> bool:
        try:
            return is_held(os.path.join(self._folder, token))
        except OSError:
            return False
