"""The place of a cursor in a statement: what was typed there, in which clause, and what that expects."""

from __future__ import annotations

from collections.abc import Sequence

from lakeq.planner.completion.matching import Matcher
from lakeq.planner.completion.names import ColumnSource
from lakeq.planner.completion.scope import CLAUSES, JOIN_WORDS, ScopeReader
from lakeq.planner.tokens import Token

_OPERAND_FOLLOWS = frozenset(
    {
        "SELECT",
        "DISTINCT",
        "ALL",
        "WHERE",
        "ON",
        "BY",
        "HAVING",
        "QUALIFY",
        "AND",
        "OR",
        "NOT",
        "WHEN",
        "THEN",
    }
    | {"ELSE", "CASE", "BETWEEN", "IN", "LIKE", "ILIKE", "USING", "FROM", "LIMIT", "OFFSET", "EXCLUDE"}
)


class Place:
    """A cursor in a statement.

    `tokens` are the statement's without the one that is being typed, `typed`; `at` is the number of the one
    behind it. `prefix` is what was typed of it before the cursor, `rest` the text behind the cursor;
    `matcher` tells what fits.
    """

    def __init__(
        self, text: str, cursor: int, typed: Token | None, tokens: Sequence[Token], tables: ColumnSource
    ) -> None:
        self.tokens = tokens
        self.typed = typed
        self.start = cursor if typed is None else typed.start
        self.prefix = text[self.start : cursor]
        self.rest = text[cursor:]
        self.matcher = Matcher(self._read_letters())
        self.at = next((i for i, token in enumerate(tokens) if token.start >= self.start), len(tokens))
        self.reader = ScopeReader(tokens, tables)
        self.scope = self.reader.read(self.at)
        self._opened = self.reader.enclosing(self.scope.start, self.at)
        self.clause = self._find_clause()

    @property
    def before(self) -> Token | None:
        """The token before the one that is typed."""
        return self.tokens[self.at - 1] if self.at else None

    @property
    def word_before(self) -> str:
        """The same as a keyword in capitals, or a sign; empty for a quoted name and for none."""
        return "" if self.before is None or self.before.kind == "name" else self.before.upper

    @property
    def is_quoted(self) -> bool:
        """Whether a name in quotes is typed."""
        return self.typed is not None and self.typed.kind == "name"

    @property
    def bracket_word(self) -> str | None:
        """The word before the innermost bracket that is open in this query; None outside of brackets."""
        if not self._opened:
            return None
        return self.tokens[self._opened[-1] - 1].upper if self._opened[-1] else ""

    @property
    def is_in_case(self) -> bool:
        """Whether a CASE before it has no END yet."""
        words = [token.upper for token in self.tokens[self.scope.start : self.at]]
        return words.count("CASE") > words.count("END")

    @property
    def is_compared(self) -> bool:
        """Whether the operand before it is the right side of a comparison."""
        signs = ("=", "==", "<", ">", "<=", ">=", "<>", "!=")
        return self.at >= 2 and self.tokens[self.at - 2].text in signs

    @property
    def types_lower(self) -> bool:
        """Whether the user writes keywords in small letters: in this one, or else in the last one."""
        tokens = reversed(self.tokens[: self.at])
        letters = self.prefix or next((t.text for t in tokens if t.upper in CLAUSES | JOIN_WORDS), "")
        return letters.islower()

    @property
    def expects_operand(self) -> bool:
        """Whether an expression has to begin here, or else goes on."""
        token = self.before
        if token is None or token.kind in ("name", "number", "string", "parameter"):
            return token is None
        if token.text == "*":  # all columns, or a product
            first = self.tokens[self.at - 2] if self.at > 1 else None
            return first is not None and first.upper not in ("SELECT", "DISTINCT", ",", "(", ".")
        if token.kind == "sign":
            return token.text not in (")", "]", "}")
        return token.upper in _OPERAND_FOLLOWS

    def _read_letters(self) -> str:
        """What was typed, without quotes."""
        if self.typed is not None and self.typed.kind == "string":
            return self.prefix.lstrip("eE")[1:].replace("''", "'")
        return self.prefix.lstrip('"`').replace('""', '"')

    def _find_clause(self) -> str:
        """The first word of the clause, in capitals; empty at the start of a query."""
        closed = {close: i for i, close in self.reader.pairs.items()}
        opened = self._opened[-1] if self._opened else self.at
        i = self.at - 1
        while i >= self.scope.start:
            word = self.tokens[i].upper
            is_within = word == "FROM" and i > opened  # as in EXTRACT(year FROM ts)
            if word == "JOIN" or (self.reader.is_clause(i) and not is_within):
                return word
            i = closed.get(i, i) - 1
        return ""
