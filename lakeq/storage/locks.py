"""Locks on files among processes, where the system has them. Whoever ends, however, lets go of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

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


def hold(file: BinaryIO) -> bool:
    """Whether nobody else held the lock of an open `file`, which this process has until it closes the file.
    False where the system has no locks."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_held(path: str | Path) -> bool:
    """Whether a process that lives holds the lock of the file at `path`; True where that cannot be told.
    OSError for a file that cannot be opened."""
    with open(path, "r+b") as file:  # some network filesystems lock only what can be written
        return not hold(file)
