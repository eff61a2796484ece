"""The estimate of what is typed: of the latest text only, and a store is asked when nobody types."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from lakeq.cli.repl.live import Judged, LiveEstimate
from lakeq.errors import ColumnNotFoundError, QueryCancelledError
from lakeq.planner.estimate import Estimate
from lakeq.planner.preview import Preview

NOTHING = Estimate(0, 0, 0, "exact", Decimal(0), Decimal(0), Decimal(0), "athena", 0, 0, 0, 0, ())
WHOLE, BEGINNING = Preview(NOTHING), Preview(NOTHING, is_whole=False)
PATIENCE = 30


class Judge:
    """Stands for the planner: what it is asked, and how it answers."""

    def __init__(self, answer: Callable[[str, threading.Event], Preview]) -> None:
        self.asked: list[str] = []
        self._answer = answer
        self._told = threading.Condition()
        self.latest: Judged | None = None

    def preview(self, sql: str, stopped: threading.Event) -> Preview:
        self.asked.append(sql)
        return self._answer(sql, stopped)

    def tell(self, live: LiveEstimate) -> None:
        with self._told:
            self.latest = live.latest
            self._told.notify_all()

    def wait_for(self, is_told: Callable[[Judged | None], bool]) -> Judged:
        with self._told:
            assert self._told.wait_for(lambda: is_told(self.latest), PATIENCE), self.latest
        assert self.latest is not None
        return self.latest


Start = Callable[..., tuple[LiveEstimate, Judge]]


@pytest.fixture
def start() -> Iterator[Start]:
    opened: list[LiveEstimate] = []

    def start_live(
        answer: Callable[[str, threading.Event], Preview], is_remote: bool = False
    ) -> tuple[LiveEstimate, Judge]:
        judge = Judge(answer)
        live = LiveEstimate(judge.preview, is_remote, lambda: judge.tell(opened[-1]))
        opened.append(live)
        return live, judge

    yield start_live
    for live in opened:
        live.close()


def test_the_latest_text_is_judged_and_those_before_are_not_waited_for(start: Start) -> None:
    busy, free = threading.Event(), threading.Event()

    def answer(sql: str, stopped: threading.Event) -> Preview:
        if sql == "first":
            busy.set()
            assert free.wait(PATIENCE)
        return WHOLE

    live, judge = start(answer)
    live.submit("first")
    assert busy.wait(PATIENCE)
    for text in ("se", "sel", "sele", "select"):
        live.submit(text)
    free.set()
    judge.wait_for(lambda judged: judged is not None and judged.sql == "select")
    assert judge.asked == ["first", "select"]


def test_a_text_that_was_judged_is_not_judged_again(start: Start) -> None:
    live, judge = start(lambda sql, stopped: WHOLE)
    for text in ("a", "b", "a"):
        live.submit(text)
        if live.latest is None or live.latest.sql != text:
            judge.wait_for(lambda judged, text=text: judged is not None and judged.sql == text)  # type: ignore[misc]  # a default binds it
    assert judge.asked == ["a", "b"]
    assert live.latest == Judged("a", WHOLE)
    live.forget()
    live.submit("a")
    judge.wait_for(lambda judged: len(judge.asked) == 3)


def test_an_error_is_told_and_a_defect_does_not_end_the_thread(start: Start) -> None:
    def answer(sql: str, stopped: threading.Event) -> Preview:
        if sql == "wrong":
            raise ColumnNotFoundError("Column not found: 'x'", sql)
        raise ZeroDivisionError("a defect")

    live, judge = start(answer)
    live.submit("wrong")
    told = judge.wait_for(lambda judged: judged is not None)
    assert isinstance(told.error, ColumnNotFoundError)
    live.submit("worse")
    told = judge.wait_for(lambda judged: judged is not None and judged.sql == "worse")
    assert "internal error: ZeroDivisionError" in str(told.error)


def test_a_store_is_asked_only_when_nothing_was_typed_for_a_while(start: Start) -> None:
    asked: list[str] = []

    def answer(sql: str, stopped: threading.Event) -> Preview:
        if stopped.is_set():
            raise QueryCancelledError("Query cancelled.")
        asked.append(sql)
        return WHOLE

    live, judge = start(answer, is_remote=True)
    for text in ("s", "se", "sel"):
        live.submit(text)
    judge.wait_for(lambda judged: judged == Judged("sel", WHOLE))
    assert asked == ["sel"]


def test_what_is_known_of_a_remote_lake_is_told_at_once(start: Start) -> None:
    stops: list[bool] = []

    def answer(sql: str, stopped: threading.Event) -> Preview:
        stops.append(stopped.is_set())
        return WHOLE

    live, judge = start(answer, is_remote=True)
    live.submit("known")
    judge.wait_for(lambda judged: judged == Judged("known", WHOLE))
    assert stops == [True]


def test_only_a_preview_of_the_whole_text_is_found_again(start: Start) -> None:
    live, judge = start(lambda sql, stopped: WHOLE if sql == "whole" else BEGINNING)
    for text in ("whole", "beginning"):
        live.submit(text)
        judge.wait_for(lambda judged, text=text: judged is not None and judged.sql == text)  # type: ignore[misc]  # a default binds it
    assert live.find("whole") is WHOLE
    assert live.find("beginning") is None
    assert live.find("never typed") is None
