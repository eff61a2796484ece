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

    def fit(self, name: str) -> Fit | None:
        """How well the name fits; None when it does not. One letter fits only where it comes first."""
        folded = name.casefold()
        if folded.startswith(self.typed):
            return 0
        if len(self.typed) < 2:
            return None
        if self.typed in folded:
            return 1
        return 2 if _begin_words(folded, self.typed) else None


def _begin_words(name: str, typed: str) -> bool:
    """Whether each letter goes on in its word of the name, or begins a later one: `evid` for event_id."""
    at = 0
    for letter in typed:
        at = name.find(letter, at) + 1
        if not at:
            return False
    starts = [i for i, before in enumerate(f"_{name[:-1]}") if before == "_"]
    ends = {i + 1 for i in starts if name.startswith(typed[0], i)}
    for letter in typed[1:]:
        least = min(ends, default=len(name))
        goes_on = {end + 1 for end in ends if name.startswith(letter, end)}
        ends = goes_on | {i + 1 for i in starts if i >= least and name.startswith(letter, i)}
    return bool(ends)


def spell_name(name: str, is_quoted: bool = False) -> str:
    """The name as SQL, in quotes where it needs them."""
    if not is_quoted and _PLAIN.fullmatch(name) and name.casefold() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'
