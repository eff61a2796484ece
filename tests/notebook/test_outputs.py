"""Places below a cell that are filled again and again."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from lakeq.html.markup import Markup
from lakeq.notebook import outputs
from lakeq.notebook.outputs import Slot, watch
from lakeq.storage.progress import Progress
from tests.html.pages import parse_output
from tests.notebook.conftest import Shell

HALF = Progress("reading", 3, 10, 5_000, 10_000, 2.0)
LISTING = Progress("listing", 1_200, None, 0, None, 1.0)


@pytest.fixture
def published(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is displayed, one after the other."""
    found: list[dict[str, Any]] = []
    publish = lambda **message: found.append(message)  # noqa: E731 - it stands for a method
    monkeypatch.setattr(shell.ipython.display_pub, "publish", publish)
    return found


def test_a_place_is_filled_anew_and_not_a_second_time(published: list[dict[str, Any]]) -> None:
    slot = Slot(is_live=True)
    slot.tell(HALF)
    slot.fill("done", Markup("<b>done</b>"))
    first, last = published
    assert "5.0 KB" not in first["data"]["text/plain"]
    assert first["data"]["text/plain"] == "reading · 4.9 KB of 9.8 KB · 2.4 KB/s · 2.00 s left"
    (whole, part) = parse_output(first["data"]["text/html"]).iter("rect")
    assert float(part.attrib["width"]) == float(whole.attrib["width"]) / 2
    assert (last["update"], last["data"]["text/plain"]) == (True, "done")
    assert last["transient"] == first["transient"]


def test_progress_is_not_drawn_more_often_than_one_can_look(
    published: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(outputs.time, "monotonic", lambda: clock[0])
    slot = Slot(is_live=True)
    for _ in range(32):
        slot.tell(LISTING)
        clock[0] += 0.0625
    assert len(published) == 8


def test_progress_of_work_that_fails_goes_away(published: list[dict[str, Any]]) -> None:
    def fail() -> None:
        raise ValueError("no")

    slot = Slot(is_live=True)
    slot.tell(LISTING)
    with pytest.raises(ValueError, match="no"):
        watch(fail, slot, lambda: None, lambda: None)
    assert published[-1]["data"] == {"text/plain": "", "text/html": ""}


def test_where_nothing_was_drawn_nothing_is_taken_away(published: list[dict[str, Any]]) -> None:
    Slot(is_live=True).clear()
    assert published == []


def test_a_terminal_shows_what_stays_only(published: list[dict[str, Any]]) -> None:
    slot = Slot(is_live=False)
    slot.tell(HALF)
    assert published == []
    slot.fill("done", Markup("<b>done</b>"))
    assert [message["data"]["text/plain"] for message in published] == ["done"]


def test_the_outcome_of_work_is_given_and_its_progress_looked_at(published: list[dict[str, Any]]) -> None:
    looked = threading.Event()

    def find() -> Progress:
        looked.set()
        return LISTING

    def work() -> int:
        assert looked.wait(60)
        return 7

    assert watch(work, Slot(is_live=True), find, lambda: None) == 7
    shown = [message["data"]["text/plain"] for message in published]
    assert shown == ["listing · 1,200 objects", ""]
