"""Which tables and columns can be named at a place in SQL that may be unfinished.

Nothing is parsed: FROM clauses are read token by token, so that what is missing elsewhere does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lakeq.planner.completion.names import ColumnSource, Queries, Relation, Scope, SourceColumn
from lakeq.planner.tokens import Token, match_brackets

JOIN_WORDS = frozenset(
    {"JOIN", "LEFT", "RIGHT", "FULL", "INNER", "OUTER", "CROSS", "NATURAL", "ASOF", "SEMI", "ANTI"}
    | {"POSITIONAL"}
)
SET_WORDS = frozenset({"UNION", "INTERSECT", "EXCEPT"})
CLAUSES = frozenset(
    {"SELECT", "FROM", "ON", "USING", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT"}
    | {"OFFSET", "WITH", "VALUES", "SAMPLE", "TABLESAMPLE", "PIVOT", "UNPIVOT"}
    | SET_WORDS
)
QUERY_STARTS = frozenset({"SELECT", "FROM", "WITH", "VALUES", "PIVOT", "UNPIVOT", "DESCRIBE", "SUMMARIZE"})
_WITHIN_FROM = frozenset({"ON", "USING", "SAMPLE", "TABLESAMPLE"})
_NO_ALIASES = CLAUSES | JOIN_WORDS | {"AS", "SET", "FETCH", "FOR", "AT", "AND", "OR"}
_DEEPEST = 8


class ScopeReader:
    """Reads the scopes of one statement."""

    def __init__(self, tokens: Sequence[Token], source: ColumnSource) -> None:
        self.tokens = tokens
        self.pairs = match_brackets(tokens)
        self._words = [*(token.upper for token in tokens), ""]
        self._source = source

    def read(self, at: int) -> Scope:
        """The scope before the token number `at`."""
        queries: Queries = {}
        outer: tuple[Relation, ...] = ()
        start, end = 0, len(self.tokens)
        while True:
            start, queries = self._read_with(start, end, queries, at)
            first, last = self._find_branch(start, end, at)
            inner = self._find_query(start, at)
            relations = tuple(self._read_from(first, last, queries, 0))
            if inner is None:
                return Scope(first, last, relations, outer, queries)
            is_table = self._word(inner - 1) in ("FROM", "JOIN", "AS", "MATERIALIZED")
            outer = () if is_table else (*relations, *outer)
            start, end = inner + 1, self.pairs[inner]

    def is_clause(self, i: int) -> bool:
        """Whether a clause of a query begins with this token."""
        word = self._words[i]
        if word not in CLAUSES:
            return False
        if self._words[i - 1] == "DISTINCT" and word in ("ON", "FROM"):  # DISTINCT ON, IS DISTINCT FROM
            return False
        return word != "EXCEPT" or self._words[i - 1] != "*"

    def enclosing(self, start: int, at: int) -> list[int]:
        """The brackets since `start` that are open before the token `at`, outermost first."""
        return [i for i, close in self.pairs.items() if start <= i < at <= close]

    def output(self, start: int, end: int, queries: Queries, depth: int = 0) -> list[SourceColumn]:
        """The columns that the query of these tokens gives, as far as they have names."""
        if depth > _DEEPEST:
            return []
        start, queries = self._read_with(start, end, queries, end)
        start, end = self._find_branch(start, end, start)
        relations = list(self._read_from(start, end, queries, depth))
        scope = Scope(start, end, tuple(relations), (), queries)
        items = self._read_items(start, end)
        if items is None:
            return [column for relation in relations for column in relation.columns]
        return [column for item in items for column in self._name_item(item, scope)]

    def _word(self, i: int) -> str:
        """The token as a keyword; empty behind the last one, and (at -1) before the first."""
        return self._words[i] if i < len(self._words) else ""

    def _starts_query(self, i: int) -> bool:
        return self._word(i) == "(" and self._word(i + 1) in QUERY_STARTS

    def _find_query(self, start: int, at: int) -> int | None:
        """The outermost bracket since `start` that holds both a query and the token `at`."""
        return next((i for i in self.enclosing(start, at) if self._starts_query(i)), None)

    def _walk(self, start: int, end: int) -> Iterator[int]:
        """The numbers of the tokens outside all brackets in between."""
        i = start
        while i < end:
            yield i
            i = self.pairs.get(i, i)  # from an opening one to its closing one
            i += 1

    def _read_with(self, start: int, end: int, queries: Queries, at: int) -> tuple[int, Queries]:
        """Where the query behind a WITH clause begins, and the queries known there. Inside of it, the clause
        itself is the query, and those before the place are known."""
        if self._word(start) != "WITH":
            return start, queries
        i = start + 1 + (self._word(start + 1) == "RECURSIVE")
        known = dict(queries)
        while i < end and self.tokens[i].is_name:
            name = self.tokens[i].name
            head = i + 1
            if self._word(head) == "(":
                head = self.pairs[head] + 1
            while self._word(head) in ("AS", "NOT", "MATERIALIZED", "USING", "KEY"):
                head += 1
            if self._word(head) != "(":
                break
            close = self.pairs[head]
            if head < at <= close:
                return start, known
            known[name.casefold()] = self._make_query(name, head + 1, close, dict(known))
            i = close + 1
            if self._word(i) != ",":
                break
            i += 1
        return min(i, end), known

    def _make_query(self, name: str, start: int, end: int, queries: Queries, depth: int = 0) -> Relation:
        return Relation(name, lambda: self.output(start, end, queries, depth + 1))

    def _find_branch(self, start: int, end: int, at: int) -> tuple[int, int]:
        """The part of a query between UNION and its kin in which `at` stands."""
        first = start
        for i in self._walk(start, end):
            if self._word(i) in SET_WORDS and self.is_clause(i):
                if at <= i:
                    return first, i
                first = i + 1
                while self._word(first) in ("ALL", "DISTINCT", "BY", "NAME"):
                    first += 1
        return min(first, end), end

    def _read_from(self, start: int, end: int, queries: Queries, depth: int) -> Iterator[Relation]:
        """The relations of a query, in order."""
        is_from, is_expected, i = False, False, start
        while i < end:
            word = self._word(i)
            is_clause = self.is_clause(i)
            if (is_clause and word == "FROM") or word == "JOIN" or (is_from and word == ","):
                is_from = is_expected = True
                i += 1
            elif is_expected and (word == "LATERAL" or (word == "(" and not self._starts_query(i))):
                i += 1  # into a bracket around joins
            elif is_expected and (self._starts_query(i) or self._is_plain_name(i)):
                relation, i = self._read_relation(i, end, queries, depth)
                is_expected = False
                yield relation
            else:
                is_expected = False
                is_from = is_from and (not is_clause or word in _WITHIN_FROM)
                i = self.pairs.get(i, i) + 1

    def _is_plain_name(self, i: int) -> bool:
        """Whether a token names something, and is no keyword that may stand at its place."""
        return self.tokens[i].is_name and self._word(i) not in _NO_ALIASES

    def _read_relation(self, i: int, end: int, queries: Queries, depth: int) -> tuple[Relation, int]:
        """One relation, and the number of the token behind it and its alias."""
        if self._starts_query(i):
            relation = self._make_query("", i + 1, self.pairs[i], queries, depth)
            i = self.pairs[i] + 1
        else:
            first = i
            while self._word(i + 1) == "." and i + 2 < end and self.tokens[i + 2].is_name:
                i += 2
            relation = self._find_relation([t.name for t in self.tokens[first : i + 1 : 2]], queries)
            i += 1
            if i < end and self._word(i) == "(":  # a table function
                relation, i = Relation(relation.name), self.pairs[i] + 1
        has_as = self._word(i) == "AS"
        i += has_as
        if i < end and self._is_plain_name(i):
            alias, names = self.tokens[i].name, []
            i += 1
            if i < end and self._word(i) == "(":
                names = [token.name for token in self.tokens[i + 1 : self.pairs[i]] if token.is_name]
                i = self.pairs[i] + 1
            relation = relation.rename(alias, names)
        return relation, i

    def _find_relation(self, parts: Sequence[str], queries: Queries) -> Relation:
        name = parts[-1]
        if len(parts) == 1 and name.casefold() in queries:
            return queries[name.casefold()]
        table = self._source.find_table(".".join(parts)) or self._source.find_table(name)
        return Relation(name) if table is None else Relation(name, lambda: self._read_columns(table))

    def _read_columns(self, table: str) -> Sequence[SourceColumn]:
        columns = self._source.columns(table)
        return [replace(c, origin=(table, c.name)) if c.is_key else c for c in columns]

    def _read_items(self, start: int, end: int) -> Iterator[Sequence[Token]] | None:
        """The items of the SELECT list, wherever it stands in the query; None where there is none."""
        select = next((i for i in self._walk(start, end) if self._word(i) == "SELECT"), None)
        return None if select is None else self._split_items(select + 1, end)

    def _split_items(self, start: int, end: int) -> Iterator[Sequence[Token]]:
        while self._word(start) in ("DISTINCT", "ALL", "ON") or self._word(start - 1) == "ON":
            start = self.pairs.get(start, start) + 1
        first = start
        for i in self._walk(start, end):
            if self.is_clause(i):
                end = i
                break
            if self._word(i) == ",":
                yield self.tokens[first:i]
                first = i + 1
        yield self.tokens[first:end]

    def _name_item(self, words: Sequence[Token], scope: Scope) -> Sequence[SourceColumn]:
        """The columns that an item of a SELECT list gives; none for one without a name."""
        if not words:
            return ()
        if words[0].text == "*":
            return [column for relation in scope.relations for column in relation.columns]
        path = read_path(words)
        if path is not None:
            return [scope.column(path) or SourceColumn(path[-1])]
        if len(words) > 2 and (words[1].text, words[2].text) == (".", "*"):
            relation = scope.find(words[0].name)
            return relation.columns if relation is not None else ()
        alias, before = words[-1], words[-2] if len(words) > 1 else None
        if before is None or not alias.is_name or alias.upper == "END":
            return ()
        if before.kind == "sign" and before.text not in (")", "]", "}", "*"):
            return ()
        path = read_path(words[: -2 if before.upper == "AS" else -1])
        found = None if path is None else scope.column(path)
        return [SourceColumn(alias.name) if found is None else replace(found, name=alias.name)]


def read_path(tokens: Sequence[Token]) -> list[str] | None:
    """The names of a path such as `events.year`; None for anything else."""
    is_path = len(tokens) % 2 == 1 and all(token.is_name for token in tokens[::2])
    return [t.name for t in tokens[::2]] if is_path and all(t.text == "." for t in tokens[1::2]) else None
