"""A session at a terminal: read, judge while it is typed, run, show; and go on after whatever happens."""

from __future__ import annotations

import sys
import threading

from prompt_toolkit.input import Input
from prompt_toolkit.output import Output

from lakeq.cli.progress import PromptLine
from lakeq.cli.render import make_console
from lakeq.cli.repl.commands import Quit, run_script
from lakeq.cli.repl.completer import ReplCompleter
from lakeq.cli.repl.live import LiveEstimate
from lakeq.cli.repl.prompt import Prompt
from lakeq.cli.repl.settings import ReplSettings
from lakeq.cli.repl.shell import Shell
from lakeq.cli.repl.toolbar import ERROR, HINT, Words, describe_judged
from lakeq.cli.words import describe_error
from lakeq.errors import LakeqError, QueryCancelledError
from lakeq.lake import Lake
from lakeq.planner.preview import Preview
from lakeq.planner.statements import find_statement
from lakeq.storage.workers import begin
from lakeq.texts import show_line

_SWITCH_SECONDS = 0.001
"""How long the thread that judges may hold the interpreter while a key waits; Python's own is 5 ms."""


class Session:
    """One session over a lake. `input` and `output` are those of a test, else the terminal's."""

    def __init__(
        self,
        lake: Lake,
        settings: ReplSettings,
        line: PromptLine,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self._lake = lake
        self._line = line
        self._settings = settings
        self._opened: Words = (HINT, f"{show_line(lake.location)} · opening …")
        self._live = LiveEstimate(self._preview, "://" in lake.location, self._tell)
        self._shell = Shell(lake, settings, ask, self._live.find)
        self._prompt = Prompt(settings, ReplCompleter(lake), self._describe, self._judge, input, output)

    def run(self) -> None:
        """Read and run until the user leaves."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        begin(self._open)
        try:
            while True:
                try:
                    self._run_text(self._read())
                except KeyboardInterrupt:  # of the prompt: begin anew
                    continue
        except (EOFError, Quit):
            pass
        finally:
            self._live.close()

    def _read(self) -> str:
        self._live.submit("")
        with self._line.holding(self._redraw):
            return self._prompt.read()

    def _run_text(self, text: str) -> None:
        """Run all that was typed, up to the first that fails; whatever that is, the session goes on."""
        try:
            run_script(self._shell, text)
        except (KeyboardInterrupt, QueryCancelledError):
            tell_error("interrupted")
        except LakeqError as error:
            tell_error(describe_error(error))
        except (BrokenPipeError, OSError) as error:
            tell_error(f"{type(error).__name__}: {error}")
        finally:
            if text.lstrip().startswith("."):  # it may have changed the terms, or the lake
                self._live.forget()

    def _open(self) -> None:
        """While the user begins to type: which tables there are, and all that the first query needs."""
        try:
            names = self._lake.names()
            if "://" not in self._lake.location:  # of others, what a query names is looked into
                self._lake.tables()
        except LakeqError as error:
            self._opened = ERROR, show_line(str(error))
        else:
            tables = "1 table" if len(names) == 1 else f"{len(names):,} tables"
            self._opened = HINT, f"{show_line(self._lake.location)} · {tables} · .help"
        self._tell()

    def _judge(self, text: str, position: int) -> None:
        is_command = text.lstrip().startswith(".")
        statement = None if is_command else find_statement(text, position)
        self._live.submit("" if statement is None else statement.text)

    def _preview(self, sql: str, stopped: threading.Event) -> Preview:
        settings = self._settings
        return self._lake.preview(sql, settings.max_bytes, settings.max_cost, settings.dialect, stopped)

    def _describe(self) -> Words:
        if self._opened[0] == ERROR:
            return self._opened
        judged, ask_above = self._live.latest, self._settings.ask_above
        if self._line.held is not None and (judged is None or judged.preview is None):
            return HINT, self._line.held
        return describe_judged(judged, self._opened[1], ask_above)

    def _tell(self) -> None:
        """Something is known now: whatever was told of the work on it is over."""
        self._line.held = None
        self._redraw()

    def _redraw(self) -> None:
        self._prompt.redraw()


def ask(question: str) -> bool:
    """Whether the user says yes; no is what Enter, Ctrl-C and Ctrl-D say."""
    try:
        return input(f"{question} [y/N] ").strip().casefold() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        sys.stdout.write("\n")
        return False


def tell_error(text: str) -> None:
    """Say what went wrong: on standard error, in red where there are colours."""
    sys.stdout.flush()
    make_console(sys.stderr).print(text, style="red", soft_wrap=True)
