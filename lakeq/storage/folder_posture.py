"""Who may write to a folder of this machine, and which links lead out of it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class FolderPosture:
    """What was seen below a folder: paths that any user of the machine may write to, links to places outside
    it, and folders that could not be looked into; of each how many, and the first few by name."""

    root: str
    writable: tuple[int, tuple[str, ...]]
    leading_out: tuple[int, tuple[str, ...]]
    closed: tuple[int, tuple[str, ...]]


def look_at_folder(root: str) -> FolderPosture:
    """Look at each file and folder below `root`, itself too; links are not followed."""
    writable, leading_out, closed = [], [], []
    within = os.path.realpath(root)
    if _is_writable(within):
        writable.append(root)
    for folder, folders, files in os.walk(root, onerror=lambda error: closed.append(str(error.filename))):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            if os.path.islink(path):
                target = os.path.realpath(path)
                if os.path.commonpath([within, target]) != within:
                    leading_out.append(path)
            elif _is_writable(path):
                writable.append(path)
    return FolderPosture(root, _sum(writable), _sum(leading_out), _sum(closed))


def _is_writable(path: str) -> bool:
    """Whether all users of the machine may write to it."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False  # deleted meanwhile
    return bool(mode & stat.S_IWOTH)


def _sum(paths: list[str]) -> tuple[int, tuple[str, ...]]:
    return len(paths), tuple(sorted(paths)[:_SHOWN])
