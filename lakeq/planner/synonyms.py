"""Calls that mean the same as an operator, as the operator: what prunes for one then prunes for both.

So a query is printed that was put together by calls: those of DuckDB's relations, or of a DataFrame. Works on
the copy that is analysed; what runs is the text with its calls.
"""

from __future__ import annotations

from sqlglot import exp

_FAMILIES = (
    frozenset(exp.DataType.INTEGER_TYPES),
    frozenset(exp.DataType.TEXT_TYPES),
    frozenset({exp.DType.DOUBLE}),
    frozenset({exp.DType.DATE}),
    frozenset({exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ}),
)
"""Types within which a list and an IN compare alike, without a cast that could make two texts one value."""


_SUMS = {"add": exp.Add, "subtract": exp.Sub, "multiply": exp.Mul}


def open_fields(tree: exp.Query) -> exp.Query:
    """`tree`, qualified, with `struct_extract(s, 'a')` as `s.a`."""

    def open_field(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.StructExtract) or not node.expression.is_string:
            return node
        field = exp.to_identifier(node.expression.name, quoted=True)
        return exp.Dot(this=open_field(node.this), expression=field)

    tree.transform(open_field, copy=False)
    return tree


def write_sums(tree: exp.Query) -> exp.Query:
    """`tree` with `add(a, b)` as `a + b`, and the like."""

    def write_sum(node: exp.Expr) -> exp.Expr:
        kind = _SUMS.get(node.name.lower()) if isinstance(node, exp.Anonymous) else None
        if kind is None or len(node.expressions) != 2:
            return node
        left, right = (exp.paren(side, copy=False) for side in node.expressions)
        return kind(this=left, expression=right)

    tree.transform(write_sum, copy=False)
    return tree


def list_members(tree: exp.Query) -> exp.Query:
    """`tree`, whose types are known, with `contains([1, 2], x)` as `x IN (1, 2)`.

    Only for literals of the column's own kind without NULL: with a NULL in it, the list gives FALSE where IN
    gives NULL.
    """

    def list_member(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Contains | exp.ArrayContains) or not isinstance(node.this, exp.Array):
            return node
        values, column = node.this.expressions, node.expression
        family = next((f for f in _FAMILIES if _kind(column) in f), frozenset())
        if not values or not all(_is_literal(value) and _kind(value) in family for value in values):
            return node
        member = exp.In(this=column.copy(), expressions=[value.copy() for value in values])
        member.type = exp.DataType.build("boolean")
        return member

    tree.transform(list_member, copy=False)
    return tree


def _kind(node: exp.Expr) -> exp.DType | None:
    return node.type.this if node.type is not None else None


def _is_literal(node: exp.Expr) -> bool:
    inner = node.this if isinstance(node, exp.Cast | exp.Neg) else node
    return isinstance(inner, exp.Literal)
