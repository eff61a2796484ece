"""The operators and clauses of a dialect in DuckDB: rewritten where they mean something else, refused where
they have no counterpart, and left alone only where they are known to be the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from lakeq.planner.dialects.casts import rewrite_cast
from lakeq.planner.dialects.inference import Functions, keeps_date
from lakeq.planner.dialects.kinds import UNKNOWN, digits_of, kind_of
from lakeq.planner.dialects.refusal import Refusal, at_utc, put, to_instant

_SAME: tuple[type[exp.Expr], ...] = (
    exp.Select, exp.From, exp.Where, exp.Group, exp.Having, exp.Qualify, exp.Order, exp.Ordered, exp.Limit,
    exp.Offset, exp.Join, exp.Table, exp.TableAlias, exp.Alias, exp.Identifier, exp.Column, exp.Star,
    exp.Boolean, exp.Null, exp.Subquery, exp.With, exp.CTE, exp.Union, exp.Intersect, exp.Except,
    exp.Distinct, exp.And, exp.Or, exp.Not, exp.Paren, exp.Is, exp.Exists, exp.Case, exp.If, exp.Tuple,
    exp.Values, exp.Window, exp.WindowSpec, exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.Lambda,
    exp.DataType, exp.DataTypeParam, exp.ColumnDef, exp.Var, exp.Neg, exp.Mul, exp.Escape, exp.Array,
    exp.Dot, exp.Rollup, exp.Cube, exp.GroupingSets, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Interval,
    exp.Placeholder, exp.Parameter, exp.HexString, exp.RawString, exp.Xor, exp.TableSample, exp.Window,
    exp.Any, exp.All, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseNot, exp.Unnest, exp.Lateral, exp.Fetch,
    exp.PropertyEQ, exp.Struct,
)  # fmt: skip
"""What is the same in every engine here; calls, comparisons and arithmetic are looked into one by one."""

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


@dataclass(frozen=True, slots=True)
class Context:
    """What the rules may ask: the dialect, its functions, its name to a user."""

    dialect: str
    title: str
    functions: Functions


def rewrite_node(node: exp.Expr, context: Context) -> exp.Expr:
    """`node`, whose children are DuckDB's by now, as DuckDB's. Refusal for what has no counterpart."""
    for kinds, rule in _RULES:
        if isinstance(node, kinds):
            return rule(node, context)
    if not isinstance(node, _SAME):
        raise Refusal(f"{describe(node)} has no counterpart here", node)
    return node


def describe(node: exp.Expr) -> str:
    """A construct as a user knows it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _literal(node: exp.Expr, context: Context) -> exp.Expr:
    # Of BigQuery's 1.5 a double, of the others' a decimal, as DuckDB's.
    if context.dialect == "bigquery" and not node.is_string and "." in node.name and "e" not in node.name.lower():
        return exp.Literal.number(f"{node.name}e0")
    return node


def _divide(node: exp.Expr, context: Context) -> exp.Expr:
    a, b = node.left, node.right
    kinds = {kind_of(a.type), kind_of(b.type)}
    if kinds & {UNKNOWN} and "double" not in kinds:
        raise Refusal(
            "cannot tell whether `/` divides integers, decimals or doubles here. CAST one side to DOUBLE", node
        )
    if context.dialect in ("athena", "trino"):
        if kinds == {"integer"}:
            return put("a // b", a=a, b=b)
        if "double" in kinds or "null" in kinds:
            return put("a / b", a=a, b=b)
        return _divide_decimals(node, a, b)
    if "decimal" in kinds and "double" not in kinds:
        raise Refusal("`/` of decimals rounds to digits that DuckDB does not have. CAST one side to DOUBLE", node)
    if isinstance(b, exp.Literal) and float(b.name) != 0:
        return put("a / b", a=a, b=b)
    return put("CASE WHEN b = 0 THEN error('Division by zero') ELSE a / b END", a=a, b=b)


def _divide_decimals(node: exp.Expr, a: exp.Expr, b: exp.Expr) -> exp.Expr:
    """Trino's: as many digits after the point as the operand that has more of them, rounded half away from 0.

    Source: trino.io/docs/current/functions/decimal.html, "Binary arithmetic decimal operators".
    """
    left, right = digits_of(a.type), digits_of(b.type)
    if left is None or right is None:
        raise Refusal("cannot tell the digits of the decimals that `/` divides. CAST one side to DOUBLE", node)
    (p, s), (q, r) = left, right
    scale = max(s, r)
    if p + s + scale + r + 2 > 38 or q + r > 37:
        raise Refusal("`/` of decimals of so many digits. CAST one side to DOUBLE", node)
    n = f"CAST(a * CAST({10**s} AS DECIMAL({s + 1}, 0)) AS HUGEINT) * {10 ** (scale - s + r)}"
    d = f"CAST(b * CAST({10**r} AS DECIMAL({r + 1}, 0)) AS HUGEINT)"
    quotient = f"(sign({n}) * sign({d}) * ((2 * abs({n}) + abs({d})) // (2 * abs({d}))))"
    unit = f"CAST('{10**-scale:.{scale}f}' AS DECIMAL({scale + 1}, {scale}))"
    return put(f"CAST({quotient} AS DECIMAL({37 - scale}, 0)) * {unit}", a=a, b=b)


def _divide_integers(node: exp.Expr, context: Context) -> exp.Expr:
    if not {kind_of(node.left.type), kind_of(node.right.type)} <= {"integer"}:
        raise Refusal("DIV of what is not known to be integers", node)
    return put("a // b", a=node.left, b=node.right)


def _modulo(node: exp.Expr, context: Context) -> exp.Expr:
    if not {kind_of(node.left.type), kind_of(node.right.type)} <= {"integer", "double"}:
        raise Refusal("`%` of what is not known to be integers", node)
    return node


def _add(node: exp.Expr, context: Context) -> exp.Expr:
    kinds = kind_of(node.left.type), kind_of(node.right.type)
    if "local" in kinds:
        raise Refusal("arithmetic with a time in a zone of its own", node)
    if kinds[0] == kinds[1] == "interval" or not {"interval", "date", "timestamp", "instant"} & set(kinds):
        return node
    if isinstance(node, exp.Sub) and kinds == ("date", "date"):
        return put("to_days(CAST(a - b AS INTEGER))", a=node.left, b=node.right)
    if "interval" not in kinds:
        return _add_days(node, kinds, context)
    if UNKNOWN in kinds:
        raise Refusal(f"cannot tell whether `{_sign(node)}` moves a date or a timestamp here. CAST it", node)
    moment, interval = (node.left, node.right) if kinds[1] == "interval" else (node.right, node.left)
    kind = kind_of(moment.type)
    if kind == "date":
        keeps = keeps_date(interval) and context.dialect != "bigquery"
        if not keeps and context.dialect in ("athena", "trino"):
            raise Refusal("a date and an interval of less than a day", node)
        template = f"CAST(a {_sign(node)} b AS DATE)" if keeps else f"a {_sign(node)} b"
        return put(template, a=moment, b=interval)
    if kind == "instant":
        return put(f"timezone('UTC', timezone('UTC', a) {_sign(node)} b)", a=moment, b=interval)
    return node


def _add_days(node: exp.Expr, kinds: tuple[str, str], context: Context) -> exp.Expr:
    if "integer" in kinds and "date" in kinds and context.dialect in ("spark", "bigquery"):
        return node
    if isinstance(node, exp.Sub) and kinds[0] == kinds[1]:
        return node
    raise Refusal(f"`{_sign(node)}` of {' and '.join(k.upper() for k in kinds)}", node)


def _sign(node: exp.Expr) -> str:
    return "+" if isinstance(node, exp.Add) else "-"


def _join_texts(node: exp.Expr, context: Context) -> exp.Expr:
    kinds = {kind_of(node.left.type), kind_of(node.right.type)} - {UNKNOWN, "null"}
    if not (kinds <= {"text"} or kinds == {"array"} or kinds == {"binary"}):
        found = " and ".join(sorted(kind.upper() for kind in kinds))
        raise Refusal(
            f"`||` of {found} here: a column that is text there may be a number in this lake. Declare its type "
            "(partition_types, columns), or CAST it",
            node,
        )
    return exp.DPipe(this=node.left, expression=node.right, safe=True)


def _compare(node: exp.Expr, context: Context) -> exp.Expr:
    node.set("this", _comparable(node.left, node.right, node))
    node.set("expression", _comparable(node.right, node.left, node))
    return node


def _between(node: exp.Expr, context: Context) -> exp.Expr:
    for key in ("low", "high"):
        node.set(key, _comparable(node.args[key], node.this, node))
    node.set("this", _comparable(node.this, node.args["low"], node))
    return node


def _among(node: exp.Expr, context: Context) -> exp.Expr:
    node.set("expressions", [_comparable(value, node.this, node) for value in node.expressions])
    unnest = node.args.get("unnest")
    if unnest is not None:
        return put("list_contains(a, x)", a=unnest.expressions[0], x=node.this)
    return node


def _comparable(side: exp.Expr, other: exp.Expr, node: exp.Expr) -> exp.Expr:
    """`side` as an instant where `other` is one: what has no zone is taken as UTC, not as this machine's."""
    kinds = kind_of(side.type), kind_of(other.type)
    if "local" in kinds:
        raise Refusal("comparing a time in a zone of its own", node)
    if kinds[1] == "instant" and kinds[0] in ("date", "timestamp", "text"):
        return to_instant(side)
    return side


def _like(node: exp.Expr, context: Context) -> exp.Expr:
    if context.dialect in ("athena", "trino") or isinstance(node.parent, exp.Escape):
        return node
    pattern = node.expression
    if isinstance(pattern, exp.Literal) and "\\" not in pattern.name:
        return node
    backslash = exp.Literal.string("\\")
    return exp.Escape(this=type(node)(this=node.this, expression=node.expression), expression=backslash)


def _in_zone(node: exp.Expr, context: Context) -> exp.Expr:
    if kind_of(node.this.type) not in ("instant",):
        raise Refusal("AT TIME ZONE of what is not known to be a timestamp with time zone", node)
    return put("timezone(z, x)", z=node.args["zone"], x=node.this)


def _table(node: exp.Expr, context: Context) -> exp.Expr:
    for name in ("version", "when", "partition", "hints", "changes"):
        if node.args.get(name):
            raise Refusal(f"{name.upper()} of a table", node)
    return node


def _unnest(node: exp.Expr, context: Context) -> exp.Expr:
    for argument in node.expressions:
        kind = kind_of(argument.type)
        items = argument.type.expressions if argument.type is not None else ()
        if kind == "map" or (items and kind_of(items[0]) == "row" and context.dialect in ("athena", "trino")):
            raise Refusal(f"UNNEST of a {kind.upper()} into several columns", node)
    return node


def _fetch(node: exp.Expr, context: Context) -> exp.Expr:
    if node.args.get("limit_options") is not None:
        options = node.args["limit_options"]
        if options.args.get("with_ties") or options.args.get("percent"):
            raise Refusal("FETCH FIRST … WITH TIES", node)
    return node


def _order(node: exp.Expr, context: Context) -> exp.Expr:
    return node


_Rule = Callable[[exp.Expr, Context], exp.Expr]
_RULES: tuple[tuple[type[exp.Expr] | tuple[type[exp.Expr], ...], _Rule], ...] = (
    (exp.Literal, _literal),
    (exp.Div, _divide),
    (exp.IntDiv, _divide_integers),
    (exp.Mod, _modulo),
    ((exp.Add, exp.Sub), _add),
    (exp.DPipe, _join_texts),
    (_COMPARISONS, _compare),
    (exp.Between, _between),
    (exp.In, _among),
    ((exp.Like, exp.ILike), _like),
    ((exp.Cast, exp.TryCast), lambda node, context: rewrite_cast(node, context.dialect)),
    (exp.AtTimeZone, _in_zone),
    (exp.Unnest, _unnest),
    (exp.Table, _table),
    (exp.Fetch, _fetch),
)
"""The first that fits a node is applied to it."""

_ = (Mapping, at_utc)
