"""One writer at a time among processes, where the system has locks on files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until no other process holds the lock file `path`, and keep others waiting."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform != "win32":
            # A filesystem without locks: an update may be lost, which costs work only.
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        if sys.platform != "win32":
            with suppress(OSError):
                # Closing alone would leave it to a child that was forked meanwhile.
                fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)
