"""A session at a terminal: the prompt at once, and the lake behind it as soon as it is open."""

from __future__ import annotations

import gc
import sys
from argparse import Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from lakeq.cli.progress import PromptLine
from lakeq.cli.repl.prompt import HINT, Prompt, Words
from lakeq.errors import LakeqError
from lakeq.storage.workers import begin, watch

if TYPE_CHECKING:
    from lakeq.cli.repl.workbench import Workbench

_SWITCH_SECONDS = 0.001
"""How long another thread may hold the interpreter while a key waits; Python's own is 5 ms."""


class Session(Completer):
    """One session over the lake that the arguments name. What takes long to load is loaded meanwhile."""

    def __init__(self, arguments: Namespace) -> None:
        self._arguments = arguments
        self._line = PromptLine()
        self._prompt = Prompt(self, self._describe, self._judge)
        self._bench: Workbench | None = None

    def run(self) -> None:
        """Read and run until the user leaves. Raises the LakeqError for which the lake cannot be opened."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        opening = begin(self._open)
        try:
            while True:
                try:
                    text = self._read()
                    if not watch(opening, lambda: None).run(text):
                        break
                except KeyboardInterrupt:  # of the prompt, or while it opens: begin anew
                    continue
        except EOFError:
            pass
        finally:
            if opening.exception() is None:
                opening.result().close()

    def _open(self) -> Workbench:
        """Open the lake, in a thread. Where that fails, the prompt ends with the error."""
        try:
            from lakeq.cli.repl.workbench import Workbench

            bench = Workbench(self._arguments, self._line, self._prompt)
        except LakeqError as error:
            self._prompt.abort(error)
            raise
        self._bench = bench
        self._judge(*self._prompt.typed)
        bench.look_around()
        gc.freeze()  # what was loaded stays: to look through it for garbage takes longer than a key may
        return bench

    def _read(self) -> str:
        self._judge("", 0)
        with self._line.holding(self._prompt.redraw):
            return self._prompt.read()

    def _judge(self, text: str, position: int) -> None:
        if self._bench is not None:
            self._bench.judge(text, position)

    def _describe(self) -> Words:
        return (HINT, "opening …") if self._bench is None else self._bench.describe()

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        """What may be typed next; nothing before the lake is open."""
        return () if self._bench is None else self._bench.completer.get_completions(document, event)
