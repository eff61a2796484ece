"""Where large intermediate results go: a folder of each process. The next removes it if that was killed."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from contextlib import suppress

_PREFIX = "lakeq-spill"


def find_spill_folder() -> str:
    """The folder of this process, below the system's for temporary files. The engine makes it when it needs
    it, and removes it when it is closed."""
    return os.path.join(_temporary(), f"{_prefix()}{os.getpid()}")


def remove_spills() -> None:
    """Remove the folders of processes of this user that have ended, as those do not that are killed."""
    if sys.platform == "win32":
        return  # there is no asking whether a process lives
    with suppress(OSError), os.scandir(_temporary()) as entries:
        for name in [entry.name for entry in entries if entry.name.startswith(_prefix())]:
            process = name.removeprefix(_prefix())
            path = os.path.join(_temporary(), name)
            if process.isdigit() and not _lives(int(process)) and _is_own_folder(path):
                shutil.rmtree(path, ignore_errors=True)


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:  # it writes a file to find out, and every disk is full
        return os.environ.get("TMPDIR") or ("/tmp" if os.path.isdir("/tmp") else os.getcwd())


def _prefix() -> str:
    """Numbers of processes mean something in one namespace only; containers may share a folder."""
    try:
        space = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        space = 0
    return f"{_PREFIX}-{space}-"


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it is another user's
    return True


def _is_own_folder(path: str) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
