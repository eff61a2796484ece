"""Which rows DuckDB reads whole, with columns that nobody asks for.

To answer a correlated subquery, DuckDB 2.0 keeps the rows around it. If nothing of them is shown once the
subquery is answered, as by `count(*)`, it keeps not none of their columns but all (unless it makes a join of
the subquery, which is not told from here). One column that is shown is enough: then it keeps those asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from lakeq.planner.sources import is_correlated, joins_of
from lakeq.planner.usage import column_path, paths_of

Paths = frozenset[str] | None
"""Paths of outputs, as in `references`; None: all of them."""

_SHOWS = ("group", "having", "qualify", "order", "distinct")
_MAY_FOLD = (exp.Case, exp.If, exp.Coalesce, exp.Connector, exp.Nullif, exp.Filter, exp.In)
"""What may need no column that stands in it."""
_QUANTIFIERS = ("ALL", "ANY", "SOME")


def is_query_correlated(root: Scope) -> bool:
    """Whether anything in the query is a correlated subquery to DuckDB."""
    return any(is_correlated(scope) or _unnests_list(scope) for scope in root.traverse())


def find_shown(scope: Scope, outputs: Paths, aliases: Collection[str]) -> set[tuple[str, str]]:
    """(alias, path) of the columns of its sources `aliases` that a SELECT certainly shows if of its outputs
    `outputs` are: in its list or where it groups, sorts and windows, not in conditions on its rows."""
    select = scope.expression
    keeps = outputs is None or select.args.get("distinct") is not None
    shown = [p for p in select.expressions if keeps or paths_of(p.alias_or_name.casefold(), outputs)]
    clauses = [clause for key in _SHOWS if (clause := select.args.get(key)) is not None]
    return {
        (column.table, column_path(column))
        for node in (*shown, *clauses)
        for column in _certain_columns(node)
        if column.table in aliases
    }


def keeps_whole(scope: Scope, alias: str, shown: set[tuple[str, str]]) -> bool:
    """Whether DuckDB may keep the rows of the source `alias` whole; `shown` as `find_shown` gives it."""
    conditions = [on for join in joins_of(scope.expression) if (on := join.args.get("on")) is not None]
    children = [*scope.subquery_scopes, *scope.derived_table_scopes, *scope.udtf_scopes]
    if not (conditions or scope.expression.args.get("where")):
        # Of an UNNEST about which nothing is asked, only the list is kept.
        children = [child for child in children if not isinstance(child.expression, exp.Unnest)]
    if not (any(is_correlated(child) for child in children) or _unnests_list(scope)):
        return False
    if any(condition.find(exp.Query) for condition in conditions):
        return all(table != alias for table, _ in shown)  # it is answered on one side of the join
    return not shown


def _certain_columns(node: exp.Expr) -> Iterator[exp.Column]:
    if isinstance(node, exp.Column):
        yield node
    elif not isinstance(node, _MAY_FOLD):
        for child in node.iter_expressions():
            yield from _certain_columns(child)


def _unnests_list(scope: Scope) -> bool:
    """Whether `ANY` or `ALL` is asked of a list: to DuckDB a correlated subquery over its elements. sqlglot
    takes `ALL (list)` for a function."""
    return any(
        node.name.upper() in _QUANTIFIERS
        if isinstance(node, exp.Anonymous)
        else not isinstance(node.this.unnest(), exp.Query)
        for node in scope.find_all(exp.Any, exp.All, exp.Anonymous)
    )
