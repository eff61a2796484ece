"""A text of several SQL statements, taken apart at its semicolons. Works on text that is not finished."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PIECES = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<quoted> [eE]'(?:[^'\\]|''|\\.)*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z)
                | \$(?P<tag>[A-Za-z_]*)\$.*?(?:\$(?P=tag)\$|\Z) )
    | (?P<end> ; )
    | \s+
    | (?P<word> \w+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a text: from `start` to `stop`, its semicolon not included. `is_ended`: it has one."""

    text: str
    start: int
    stop: int
    is_ended: bool


def split_statements(text: str) -> list[Statement]:
    """The statements of a text, in order; what holds nothing but space and comments is none."""
    found: list[Statement] = []
    start, has_words = 0, False
    for piece in _PIECES.finditer(text):
        if piece["end"] is None:
            has_words = has_words or piece["quoted"] is not None or piece["word"] is not None
            continue
        if has_words:
            found.append(_cut(text, start, piece.start(), is_ended=True))
        start, has_words = piece.end(), False
    if has_words:
        found.append(_cut(text, start, len(text), is_ended=False))
    return found


def find_statement(text: str, position: int) -> Statement | None:
    """The statement that a cursor at `position` stands in, else the last before it, else the first; None in
    a text without any."""
    statements = split_statements(text)
    before = [statement for statement in statements if statement.start <= position]
    return (before[-1:] or statements[:1] or [None])[0]


def _cut(text: str, start: int, stop: int, is_ended: bool) -> Statement:
    part = text[start:stop]
    start += len(part) - len(part.lstrip())
    return Statement(part.strip(), start, start + len(part.strip()), is_ended)
