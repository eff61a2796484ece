"""A program in a terminal of its own: keys go in, and the screen is read as a person would see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pexpect
import pyte
from rich.text import Text

_PATIENCE = 60.0
"""Seconds until a screen is given up: these machines may be busy."""
KEYS = {
    "enter": "\r",
    "alt-enter": "\x1b\r",
    "ctrl-c": "\x03",
    "ctrl-d": "\x04",
    "ctrl-r": "\x12",
    "tab": "\t",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "escape": "\x1b",
}


def _find_colour(name: str) -> str:
    """A colour of pyte as rich calls it."""
    if len(name) == 6 and all(c in "0123456789abcdef" for c in name):
        return f"#{name}"
    return {"brown": "yellow", "brightbrown": "bright_yellow"}.get(name, name.replace("bright", "bright_"))


def _without_size(env: Mapping[str, str]) -> dict[str, str]:
    """The environment without a size of the screen, which would go before that of the terminal."""
    return {name: value for name, value in env.items() if name not in ("LINES", "COLUMNS")}


class Terminal:
    """A child process on a pseudo-terminal of this size. A context manager, which ends the child. `read_at`
    is when it last wrote something, by time.perf_counter."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        columns: int = 100,
        lines: int = 30,
        folder: Path | None = None,
    ) -> None:
        self.columns, self.lines = columns, lines
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.child = pexpect.spawn(
            command[0],
            list(command[1:]),
            env={**_without_size(env), "TERM": "xterm-256color"},
            cwd=folder,
            dimensions=(lines, columns),
            timeout=_PATIENCE,
        )
        self.child.delaybeforesend = None
        self.read_at = 0.0
        self._screen.write_process_input = self.child.send  # it is asked where the cursor is

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.child.close(force=True)

    @property
    def screen(self) -> str:
        """The lines of the screen, without space at their ends, and without empty lines at its end."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    @property
    def toolbar(self) -> str:
        """The last line of the screen."""
        return self.line(self.lines - 1).strip()

    def draw(self) -> Text:
        """The screen with its colours."""
        text = Text()
        for number in range(self.lines):
            for column in range(self.columns):
                cell = self._screen.buffer[number][column]
                colours = [_find_colour(cell.fg), "on " + _find_colour(cell.bg)]
                flags = [name for name in ("bold", "reverse") if getattr(cell, name)]
                text.append(cell.data, " ".join([*flags, *colours]))
            text.append("\n")
        return text

    def line(self, number: int) -> str:
        """A line of the screen, from 0 at its top."""
        row = self._screen.buffer[number]
        return "".join(row[column].data for column in range(self.columns)).rstrip()

    def colour(self, text: str) -> str:
        """The background under the first place of `text` on the screen."""
        for number, line in enumerate(self._screen.display):
            if text in line:
                return str(self._screen.buffer[number][line.index(text)].bg)
        raise AssertionError(f"{text!r} is not on the screen:\n{self.screen}")

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self.child.send(text)

    def press(self, *names: str) -> None:
        """Press keys by their names in KEYS."""
        for name in names:
            self.child.send(KEYS[name])

    def read(self, seconds: float = 0.05) -> bool:
        """Take in what comes within so many seconds; False when there was nothing."""
        try:
            came = self.child.read_nonblocking(65536, seconds)
            self.read_at = time.perf_counter()
            self._stream.feed(came)
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            self.child.wait()
            return False
        return True

    def wait_for(self, is_there: str | Callable[[str], bool], seconds: float = _PATIENCE) -> str:
        """Read until the screen holds this text, or is as asked; the screen. AssertionError when that does
        not come."""
        check = (lambda screen: is_there in screen) if isinstance(is_there, str) else is_there
        end = time.monotonic() + seconds
        while not check(self.screen):
            if time.monotonic() > end or (not self.read(0.05) and not self.child.isalive()):
                raise AssertionError(f"{is_there!r} did not come. The screen is:\n{self.screen}")
        return self.screen

    def wait_for_end(self) -> int:
        """Wait until the program has ended; its exit status."""
        end = time.monotonic() + _PATIENCE
        while self.child.isalive() and time.monotonic() < end:
            self.read(0.05)
        self.read(0.0)
        self.child.close()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -1)
