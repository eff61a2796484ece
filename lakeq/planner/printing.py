"""SQL that was put together by calls, written as a person would write it: word by word, never rearranged.

DuckDB prints a relation with every name quoted, every expression in parentheses, and its steps numbered.
Nothing here parses: names are exchanged, needless quotes and parentheses left out, lines broken. Who prints
asks the engine whether the text still means the same (`means_same` in lakeq.engines.shadow).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import sqlglot
from sqlglot import TokenType

from lakeq.formats.types import quote_name
from lakeq.planner.parse import DIALECT

_WIDTH = 100
_STEP = re.compile(r"__duckdb_s\d+")
_MADE_UP = re.compile(r"(row_index|filter)_?[0-9a-f]{8,}")
"""Names that narwhals draws at random for a column of its own."""

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_STARTS = {"FROM", "WHERE", "GROUP BY", "ORDER BY", "HAVING", "QUALIFY", "LIMIT", "UNION"}
_JOINS = {"INNER", "LEFT", "RIGHT", "FULL", "CROSS", "SEMI", "ANTI", "ASOF", "POSITIONAL"}
_CLAUSES = {*_STARTS, *_JOINS, "JOIN", "ON"}
_WORDS = {
    *_CLAUSES, "AND", "AS", "ASC", "BETWEEN", "CASE", "CURRENT", "DESC", "DISTINCT", "ELSE", "END", "FIRST",
    "FOLLOWING", "IN", "IS", "LAST", "MATERIALIZED", "NOT", "NULL", "NULLS", "OFFSET", "OR", "OUTER", "OVER",
    "PARTITION BY", "PRECEDING", "ROW", "ROWS", "SELECT", "THEN", "UNBOUNDED", "WHEN", "WITH",
}  # fmt: skip
_BEFORE_WHOLE = {
    "SELECT",
    ",",
    "(",
    "[",
    "WHERE",
    "ON",
    "GROUP BY",
    "ORDER BY",
    "PARTITION BY",
    "WHEN",
    "THEN",
    "ELSE",
}
_AFTER_WHOLE = {"AS", ",", ")", "]", "", "ASC", "DESC", "NULLS", "WHEN", "THEN", "ELSE", "END", *_CLAUSES}


@dataclass(frozen=True, slots=True)
class Word:
    """One token of SQL, as it is written. `name` is what a quoted one names, else empty."""

    text: str
    name: str = ""

    @property
    def keyword(self) -> str:
        """The token in upper case; nothing of a quoted name or a text, which are no keywords."""
        return "" if self.name or self.text[0] == "'" else " ".join(self.text.upper().split())


def read_words(sql: str) -> list[Word]:
    """The tokens of `sql`."""
    words = []
    for token in sqlglot.tokenize(sql, read=DIALECT):
        text = sql[token.start : token.end + 1]
        words.append(Word(text, token.text if token.token_type is TokenType.IDENTIFIER else ""))
    return words


def name_tables(sql: str, names: Mapping[str, str]) -> str:
    """`sql` as DuckDB printed it, with the tables in `names` called so, its steps `step_1`, `step_2`, …, and
    `x` for `x AS x`; a last step that selects all of the one before it is left out."""
    words = read_words(sql)
    words = list(drop_aliases(words, names))
    words = drop_last_step(list(drop_same_names(words)))
    taken = {word.name or word.text for word in words} | set(names.values())
    renamed = dict(names)
    for word in words:
        if word.name and word.name not in renamed:
            base = "step" if _STEP.fullmatch(word.name) else ""
            made_up = _MADE_UP.fullmatch(word.name)
            base = made_up[1] if made_up else base
            if base:
                renamed[word.name] = find_free(base, taken)
                taken.add(renamed[word.name])
    mentions = [word.name for word in words]
    written = []
    for i, word in enumerate(words):
        hint = [w.keyword for w in words[i : i + 2]] == ["NOT", "MATERIALIZED"]
        inlined = hint or (word.keyword == "MATERIALIZED" and words[i - 1].keyword == "NOT")
        step = words[i - 2 - (word.keyword == "MATERIALIZED")].name if inlined else ""
        if _STEP.fullmatch(step) and mentions.count(step) == 2:
            continue  # read once: then it is inlined in any case
        written.append(quote_name(renamed[word.name]) if word.name in renamed else word.text)
    return " ".join(written).replace(" . ", ".")


def drop_aliases(words: Sequence[Word], tables: Mapping[str, str]) -> Iterator[Word]:
    """The words without `AS "table"` after a step, where nothing is qualified with it."""
    used = {a.name for a, b in pairwise(words) if b.text == "."}
    skipped = 0
    for i, word in enumerate(words):
        is_alias = word.keyword == "AS" and i and _STEP.fullmatch(words[i - 1].name)
        if is_alias and words[i + 1].name in tables and words[i + 1].name not in used:
            skipped = 2
        if skipped:
            skipped -= 1
        else:
            yield word


def drop_last_step(words: list[Word]) -> list[Word]:
    """The words without a `SELECT * FROM step` at their end: the body of that step is then the query."""
    if len(words) < 5:
        return words
    close, select, star, start, last = words[-5:]
    is_all = (close.text, select.keyword, star.text, start.keyword) == (")", "SELECT", "*", "FROM")
    begins = [i for i, word in enumerate(words) if word.name == last.name]
    if not is_all or not _STEP.fullmatch(last.name) or len(begins) != 2:
        return words
    begin = begins[0]
    body = words[begin : len(words) - 5]
    opened = next(i for i, word in enumerate(body) if word.text == "(")
    before = words[:begin]
    return [*(before[:-1] if before[-1].text in ",WITH" else before), *body[opened + 1 :]]


def find_free(base: str, taken: Iterable[str], texts: Sequence[str] = ()) -> str:
    """`base_1`, or with the first other number that is not `taken` in any case, nor a word of `texts`."""
    folded, number = {name.casefold() for name in taken}, 1
    while f"{base}_{number}" in folded or any(f"{base}_{number}" in text.casefold() for text in texts):
        number += 1
    return f"{base}_{number}"


def tidy_query(sql: str, keeps_brackets: bool = False) -> str:
    """`sql` with lines, without needless quotes, and unless `keeps_brackets` without needless parentheses."""
    words = read_words(sql)
    if not keeps_brackets:
        words = drop_brackets(words)
    return lay_out([write_plainly(word) for word in words])


def drop_same_names(words: Sequence[Word]) -> Iterator[Word]:
    """The words with `x` for `x AS x`."""
    skipped = 0
    for i, word in enumerate(words):
        shown = word.keyword == "AS" and words[i - 2].text in (",", ".", "SELECT") and words[i - 1].name
        if shown and words[i - 1].name == words[i + 1].name:
            skipped = 2
        if skipped:
            skipped -= 1
        else:
            yield word


def write_plainly(word: Word) -> Word:
    """A word without quotes that it does not need; a keyword in upper case."""
    if not word.name:
        return replace(word, text=word.keyword) if word.keyword in _WORDS else word
    reserved = sqlglot.Dialect.get_or_raise(DIALECT).generator_class.RESERVED_KEYWORDS
    if not _PLAIN.fullmatch(word.name) or word.name in reserved or word.name.upper() in _WORDS:
        return word
    (token,) = sqlglot.tokenize(word.name, read=DIALECT)
    return replace(word, text=word.name) if token.token_type is TokenType.VAR else word


def drop_brackets(words: Sequence[Word]) -> list[Word]:
    """The words without parentheses around what stands alone, or among others that AND or OR bind last."""
    pairs, opened = {}, []
    for i, word in enumerate(words):
        if word.text == "(":
            opened.append(i)
        elif word.text == ")":
            pairs[opened.pop()] = i
    dropped: set[int] = set()
    for begin, end in sorted(pairs.items()):
        left = next((w for i, w in enumerate(words[begin - 1 :: -1]) if begin - 1 - i not in dropped), None)
        after = (words[i] for i in range(end + 1, len(words)))
        right = next(after, None)
        inner = top_words(words[begin + 1 : end])
        is_query = words[begin + 1].keyword in ("SELECT", "WITH", ")")
        is_call = begin > 0 and is_callee(words, begin - 1)
        if is_query or is_call or "," in inner or left is None:
            continue
        before, behind = left.keyword or left.text, "" if right is None else right.keyword or right.text
        whole = before in _BEFORE_WHOLE and behind in _AFTER_WHOLE
        bound = before in _BEFORE_WHOLE | {"AND"} and behind in _AFTER_WHOLE | {"AND"} and "OR" not in inner
        atom = before in _BEFORE_WHOLE | {"AND", "OR"} and behind in _AFTER_WHOLE | {"AND", "OR"}
        atom = atom and not inner & {"AND", "OR"}
        if whole or bound or atom:
            dropped |= {begin, end}
    return [word for i, word in enumerate(words) if i not in dropped]


def top_words(words: Sequence[Word]) -> set[str]:
    """The keywords and signs among `words` that stand in no parentheses of their own, nor in a CASE."""
    depth, found = 0, set()
    for word in words:
        depth -= word.text in (")", "]") or word.keyword == "END"
        if depth == 0:
            found.add(word.keyword)
        depth += word.text in ("(", "[") or word.keyword == "CASE"
    return found


def is_callee(words: Sequence[Word], at: int) -> bool:
    """Whether the word before a parenthesis makes it more than one: a function, a type, IN, OVER, …"""
    word = words[at]
    return (
        bool(word.name)
        or word.text == "."
        or (word.text[-1].isalnum() and word.keyword not in _BEFORE_WHOLE | {"AND", "OR"})
    )


def lay_out(words: Sequence[Word]) -> str:
    """The words in lines: a clause a line, a step's body indented, long lists broken at commas."""
    lines: list[str] = [""]
    depths: list[bool] = []  # of each open parenthesis, whether a query is in it
    for i, word in enumerate(words):
        before = words[i - 1] if i else Word("(")
        indent = "  " * sum(depths)
        in_query = not depths or depths[-1]
        if word.text == ")" and depths and depths.pop():
            lines.append("  " * sum(depths) + ")")
            continue
        if breaks(words, i, in_query):
            lines.append(indent + word.text)
        elif len(lines[-1]) > _WIDTH and (before.text == "," or word.keyword in ("AND", "OR")):
            lines.append(indent + "    " + word.text)
        else:
            lines[-1] += ("" if sticks(words, i) else " ") + word.text if lines[-1].strip() else word.text
        if word.text == "(":
            depths.append(words[i + 1].keyword in ("SELECT", "WITH"))
            if depths[-1]:
                lines.append("  " * sum(depths))
    return "\n".join(line.rstrip() for line in lines)


def breaks(words: Sequence[Word], at: int, in_query: bool) -> bool:
    """Whether a line begins with the word: a clause of a query, a join, the SELECT that follows its steps."""
    word, before = words[at].keyword, words[at - 1].keyword if at else ""
    if not in_query or not at:
        return False
    if word == "SELECT":
        return before in (")", "ALL", "UNION")
    if word in _JOINS:
        return before not in _JOINS and words[at + 1].keyword in ("JOIN", "OUTER")
    return word in _STARTS


def sticks(words: Sequence[Word], at: int) -> bool:
    """Whether no space stands before the word."""
    word, before = words[at].text, words[at - 1].text
    if word in (",", ")", "]", ".", "::") or before in ("(", "[", ".", "::"):
        return True
    if word in ("(", "["):
        return is_callee(words, at - 1) and words[at - 1].keyword not in _WORDS
    return False
