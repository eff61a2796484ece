"""`lakeq repl LAKE`: a session at a terminal, or a script from a pipe."""

from __future__ import annotations

import sys
from argparse import Namespace


def run_repl(arguments: Namespace) -> None:
    """`lakeq repl LAKE`. With commands given, or without a terminal, it runs those, or what comes through the
    pipe, and ends at the first that fails."""
    # Each loads what it needs: the prompt stands before the lake is opened.
    if arguments.commands or not sys.stdin.isatty():
        from lakeq.cli.repl.batch import run_texts

        run_texts(arguments, arguments.commands or [sys.stdin.read()])
    else:
        from lakeq.cli.repl.session import Session

        Session(arguments).run()
