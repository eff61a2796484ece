"""Forks: a child process has a copy of everything but the threads, so what has threads is of no use in it.

DuckDB's and obstore's calls wait there for threads that do not exist, and closing ends the process. So it is
told, and what the parent holds is neither used nor freed in a child.
"""

from __future__ import annotations

import ctypes
import functools
import os
import weakref
from typing import TypeVar

from lakeq.errors import ForkedProcessError

T = TypeVar("T")


def check_process(process: int, what: str) -> None:
    """ForkedProcessError when `what` belongs to another `process`, from which this one was forked."""
    if os.getpid() != process:
        raise ForkedProcessError(
            f"{what} belongs to process {process}, from which this one was forked: it cannot be used here. "
            "Open the lake again in this process with lakeq.connect."
        )


def check_clients(url: str) -> None:
    """ForkedProcessError when the clients of clouds have begun to work in a process from which this one was
    forked: they share threads that do not exist here."""
    first = _find_first_process()
    if os.getpid() != first:
        raise ForkedProcessError(
            f"'{url}' cannot be read in this process: it was forked from process {first}, which had read "
            "from a cloud before. Start it by 'spawn' or 'forkserver', as "
            "multiprocessing.get_context('forkserver') does, or fork before the first lake is opened."
        )


def keep_from_children(held: T) -> T:
    """`held`, which no child of this process frees: its end would wait for threads that are not there."""
    _held().add(held)
    return held


@functools.cache
def _find_first_process() -> int:
    return os.getpid()


@functools.cache
def _held() -> weakref.WeakSet[object]:
    """What is not freed in a child; known to its fork since the first was held."""
    held: weakref.WeakSet[object] = weakref.WeakSet()

    def hold_for_ever() -> None:
        for one in list(held):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(one))

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=hold_for_ever)
    return held
