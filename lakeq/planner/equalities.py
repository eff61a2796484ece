"""Equalities of columns across joins, over which a filter on one side holds for the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from lakeq.planner.logic import conjuncts
from lakeq.planner.output_types import OutputTypes
from lakeq.planner.sources import Source, join_method


def spread_equalities(
    scope: Scope, sources: list[Source], held: Mapping[str, Sequence[exp.Expr]], types: OutputTypes
) -> None:
    """Carry filters over `a.x = b.y`, where types are equal and the join lets them pass, until none is
    new. `held` are conditions that every row of a source meets anyway, over its columns by name."""
    methods = {join_method(source.join) for source in sources if source.join is not None}
    if methods - {"inner", "left", "semi", "anti"} or any(source.opaque for source in sources):
        return
    by_alias = {source.alias: source for source in sources}
    edges = list(read_equalities(scope, sources, types))
    for _ in range(len(sources)):
        for start, end in edges:
            if start.table not in by_alias or end.table not in by_alias:
                continue
            target = by_alias[end.table]
            moving = [c for c in by_alias[start.table].filters if all_columns(c, start.__eq__)]
            named = partial(has_name, start.name.casefold())
            moving += [c for c in held.get(start.table, ()) if all_columns(c, named)]
            for condition in moving:
                moved = replace_columns(condition, constant(end))
                known = {spell_by_name(c) for c in held.get(end.table, ())}
                if moved not in target.filters and spell_by_name(moved) not in known:
                    target.filters.append(moved)


def all_columns(condition: exp.Expr, test: Callable[[exp.Column], bool]) -> bool:
    """Whether a condition is about columns, all of which pass `test`."""
    columns = list(condition.find_all(exp.Column))
    return bool(columns) and all(map(test, columns))


def spell_by_name(condition: exp.Expr) -> str:
    """A condition with its columns by name alone, the same for each way of writing them."""
    owned = replace_columns(condition, lambda column: exp.column(column.name.casefold(), quoted=True))
    return owned.sql("duckdb")


def has_name(folded: str, column: exp.Column) -> bool:
    return column.name.casefold() == folded


def read_equalities(
    scope: Scope, sources: list[Source], types: OutputTypes
) -> Iterator[tuple[exp.Column, exp.Column]]:
    """Pairs (from, to) of columns of one type such that a filter on `from` also holds for `to`."""
    where = scope.expression.args.get("where")
    for node in conjuncts(where.this if where else None):
        if pair := equal_columns(node, scope, types):
            yield from (pair, pair[::-1])
    for source in sources:
        if source.join is None:
            continue
        method = join_method(source.join)
        for node in conjuncts(source.join.args.get("on")):
            pair = equal_columns(node, scope, types)
            if pair is None:
                continue
            left, right = pair if pair[1].table == source.alias else pair[::-1]
            if right.table != source.alias or left.table == source.alias:
                continue
            yield (left, right)
            if method in ("inner", "semi"):
                yield (right, left)


def is_column_equality(node: exp.Expr) -> bool:
    """Whether `node` is `a.x = b.y`, the ordinary condition of a join."""
    return isinstance(node, exp.EQ) and all(
        isinstance(s.unnest(), exp.Column) for s in (node.left, node.right)
    )


def equal_columns(node: exp.Expr, scope: Scope, types: OutputTypes) -> tuple[exp.Column, exp.Column] | None:
    """The two columns of `a.x = b.y` when both are known to have one type."""
    if not isinstance(node, exp.EQ):
        return None
    left, right = node.left.unnest(), node.right.unnest()
    if not (isinstance(left, exp.Column) and isinstance(right, exp.Column)):
        return None
    return (left, right) if types.are_one(left, right, scope) else None


def constant(column: exp.Column) -> Callable[[exp.Column], exp.Expr]:
    """A function that gives `column` whatever it is asked."""
    return lambda _: column


def replace_columns(node: exp.Expr, new: Callable[[exp.Column], exp.Expr]) -> exp.Expr:
    """`node` with each column replaced by `new(column)`, in parentheses where it is not a column."""

    def replace(part: exp.Expr) -> exp.Expr:
        if not isinstance(part, exp.Column):
            return part
        value = new(part).copy()
        return value if isinstance(value, exp.Column) else exp.Paren(this=value)

    return node.copy().transform(replace)


def merge_using(scope: Scope, sources: list[Source], types: OutputTypes) -> None:
    """Read `COALESCE(a.x, b.x)`, which USING makes, as the side that is never NULL where the other is not."""
    sides: dict[tuple[str, str], exp.Column] = {}
    for source in sources:
        if source.join is None or join_method(source.join) not in ("inner", "left", "right"):
            continue
        for node in conjuncts(source.join.args.get("on")):
            if pair := equal_columns(node, scope, types):
                left, right = pair if pair[1].table == source.alias else pair[::-1]
                kept = right if join_method(source.join) == "right" else left
                sides[(left.sql(), right.sql())] = kept
    where = scope.expression.args.get("where")
    for node in list(where.find_all(exp.Coalesce)) if where is not None else []:
        parts = [node.this, *node.expressions]
        side = sides.get((parts[0].sql(), parts[1].sql())) if len(parts) == 2 else None
        if side is not None:
            node.replace(side.copy())
