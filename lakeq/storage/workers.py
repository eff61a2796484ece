"""Threads that wait for a store on others' behalf, and that nobody has to wait for.

They are daemons, because a request under way cannot be called back: after Ctrl-C, or an error of one of many
requests, the caller goes on at once and what the others bring is dropped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from itertools import count
from typing import Any, TypeVar

from lakeq.errors import ExecutionError, QueryCancelledError

T = TypeVar("T")
R = TypeVar("R")

_IDLE_SECONDS = 30.0
_EAR_SECONDS = 0.1
"""A thread that waits for a lock may not hear Ctrl-C at all, so it looks up this often."""

_stopped: ContextVar[threading.Event | None] = ContextVar("lakeq_stopped", default=None)


@contextmanager
def stopped_by(stopped: threading.Event) -> Iterator[None]:
    """Have this context's waiting for others end with QueryCancelledError once `stopped` is set, and no more
    be asked of them."""
    token = _stopped.set(stopped)
    try:
        yield
    finally:
        _stopped.reset(token)


def begin(work: Callable[[], R]) -> Future[R]:
    """Have `work` done by a thread for which the interpreter's end waits: one that is inside a library then
    would end the process with it."""
    future: Future[R] = Future()
    # No thread of an executor: those take no more work once the main thread is done, and others may still
    # run queries then.
    thread = threading.Thread(target=_settle, args=(future, work), name="lakeq-begin", daemon=False)
    try:
        thread.start()
    except RuntimeError:  # the interpreter ends, and starts none any more
        _settle(future, work)
    return future


def _settle(future: Future[R], work: Callable[[], R]) -> None:
    """Have the Future tell what came of `work`."""
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the Future
        future.set_exception(error)
    else:
        future.set_result(result)


def _raise_if_stopped() -> None:
    stopped = _stopped.get()
    if stopped is not None and stopped.is_set():
        raise QueryCancelledError("Query cancelled.")


class Workers:
    """At most `most` threads, started when there is work and gone when there was none for a while."""

    def __init__(self, most: int, name: str = "lakeq-store") -> None:
        self.most = most
        self._name = name
        self._tasks: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._ready = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._is_closed = False

    def submit(self, work: Callable[[], R]) -> Future[R]:
        """Have `work` done, in the caller's context; its outcome is the Future's."""
        _raise_if_stopped()
        future: Future[R] = Future()
        context = copy_context()
        with self._ready:
            self._tasks.append((future, lambda: context.run(work)))
            if self._idle >= len(self._tasks):
                self._ready.notify()
            elif self._threads < self.most:
                self._start_thread()
        return future

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """`work` of each item, in order. The first error is raised at once and what is undone dropped."""
        shared = _Shared(work, list(items))
        # As many tasks as threads, which take items from one heap: a task an item would have hundreds of
        # threads wait for one lock.
        futures = [self.submit(shared.drain) for _ in range(min(self.most, len(shared.items)))]
        try:
            wait_for(futures)
            for future in futures:
                future.result()
            return shared.results
        finally:
            shared.is_over = True
            for future in futures:
                future.cancel()

    def close(self) -> None:
        """Have no thread wait for more work: each ends when there is none left."""
        with self._ready:
            self._is_closed = True
            self._ready.notify_all()

    def _start_thread(self) -> None:
        self._threads += 1
        try:
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()
        except RuntimeError as error:
            self._threads -= 1
            if not self._threads:  # nobody else is going to do it
                self._tasks.pop()
                raise ExecutionError(
                    "The interpreter ends: no query runs any more. Close lakes and results before."
                ) from error

    def _serve(self) -> None:
        while (task := self._next()) is not None:
            future, work = task
            if future.set_running_or_notify_cancel():
                _settle(future, work)
            del future, work, task  # a thread that waits for work holds nothing of the last

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._ready:
            self._idle += 1
            try:
                self._ready.wait_for(lambda: self._tasks or self._is_closed, _IDLE_SECONDS)
                if not self._tasks:
                    self._threads -= 1
                    return None
                return self._tasks.popleft()
            finally:
                self._idle -= 1


class _Shared:
    """Items that several threads work off, and what became of each."""

    __slots__ = ("_next", "_work", "is_over", "items", "results")

    def __init__(self, work: Callable[[Any], Any], items: list[Any]) -> None:
        self.items = items
        self.results: list[Any] = [None] * len(items)
        self.is_over = False
        self._work = work
        self._next = count()

    def drain(self) -> None:
        """Work off what nobody else does, until it is over."""
        for position in self._next:  # one step is atomic
            if self.is_over or position >= len(self.items):
                return
            self.results[position] = self._work(self.items[position])


def watch(future: Future[R], look: Callable[[], None]) -> R:
    """The outcome of a Future; meanwhile Ctrl-C is heard, and `look` called ten times a second."""
    while not wait([future], _EAR_SECONDS).done:
        look()
    return future.result()


def wait_for(futures: Iterable[Future[Any]]) -> None:
    """Wait until all are done or one has failed; Ctrl-C is heard meanwhile, and what `stopped_by` says."""
    pending = set(futures)
    while pending:
        _raise_if_stopped()
        done, pending = wait(pending, _EAR_SECONDS, FIRST_EXCEPTION)
        if any(not future.cancelled() and future.exception() is not None for future in done):
            return
