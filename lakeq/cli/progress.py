"""One line on the terminal that tells how far long work is, and goes away when it is done."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from lakeq.quantities import format_bytes, format_count, format_seconds
from lakeq.storage.progress import Progress

_CLEAR = "\r\x1b[K"
_VERBS = {
    "listing": "listing",
    "inspecting": "reading footers",
    "reading": "reading",
    "scanning": "scanning",
}
_BAR_WIDTH = 20
_EIGHTHS = " ▏▎▍▌▋▊▉"
_TELLS_AFTER = 0.5
"""Seconds after which a rate says something about the rest."""


class StatusLine:
    """The line, on a stream that is a terminal; elsewhere nothing is shown. Safe to call from any thread."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._is_shown = self._stream.isatty()
        self._lock = threading.Lock()
        self._written = False

    def observe(self, moment: Progress) -> None:
        """Show a moment of long work."""
        self.show(describe_progress(moment))

    def show(self, text: str) -> None:
        """Show this in place of what stood there."""
        if not self._is_shown:
            return
        width = shutil.get_terminal_size().columns - 1
        with self._lock:
            self._written = True
            self._stream.write(f"{_CLEAR}{text[:width]}")
            self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        with self._lock:
            if self._written:
                self._stream.write(_CLEAR)
                self._stream.flush()
                self._written = False


class PromptLine(StatusLine):
    """The line of a session at a prompt: while something is typed there is no place for it, and what would
    stand there is `held`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self.held: str | None = None
        self._holds: Callable[[], None] | None = None

    @contextmanager
    def holding(self, changed: Callable[[], None]) -> Iterator[None]:
        """Show nothing in this context; `changed` is told when there would be something else."""
        self._holds, self.held = changed, None
        try:
            yield
        finally:
            self._holds = self.held = None

    def show(self, text: str) -> None:
        holds = self._holds
        if holds is None:
            super().show(text)
        else:
            self.held = text
            holds()


def describe_progress(moment: Progress, has_bar: bool = True) -> str:
    """`listing · 12,000 objects`, `███▍     │ 17% · reading · 24.1 MB of 105.0 MB · 80.2 MB/s · 1 s left`."""
    parts = [_VERBS[moment.stage]]
    if moment.stage in ("reading", "scanning") and moment.bytes_total is not None:
        parts.append(f"{format_bytes(moment.bytes_done)} of {format_bytes(moment.bytes_total)}")
    elif moment.total is not None:
        parts.append(f"{format_count(moment.done)} of {format_count(moment.total)} files")
    else:
        parts.append(f"{format_count(moment.done)} objects")
    if moment.bytes_done and moment.seconds > 0:
        parts.append(f"{format_bytes(int(moment.bytes_per_second))}/s")
    if has_bar and moment.share is not None:
        parts.insert(0, f"{draw_bar(moment.share)} {moment.share:.0%}")
    left = moment.seconds_left
    if left is not None and moment.seconds >= _TELLS_AFTER:
        parts.append(f"{format_seconds(left)} left")
    return " · ".join(parts)


def draw_bar(share: float, width: int = _BAR_WIDTH) -> str:
    """A bar of `width` characters of which this share, 0 to 1, is filled, and its end."""
    full, eighths = divmod(round(share * width * 8), 8)
    return f"{'█' * full}{_EIGHTHS[eighths] if full < width else ''}".ljust(width) + "│"
