"""Values of partition keys where a query compares them, narrowed by what it compares beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lakeq.planner.completion.names import Scope
from lakeq.planner.completion.scope import ScopeReader, read_path
from lakeq.planner.tokens import Token

_COMPARED = frozenset({"=", "==", "<>", "!=", "<", ">", "<=", ">="})


@dataclass(frozen=True, slots=True)
class Comparison:
    """A path that a value is typed for, and the values beside it in a list."""

    path: tuple[str, ...]
    is_equality: bool
    others: tuple[str, ...] = ()


def find_comparison(reader: ScopeReader, scope: Scope, at: int) -> Comparison | None:
    """What the value at token `at` would be compared with; None where no value is expected."""
    tokens = reader.tokens
    brackets = reader.enclosing(scope.start, at)
    last = tokens[at - 1] if at > scope.start else None
    if last is None:
        return None
    if last.text in _COMPARED:
        return _make(tokens, scope.start, at - 1, last.text in ("=", "=="))
    if last.upper == "BETWEEN":
        return _make(tokens, scope.start, _skip_not(tokens, at - 1), False)
    if last.upper == "AND" and at >= 3 and tokens[at - 3].upper == "BETWEEN":
        return _make(tokens, scope.start, _skip_not(tokens, at - 3), False)
    if brackets and last.text in ("(", ",") and tokens[brackets[-1] - 1].upper == "IN" and brackets[-1] > 0:
        listed = tokens[brackets[-1] + 1 : reader.pairs[brackets[-1]]]
        found = _make(tokens, scope.start, _skip_not(tokens, brackets[-1] - 1), False)
        return found and Comparison(found.path, False, tuple(t.text for t in listed if _is_literal(t)))
    return None


def find_equalities(reader: ScopeReader, scope: Scope, at: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """The path and the literal of each equality that is joined by AND with what stands at `at`, in its own
    brackets and in those around."""
    levels = [(b + 1, reader.pairs[b]) for b in reader.enclosing(scope.start, at)]
    for start, end in [(scope.start, scope.end), *levels]:
        own = list(_take_conjunction(reader, start, end, at))
        for i in own:
            if reader.tokens[i].text not in ("=", "==") or not (
                i + 1 < end and _is_literal(reader.tokens[i + 1])
            ):
                continue
            if i + 2 < end and reader.tokens[i + 2].text in ("+", "-", "*", "/", "||", "::", "%"):
                continue
            found = _make(reader.tokens, start, i, True)
            if found is not None and reader.tokens[max(i - 2 * len(found.path), 0)].upper != "NOT":
                yield found.path, reader.tokens[i + 1].text


def _take_conjunction(reader: ScopeReader, start: int, end: int, at: int) -> Iterator[int]:
    """The tokens around `at` between two ORs or other clauses, outside of brackets."""
    walked, i = [], start
    while i < end:
        walked.append(i)
        close = reader.pairs.get(i, i)
        i = (close if not i < at <= close else min(close, end)) + 1
    before = [i for i in walked if i < at]
    after = [i for i in walked if i >= at]
    for i in reversed(before):
        if reader.tokens[i].upper in ("OR", "SELECT"):
            break
        yield i
    for i in after:
        if reader.tokens[i].upper in ("OR", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION"):
            break
        yield i


def _make(tokens: Sequence[Token], start: int, end: int, is_equality: bool) -> Comparison | None:
    """The comparison of the path that ends before the token `end`."""
    first = end - 1
    while first - 2 >= start and tokens[first - 1].text == ".":
        first -= 2
    path = read_path(tokens[first:end]) if first >= start else None
    if path is None or (first > start and tokens[first - 1].text in ("+", "-", "*", "/", "||", "%", ".")):
        return None
    return Comparison(tuple(path), is_equality)


def _skip_not(tokens: Sequence[Token], end: int) -> int:
    return end - 1 if tokens[end - 1].upper == "NOT" else end


def _is_literal(token: Token) -> bool:
    return token.kind == "number" or (token.kind == "string" and token.is_closed)


def open_literal(literal: str) -> str:
    """The text within a string literal, or a number as it is."""
    first, last = literal.find("'"), literal.rfind("'")
    return literal if first == last else literal[first + 1 : last].replace("''", "'")
