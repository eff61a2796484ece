"""What a row group's bounds say about a comparison: could it be TRUE for some row in there?

The SQL made here speaks of `"lo:x"`, `"hi:x"`, `"n:x"` (lower bound, upper bound, null count of leaf `x`) and
`rows`, as `FileIndex.measure` offers them. A missing bound keeps the row group. Floats have no upper bound
in the index: NaN is greatest, as DuckDB orders it, and footers leave it out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from lakeq.formats.types import quote_name
from lakeq.planner.logic import is_deterministic

_FLIPPED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.LT: exp.GT, exp.LTE: exp.GTE, exp.GT: exp.LT, exp.GTE: exp.LTE, exp.EQ: exp.EQ, exp.NEQ: exp.NEQ,
    exp.NullSafeEQ: exp.NullSafeEQ,
}  # fmt: skip
_NEGATED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.LT: exp.GTE, exp.LTE: exp.GT, exp.GT: exp.LTE, exp.GTE: exp.LT, exp.EQ: exp.NEQ, exp.NEQ: exp.EQ,
}  # fmt: skip
_OPERATORS = {exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}

_RISING_UNITS = frozenset(
    {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND"}
)


@dataclass(frozen=True, slots=True)
class BoundedColumn:
    """A leaf column, or a rising function of it, that a comparison is about."""

    leaf: str
    family: str
    wrap: Callable[[str], str]

    def bound(self, side: str) -> str:
        return self.wrap(quote_name(f"{side}:{self.leaf}"))

    @property
    def missing(self) -> str:
        """TRUE where a bound is not known."""
        return f"({quote_name('lo:' + self.leaf)} IS NULL)"

    @property
    def any_value(self) -> str:
        nulls = quote_name(f"n:{self.leaf}")
        return f"({nulls} IS NULL OR {nulls} < rows)"

    @property
    def any_null(self) -> str:
        nulls = quote_name(f"n:{self.leaf}")
        return f"({nulls} IS NULL OR {nulls} > 0)"


LeafType = Callable[[exp.Expr], tuple[str, pa.DataType] | None]
"""Gives the leaf path and type of a column reference (nested fields too), None for anything else."""
Constant = Callable[[exp.Expr], str | None]
"""Gives the SQL of an expression that is the same for all rows of a file, None for anything else."""


def type_family(kind: pa.DataType) -> str:
    """Types that compare with each other in one order: `number`, `text`, `time`, `instant`; empty: none."""
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None):
        return "time"
    return "instant" if pa.types.is_timestamp(kind) else ""


def expression_family(node: exp.Expr) -> str:
    """The family of an expression's annotated type; `any` for an untyped string literal."""
    node = node.unnest()
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
    if kind.this in (exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ):
        return "instant"
    return "time" if kind.this in exp.DataType.TEMPORAL_TYPES and kind.this is not exp.DType.TIME else ""


def bounded_column(node: exp.Expr, leaf_type: LeafType) -> BoundedColumn | None:
    """`x`, `s.x`, `x::date`, `date_trunc('day', x)` or `year(x)` as something that bounds say something
    about."""
    node = node.unnest()
    found = leaf_type(node)
    if found is not None:
        family = type_family(found[1])
        return BoundedColumn(found[0], family, lambda sql: sql) if family else None
    inner = node.this if isinstance(node, exp.Cast | exp.TimestampTrunc | exp.DateTrunc | exp.Year) else None
    found = leaf_type(inner) if isinstance(inner, exp.Expr) else None
    if found is None or type_family(found[1]) != "time":
        return None
    leaf = found[0]
    if isinstance(node, exp.Cast):
        target = node.to.this
        names = {exp.DType.DATE: "DATE", exp.DType.TIMESTAMP: "TIMESTAMP"}
        name = names.get(target)
        return BoundedColumn(leaf, "time", lambda sql: f"CAST({sql} AS {name})") if name else None
    if isinstance(node, exp.Year):
        return BoundedColumn(leaf, "number", lambda sql: f"year({sql})")
    unit = node.args["unit"].name.upper() if node.args.get("unit") is not None else ""
    if unit not in _RISING_UNITS:
        return None
    return BoundedColumn(leaf, "time", lambda sql: f"date_trunc('{unit.lower()}', {sql})")


def bound_condition(
    node: exp.Expr, negated: bool, leaf_type: LeafType, constant: Constant
) -> tuple[str, str] | None:
    """SQL that is TRUE for each row group that may hold a row for which `node` (or NOT `node`) is TRUE, and
    the leaf it speaks of. None when bounds say nothing about this kind of condition."""
    # sqlglot keeps the NOT of `x NOT LIKE 'a%'` in the node itself.
    if not is_deterministic(node) or node.args.get("negate"):
        return None
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        found = leaf_type(node.this.unnest())
        if found is None or not found[0]:
            return None
        column = BoundedColumn(found[0], "", lambda sql: sql)
        return (column.any_value if negated else column.any_null), column.leaf
    if isinstance(node, exp.Between):
        low, high = (
            type_(this=node.this, expression=node.args[key])
            for type_, key in ((exp.GTE, "low"), (exp.LTE, "high"))
        )
        sides = [bound_condition(part, negated, leaf_type, constant) for part in (low, high)]
        return join_conditions(sides, " OR " if negated else " AND ")
    if isinstance(node, exp.In):
        if node.args.get("query") or node.args.get("unnest") or not node.expressions:
            return None
        parts = [exp.EQ(this=node.this, expression=value) for value in node.expressions]
        sides = [bound_condition(part, negated, leaf_type, constant) for part in parts]
        return join_conditions(sides, " AND " if negated else " OR ")
    if isinstance(node, exp.Like | exp.StartsWith) and not negated:
        return prefix_condition(node, leaf_type)
    return comparison(node, negated, leaf_type, constant)


def join_conditions(sides: list[tuple[str, str] | None], word: str) -> tuple[str, str] | None:
    """Several conditions on one leaf as one. An unknown side of an AND is left out; of an OR it spoils
    all."""
    known = [side for side in sides if side is not None]
    if not known or (word == " OR " and len(known) < len(sides)):
        return None
    return "(" + word.join(sql for sql, _ in known) + ")", known[0][1]


def comparison(
    node: exp.Expr, negated: bool, leaf_type: LeafType, constant: Constant
) -> tuple[str, str] | None:
    """One comparison of a bounded column with a value that is the same throughout a file."""
    operator = type(node)
    if operator not in _FLIPPED or (negated and operator not in _NEGATED):
        return None
    left, right = node.this, node.expression
    column = bounded_column(left, leaf_type)
    if column is None:
        column, right, operator = bounded_column(right, leaf_type), left, _FLIPPED[operator]
    if column is None or not column.family:
        return None
    family = expression_family(right)
    value = constant(right)
    if value is None or family not in ("any", column.family):
        return None
    if negated:
        operator = _NEGATED[operator]
    return compare_bounds(column, operator, f"({value})"), column.leaf


def compare_bounds(column: BoundedColumn, operator: type[exp.Expr], value: str) -> str:
    """May `column <operator> value` be TRUE for some row?"""
    low, high = column.bound("lo"), column.bound("hi")
    if operator in (exp.LT, exp.LTE):
        return f"(({low} {_OPERATORS[operator]} {value} OR {low} IS NULL) AND {column.any_value})"
    if operator in (exp.GT, exp.GTE):
        return f"(({high} {_OPERATORS[operator]} {value} OR {high} IS NULL) AND {column.any_value})"
    unknown = f"{low} IS NULL OR {high} IS NULL"
    if operator is exp.NEQ:
        return f"(({low} <> {value} OR {high} <> {value} OR {unknown}) AND {column.any_value})"
    below, above = f"({low} <= {value} OR {low} IS NULL)", f"({high} >= {value} OR {high} IS NULL)"
    equal = f"({below} AND {above} AND {column.any_value})"
    return equal if operator is exp.EQ else f"({equal} OR {column.any_null})"


def prefix_condition(node: exp.Expr, leaf_type: LeafType) -> tuple[str, str] | None:
    """`x LIKE 'abc%'` and `starts_with(x, 'abc')`: text that begins so lies between bounds that begin so."""
    found = leaf_type(node.this.unnest())
    pattern = node.expression
    if found is None or type_family(found[1]) != "text":
        return None
    if not (isinstance(pattern, exp.Literal) and pattern.is_string) or isinstance(node.parent, exp.Escape):
        return None
    prefix = pattern.name
    if isinstance(node, exp.Like):
        prefix = prefix.split("%", maxsplit=1)[0].split("_", maxsplit=1)[0]
    if not prefix:
        return None
    column = BoundedColumn(found[0], "text", lambda sql: sql)
    text = exp.Literal.string(prefix).sql("duckdb")
    low, high = column.bound("lo"), column.bound("hi")
    return (
        f"(({low} IS NULL OR left({low}, {len(prefix)}) <= {text}) AND ({high} IS NULL OR {high} >= {text}) "
        f"AND {column.any_value})"
    ), column.leaf
