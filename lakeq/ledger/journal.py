"""Where entries are kept: a file of JSON lines for each day (UTC), written by one process at a time.

A line is there whole or not at all: what could not be written whole is taken back, and where a process was
killed while it wrote, the next one begins a new line. Days that are old enough are removed.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from lakeq.ledger.entries import Entry, read_entries, write_entry
from lakeq.settings import find_setting

if sys.platform != "win32":
    import fcntl

KEEP_DAYS = 400
HAS_LOCKS = sys.platform != "win32"
_SUFFIX = ".jsonl"
_LOCK_SECONDS = 10.0
"""A writer holds the lock for about a millisecond; one that was halted while it held it is not waited for."""
_PAUSE_SECONDS = 0.002


def find_history_folder() -> Path:
    """Where the history is kept: `history` below LAKEQ_DATA_DIR, or below lakeq's folder in the user's data
    folder."""
    chosen = find_setting("data_dir").value
    if chosen:
        return Path(chosen).expanduser().absolute() / "history"
    from platformdirs import user_data_path

    return user_data_path("lakeq") / "history"


class Journal:
    """The day files of one folder, which is made at the first entry. Safe to use from several threads and
    processes. OSError when the folder cannot be read or written."""

    def __init__(self, folder: Path, keep_days: int = KEEP_DAYS) -> None:
        """Days are kept for `keep_days` at least."""
        self.folder = folder
        self._keep_days = keep_days

    @contextmanager
    def open_day(self, day: dt.date) -> Iterator[DayFile]:
        """The file of a day, which nobody else writes meanwhile."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(day)
        with open(path, "a+b", buffering=0, opener=_open_private) as file:
            _lock(file, path)
            try:
                opened = DayFile(file)
                is_new = not opened.size
                yield opened
            finally:
                _unlock(file)
        if is_new:
            self._remove_old(day)

    def read(self, since: dt.date | None = None) -> Iterator[list[Entry]]:
        """The entries of each day from `since` on, a list a day. Nothing, where nothing was written yet."""
        first = "" if since is None else self._path(since).name
        with suppress(FileNotFoundError):
            for path in sorted(self.folder.iterdir()):
                if path.suffix == _SUFFIX and path.name >= first:
                    with suppress(FileNotFoundError):  # it was old, and another process removed it
                        yield list(read_entries(path.read_bytes().split(b"\n")))

    def _path(self, day: dt.date) -> Path:
        return self.folder / f"{day.isoformat()}{_SUFFIX}"

    def _remove_old(self, today: dt.date) -> None:
        last = self._path(today - dt.timedelta(days=self._keep_days)).name
        with suppress(OSError):
            for path in self.folder.glob(f"*{_SUFFIX}"):
                if path.name < last:
                    path.unlink(missing_ok=True)


class DayFile:
    """The entries of one day, locked."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size

    def read_from(self, start: int) -> tuple[list[Entry], int]:
        """The entries that begin at `start` or after, and where they end: to be read from there next."""
        self._file.seek(start)
        text = self._file.read(self.size - start)
        whole = text.rfind(b"\n") + 1
        return list(read_entries(text[:whole].split(b"\n"))), start + whole

    def append(self, entry: Entry) -> None:
        """Write an entry: once this returns, it outlives the process. OSError when it does not fit; then
        nothing of it is there."""
        line = write_entry(entry)
        if self.size:
            self._file.seek(self.size - 1)
            if self._file.read(1) != b"\n":
                line = b"\n" + line  # a process was killed while it wrote
        try:
            written = 0
            while written < len(line):
                count = self._file.write(line[written:])
                if not count:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                written += count
        except OSError:
            with suppress(OSError):
                self._file.truncate(self.size)
            raise
        self.size += written


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _lock(file: FileIO, path: Path) -> None:
    """Wait for the lock of `file`. TimeoutError (an OSError) in the end."""
    if sys.platform == "win32":
        return
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError(errno.ETIMEDOUT, "another process holds it", str(path)) from None
            time.sleep(_PAUSE_SECONDS)


def _unlock(file: FileIO) -> None:
    """Give the lock back. Closing the file alone would leave it to a child that was forked meanwhile."""
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_UN)
