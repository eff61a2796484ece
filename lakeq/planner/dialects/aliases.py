"""Names that are both a column and an output of a SELECT: engines differ in which of them a clause means."""

from __future__ import annotations

from sqlglot import exp


def settle_aliases(tree: exp.Expr, dialect: str) -> None:
    """Write the output itself where an engine means the output and DuckDB the column: within an ORDER BY's
    expressions in all of them, and in GROUP BY in BigQuery."""
    for select in list(tree.find_all(exp.Select)):
        outputs = {
            shown.alias.casefold(): shown.this
            for shown in select.expressions
            if isinstance(shown, exp.Alias) and not _is_column(shown.this, shown.alias)
        }
        order, group = select.args.get("order"), select.args.get("group")
        for ordered in order.expressions if order is not None else ():
            if not isinstance(ordered.this, exp.Column):
                _exchange(ordered, outputs)
        if dialect == "bigquery" and group is not None:
            for key in list(group.expressions):
                if isinstance(key, exp.Column):
                    _exchange(key, outputs)


def _is_column(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Column) and node.name.casefold() == name.casefold()


def _exchange(node: exp.Expr, outputs: dict[str, exp.Expr]) -> None:
    for column in list(node.find_all(exp.Column)):
        value = outputs.get(column.name.casefold())
        if value is not None and not column.table and column.find_ancestor(exp.Select) is not None:
            column.replace(exp.Paren(this=value.copy()))


def count_offsets_from_zero(tree: exp.Expr) -> None:
    """BigQuery's WITH OFFSET counts from 0, DuckDB's WITH ORDINALITY from 1."""
    for unnest in list(tree.find_all(exp.Unnest)):
        offset = unnest.args.get("offset")
        select = unnest.find_ancestor(exp.Select)
        if not isinstance(offset, exp.Identifier | exp.Boolean) or select is None:
            continue
        name = offset.name if isinstance(offset, exp.Identifier) else "offset"
        for column in list(select.find_all(exp.Column)):
            if column.name.casefold() != name.casefold() or column.table:
                continue
            counted: exp.Expr = exp.Paren(this=exp.Sub(this=column.copy(), expression=exp.Literal.number(1)))
            if column.parent is select and column.arg_key == "expressions":
                counted = exp.Alias(this=counted, alias=column.this.copy())
            column.replace(counted)
