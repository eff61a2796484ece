"""Scripts of the REPL, with nobody to ask."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from contextlib import suppress

from lakeq.cli.opening import open_lake
from lakeq.cli.repl.commands import Quit, run_script
from lakeq.cli.repl.settings import make_settings
from lakeq.cli.repl.shell import Shell


def run_texts(arguments: Namespace, texts: Iterable[str]) -> None:
    """Run these texts one after the other, up to the first statement that fails. `--yes` says yes to all that
    would be asked."""
    with open_lake(arguments) as lake, suppress(Quit):
        settings = make_settings(lake, arguments)
        settings.timing = False
        shell = Shell(lake, settings, (lambda question: True) if arguments.yes else None)
        for text in texts:
            run_script(shell, text)
