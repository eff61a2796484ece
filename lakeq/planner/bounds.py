"""What bounds say about a comparison: could it be TRUE for some row between them?

The SQL made here speaks of a `Leaf`'s bounds: those that a row group's footer tells, or those that a folder's
time promises. A missing bound keeps the rows. Floats have no upper bound in the index: NaN is greatest, as
DuckDB orders it, and footers leave it out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from sqlglot import exp

from lakeq.formats.types import quote_name, quote_text, sql_type
from lakeq.planner.logic import is_deterministic
from lakeq.planner.other_types import Constant, OtherType, expression_family, find_other_types, join_families

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
class Leaf:
    """A stored column, nested fields as dotted paths, and SQL for its bounds and its null count. `nulls` is
    None where any number of rows may be NULL."""

    path: str
    type: pa.DataType
    low: str
    high: str
    nulls: str | None


def footer_leaf(path: str, kind: pa.DataType) -> Leaf:
    """The leaf as `RowGroupIndex.measure` offers it: beside `rows`, its null count `"n:x"`, and its bounds
    `"lo:x"` and `"hi:x"`."""
    return Leaf(path, kind, *(quote_name(f"{side}:{path}") for side in ("lo", "hi", "n")))


@dataclass(frozen=True, slots=True)
class BoundedColumn:
    """A leaf column, or a rising function of it, that a comparison is about. `slack` is SQL for an interval
    by which the bounds are moved apart."""

    leaf: Leaf
    family: str = ""
    wrap: Callable[[str], str] = lambda sql: sql
    slack: str = ""

    @property
    def low(self) -> str:
        low = self.wrap(self.leaf.low)
        return f"({low} - {self.slack})" if self.slack else low

    @property
    def high(self) -> str:
        high = self.wrap(self.leaf.high)
        return f"({high} + {self.slack})" if self.slack else high

    @property
    def and_any_value(self) -> str:
        nulls = self.leaf.nulls
        return "" if nulls is None else f" AND ({nulls} IS NULL OR {nulls} < rows)"

    @property
    def any_null(self) -> str:
        nulls = self.leaf.nulls
        return "TRUE" if nulls is None else f"({nulls} IS NULL OR {nulls} > 0)"


FindLeaf = Callable[[exp.Expr], Leaf | None]
"""Gives the leaf that a column reference means (nested fields too), None for anything else."""


def type_family(kind: pa.DataType) -> str:
    """Types that compare with each other in one order: `number`, `text`, `time`, `instant`; empty: none."""
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None):
        return "time"
    return "instant" if pa.types.is_timestamp(kind) else ""


_RISING_CALLS = (
    exp.Cast | exp.TimestampTrunc | exp.DateTrunc | exp.Year | exp.Extract | exp.Date | exp.TimeToStr
)
_CASTS = {exp.DType.DATE: "DATE", exp.DType.TIMESTAMP: "TIMESTAMP", exp.DType.TIMESTAMPNTZ: "TIMESTAMP"}
_RISING_FORMAT = re.compile(r"%Y([-/]?%m([-/]?%d([ T]?%H(:?%M(:?%S)?)?)?)?)?")
"""Formats of strftime whose texts are in the order of the times, from the year 1000 to 9999."""
_IS_UTC = "current_setting('TimeZone') IN ('UTC', 'Etc/UTC')"
_SLACK = f"CASE WHEN {_IS_UTC} THEN INTERVAL 0 HOUR ELSE INTERVAL 25 HOUR END"
"""Compared with an instant, a time without a zone is one of the session's zone. Where clocks change, the
order of instants is not that of the times; by no more than a day in any zone's history."""


def bounded_column(node: exp.Expr, find_leaf: FindLeaf) -> BoundedColumn | None:
    """`x`, `s.x`, or a rising function of a time: `x::date`, `date_trunc('day', x)`, `year(x)`,
    `strftime(x, '%Y-%m')`; as something that bounds say something about."""
    node = node.unnest()
    leaf = find_leaf(node)
    if leaf is not None:
        family = type_family(leaf.type)
        return BoundedColumn(leaf, family) if family else None
    if not isinstance(node, _RISING_CALLS):
        return None
    inner = node.expression if isinstance(node, exp.Extract) else node.this
    leaf = find_leaf(inner.unnest()) if isinstance(inner, exp.Expr) else None
    if leaf is None or type_family(leaf.type) not in ("time", "instant"):
        return None
    found = rising_call(node, leaf)
    if found is None or type_family(leaf.type) == "time":
        return found
    if pa.types.is_timestamp(leaf.type) and leaf.type.unit == "ns":
        return None
    # Of an instant these functions ask the session's zone; in UTC none of them ever falls.
    return replace(found, wrap=lambda sql: f"CASE WHEN {_IS_UTC} THEN {found.wrap(sql)} END")


def rising_call(node: exp.Expr, leaf: Leaf) -> BoundedColumn | None:
    """The function `node` of a time, if its value never falls when the time rises."""
    if isinstance(node, exp.Cast | exp.Date):
        name = _CASTS.get(node.to.this) if isinstance(node, exp.Cast) else "DATE"
        is_plain = isinstance(node, exp.Cast) or not (node.expressions or node.args.get("zone"))
        wrap = f"CAST({{}} AS {name})".format
        return BoundedColumn(leaf, "time", wrap) if name and is_plain else None
    if isinstance(node, exp.Year) or (isinstance(node, exp.Extract) and node.name.upper() == "YEAR"):
        return BoundedColumn(leaf, "number", "year({})".format)
    if isinstance(node, exp.TimeToStr):
        return written_time(leaf, node.args["format"])
    unit = node.args["unit"].name.upper() if node.args.get("unit") is not None else ""
    if unit not in _RISING_UNITS or isinstance(node, exp.Extract):
        return None
    return BoundedColumn(leaf, type_family(leaf.type), f"date_trunc('{unit.lower()}', {{}})".format)


def written_time(leaf: Leaf, pattern: exp.Expr) -> BoundedColumn | None:
    """`strftime(x, '%Y-%m')`, where both bounds lie in the years that have four digits."""
    if not (isinstance(pattern, exp.Literal) and _RISING_FORMAT.fullmatch(pattern.name)):
        return None
    test = f"year({leaf.low}) >= 1000 AND year({leaf.high}) <= 9999"
    return BoundedColumn(
        leaf, "text", lambda sql: f"CASE WHEN {test} THEN strftime({sql}, '{pattern.name}') END"
    )


def bound_condition(
    node: exp.Expr, negated: bool, find_leaf: FindLeaf, constant: Constant
) -> tuple[str, str] | None:
    """SQL that is TRUE where bounds allow a row for which `node` (or NOT `node`) is TRUE, and the path of the
    leaf it speaks of. None when bounds say nothing about this kind of condition."""
    # sqlglot keeps the NOT of `x NOT LIKE 'a%'` in the node itself.
    if not is_deterministic(node) or node.args.get("negate"):
        return None
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        leaf = find_leaf(node.this.unnest())
        if leaf is None or leaf.nulls is None:
            return None
        column = BoundedColumn(leaf)
        return (f"(TRUE{column.and_any_value})" if negated else column.any_null), leaf.path
    if isinstance(node, exp.Between | exp.In):
        return _compare_at_once(node, negated, find_leaf, constant)
    if isinstance(node, exp.Like | exp.StartsWith) and not negated:
        return prefix_condition(node, find_leaf)
    return comparison(node, negated, find_leaf, constant)


def _compare_at_once(
    node: exp.Between | exp.In, negated: bool, find_leaf: FindLeaf, constant: Constant
) -> tuple[str, str] | None:
    """BETWEEN and IN, comparison by comparison, each in the type that DuckDB compares all of them in."""
    parts: list[exp.Binary]
    if isinstance(node, exp.Between):
        low, high = node.args["low"], node.args["high"]
        parts = [exp.GTE(this=node.this, expression=low), exp.LTE(this=node.this, expression=high)]
    elif node.args.get("query") or node.args.get("unnest") or not node.expressions:
        return None
    else:
        parts = [exp.EQ(this=node.this, expression=value) for value in node.expressions]
    others = find_other_types([part.expression for part in parts], constant)
    if others is None:
        return None
    sides = [comparison(part, negated, find_leaf, constant, others) for part in parts]
    return join_conditions(sides, " OR " if isinstance(node, exp.Between) == negated else " AND ")


def join_conditions(sides: list[tuple[str, str] | None], word: str) -> tuple[str, str] | None:
    """Several conditions on one leaf as one. An unknown side of an AND is left out; of an OR it spoils
    all."""
    known = [side for side in sides if side is not None]
    if not known or (word == " OR " and len(known) < len(sides)):
        return None
    return "(" + word.join(sql for sql, _ in known) + ")", known[0][1]


def comparison(
    node: exp.Expr,
    negated: bool,
    find_leaf: FindLeaf,
    constant: Constant,
    others: Sequence[OtherType] = (),
) -> tuple[str, str] | None:
    """One comparison of a bounded column with a value that is the same throughout a file, in a type that
    holds `others` too."""
    operator = type(node)
    if operator not in _FLIPPED or (negated and operator not in _NEGATED):
        return None
    left, right = node.this, node.expression
    column = bounded_column(left, find_leaf)
    if column is None:
        column, right, operator = bounded_column(right, find_leaf), left, _FLIPPED[operator]
    if column is None or not column.family:
        return None
    family = join_families(expression_family(right), *(other.family for other in others))
    value = constant(right)
    if value is None:
        return None
    if others:
        own = column.wrap(f"CAST(NULL AS {sql_type(column.leaf.type)})")
        listed = " ".join(f"WHEN FALSE THEN {other.sql}" for other in others)
        value = f"CASE WHEN TRUE THEN {value} {listed} ELSE {own} END"
    if (column.family, family) == ("time", "instant") and getattr(column.leaf.type, "unit", "") != "ns":
        column = replace(column, slack=_SLACK)
    elif (column.family, family) != ("instant", "time") and family not in ("any", column.family):
        return None
    if negated:
        operator = _NEGATED[operator]
    if operator is exp.NullSafeEQ and column.leaf.nulls is None:
        return None
    return compare_bounds(column, operator, f"({value})"), column.leaf.path


def compare_bounds(column: BoundedColumn, operator: type[exp.Expr], value: str) -> str:
    """May `column <operator> value` be TRUE for some row?"""
    low, high = column.low, column.high
    if operator in (exp.LT, exp.LTE):
        return f"(({low} {_OPERATORS[operator]} {value} OR {low} IS NULL){column.and_any_value})"
    if operator in (exp.GT, exp.GTE):
        return f"(({high} {_OPERATORS[operator]} {value} OR {high} IS NULL){column.and_any_value})"
    unknown = f"{low} IS NULL OR {high} IS NULL"
    if operator is exp.NEQ:
        return f"(({low} <> {value} OR {high} <> {value} OR {unknown}){column.and_any_value})"
    below, above = f"({low} <= {value} OR {low} IS NULL)", f"({high} >= {value} OR {high} IS NULL)"
    equal = f"({below} AND {above}{column.and_any_value})"
    return equal if operator is exp.EQ else f"({equal} OR {column.any_null})"


def prefix_condition(node: exp.Expr, find_leaf: FindLeaf) -> tuple[str, str] | None:
    """`x LIKE 'abc%'` and `starts_with(x, 'abc')`: text that begins so lies between bounds that begin so."""
    leaf = find_leaf(node.this.unnest())
    pattern = node.expression
    if leaf is None or type_family(leaf.type) != "text":
        return None
    if not (isinstance(pattern, exp.Literal) and pattern.is_string) or isinstance(node.parent, exp.Escape):
        return None
    prefix = pattern.name
    if isinstance(node, exp.Like):
        prefix = re.split("[%_]", prefix)[0]
    if not prefix:
        return None
    column, text = BoundedColumn(leaf), quote_text(prefix)
    low, high = column.low, column.high
    return (
        f"(({low} IS NULL OR left({low}, {len(prefix)}) <= {text}) "
        f"AND ({high} IS NULL OR {high} >= {text}){column.and_any_value})"
    ), leaf.path
