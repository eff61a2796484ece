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


def write_operators(tree: exp.Query) -> exp.Query:
    """`tree`, a qualified query, with `struct_extract(s, 'a')` as `s.a`, and `add(a, b)` as `a + b`."""
    for node in list(tree.find_all(exp.StructExtract, exp.Anonymous)):
        if isinstance(node, exp.StructExtract) and node.expression.is_string:
            field = exp.to_identifier(node.expression.name, quoted=True)
            node.replace(exp.Dot(this=node.this, expression=field))
        kind = _SUMS.get(node.name.lower()) if isinstance(node, exp.Anonymous) else None
        if kind is not None and len(node.expressions) == 2:
            left, right = (exp.paren(side, copy=False) for side in node.expressions)
            node.replace(kind(this=left, expression=right))
    return tree


def list_members(tree: exp.Query) -> exp.Query:
    """`tree`, whose types are known, with `contains([1, 2], x)` as `x IN (1, 2)`.

    Only for literals of the column's own kind without NULL: with a NULL in it, the list gives FALSE where IN
    gives NULL.
    """
    for node in list(tree.find_all(exp.Contains, exp.ArrayContains)):
        if not isinstance(node.this, exp.Array):
            continue
        values, column = node.this.expressions, node.expression
        family = next((f for f in _FAMILIES if _kind(column) in f), frozenset[exp.DType]())
        if values and all(_is_literal(value) and _kind(value) in family for value in values):
            member = exp.In(this=column.copy(), expressions=[value.copy() for value in values])
            member.type = exp.DataType.build("boolean")
            node.replace(member)
    return tree


def _kind(node: exp.Expr) -> exp.DType | None:
    return node.type.this if node.type is not None else None


def _is_literal(node: exp.Expr) -> bool:
    inner = node.this if isinstance(node, exp.Cast | exp.Neg) else node
    return isinstance(inner, exp.Literal)
