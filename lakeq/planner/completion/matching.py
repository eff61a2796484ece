"""How well a name fits what was typed of it, and how it is spelled in SQL."""

from __future__ import annotations

import re
from typing import Literal

Fit = Literal[0, 1, 2]
"""0: it begins so, 1: it has that inside, 2: its words begin so."""

RESERVED = frozenset({
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "both", "case",
    "cast", "check", "collate", "column", "constraint", "create", "default", "deferrable", "desc",
    "describe", "distinct", "do", "else", "end", "except", "false", "fetch", "for", "foreign", "from",
    "group", "having", "in", "initially", "intersect", "into", "lambda", "lateral", "leading", "limit",
    "not", "null", "offset", "on", "only", "or", "order", "pivot", "pivot_longer", "pivot_wider",
    "placing", "primary", "qualify", "references", "returning", "select", "show", "some", "summarize",
    "symmetric", "table", "then", "to", "trailing", "true", "union", "unique", "unpivot", "using",
    "variadic", "when", "where", "window", "with",
})  # fmt: skip
"""DuckDB's reserved words, which name nothing without quotes."""

_PLAIN = re.compile(r"[^\W\d]\w*")


class Matcher:
    """Tells how well names fit what was typed, in any case."""

    def __init__(self, typed: str) -> None:
        self.typed = typed.casefold()
        # `evid` for event_id: each letter goes on in its word, or begins a later one.
        steps = "".join(f"(?:{re.escape(c)}|.*?_{re.escape(c)})" for c in self.typed[1:])
        self._by_words = re.compile(f"(?:.*_)?{re.escape(self.typed[:1])}{steps}") if typed[1:] else None

    def fit(self, name: str) -> Fit | None:
        """How well the name fits; None when it does not. One letter fits only where it comes first."""
        folded = name.casefold()
        if folded.startswith(self.typed):
            return 0
        if self._by_words is None:
            return None
        if self.typed in folded:
            return 1
        return 2 if self._by_words.match(folded) else None


def spell_name(name: str, is_quoted: bool = False) -> str:
    """The name as SQL, in quotes where it needs them."""
    if not is_quoted and _PLAIN.fullmatch(name) and name.casefold() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'
