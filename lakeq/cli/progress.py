"""One line on the terminal that tells how far long work is, and goes away when it is done."""

from __future__ import annotations

import shutil
import sys
import threading
from typing import TextIO

from lakeq.quantities import format_bytes, format_count
from lakeq.storage.progress import Progress

_CLEAR = "\r\x1b[K"
_VERBS = {"listing": "listing", "inspecting": "reading footers", "reading": "reading"}


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


def describe_progress(moment: Progress) -> str:
    """`listing · 12,000 objects`, `reading · 24.1 MB of 105.0 MB · 80.2 MB/s`."""
    parts = [_VERBS[moment.stage]]
    if moment.stage == "reading" and moment.bytes_total is not None:
        parts.append(f"{format_bytes(moment.bytes_done)} of {format_bytes(moment.bytes_total)}")
    elif moment.total is not None:
        parts.append(f"{format_count(moment.done)} of {format_count(moment.total)} files")
    else:
        parts.append(f"{format_count(moment.done)} objects")
    if moment.bytes_done and moment.seconds > 0:
        parts.append(f"{format_bytes(int(moment.bytes_per_second))}/s")
    return " · ".join(parts)
