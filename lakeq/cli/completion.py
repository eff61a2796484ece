"""Completion in bash, zsh and fish: `lakeq completion SHELL` prints what the shell runs at each TAB, and the
shell then asks lakeq itself. Answers come from the parser, from files, and from what is known of a lake.
"""

from __future__ import annotations

import argparse
import os
import sys
import tomllib
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from argcomplete.completers import BaseCompleter, ChoicesCompleter, FilesCompleter
from argcomplete.finders import CompletionFinder
from argcomplete.shell_integration import shellcode

from lakeq.engines.names import NAMES
from lakeq.planner.dialects.names import TITLES
from lakeq.planner.pricing import PRICINGS

_FILES = ("DIR", "FILE", "LAKE")
"""What a value is called that names a file or a folder."""
_CHOICES = {
    "dialect": tuple(TITLES),
    "engine": NAMES,
    "pricing": tuple(PRICINGS),
    "freshness": ("always", "index", "15m", "1h", "1d"),
    "egress": ("internet",),
    "since": ("12h", "7d", "2w"),
}
"""Values of options that take others, too."""
_PATIENCE_SECONDS = 1.0
"""Later than this nobody waits for an answer at a TAB."""


def print_script(arguments: Namespace) -> None:
    """`lakeq completion SHELL`."""
    sys.stdout.write(shellcode(["lakeq"], shell=arguments.shell))


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks for completions, as its environment says, and end the process."""
    for command in _find_commands(parser):
        for action in command._actions:
            action.completer = _choose_completer(action)  # type: ignore[attr-defined]  # argcomplete's own way
    CompletionFinder()(parser, always_complete_options=False)


def _find_commands(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    subparsers = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return [command for found in subparsers for command in found.choices.values()]


def _choose_completer(action: argparse.Action) -> BaseCompleter:
    if action.choices is not None:
        return ChoicesCompleter(dict.fromkeys(action.choices, ""))
    if action.metavar in _FILES:
        return FilesCompleter()
    if action.metavar == "TABLE":
        return TableCompleter()
    return ChoicesCompleter(dict.fromkeys(_CHOICES.get(action.dest, ()), ""))


class TableCompleter(BaseCompleter):
    """The tables of the lake that the arguments before name."""

    def __call__(self, *, prefix: str, parsed_args: Namespace, **_: Any) -> list[str]:
        """The names that begin so, any case."""
        names = find_tables(parsed_args)
        return [name for name in names if name.casefold().startswith(prefix.casefold())]


def find_tables(arguments: Namespace, patience: float = _PATIENCE_SECONDS) -> list[str]:
    """The names of the tables of a lake: of a folder what is declared and the folders in it, of a remote lake
    what earlier runs found. Nothing is listed but one folder of this machine. Empty where they are not known
    within `patience` seconds."""
    try:
        location, declared = _read_location(arguments.lake)
        if "://" not in location:
            folders = [entry.name for entry in os.scandir(os.path.expanduser(location)) if entry.is_dir()]
            return sorted({*declared, *(name for name in folders if name[0] not in "._")})
    except (OSError, ValueError, TypeError, AttributeError):
        return []  # a TAB is no place for an error: the command itself will tell
    names: list[str] = []
    thread = Thread(target=_recall_tables, args=(arguments, names), daemon=True)
    thread.start()
    thread.join(patience)
    return list(names)


def _read_location(lake: str) -> tuple[str, list[str]]:
    """Where the lake lies, and the tables that a lakeq.toml declares; read without all that a query needs."""
    if not lake.endswith(".toml") or "://" in lake:
        return lake, []
    content = tomllib.loads(Path(lake).read_text(encoding="utf-8"))
    location = str(content.get("location", "."))
    place = location if "://" in location else str(Path(lake).parent / location)
    return place, list(content.get("tables", {}))


def _recall_tables(arguments: Namespace, names: list[str]) -> None:
    from lakeq.cli.values import connect_options
    from lakeq.connecting import connect
    from lakeq.errors import LakeqError

    options = {**connect_options(arguments), "freshness": "index", "history": False}
    with suppress(LakeqError), connect(arguments.lake, **options) as lake:
        names += lake.names()
