"""A text of several SQL statements, taken apart at its semicolons. Works on text that is not finished."""

from __future__ import annotations

from dataclasses import dataclass

from lakeq.planner.tokens import scan_tokens


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a text: from `start` to `stop`, its semicolon not included. `is_ended`: it has one."""

    text: str
    start: int
    stop: int
    is_ended: bool


def next_statement(text: str, start: int = 0) -> Statement | None:
    """The first statement that begins at `start` or later; space and comments are none."""
    first = None
    for token in scan_tokens(text, start):
        if token.kind == "comment":
            continue
        if token.text == ";":
            if first is not None:
                return _cut(text, first, token.start, is_ended=True)
        elif first is None:
            first = token.start
    return None if first is None else _cut(text, first, len(text), is_ended=False)


def split_statements(text: str) -> list[Statement]:
    """The statements of a text, in order."""
    found: list[Statement] = []
    while (statement := next_statement(text, found[-1].stop if found else 0)) is not None:
        found.append(statement)
    return found


def find_statement(text: str, position: int) -> Statement | None:
    """The statement that a cursor at `position` stands in, else the last before it, else the first; None in
    a text without any."""
    statements = split_statements(text)
    before = [statement for statement in statements if statement.start <= position]
    return next(iter(before[-1:] or statements[:1]), None)


def _cut(text: str, start: int, stop: int, is_ended: bool) -> Statement:
    words = text[start:stop].rstrip()
    return Statement(words, start, start + len(words), is_ended)
