"""What a SELECT uses of its sources: which columns, and whether repeated rows would be noticed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from lakeq.catalog.table import Table
from lakeq.planner.logic import has_own, own_nodes

_KEEPS_WHOLE = ("distinct", "group", "having", "qualify", "order", "limit", "offset", "sample", "pivots")
"""Clauses that keep rows as they are, for a while at least: with them a nested column is read whole."""

_ONCE_AGGREGATES = (exp.Min, exp.Max, exp.ApproxDistinct, exp.LogicalAnd, exp.LogicalOr)


def used_columns(
    scope: Scope, outputs: set[str] | None, is_shared: bool = False
) -> set[tuple[str, str]] | None:
    """(alias, dotted column path) that the SELECT reads to make the paths `outputs`; None when that cannot be
    told. `is_shared`: several read what it makes."""
    select = scope.expression
    if any(p.is_star or p.find(exp.Columns, exp.TableColumn) for p in select.expressions):
        return None
    wanted: list[exp.Expr] = []
    keep = outputs is None or select.args.get("distinct") is not None
    names = {p.alias_or_name.casefold(): p for p in select.expressions}
    clauses = [
        value for key, value in select.args.items() if key not in ("expressions", "from_", "joins", "with_")
    ]
    for clause in clauses:
        wanted += [n for n in (clause if isinstance(clause, list) else [clause]) if isinstance(n, exp.Expr)]
    for join in select.args.get("joins") or ():
        wanted += [value for key in ("on", "using") if isinstance(value := join.args.get(key), exp.Expr)]
    start = select.args.get("from_")
    nested = (
        [start.this, *(join.this for join in select.args.get("joins") or ())] if start is not None else []
    )
    wanted += [node for node in nested if not isinstance(node, exp.Table)]
    wanted += [
        j.args["on"] for t in nested for j in t.args.get("joins") or () if j.args.get("on") is not None
    ]
    asked = {c.name.casefold() for n in wanted for c in n.find_all(exp.Column) if not c.table}
    handed_on: set[tuple[str, str]] = set()
    for name, projection in names.items():
        paths = paths_of(name, outputs)
        if keep or name in asked or any(path.casefold() == name for path in paths):
            wanted.append(projection)
        elif paths:
            below = [] if is_shared else pass_fields(select, projection, name, paths)
            handed_on.update(below)
            wanted += [] if below else [projection]
    if keep:
        wanted += list(select.expressions)
    return handed_on | {
        (column.table, path)
        for node in wanted
        for column in node.find_all(exp.Column)
        for path in [column_path(column)]
    }


def paths_of(name: str, outputs: Iterable[str] | None) -> list[str]:
    """Those of the paths `outputs` that are the output called `name` (folded), or lie in it."""
    return [p for p in outputs or () if p.casefold() == name or p.casefold().startswith(name + ".")]


def pass_fields(
    select: exp.Expr, projection: exp.Expr, name: str, paths: Sequence[str]
) -> list[tuple[str, str]]:
    """(alias, path) of the fields `paths` of the output `name`, where it is a plain column; empty when all of
    it is read.

    As far as DuckDB does so: its scans read single fields through projections, filters and joins.
    """
    column = projection.unalias()
    while isinstance(column, exp.Dot) and isinstance(column.expression, exp.Identifier):
        column = column.this
    if not isinstance(column, exp.Column) or any(select.args.get(key) for key in _KEEPS_WHOLE):
        return []
    if any(has_own(shown, exp.Window) for shown in select.expressions):
        return []
    return [(column.table, column_path(column) + path[len(name) :]) for path in paths]


def column_path(column: exp.Column) -> str:
    """`s.a.b` for a column opened to a nested field, else its name."""
    path = column.name
    node: exp.Expr = column
    parent = node.parent
    while (
        isinstance(parent, exp.Dot) and parent.this is node and isinstance(parent.expression, exp.Identifier)
    ):
        path += "." + parent.expression.name
        node, parent = parent, parent.parent
    return path


def columns_of(used: set[tuple[str, str]] | None, alias: str) -> set[str] | None:
    """The column paths of one source; a column without a table may belong to it. None: all."""
    if used is None:
        return None
    return {path for table, path in used if table in (alias, "")}


def spell_columns(table: Table, columns: set[str] | None) -> tuple[str, ...]:
    """Column paths as the table spells their first part, in the table's order; names it lacks are left out.

    A path below another that is read whole goes with it. The table's own name stands for all its columns.
    """
    if columns is None or table.name.casefold() in {c.casefold() for c in columns}:
        return tuple(c.name for c in table.columns)
    found: dict[str, None] = {}
    for path in sorted(columns):
        for column in table.columns_at(path):
            found[column.name + path[len(column.name) :]] = None
    whole = {path for path in found if "." not in path or table.column(path) is not None}
    kept = [p for p in found if p in whole or not any(p.startswith(w + ".") for w in whole)]
    order = {c.name: i for i, c in enumerate(table.columns)}
    return tuple(
        sorted(kept, key=lambda p: (min(order.get(c.name, len(order)) for c in table.columns_at(p)), p))
    )


def ignores_repeats(select: exp.Expr) -> bool:
    """Whether a SELECT gives the same rows when each row of a source is met once or many times."""
    clauses = [
        *select.expressions,
        *(select.args[key] for key in ("having", "order") if select.args.get(key)),
    ]
    if select.args.get("sample") or select.args.get("qualify"):
        return False
    if any(has_own(clause, exp.Window, exp.Anonymous, exp.Unnest, exp.Rand, exp.Uuid) for clause in clauses):
        return False
    distinct = select.args.get("distinct")
    aggregates = [node for clause in clauses for node in own_nodes(clause) if isinstance(node, exp.AggFunc)]
    harmless = all(
        isinstance(a, _ONCE_AGGREGATES) or (isinstance(a, exp.Count) and isinstance(a.this, exp.Distinct))
        for a in aggregates
    )
    if not harmless:
        return False
    if aggregates or select.args.get("group") is not None:
        return True
    return distinct is not None and distinct.args.get("on") is None
