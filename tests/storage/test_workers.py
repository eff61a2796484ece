"""Threads that work for others: order, errors, and waiting that can be ended."""

from __future__ import annotations

import threading

import pytest

from lakeq.errors import ExecutionError, QueryCancelledError
from lakeq.storage.workers import Workers, begin, stopped_by

FAR = 60.0


def test_outcomes_come_in_the_order_of_the_items() -> None:
    assert Workers(8).map(lambda n: n * n, range(100)) == [n * n for n in range(100)]


def test_the_first_error_is_raised_and_what_is_undone_is_dropped() -> None:
    done: list[int] = []

    def work(n: int) -> None:
        if n == 3:
            raise ValueError("three")
        done.append(n)

    with pytest.raises(ValueError, match="three"):
        Workers(1).map(work, range(100))
    assert done == [0, 1, 2]


def test_a_wait_that_was_stopped_ends_though_a_worker_goes_on() -> None:
    stopped, never = threading.Event(), threading.Event()

    def work(_: int) -> None:
        stopped.set()
        never.wait(FAR)

    with stopped_by(stopped), pytest.raises(QueryCancelledError):
        Workers(2).map(work, range(2))
    never.set()
    assert Workers(2).map(abs, [-1]) == [1]


def test_closed_workers_do_what_is_left_and_their_threads_end() -> None:
    workers = Workers(4, "closing")
    assert workers.map(str, range(8)) == [str(n) for n in range(8)]
    workers.close()
    assert workers.submit(lambda: 1).result() == 1
    for thread in threading.enumerate():
        if thread.name == "closing":
            thread.join(60)
            assert not thread.is_alive()


def test_work_begun_is_done_where_no_thread_starts_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert begin(lambda: 1).result() == 1
    with pytest.raises(ExecutionError, match="The interpreter ends"):
        Workers(4).submit(lambda: 1)
