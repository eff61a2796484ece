"""Collect the table references of a qualified query: the columns and the conditions of each.

Scopes are taken from the outside in, so that when a derived table or CTE is reached it is known which of
its outputs its consumers use and what they ask of its rows. A CTE used twice gets the OR of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.scope import Scope

from lakeq.catalog.table import Table
from lakeq.planner.equalities import merge_using, spread_equalities
from lakeq.planner.filters import Condition, apply_conditions, outer_predicate, read_conditions
from lakeq.planner.guarantees import held_conditions
from lakeq.planner.logic import (
    TRUE,
    conjoin,
    conjuncts,
    disjoin,
    is_deterministic,
    is_true,
)
from lakeq.planner.output_types import OutputTypes, means_the_same
from lakeq.planner.pushdown import push_through
from lakeq.planner.scan import Missed
from lakeq.planner.sources import Source, is_recursive, read_sources
from lakeq.planner.usage import columns_of, ignores_repeats, paths_of, spell_columns, used_columns
from lakeq.planner.whole_rows import find_shown, keeps_whole

R = TypeVar("R")
Outputs = frozenset[str] | None
"""Paths of the outputs that are used (`name`, or `name.field` of a nested one); None: all of them."""


_NOTHING: Outputs = frozenset()


class _Demand:
    """What the consumers of one scope want of it, gathered before the scope itself is taken."""

    __slots__ = ("columns", "missed", "predicates", "shown", "uses")

    def __init__(self) -> None:
        self.predicates: list[exp.Expr] = []
        self.columns: set[str] | None = set()
        self.shown: Outputs = None
        self.uses = 0
        self.missed: list[Missed] = []

    def add(self, predicate: exp.Expr, columns: Outputs, uses: int, shown: Outputs) -> None:
        """`shown` are outputs that this consumer certainly shows, as `find_shown` tells; what counts is what
        all of them do."""
        self.predicates.append(predicate)
        self.uses += uses
        if shown is not None:
            self.shown = shown if self.shown is None else self.shown & shown
        if columns is None or self.columns is None:
            self.columns = None
        else:
            self.columns |= columns


def collect_references(root: Scope, tables: Mapping[str, Table], make: Callable[..., R]) -> Iterator[R]:
    """One `make(table=, alias=, columns=, predicate=, missed=, once=, uses=, is_whole=)` for each mention of
    a table."""
    order = list(root.traverse())[::-1]
    demands: dict[int, _Demand] = {id(scope): _Demand() for scope in order}
    demands[id(root)].add(TRUE.copy(), None, 1, None)
    known = OutputTypes()
    for scope in order:
        if is_recursive(scope):
            demands[id(scope)].add(TRUE.copy(), None, 0, _NOTHING)
        demand = demands.pop(id(scope), None)
        if demand is None:
            continue
        if not demand.predicates:
            demand.add(TRUE.copy(), None, 1, _NOTHING)
        yield from take_scope(scope, demand, demands, tables, make, known)


def take_scope(
    scope: Scope,
    demand: _Demand,
    demands: dict[int, _Demand],
    tables: Mapping[str, Table],
    make: Callable[..., R],
    known: OutputTypes,
) -> Iterator[R]:
    """Yield the references made directly in `scope`, and pass its demands on to the scopes it reads."""
    if isinstance(scope.expression, exp.SetOperation):
        pass_to_branches(scope, demand, demands, known)
        return
    if not isinstance(scope.expression, exp.Select):
        yield from whole_sources(scope, demand, demands, tables, make)
        return
    sources = read_sources(scope)
    merge_using(scope, sources, known)
    conditions = list(read_conditions(scope, sources))
    wanted = disjoin(demand.predicates)
    pushed = push_through(scope.expression, wanted)
    conditions += [Condition(node) for node in conjuncts(pushed) if not is_true(node)]
    missed = apply_conditions(scope, sources, conditions)
    if is_true(pushed) and not is_true(wanted):
        stopped = Missed(
            wanted.sql("duckdb"),
            "a LIMIT, window, aggregate or sample below it would notice missing rows",
            rewrite=f"WHERE {wanted.sql('duckdb')} inside the query that it is about",
            proviso="other rows: LIMIT, window or aggregate then see only these",
        )
        demand.missed.append(stopped)
    for reasons in missed.values():
        reasons += demand.missed
    joined = sources if len(sources) > 1 else []
    held = {source.alias: held_conditions(t) for source in joined if (t := _target(scope, source))}
    spread_equalities(scope, sources, held, known)
    used = used_columns(scope, demand.columns, demand.uses > 1)
    once = ignores_repeats(scope.expression)
    shown = find_shown(scope, demand.shown, {source.alias for source in sources})
    for source in sources:
        target = _read_by(scope, source)
        columns = columns_of(used, source.alias)
        is_whole = keeps_whole(scope, source.alias, shown)
        if isinstance(target, Scope):
            outputs = None if columns is None or is_whole else frozenset(columns)
            shown_below = frozenset(path for alias, path in shown if alias == source.alias)
            ask(demands, target, outer_predicate(source), outputs, demand.uses, shown_below)
        elif isinstance(target, exp.Table) and target.name.casefold() in tables:
            table = tables[target.name.casefold()]
            yield make(
                table=table.name,
                alias=source.alias,
                columns=spell_columns(table, columns),
                predicate=outer_predicate(source),
                missed=tuple(missed.get(source.alias, ())),
                once=once,
                uses=max(demand.uses, 1),
                is_whole=is_whole,
            )
    push_into_membership(scope, sources, demand, demands, known)


def _target(scope: Scope, source: Source) -> Scope | None:
    """The query that a source reads; None for a table."""
    target = _read_by(scope, source)
    return target if isinstance(target, Scope) else None


def _read_by(scope: Scope, source: Source) -> Scope | exp.Expr | None:
    """What a source reads; that of a SEMI or ANTI join is not among those that are selected from."""
    selected = scope.selected_sources.get(source.alias)
    return selected[1] if selected is not None else scope.sources.get(source.alias)


def ask(
    demands: dict[int, _Demand],
    scope: Scope,
    predicate: exp.Expr,
    columns: Outputs,
    uses: int,
    shown: Outputs = _NOTHING,
) -> None:
    """Add a consumer's demand. OptimizeError when the scope was taken already: then nothing may be pruned."""
    if id(scope) not in demands:
        raise OptimizeError("a query is read before the one that it reads")
    demands[id(scope)].add(predicate, columns, uses, shown)


def whole_sources(
    scope: Scope,
    demand: _Demand,
    demands: dict[int, _Demand],
    tables: Mapping[str, Table],
    make: Callable[..., R],
) -> Iterator[R]:
    """References of a scope that is no SELECT: read whole."""
    for alias, source in scope.sources.items():
        if isinstance(source, Scope):
            ask(demands, source, TRUE.copy(), None, demand.uses)
        elif isinstance(source, exp.Table) and source.name.casefold() in tables and not scope.is_udtf:
            table = tables[source.name.casefold()]
            yield make(
                table=table.name,
                alias=alias,
                columns=spell_columns(table, None),
                predicate=TRUE.copy(),
                missed=(),
                once=False,
                uses=max(demand.uses, 1),
            )


def pass_to_branches(scope: Scope, demand: _Demand, demands: dict[int, _Demand], known: OutputTypes) -> None:
    """Ask both branches of UNION, INTERSECT or EXCEPT for what is asked of the whole, by position."""
    operation = scope.expression
    names = [name.casefold() for name in output_names(operation)]
    types = known.of(scope)
    keeps_all = isinstance(operation, exp.Union) and not operation.args.get("distinct")
    blocked = operation.args.get("limit") or operation.args.get("offset") or operation.args.get("by_name")
    for branch in scope.set_operation_scopes:
        outputs = [name.casefold() for name in output_names(branch.expression)]
        aligned = len(outputs) == len(names) == len(set(names)) and "*" not in names and not blocked
        columns: Outputs = None
        shown: Outputs = None if aligned else _NOTHING
        if aligned and keeps_all and demand.shown is not None:
            shown = frozenset(outputs[i] for i, name in enumerate(names) if paths_of(name, demand.shown))
        if aligned and keeps_all and demand.columns is not None and not operation.args.get("order"):
            columns = frozenset(outputs[i] for i, name in enumerate(names) if paths_of(name, demand.columns))
        predicates = demand.predicates if aligned else [TRUE.copy()]
        renamed = dict(zip(names, outputs, strict=False))
        for predicate in predicates:
            # Each of its consumers asks once; their number is known together.
            alike = [c for c in conjuncts(predicate) if means_the_same(c, names, types)]
            ask(demands, branch, rename_columns(conjoin(alike), renamed), columns, 0, shown)
            demands[id(branch)].missed += map(_miss, (c for c in conjuncts(predicate) if c not in alike))
        demands[id(branch)].uses += demand.uses
        demands[id(branch)].missed += demand.missed


def output_names(query: exp.Expr) -> list[str]:
    """The names of a query's outputs in order; empty for what is no query."""
    return list(query.named_selects) if isinstance(query, exp.Query) else []


def _miss(condition: exp.Expr) -> Missed:
    return Missed(
        condition.sql("duckdb"),
        "the queries of the UNION give its column in several types, or in one that is not known",
        rewrite="a CAST of the column to one type in each query of the UNION",
    )


def rename_columns(predicate: exp.Expr, names: Mapping[str, str]) -> exp.Expr:
    """`predicate` with its output names exchanged for those of a branch."""

    def rename(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            return exp.column(exp.to_identifier(names.get(node.name.casefold(), node.name), quoted=True))
        return node

    return predicate.transform(rename)


def push_into_membership(
    scope: Scope, sources: list[Source], demand: _Demand, demands: dict[int, _Demand], known: OutputTypes
) -> None:
    """`a.x IN (SELECT y …)` as a conjunct: what holds for `a.x` is all that matters of `y`."""
    where = scope.expression.args.get("where")
    by_alias = {source.alias: source for source in sources}
    queries = {id(child.expression): child for child in scope.subquery_scopes}
    pushed: dict[int, exp.Expr] = {}
    for node in conjuncts(where.this if where else None):
        query = node.args.get("query") if isinstance(node, exp.In) else None
        column = node.this if isinstance(node, exp.In) else None
        if query is None or not isinstance(column, exp.Column) or column.table not in by_alias:
            continue
        inner = query.unnest()
        names = output_names(inner)
        child = queries.get(id(inner))
        if len(names) != 1 or child is None or not known.is_one(column, scope, child):
            continue
        held = [
            f
            for f in by_alias[column.table].filters
            if is_deterministic(f) and all(c == column for c in f.find_all(exp.Column)) and f.find(exp.Column)
        ]
        pushed[id(inner)] = rename_columns(conjoin(held), {column.name.casefold(): names[0]})
    for child in scope.subquery_scopes:
        predicate = pushed.get(id(child.expression), TRUE.copy())
        columns = frozenset[str]() if isinstance(child.expression.parent, exp.Exists) else None
        ask(demands, child, predicate, columns, demand.uses, columns)
