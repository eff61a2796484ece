"""Workbench: what a session works with once its lake is open."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import ExitStack

from lakeq.cli.opening import open_lake
from lakeq.cli.progress import PromptLine
from lakeq.cli.render import make_console
from lakeq.cli.repl.commands import Quit, run_script
from lakeq.cli.repl.completer import ReplCompleter
from lakeq.cli.repl.live import LiveEstimate
from lakeq.cli.repl.prompt import ERROR, HINT, Prompt, Words
from lakeq.cli.repl.script import is_command
from lakeq.cli.repl.settings import make_settings
from lakeq.cli.repl.shell import Shell
from lakeq.cli.repl.toolbar import describe_judged
from lakeq.cli.words import describe_defect, describe_error
from lakeq.errors import LakeqError, QueryCancelledError
from lakeq.planner.statements import find_statement
from lakeq.texts import show_line


class Workbench:
    """The lake of a session, what is told of the text that is being typed, and what runs it."""

    def __init__(self, arguments: Namespace, line: PromptLine, prompt: Prompt) -> None:
        """Opens the lake; LakeqError when that fails."""
        self._line = line
        self._prompt = prompt
        self._stack = ExitStack()
        self._lake = self._stack.enter_context(open_lake(arguments, line))
        prompt.lines.keep(self._lake.keeps_sql)
        self._settings = make_settings(self._lake, arguments)
        self._known: Words = (HINT, f"{show_line(self._lake.location)} · looking around …")
        self._shell = Shell(self._lake, self._settings, ask, lambda sql: self._live.find(sql))
        self._live = LiveEstimate(self._shell.preview, self._is_remote, self._tell)
        self._stack.callback(self._live.close)
        self.completer = ReplCompleter(self._lake)
        self._set_keys()

    @property
    def _is_remote(self) -> bool:
        return "://" in self._lake.location

    def close(self) -> None:
        """Close the lake."""
        self._stack.close()

    def look_around(self) -> None:
        """Find out which tables there are, and of a folder all that the first query needs."""
        try:
            names = self._lake.names()
            if not self._is_remote:  # of others, what a query names is looked into
                self._lake.tables()
        except LakeqError as error:
            self._known = ERROR, show_line(str(error))
        else:
            tables = "1 table" if len(names) == 1 else f"{len(names):,} tables"
            self._known = HINT, f"{show_line(self._lake.location)} · {tables} · .help"
        self._tell()

    def run(self, text: str) -> bool:
        """Run all that was typed, up to the first that fails; False when the user wants to leave."""
        try:
            run_script(self._shell, text)
        except Quit:
            return False
        except (KeyboardInterrupt, QueryCancelledError):
            tell_error("interrupted")
        except LakeqError as error:
            tell_error(describe_error(error))
        except OSError as error:  # of the terminal, or of a file that it was to write
            tell_error(f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001 - a defect of ours must not end the session
            tell_error(describe_defect(error))
        finally:
            self._live.forget()  # terms may have changed, and a day's budget has
            self._set_keys()
        return True

    def judge(self, text: str, position: int) -> None:
        """Judge the statement that the cursor stands in; returns at once."""
        statement = None if is_command(text.lstrip()) else find_statement(text, position)
        self._live.submit("" if statement is None else statement.text)

    def describe(self) -> Words:
        """What is known of the statement, in the words of the toolbar."""
        judged = self._live.latest
        if self._known[0] == ERROR:
            return self._known
        if self._line.held is not None and (judged is None or judged.preview is None):
            return HINT, self._line.held
        return describe_judged(judged, self._known[1], self._settings.ask_above)

    def _set_keys(self) -> None:
        self._prompt.is_vi = self._settings.keys == "vi"
        self._prompt.completes = self._settings.complete

    def _tell(self) -> None:
        """Something is known now: whatever was told of the work on it is over."""
        self._line.held = None
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
