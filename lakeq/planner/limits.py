"""Whether a query may end before it has read its tables."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from lakeq.catalog.table import Table
from lakeq.errors import LakeqError
from lakeq.planner.logic import is_deterministic
from lakeq.planner.parse import parse_query


def stops_early(sql: str) -> bool:
    """Whether the first rows that are found may be all that `sql` needs: it ends in a LIMIT, and nothing in
    its outermost SELECT has to see every row. A guess that decides how far ahead is read, nothing else."""
    if "limit" not in sql.casefold() and "fetch" not in sql.casefold():
        return False
    try:
        query = parse_query(sql)
    except LakeqError:
        return False
    if not isinstance(query, exp.Select) or query.args.get("limit") is None:
        return False
    if any(query.args.get(part) for part in ("order", "group", "having", "distinct", "qualify")):
        return False
    return not any(shown.find(exp.AggFunc, exp.Window) for shown in query.expressions)


def holds_rows(sql: str) -> bool:
    """Whether an engine may have to hold many rows at once to answer `sql`: to sort, join, group or compare
    them. A guess that decides which engine is asked, nothing else."""
    try:
        query = parse_query(sql)
    except (LakeqError, RecursionError):
        return True
    holding = (exp.Join, exp.Order, exp.Group, exp.Distinct, exp.Window, exp.SetOperation)
    return query.find(*holding) is not None


_MOST_STEPS = 32
_STEP_CLAUSES = frozenset({"expressions", "from_", "where", "kind", "hint"})
_PLAIN_CLAUSES = frozenset({"expressions", "from_", "where", "group", "order", "distinct", "kind", "hint"})


def must_read_all(query: exp.Expr, tables: Mapping[str, Table]) -> bool:
    """Whether every engine has to read each column of `query` (qualified) in each row that the conditions on
    partition columns leave.

    True of a SELECT of plain columns, sums and averages from one table. All else might let an engine read
    less: LIMIT, a join (its other side says which rows can match), conditions on data (columns of rows that
    fail are not needed), counts (statistics may know them), expressions (which may fold).
    """
    if not isinstance(query, exp.Select):
        return False
    if {key for key, value in query.args.items() if value} - _PLAIN_CLAUSES - {"with_"}:
        return False
    query = merge_steps(query)
    given = {key for key, value in query.args.items() if value}
    start, distinct = query.args.get("from_"), query.args.get("distinct")
    if given - _PLAIN_CLAUSES or start is None or (distinct is not None and distinct.args.get("on")):
        return False
    source = start.this
    if not isinstance(source, exp.Table) or {k for k, v in source.args.items() if v} - {"this", "alias"}:
        return False
    table = tables.get(source.name.casefold())
    where = query.args.get("where")
    if table is None or (where is not None and not _is_about_keys(where, table)):
        return False
    shown = [projection.unalias() for projection in query.expressions]
    group, order = query.args.get("group"), query.args.get("order")
    if any(value for key, value in (group.args if group else {}).items() if key != "expressions"):
        return False
    sorted_by = [ordered.this for ordered in order.expressions] if order else []
    keys = [*(group.expressions if group else ()), *sorted_by]
    return all(isinstance(node, exp.Column) for node in keys) and all(map(_is_read, shown))


def merge_steps(query: exp.Select) -> exp.Select:
    """`query` (qualified) without the derived tables and CTEs it begins with, as far as these do no more than
    to choose rows and columns of one source."""
    with_ = query.args.get("with_")
    steps = {cte.alias.casefold(): cte.this for cte in (with_.expressions if with_ is not None else ())}
    chain: list[exp.Select] = []
    step: exp.Expr | None = query
    while isinstance(step, exp.Select) and len(chain) < _MOST_STEPS:
        if step is not query and {key for key, value in step.args.items() if value} - _STEP_CLAUSES:
            return query
        chain.append(step)
        start = step.args.get("from_")
        source = start.this if start is not None else None
        step = source.this if isinstance(source, exp.Subquery) else steps.get(getattr(source, "name", ""))
    merged = chain[0] if len(chain) == 1 else chain[0].copy()
    for inner in chain[1:]:
        made = {shown.alias_or_name.casefold(): shown.unalias() for shown in inner.expressions}
        own = [merged.args.get(key) for key in ("where", "group", "order", "distinct")]
        parts = [part for part in (*merged.expressions, *own) if part is not None]
        columns = [column for part in parts for column in part.find_all(exp.Column)]
        if not all(isinstance(made.get(column.name.casefold()), exp.Column) for column in columns):
            return query
        for column in columns:
            column.replace(made[column.name.casefold()].copy())
        merged.set("from_", inner.args["from_"].copy())
        if inner.args.get("where") is not None:
            merged.where(inner.args["where"].this.copy(), copy=False)
    if merged is not query:
        merged.set("with_", None)
    return merged


def _is_about_keys(where: exp.Expr, table: Table) -> bool:
    keys = {column.name.casefold() for column in table.partition_columns}
    return (
        is_deterministic(where.this)
        and where.find(exp.Query) is None
        and {column.name.casefold() for column in where.find_all(exp.Column)} <= keys
    )


def _is_read(node: exp.Expr) -> bool:
    """A column, or a sum of one, for which every value is needed."""
    return isinstance(node.this if isinstance(node, exp.Sum | exp.Avg) else node, exp.Column)
