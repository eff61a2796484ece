"""What holds for every row that a derived table or CTE gives, whoever reads it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from lakeq.planner.equalities import replace_columns
from lakeq.planner.logic import conjuncts, is_deterministic
from lakeq.planner.pushdown import group_keys
from lakeq.planner.sources import is_recursive, read_sources

_DEEPEST = 32


def held_conditions(scope: Scope, depth: int = 0) -> list[exp.Expr]:
    """Conditions over the outputs of `scope` (columns by name only) that each of its rows meets.

    From its WHERE, and from those of the queries it reads, as far as they speak of columns that it hands on
    as they are. Nothing of a set operation, a recursive CTE, or ROLLUP and its kin, which put NULL for a key.
    """
    select = scope.expression
    if not isinstance(select, exp.Select) or depth > _DEEPEST or is_recursive(scope):
        return []
    if select.args.get("group") is not None and not group_keys(select):
        return []
    names: dict[tuple[str, str], str] = {}
    for projection in select.expressions:
        if isinstance(column := projection.unalias(), exp.Column):
            names.setdefault(_key(column), projection.alias_or_name)
    held = []
    for condition in _inner_conditions(scope, depth):
        columns = list(condition.find_all(exp.Column))
        if columns and is_deterministic(condition) and all(_key(column) in names for column in columns):
            held.append(replace_columns(condition, lambda column: _name(column, names[_key(column)])))
    return held


def _inner_conditions(scope: Scope, depth: int) -> Iterator[exp.Expr]:
    """What each row of a SELECT meets before it is grouped, by the columns of its sources."""
    where = scope.expression.args.get("where")
    yield from conjuncts(where.this if where else None)
    for source in read_sources(scope):
        target = scope.selected_sources.get(source.alias, (None, None))[1]
        if isinstance(target, Scope) and not source.nullable and not source.opaque:
            for condition in held_conditions(target, depth + 1):
                yield replace_columns(condition, partial(_own, source.alias))


def _key(column: exp.Column) -> tuple[str, str]:
    return column.table.casefold(), column.name.casefold()


def _own(alias: str, column: exp.Column) -> exp.Column:
    return _name(column, column.name, alias)


def _name(column: exp.Column, name: str, table: str = "") -> exp.Column:
    """The column by another name; its type is kept."""
    owner = exp.to_identifier(table, quoted=True) if table else None
    renamed = exp.column(exp.to_identifier(name, quoted=True), table=owner)
    renamed.type = column.type
    return renamed
