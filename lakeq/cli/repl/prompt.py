"""The prompt: lines of SQL with colours, completion and history, and the live estimate below them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import Completer
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition, completion_is_selected
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer, PygmentsLexer
from prompt_toolkit.styles import Style
from pygments.lexers.sql import SqlLexer

from lakeq.cli.repl.script import is_complete
from lakeq.ledger.journal import find_history_folder

PROMPT = "lakeq> "
_CONTINUED = "   ...> "
_HISTORY_FILE = "repl-history"

ESTIMATE, WARNING, ERROR, HINT = "class:estimate", "class:warning", "class:error", "class:hint"
Words = tuple[str, str]
"""One of these styles, and text in it."""

_STYLE = {
    "prompt": "bold",
    "continued": "ansibrightblack",
    "bottom-toolbar": "noreverse",
    "estimate": "bg:ansigreen ansiblack",
    "warning": "bg:ansiyellow ansiblack",
    "error": "bg:ansired ansiwhite",
    "hint": "reverse",
    "pygments.keyword": "bold ansicyan",
    "pygments.name.builtin": "ansicyan",
    "pygments.literal.string": "ansigreen",
    "pygments.literal.number": "ansimagenta",
    "pygments.comment": "ansibrightblack",
}
"""The colours are those of the terminal, so that they go with its background."""


class SqlOrCommand(Lexer):
    """Colours for SQL; none for a command, which is no SQL."""

    def __init__(self) -> None:
        self._sql = PygmentsLexer(SqlLexer)

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        if document.text.lstrip().startswith("."):
            return lambda number: [("class:prompt", document.lines[number])]
        return self._sql.lex_document(document)


class Prompt:
    """Reads what is typed. `describe` gives the words of the toolbar; `judge` is told of each change: the
    text and where the cursor stands. `is_vi` and `completes` may be changed between two readings."""

    def __init__(
        self, completer: Completer, describe: Callable[[], Words], judge: Callable[[str, int], None]
    ) -> None:
        self.is_vi = False
        self.completes = True
        self._error: Exception | None = None
        self._describe = describe
        self.lines = TypedLines()
        self._session: PromptSession[str] = PromptSession(
            [("class:prompt", PROMPT)],
            multiline=True,
            prompt_continuation=_continue,
            lexer=SqlOrCommand(),
            style=Style.from_dict(_STYLE),
            completer=completer,
            complete_in_thread=True,
            complete_while_typing=Condition(lambda: self.completes),
            auto_suggest=AutoSuggestFromHistory(),
            history=self.lines,
            key_bindings=bind_keys(),
            bottom_toolbar=self._draw_toolbar,
            enable_open_in_editor=True,
            reserve_space_for_menu=6,
        )
        buffer = self._session.default_buffer
        buffer.on_text_changed += lambda _: judge(*self.typed)
        buffer.on_cursor_position_changed += lambda _: judge(*self.typed)

    @property
    def typed(self) -> tuple[str, int]:
        """What stands at the prompt, and where its cursor is."""
        buffer = self._session.default_buffer
        return buffer.text, buffer.cursor_position

    def read(self) -> str:
        """What was typed, once it is complete. KeyboardInterrupt for Ctrl-C, EOFError for Ctrl-D, or the
        error with which it was aborted."""
        self._session.editing_mode = EditingMode.VI if self.is_vi else EditingMode.EMACS
        return self._session.prompt(pre_run=self._check)

    def abort(self, error: Exception) -> None:
        """End the reading with this error. From any thread."""
        self._error = error
        loop = self._session.app.loop
        if loop is not None:  # else it is seen as soon as the reading begins
            loop.call_soon_threadsafe(self._check)

    def _check(self) -> None:
        if self._error is not None and not self._session.app.is_done:
            self._session.app.exit(exception=self._error)

    def redraw(self) -> None:
        """Draw the toolbar anew. From any thread."""
        self._session.app.invalidate()

    def _draw_toolbar(self) -> StyleAndTextTuples:
        style, text = self._describe()
        width = self._session.app.output.get_size().columns
        return [(style, f" {text}"[:width].ljust(width))]


def _continue(width: int, number: int, wraps: int) -> StyleAndTextTuples:
    return [("class:continued", _CONTINUED.rjust(width) if not wraps else " " * width)]


class TypedLines(FileHistory):
    """What is typed, with what was in earlier sessions. It waits in memory until `keep` says what becomes of
    it: whose history of queries is off, or without their values, keeps no lines either."""

    def __init__(self) -> None:
        self._path = find_history_file()
        self._lock = threading.Lock()
        self._is_kept: bool | None = None
        self._waiting: list[str] = []
        super().__init__(self._path)

    def keep(self, is_kept: bool) -> None:
        """Write what was typed and will be, or none of it. From any thread."""
        with self._lock:
            self._is_kept, waiting, self._waiting = is_kept, self._waiting, []
            for line in waiting if is_kept else ():
                self._write(line)

    def load_history_strings(self) -> Iterable[str]:
        """See History."""
        try:
            return list(super().load_history_strings())
        except OSError:
            return []

    def store_string(self, string: str) -> None:
        """See History."""
        with self._lock:
            if self._is_kept is None:
                self._waiting.append(string)
            elif self._is_kept:
                self._write(string)

    def _write(self, line: str) -> None:
        with suppress(OSError):  # then they are kept in memory alone
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            super().store_string(line)


def find_history_file() -> Path:
    """Where it is kept: beside the history of queries."""
    return find_history_folder().parent / _HISTORY_FILE


def bind_keys() -> KeyBindings:
    """Enter runs what is complete and else begins a line; Alt-Enter runs it anyway."""
    keys = KeyBindings()

    @keys.add("enter", filter=~completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_complete(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.newline(copy_margin=False)

    @keys.add("enter", filter=completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return keys
