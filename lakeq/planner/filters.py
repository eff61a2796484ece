"""Which conditions of a query hold for every row that a table reference contributes.

Walks the scopes of a qualified query from the outside in. For each source of each SELECT it gathers the
conditions that a row must meet to have any effect on the result: from WHERE, from JOIN … ON as far as the
kind of join allows, from HAVING over group keys, through equalities across joins, and from the queries
around it as far as nothing between (LIMIT, window, DISTINCT ON, aggregate) would notice the missing rows.
Nothing is rewritten: the conditions are only ever used to leave files out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from lakeq.planner.equalities import is_column_equality
from lakeq.planner.logic import conjoin, conjuncts, is_deterministic, is_true, may_be_true, rejects_null
from lakeq.planner.pushdown import covered_by, group_keys
from lakeq.planner.scan import Missed
from lakeq.planner.sources import Source, join_method

_KEPT = "an outer join keeps the rows that fail its ON condition"


@dataclass(frozen=True, slots=True)
class Condition:
    """A conjunct, and for whom it holds: all sources, or those named in `only`."""

    node: exp.Expr
    only: frozenset[str] | None = None
    strict: frozenset[str] = frozenset()


def read_conditions(scope: Scope, sources: list[Source]) -> Iterator[Condition]:
    """The conjuncts of WHERE, of HAVING over group keys, and of each ON, with the sources they hold for."""
    select = scope.expression
    where = select.args.get("where")
    yield from (Condition(node) for node in conjuncts(where.this if where else None))
    having = select.args.get("having")
    keys = group_keys(select)
    if having is not None and keys:
        for node in conjuncts(having.this):
            if not node.find(exp.AggFunc, exp.Anonymous) and covered_by(node, keys, select):
                yield Condition(node)
    before: list[str] = []
    nullable: set[str] = set()
    for source in sources:
        if source.join is not None:
            yield from read_join_conditions(source, frozenset(before), frozenset(nullable))
            if join_method(source.join) in ("right", "full"):
                nullable |= set(before)
            if join_method(source.join) in ("left", "full"):
                nullable.add(source.alias)
        before.append(source.alias)


def read_join_conditions(
    source: Source, before: frozenset[str], nullable: frozenset[str]
) -> Iterator[Condition]:
    """The conjuncts of one ON clause. A LEFT JOIN's hold for its right side only, and so on."""
    assert source.join is not None
    itself = frozenset({source.alias})
    match join_method(source.join):
        case "inner" | "semi":
            only = before | itself
        case "left" | "anti":
            only = itself
        case "right":
            only = before
        case _:
            return
    for node in conjuncts(source.join.args.get("on")):
        yield Condition(node, only, nullable)


def apply_conditions(
    scope: Scope, sources: list[Source], conditions: list[Condition]
) -> dict[str, list[Missed]]:
    """Give each source the conditions that hold for it; returns, by alias, what could not be given."""
    missed: dict[str, list[Missed]] = {source.alias: [] for source in sources}
    aliases = {source.alias for source in sources}
    for condition in conditions:
        if is_true(condition.node):
            continue
        columns = list(condition.node.find_all(exp.Column))
        mentioned = {column.table for column in columns} & aliases if columns else aliases
        is_join_key = is_column_equality(condition.node)
        for source in sources:
            part = may_be_true(condition.node, partial(concerns, alias=source.alias))
            reason = refusal(source, condition, part, mentioned)
            if not reason and not is_true(part):
                source.filters.append(part)
            elif reason and source.alias in mentioned and not is_join_key:
                missed[source.alias].append(explain_missed(condition, part, reason, source.alias))
    return missed


def explain_missed(condition: Condition, part: exp.Expr, reason: str, alias: str) -> Missed:
    """The condition with what to write instead: no rewrite of these keeps the same rows whatever the data."""
    node = condition.node
    missed = Missed(node.sql("duckdb"), reason)
    if reason == _KEPT and not is_true(part):
        proviso = "other rows: it leaves out those that the join keeps for failing its ON"
        written = f"WHERE {part.sql('duckdb')}"
        return replace(missed, rewrite=written, proviso=proviso, node=without_tables(part))
    if not isinstance(node, exp.EQ | exp.LT | exp.LTE | exp.GT | exp.GTE):
        return missed
    column, query = node.this.unnest(), node.expression.unnest()
    if isinstance(query, exp.Query) and isinstance(column, exp.Column) and column.table == alias:
        written = type(node)(this=column.copy(), expression=exp.Var(this="…")).sql("duckdb")
        proviso = "the same rows with the value of the subquery, asked first, in place of …"
        return replace(missed, rewrite=written, proviso=proviso)
    return missed


def refusal(source: Source, condition: Condition, part: exp.Expr, mentioned: set[str]) -> str:
    """Why `condition`, weakened to `part`, says nothing about `source`; empty when it does."""
    if source.opaque:
        return source.opaque
    if condition.only is not None and source.alias not in condition.only:
        return _KEPT
    if is_true(part):
        return explain_unknown(condition.node, mentioned)
    nullable = source.nullable if condition.only is None else source.alias in condition.strict
    if nullable and not rejects_null(part):
        return "an outer join may make these columns NULL, which the condition lets pass"
    return ""


def explain_unknown(node: exp.Expr, mentioned: set[str]) -> str:
    """What in `node` kept it from being weakened to something useful."""
    if node.find(exp.Query):
        return "it holds a subquery, whose rows are not known while planning"
    if not is_deterministic(node):
        return "its value may change from call to call, or is not known while planning"
    if len(mentioned) > 1:
        return "it compares columns of several tables"
    return "it refers to another query's columns"


def concerns(leaf: exp.Expr, alias: str) -> bool:
    """Whether `leaf` can be judged from the columns of `alias` alone."""
    return is_deterministic(leaf) and all(column.table == alias for column in leaf.find_all(exp.Column))


def outer_predicate(source: Source) -> exp.Expr:
    """The filters of a source, as a predicate over its output columns (names only, types kept)."""
    return without_tables(conjoin(source.filters))


def without_tables(node: exp.Expr) -> exp.Expr:
    """An expression over one source with its columns by name only, types kept."""

    def strip(part: exp.Expr) -> exp.Expr:
        if not isinstance(part, exp.Column):
            return part
        column = exp.column(part.this.copy())
        column.type = part.type
        return column

    return node.transform(strip)
