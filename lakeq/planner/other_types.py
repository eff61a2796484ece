"""Values that a column is compared with at once (BETWEEN, IN). DuckDB compares all of them in one type: in
`x BETWEEN 5 AND 2.5::DOUBLE` whole numbers are compared as doubles, of which several may be one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

Constant = Callable[[exp.Expr], str | None]
"""Gives the SQL of an expression that is the same for all rows of a file, None for anything else."""

_EXACT_DIGITS = 18
"""Literals of more digits may be of another kind to DuckDB: a double, a BIGNUM."""


@dataclass(frozen=True, slots=True)
class OtherType:
    """A type among those of several values: SQL for a value of it, and its family."""

    sql: str
    family: str


def find_other_types(values: Sequence[exp.Expr], constant: Constant) -> tuple[OtherType, ...] | None:
    """The types of the values; none where all are of one, in which each may be compared by itself. None where
    one of them is not known."""
    found: dict[str, OtherType] = {}
    for value in values:
        key, node = _name_type(value), value.unnest()
        if key is None or key in found:
            continue
        sql = constant(node)
        if sql is None:  # of another column; what sqlglot says of more than a column is a guess
            kind = node.type if isinstance(node, exp.Column) else None
            kind = node.to if isinstance(node, exp.Cast) else kind
            if kind is None or kind.this is exp.DType.UNKNOWN:
                return None
            sql = f"CAST(NULL AS {kind.sql('duckdb')})"
        found[key] = OtherType(sql, expression_family(node))
    return tuple(found.values()) if len(found) > 1 else ()


def _name_type(node: exp.Expr) -> str | None:
    """What is the same for values that are surely of one type, for literals of one kind; None for NULL."""
    node = node.unnest()
    inner = node.this if isinstance(node, exp.Neg) else node
    if isinstance(node, exp.Null):
        return None
    if isinstance(inner, exp.Literal):
        if inner.is_string:
            return "text"
        digits = sum(map(str.isdigit, inner.name))
        return "number" if digits <= _EXACT_DIGITS and "e" not in inner.name.lower() else node.sql("duckdb")
    if isinstance(node, exp.Cast):
        return node.to.sql("duckdb")
    if isinstance(node, exp.Column) and node.type is not None:
        return node.type.sql("duckdb")
    return node.sql("duckdb")


def _choices(node: exp.Case | exp.Coalesce | exp.Greatest | exp.Least | exp.If) -> list[exp.Expr]:
    """The values of which the expression is one; sqlglot gives it the type of the first."""
    if isinstance(node, exp.Case):
        found = [branch.args["true"] for branch in node.args["ifs"]] + [node.args.get("default")]
    elif isinstance(node, exp.If):
        found = [node.args["true"], node.args.get("false")]
    else:
        found = [node.this, *node.expressions]
    return [value for value in found if value is not None]


def join_families(*families: str) -> str:
    """The family in which values of these are compared; empty where there is none, or it is not known."""
    known = set(families) - {"any"}
    if known == {"time", "instant"}:
        return "instant"
    return known.pop() if len(known) == 1 else "" if known else "any"


def expression_family(node: exp.Expr) -> str:
    """The family of an expression's annotated type; `any` for an untyped string literal."""
    node = node.unnest()
    if isinstance(node, exp.Case | exp.Coalesce | exp.Greatest | exp.Least | exp.If):
        return join_families(*map(expression_family, _choices(node)))
    if isinstance(node, exp.Literal) and node.is_string:
        return "any"
    if isinstance(node, exp.Null):
        return "any"
    kind = node.type
    if kind is None or not isinstance(kind, exp.DataType):
        return ""
    if kind.this in exp.DataType.NUMERIC_TYPES:
        return "number"
    if kind.this in exp.DataType.TEXT_TYPES:
        return "text"
    if kind.this in (exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ) or node.find(exp.UnixToTime):
        return "instant"
    return "time" if kind.this in exp.DataType.TEMPORAL_TYPES and kind.this is not exp.DType.TIME else ""
