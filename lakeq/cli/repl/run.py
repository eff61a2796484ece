"""`lakeq repl LAKE`: a session at a terminal, or a script from a pipe."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable
from contextlib import suppress

from lakeq.cli.opening import open_lake
from lakeq.cli.progress import PromptLine
from lakeq.cli.repl.commands import Quit, run_script
from lakeq.cli.repl.settings import ReplSettings
from lakeq.cli.repl.shell import Shell
from lakeq.lake import Lake


def run_repl(arguments: Namespace) -> None:
    """`lakeq repl LAKE`. With commands given, or without a terminal, it runs those, or what comes through the
    pipe, and ends at the first that fails."""
    line = PromptLine()
    with open_lake(arguments, line) as lake:
        settings = ReplSettings(
            lake.ask_above,
            mode=arguments.mode,
            timing=not arguments.commands and sys.stdin.isatty(),
            max_bytes=arguments.max_bytes,
            max_cost=arguments.max_cost,
            dialect=arguments.dialect,
        )
        if arguments.commands:
            run_texts(lake, settings, arguments.commands, arguments.yes)
        elif not sys.stdin.isatty():
            run_texts(lake, settings, [sys.stdin.read()], arguments.yes)
        else:
            from lakeq.cli.repl.session import Session

            Session(lake, settings, line).run()


def run_texts(lake: Lake, settings: ReplSettings, texts: Iterable[str], yes: bool) -> None:
    """Run scripts with nobody to ask; `yes`: no need to."""
    shell = Shell(lake, settings, (lambda question: True) if yes else None)
    with suppress(Quit):
        for text in texts:
            run_script(shell, text)
