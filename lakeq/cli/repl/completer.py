"""What may be typed next: names and values in SQL, commands and their arguments."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from lakeq.cli.arguments import MODES
from lakeq.cli.repl.commands import COMMANDS
from lakeq.cli.repl.names import KnownNames
from lakeq.cli.repl.settings import SETTINGS
from lakeq.lake import Lake
from lakeq.planner.completion import complete_sql

_DEBOUNCE_SECONDS = 0.02
"""The key itself is drawn first. This runs in a thread of its own."""


class ReplCompleter(Completer):
    """Completes commands by their table, and SQL by what is known of the lake: nothing is listed for it."""

    def __init__(self, lake: Lake) -> None:
        self._names = KnownNames(lake)
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        time.sleep(_DEBOUNCE_SECONDS)
        self._names.look_up()
        line = document.text_before_cursor.lstrip()
        if line.startswith("."):
            yield from self._complete_command(line, event)
        else:
            yield from self._complete_sql(document.text, document.cursor_position)

    def _complete_sql(self, text: str, position: int) -> Iterator[Completion]:
        for offer in complete_sql(text, position, self._names):
            meaning = offer.detail or ("" if offer.kind == "keyword" else offer.kind)
            yield Completion(offer.text, offer.start - position, display_meta=meaning)

    def _complete_command(self, line: str, event: CompleteEvent) -> Iterator[Completion]:
        name, space, argument = line.removeprefix(".").partition(" ")
        if not space:
            yield from (
                Completion(f".{key}", -len(line), display_meta=command.help)
                for key, command in COMMANDS.items()
                if key.startswith(name.casefold())
            )
            return
        command = COMMANDS.get(name.casefold())
        if command is None:
            return
        if command.argument == "sql":
            yield from self._complete_sql(argument, len(argument))
        elif command.argument == "file":
            yield from self._paths.get_completions(Document(argument), event)
        else:
            yield from _complete_words(self._offer(command.argument, argument), argument)

    def _offer(self, kind: str, argument: str) -> Iterable[tuple[str, str]]:
        """The words that an argument of this kind may be, with what they mean."""
        match kind:
            case "table":
                return [(name, self._names.describe(name)) for name in self._names.table_names()]
            case "command":
                return [(name, command.help) for name, command in COMMANDS.items()]
            case "engine":
                return [(value, "") for value in SETTINGS["engine"].values]
            case "mode":
                return [(mode, "") for mode in MODES]
            case "switch":
                return [("on", ""), ("off", "")]
            case "budget":
                return [("off", "no limit of this session")]
            case "setting":
                name, space, _ = argument.partition(" ")
                if not space:
                    return [(key, setting.help) for key, setting in SETTINGS.items()]
                values = SETTINGS[name].values if name in SETTINGS else ()
                return [(value, "") for value in values]
        return []


def _complete_words(words: Iterable[tuple[str, str]], argument: str) -> Iterator[Completion]:
    typed = argument.rpartition(" ")[2]
    for word, meaning in words:
        if word.casefold().startswith(typed.casefold()):
            yield Completion(word, -len(typed), display_meta=meaning)
