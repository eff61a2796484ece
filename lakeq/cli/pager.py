"""Text that is longer than the screen goes through a pager; elsewhere than on a terminal nothing changes."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.cells import cell_len

from lakeq.errors import ConfigError
from lakeq.settings import find_pager

DEFAULT_PAGER = "less -FRX"
_LESS = {"LESS": "FRX"}
"""What `less` is told where the user has told it nothing: keep colours, and leave when all fits."""
_WIDE = ("-S", "-+F")
"""Do not fold long lines, and stay even if all lines fit: what is right of the screen is reached by keys."""
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class Screen(io.StringIO):
    """Text meant for the terminal, held back until it is known how long it is."""

    def isatty(self) -> bool:
        """Whether colours are welcome: they are."""
        return True


def find_command(no_pager: bool = False) -> list[str]:
    """The pager and its arguments; empty where there is to be none: `no_pager`, a pager that is set to
    nothing, or an output that is no terminal. ConfigError for quotes that do not close."""
    if no_pager or not sys.stdout.isatty():
        return []
    found = find_pager()
    try:
        return shlex.split(DEFAULT_PAGER if found.value is None else found.value)
    except ValueError as error:
        raise ConfigError(f"{found.source} is no command: {error}.") from error


@contextmanager
def paged(no_pager: bool = False) -> Iterator[bool]:
    """What is written to standard output meanwhile is shown at the end, through the pager if it does not fit
    the screen. Gives whether lines may be of any length: the pager shows what is right of the screen."""
    command = find_command(no_pager)
    if not command:
        yield False
        return
    terminal, sys.stdout = sys.stdout, (screen := Screen())
    try:
        yield _scrolls_right(command)
    except BaseException:
        terminal.write(screen.getvalue())  # so far
        raise
    finally:
        sys.stdout = terminal
    show_text(screen.getvalue(), command)


def _scrolls_right(command: list[str]) -> bool:
    return Path(command[0]).name == "less"


def show_text(text: str, command: list[str]) -> None:
    """Show text on the terminal, through the pager if it does not fit. A pager that is missing or that
    leaves early is no error."""
    columns, lines = shutil.get_terminal_size()
    widths = [cell_len(_ESCAPES.sub("", line)) for line in text.splitlines()]
    is_wide = _scrolls_right(command) and max(widths, default=0) > columns
    if not is_wide and sum(-(-width // columns) or 1 for width in widths) < lines:
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    try:
        pager = subprocess.Popen(
            [*command, *(_WIDE if is_wide else ())],
            stdin=subprocess.PIPE,
            env=_LESS | os.environ,
            text=True,
            encoding="utf-8",
        )
    except OSError:
        sys.stdout.write(text)
        return
    with _leave_interrupts_to_pager(), suppress(BrokenPipeError):
        pager.communicate(text)


@contextmanager
def _leave_interrupts_to_pager() -> Iterator[None]:
    """Ctrl-C is the pager's: it goes to every process of the terminal, and would end this one first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
