"""Which function is which command. Each is loaded when it is called: few need an engine to answer."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from importlib import import_module

Command = Callable[[Namespace], None]


def _find(module: str, name: str) -> Command:
    def run(arguments: Namespace) -> None:
        getattr(import_module(f"lakeq.cli.{module}"), name)(arguments)

    return run


COMMANDS: dict[str, Command] = {
    "tables": _find("looking", "show_tables"),
    "describe": _find("looking", "describe_table"),
    "partitions": _find("looking", "show_partitions"),
    "ddl": _find("looking", "print_ddl"),
    "estimate": _find("planning", "show_estimate"),
    "explain": _find("planning", "show_plan"),
    "query": _find("running", "run_query"),
    "repl": _find("repl.run", "run_repl"),
    "restore": _find("planning", "show_restores"),
    "check": _find("planning", "check_files"),
    "audit": _find("audit", "show_audit"),
    "refresh": _find("upkeep", "refresh_lake"),
    "cache": _find("upkeep", "show_cache"),
    "history": _find("history", "show_history"),
    "config": _find("config", "show_config"),
    "completion": _find("completion", "print_script"),
    "demo": _find("demo", "run_demo"),
}
