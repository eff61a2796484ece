"""A failing query made small: clauses are dropped for as long as it still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

MOST_TRIES = 250


def shrink_sql(sql: str, check: Callable[[str], str | None]) -> str:
    """A shorter text that fails by `check` too; `sql` itself when none is found."""
    tries = 0
    shorter = True
    while shorter:
        shorter = False
        for candidate in _list_shorter(sql):
            tries += 1
            if tries > MOST_TRIES:
                return sql
            if check(candidate) is not None:
                sql, shorter = candidate, True
                break
    return sql


def _list_shorter(sql: str) -> Iterator[str]:
    """Every text that lacks one part of the syntax tree of `sql`, largest parts first."""
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except SqlglotError:
        return
    seen = {sql}
    for number, node in enumerate(tree.walk()):
        for change in _changes(node):
            copy = tree.copy()
            same = next(n for i, n in enumerate(copy.walk()) if i == number)
            made = change(same, copy)
            text = made.sql(dialect="duckdb")
            if len(text) < len(sql) and text not in seen:
                seen.add(text)
                yield text


Change = Callable[[exp.Expr, exp.Expr], exp.Expr]


def _changes(node: exp.Expr) -> Iterator[Change]:
    for key, value in node.args.items():
        if (
            isinstance(node, exp.Select)
            and key
            in ("where", "having", "qualify", "order", "limit", "offset", "group", "with_", "distinct")
            and value
        ):
            yield _drop(key)
        if (
            isinstance(node, exp.Select)
            and key in ("expressions", "joins")
            and isinstance(value, list)
            and len(value) > (key == "expressions")
        ):
            yield from (_drop_item(key, i) for i in range(len(value)))
    if isinstance(node, (exp.And, exp.Or, exp.SetOperation)):
        yield from (_replace_by("this"), _replace_by("expression"))
    if isinstance(node, (exp.Not, exp.Paren)):
        yield _replace_by("this")
    if isinstance(node, exp.In) and len(node.expressions) > 1:
        yield from (_drop_item("expressions", i) for i in range(len(node.expressions)))


def _drop(key: str) -> Change:
    def change(node: exp.Expr, tree: exp.Expr) -> exp.Expr:
        node.set(key, None)
        return tree

    return change


def _drop_item(key: str, index: int) -> Change:
    def change(node: exp.Expr, tree: exp.Expr) -> exp.Expr:
        node.set(key, [item for i, item in enumerate(node.args[key]) if i != index])
        return tree

    return change


def _replace_by(key: str) -> Change:
    def change(node: exp.Expr, tree: exp.Expr) -> exp.Expr:
        part = node.args[key].copy()
        if node is tree:
            return part
        node.replace(part)
        return tree

    return change
