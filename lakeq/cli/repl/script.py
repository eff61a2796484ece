"""A text taken apart into what the REPL runs: statements of SQL, and commands of one line each."""

from __future__ import annotations

from collections.abc import Iterator

from lakeq.planner.statements import Statement, next_statement


def split_script(text: str) -> Iterator[Statement]:
    """Each statement and each command of a text, in order. A command begins with a dot where a statement
    could begin, and ends with its line."""
    at = 0
    while (statement := next_statement(text, at)) is not None:
        if is_command(statement.text):
            stop = text.find("\n", statement.start)
            stop = len(text) if stop < 0 else stop
            words = text[statement.start : stop].rstrip()
            statement = Statement(words, statement.start, stop, is_ended=True)
        yield statement
        at = statement.stop


def is_command(text: str) -> bool:
    """Whether a statement is a command of the REPL."""
    return text.startswith(".")


def is_complete(text: str) -> bool:
    """Whether a text that was typed is to be run as it is: commands, and SQL that ends with a semicolon."""
    return all(statement.is_ended for statement in split_script(text))
