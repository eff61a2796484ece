"""Conditions on the outputs of a derived table or CTE, in terms of what lies below it."""

from __future__ import annotations

from sqlglot import exp

from lakeq.planner.equalities import replace_columns
from lakeq.planner.logic import TRUE, has_own, is_deterministic, is_true, may_be_true, own_nodes

_AROUND_CALLS = (exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.WithinGroup)


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
    aggregated = grouped or any(map(aggregates, select.expressions))
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


def aggregates(projection: exp.Expr) -> bool:
    """Whether rows become one: by an aggregate that is not itself the function of a window."""
    return any(isinstance(node, exp.AggFunc) and not _is_windowed(node) for node in own_nodes(projection))


def _is_windowed(call: exp.Expr) -> bool:
    parent = call.parent
    if parent is None or call.arg_key != "this":
        return False
    return isinstance(parent, exp.Window) or (isinstance(parent, _AROUND_CALLS) and _is_windowed(parent))


def group_keys(select: exp.Expr) -> list[exp.Expr]:
    """The grouping expressions; empty when there are none or they are not plain (ROLLUP, CUBE, …)."""
    group = select.args.get("group")
    if group is None or any(group.args.get(k) for k in ("rollup", "cube", "grouping_sets")):
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
