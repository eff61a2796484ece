"""Which conditions of a query hold for every row that a table reference contributes.

Walks the scopes of a qualified query from the outside in. For each source of each SELECT it gathers the
conditions that a row must meet to have any effect on the result: from WHERE, from JOIN … ON as far as the
kind of join allows, from HAVING over group keys, through equalities across joins, and from the queries
around it as far as nothing between (LIMIT, window, DISTINCT ON, aggregate) would notice the missing rows.
Nothing is rewritten: the conditions are only ever used to leave files out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from lakeq.planner.logic import (
    TRUE,
    conjoin,
    conjuncts,
    has_own,
    is_deterministic,
    is_true,
    may_be_true,
    own_nodes,
    rejects_null,
)
from lakeq.planner.plan import Missed


@dataclass(slots=True)
class Source:
    """One entry of a FROM clause, and what the joins around it mean for conditions on it."""

    alias: str
    join: exp.Join | None = None
    nullable: bool = False
    opaque: str = ""
    filters: list[exp.Expr] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Condition:
    """A conjunct, and for whom it holds: all sources, or those named in `only`."""

    node: exp.Expr
    only: frozenset[str] | None = None
    strict: frozenset[str] = frozenset()


def join_method(join: exp.Join) -> str:
    """`inner`, `left`, `right`, `full`, `semi`, `anti`, `asof` or `positional`."""
    method = (join.method or "").lower()
    if method in ("asof", "positional"):
        return method
    kind = (join.kind or "").lower()
    if kind in ("semi", "anti"):
        return kind
    if kind == "positional":
        return kind
    return (join.side or "inner").lower()


def joins_of(select: exp.Expr) -> list[exp.Join]:
    """The joins of a SELECT in order; FROM-first syntax hangs them under the first table."""
    start = select.args.get("from_")
    nested = start.this.args.get("joins") if start is not None else None
    return [*(nested or ()), *(select.args.get("joins") or ())]


def read_sources(scope: Scope) -> list[Source]:
    """The sources of a SELECT in the order of its FROM clause, with what their joins allow."""
    select = scope.expression
    start = select.args.get("from_")
    if start is None:
        return []
    sources = [Source(start.this.alias_or_name)]
    for join in joins_of(select):
        source = Source(join.this.alias_or_name, join)
        mark_outer_join(join_method(join), sources, source)
        sources.append(source)
    known = {source.alias for source in sources}
    missing = set(scope.selected_sources) - known
    if missing or len(known) != len(sources):
        sources += [Source(alias) for alias in sorted(missing)]
        make_opaque(sources, "a join nested in parentheses is not taken apart")
    if select.args.get("sample"):
        make_opaque(sources, "a sample is drawn before WHERE")
    for source in sources:
        node = scope.selected_sources.get(source.alias, (None, None))[0]
        if node is not None and node.args.get("sample"):
            source.opaque = "a sample is drawn before WHERE"
        if node is not None and node.args.get("pivots"):
            source.opaque = "PIVOT reads every row"
    return sources


def mark_outer_join(method: str, before: list[Source], source: Source) -> None:
    """Note which sources a join may fill with NULLs, and which rows it counts or chooses among."""
    match method:
        case "left":
            source.nullable = True
        case "right":
            mark_nullable(before)
        case "full":
            mark_nullable([*before, source])
        case "asof":
            source.opaque = "the right side of an ASOF join decides which row is nearest"
        case "positional":
            make_opaque([*before, source], "a positional join counts rows")


def make_opaque(sources: list[Source], reason: str) -> None:
    for source in sources:
        source.opaque = reason


def mark_nullable(sources: list[Source]) -> None:
    for source in sources:
        source.nullable = True


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


def group_keys(select: exp.Expr) -> list[exp.Expr]:
    """The grouping expressions; empty when there are none or they are not plain (ROLLUP, CUBE, …)."""
    group = select.args.get("group")
    if group is None or any(group.args.get(k) for k in ("rollup", "cube", "grouping_sets", "totals")):
        return []
    projections = [p.unalias() for p in select.expressions]
    if group.args.get("all"):
        return [p for p in projections if not has_own(p, exp.AggFunc, exp.Anonymous, exp.Window)]
    keys = []
    for key in group.expressions:
        if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.name) <= len(projections):
            keys.append(projections[int(key.name) - 1])
        elif isinstance(key, exp.Tuple | exp.GroupingSets | exp.Cube | exp.Rollup):
            return []
        else:
            keys.append(key)
    return keys


def covered_by(node: exp.Expr, keys: list[exp.Expr], select: exp.Expr) -> bool:
    """Whether `node` reads only columns that are group keys, and that no output of another meaning
    shadows."""
    plain = [key for key in keys if isinstance(key, exp.Column)]
    outputs = {p.alias_or_name.casefold(): p.unalias() for p in select.expressions}
    return all(
        column in plain and outputs.get(column.name.casefold(), column) == column
        for column in node.find_all(exp.Column)
    )


def apply_conditions(
    scope: Scope, sources: list[Source], conditions: list[Condition]
) -> dict[str, list[Missed]]:
    """Give each source the conditions that hold for it; returns, by alias, what could not be given."""
    missed: dict[str, list[Missed]] = {source.alias: [] for source in sources}
    aliases = {source.alias for source in sources}
    for condition in conditions:
        columns = list(condition.node.find_all(exp.Column))
        mentioned = {column.table for column in columns} & aliases if columns else aliases
        is_join_key = is_column_equality(condition.node)
        for source in sources:
            part = may_be_true(condition.node, partial(concerns, alias=source.alias))
            reason = refusal(source, condition, part, mentioned)
            if not reason and not is_true(part):
                source.filters.append(part)
            elif reason and source.alias in mentioned and not is_join_key:
                missed[source.alias].append(Missed(condition.node.sql("duckdb"), reason))
    return missed


def refusal(source: Source, condition: Condition, part: exp.Expr, mentioned: set[str]) -> str:
    """Why `condition`, weakened to `part`, says nothing about `source`; empty when it does."""
    if source.opaque:
        return source.opaque
    if condition.only is not None and source.alias not in condition.only:
        return "an outer join keeps the rows that fail its ON condition"
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


def spread_equalities(scope: Scope, sources: list[Source]) -> None:
    """Carry filters over `a.x = b.y`, where types are equal and the join lets them pass, until none is
    new."""
    methods = {join_method(source.join) for source in sources if source.join is not None}
    if methods - {"inner", "left", "semi", "anti"} or any(source.opaque for source in sources):
        return
    by_alias = {source.alias: source for source in sources}
    edges = list(read_equalities(scope, sources))
    for _ in range(len(sources)):
        for start, end in edges:
            if start.table not in by_alias or end.table not in by_alias:
                continue
            target = by_alias[end.table]
            for condition in list(by_alias[start.table].filters):
                if all(column == start for column in condition.find_all(exp.Column)) and condition.find(
                    exp.Column
                ):
                    moved = replace_columns(condition, constant(end))
                    if moved not in target.filters:
                        target.filters.append(moved)


def read_equalities(scope: Scope, sources: list[Source]) -> Iterator[tuple[exp.Column, exp.Column]]:
    """Pairs (from, to) of columns of one type such that a filter on `from` also holds for `to`."""
    where = scope.expression.args.get("where")
    for node in conjuncts(where.this if where else None):
        if pair := equal_columns(node):
            yield from (pair, pair[::-1])
    for source in sources:
        if source.join is None:
            continue
        method = join_method(source.join)
        for node in conjuncts(source.join.args.get("on")):
            pair = equal_columns(node)
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


def equal_columns(node: exp.Expr) -> tuple[exp.Column, exp.Column] | None:
    """The two columns of `a.x = b.y` when both are known to have one type."""
    if not isinstance(node, exp.EQ):
        return None
    left, right = node.left.unnest(), node.right.unnest()
    if not (isinstance(left, exp.Column) and isinstance(right, exp.Column)):
        return None
    kind = left.type
    if kind is None or kind.this is exp.DType.UNKNOWN or kind != right.type:
        return None
    return (left, right)


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


def merge_using(scope: Scope, sources: list[Source]) -> None:
    """Read `COALESCE(a.x, b.x)`, which USING makes, as the side that is never NULL where the other is not."""
    sides: dict[tuple[str, str], exp.Column] = {}
    for source in sources:
        if source.join is None or join_method(source.join) not in ("inner", "left", "right"):
            continue
        for node in conjuncts(source.join.args.get("on")):
            if pair := equal_columns(node):
                left, right = pair if pair[1].table == source.alias else pair[::-1]
                kept = right if join_method(source.join) == "right" else left
                sides[(left.sql(), right.sql())] = kept
    where = scope.expression.args.get("where")
    for node in list(where.find_all(exp.Coalesce)) if where is not None else []:
        parts = [node.this, *node.expressions]
        side = sides.get((parts[0].sql(), parts[1].sql())) if len(parts) == 2 else None
        if side is not None:
            node.replace(side.copy())


def push_through(select: exp.Expr, wanted: exp.Expr) -> exp.Expr:
    """What is asked of the rows of a derived table or CTE (`wanted`, over its output columns), in terms of
    its own sources. TRUE when something in between would notice that rows are missing.
    """
    if is_true(wanted) or counts_rows(select):
        return TRUE.copy()
    mapping = output_columns(select)

    def known(leaf: exp.Expr) -> bool:
        return all(mapping.get(column.name.casefold()) is not None for column in leaf.find_all(exp.Column))

    weakened = may_be_true(wanted, known)
    inner = {name: value for name, value in mapping.items() if value is not None}
    return replace_columns(weakened, lambda column: inner[column.name.casefold()])


def counts_rows(select: exp.Expr) -> bool:
    """Whether leaving out rows that fail an outer condition could change the rows that meet it."""
    distinct = select.args.get("distinct")
    return bool(
        select.args.get("limit")
        or select.args.get("offset")
        or select.args.get("sample")
        or (distinct is not None and distinct.args.get("on"))
        or any(projection.is_star for projection in select.expressions)
    )


def output_columns(select: exp.Expr) -> dict[str, exp.Expr | None]:
    """Output name (folded) → the expression below it, None where a condition must not pass it."""
    grouped = select.args.get("group") is not None
    windows = window_keys(select)
    aggregated = grouped or any(has_own(p, exp.AggFunc) for p in select.expressions)
    keys = group_keys(select)
    mapping: dict[str, exp.Expr | None] = {}
    for projection in select.expressions:
        name, inner = projection.alias_or_name.casefold(), projection.unalias()
        safe = (
            is_deterministic(inner) and not inner.find(exp.Anonymous) and inner.find(exp.Column) is not None
        )
        if aggregated and inner not in keys:
            safe = False
        if windows is not None and inner not in windows:
            safe = False
        mapping[name] = inner if safe and name not in mapping else None
    return mapping


def window_keys(select: exp.Expr) -> list[exp.Expr] | None:
    """What every window of a SELECT is partitioned by; None when it has no window.

    A condition on such a key takes whole window partitions away, which no window function notices.
    """
    clauses = [
        *select.expressions,
        *(c for key in ("qualify", "order") if (c := select.args.get(key)) is not None),
    ]
    windows = [node for clause in clauses for node in own_nodes(clause) if isinstance(node, exp.Window)]
    if not windows:
        return [] if select.args.get("qualify") else None
    first, *others = (window.args.get("partition_by") or [] for window in windows)
    return [key for key in first if all(key in keys for keys in others)]


def outer_predicate(source: Source) -> exp.Expr:
    """The filters of a source, as a predicate over its output columns (names only, types kept)."""

    def strip(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column):
            return node
        column = exp.column(node.this.copy())
        column.type = node.type
        return column

    return conjoin(source.filters).transform(strip)
