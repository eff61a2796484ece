"""What a query shows below its cell while it runs: the estimate, how far it is, and how it went."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from IPython.display import DisplayHandle, display

from lakeq.cli.progress import StatusLine, describe_progress
from lakeq.cli.words import describe_estimate, describe_status
from lakeq.html.bars import draw_share
from lakeq.html.markup import Markup, draw_note, join
from lakeq.planner.estimate import Estimate
from lakeq.result import Result
from lakeq.storage import workers
from lakeq.storage.progress import Progress
from lakeq.texts import show_line

T = TypeVar("T")

_DRAW_SECONDS = 0.25
_STOP_SECONDS = 10
"""How long an interrupted query may take to end before the cell ends without it."""


class Slot:
    """A place below a cell that is filled again and again: with progress, and in the end with what stays.

    A terminal cannot fill a place anew: there progress is a line of its own that goes away."""

    def __init__(self, is_live: bool) -> None:
        self._line = None if is_live else StatusLine()
        self._handle: DisplayHandle | None = None
        self._drawn = 0.0

    def tell(self, moment: Progress | None) -> None:
        """Show how far it is; not more often than four times a second."""
        if moment is None or time.monotonic() - self._drawn < _DRAW_SECONDS:
            return
        self._drawn = time.monotonic()
        if self._line is not None:
            self._line.observe(moment)
            return
        words = describe_progress(moment, has_bar=False)  # it has a bar of its own
        done, total = moment.done, moment.total
        if moment.bytes_total:
            done, total = moment.bytes_done, moment.bytes_total
        bar = draw_share(done, total, words) if total else None
        self._show(words, join([bar, draw_note(words)]))

    def fill(self, text: str, html: Markup) -> None:
        """Show what stays."""
        if self._line is not None:
            self._line.clear()
        self._show(text, html)

    def clear(self) -> None:
        """Take away the progress that is shown."""
        if self._line is not None:
            self._line.clear()
        elif self._handle is not None:
            self._show("", Markup(""))

    def _show(self, text: str, html: Markup) -> None:
        outputs = {"text/plain": text, "text/html": str(html)}
        if self._handle is not None:
            self._handle.update(outputs, raw=True)
        else:
            handle = display(outputs, raw=True, display_id=True)
            self._handle = None if self._line is not None else handle


def show_estimate(slot: Slot, estimate: Estimate) -> None:
    """The estimate, as it stays above the answer."""
    slot.fill("\n".join(describe_estimate(estimate)), Markup(estimate._repr_html_()))


def show_outcome(slot: Slot, result: Result) -> None:
    """How the query went, and what is to be known of its answer."""
    lines = [*result.notes, describe_status(result.estimate, result.stats)]
    slot.fill("\n".join(map(show_line, lines)), join(draw_note(line) for line in lines))


def watch(
    work: Callable[[], T], slot: Slot, find_moment: Callable[[], Progress | None], stop: Callable[[], None]
) -> T:
    """The outcome of `work`, which another thread does, so that an interrupt is heard meanwhile: then `stop`
    is called. How far it is stands in the slot until it has ended."""
    pending: Future[T] | None = None
    try:
        pending = workers.begin(work)
        return workers.watch(pending, lambda: slot.tell(find_moment()))
    except KeyboardInterrupt:
        stop()
        wait([] if pending is None else [pending], _STOP_SECONDS)
        raise
    finally:
        slot.clear()
