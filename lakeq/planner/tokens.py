"""Tokens of SQL that may be unfinished: what is a word, a literal or a sign, and where it stands.

A parser's tokenizer gives up at an open quote; while someone types, most text is like that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, cast

Kind = Literal["comment", "string", "name", "number", "parameter", "word", "sign"]

_TOKENS = re.compile(
    r"""
      (?P<comment> --[^\n]*(?P<line>) | /\*.*?(?:(?P<block>\*/)|\Z) )
    | (?P<string> [eE]'(?:\\.|''|[^'\\])*(?P<escaped>')? | '(?:''|[^'])*(?P<plain>')?
        | \$(?P<tag>[^\W\d]\w*|)\$.*?(?:(?P<tagged>\$(?P=tag)\$)|\Z) )
    | (?P<name> "(?:""|[^"])*(?P<quoted>")? | `[^`]*(?P<ticked>`)? )
    | (?P<number> (?:\d|\.\d)[\w.]* )
    | (?P<parameter> \$\w* | \? )
    | (?P<word> [^\W\d]\w* )
    | (?P<sign> ->> | -> | :: | == | <= | >= | <> | != | \|\| | \S )
    """,
    re.VERBOSE | re.DOTALL,
)
_ENDS = ("line", "block", "escaped", "plain", "tagged", "quoted", "ticked")


class Token(NamedTuple):
    """One token of a text, from `start` to `end`.

    `upper` is a word in capitals, else the text as it is. `is_closed`: a comment, string or quoted name has
    its end.
    """

    kind: Kind
    text: str
    start: int
    end: int
    upper: str
    is_closed: bool = True

    @property
    def is_name(self) -> bool:
        """Whether it may name a table or a column."""
        return self.kind in ("word", "name")

    @property
    def name(self) -> str:
        """The name without its quotes."""
        if self.kind != "name":
            return self.text
        quote = self.text[0]
        return self.text[1 : -1 if self.is_closed else None].replace(quote * 2, quote)


def scan_tokens(text: str, start: int = 0) -> Iterator[Token]:
    """The tokens of a text from `start` on, comments among them. Whatever it is, it has tokens."""
    for match in _TOKENS.finditer(text, start):
        kind, word = cast(Kind, match.lastgroup), match[0]
        begin, end = match.span()
        if kind == "word":
            yield Token(kind, word, begin, end, word.upper())
        elif kind in ("comment", "string", "name"):
            closed = end < len(text) or any(match[name] is not None for name in _ENDS)
            yield Token(kind, word, begin, end, word, closed)
        else:
            yield Token(kind, word, begin, end, word)


def take_statement(tokens: Sequence[Token], cursor: int) -> list[Token]:
    """The tokens of the statement in which the cursor stands; a `;` ends the one before it."""
    start = end = 0
    for end, token in enumerate(tokens):
        if token.text == ";":
            if cursor <= token.start:
                return list(tokens[start:end])
            start = end + 1
    return list(tokens[start:])


def match_brackets(tokens: Sequence[Token]) -> dict[int, int]:
    """The number of the closing token for each that opens, `len(tokens)` where there is none."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for i, token in enumerate(tokens):
        if token.text in ("(", "[", "{"):
            pairs[i] = len(tokens)
            opened.append(i)
        elif token.text in (")", "]", "}") and opened:
            pairs[opened.pop()] = i
    return pairs
