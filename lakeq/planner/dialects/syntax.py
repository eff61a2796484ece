"""The operators and clauses of a dialect in DuckDB: rewritten where they mean something else, refused where
they have no counterpart, and left alone only where they are known to be the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from lakeq.planner.dialects.casts import rewrite_cast
from lakeq.planner.dialects.decimals import divide_exactly
from lakeq.planner.dialects.inference import Functions, branches_of, keeps_date
from lakeq.planner.dialects.kinds import UNKNOWN, kind_of
from lakeq.planner.dialects.refusal import Refusal, at_utc, put, refuse_mixed_zones, to_instant

_SAME: tuple[type[exp.Expr], ...] = (
    exp.Select, exp.From, exp.Where, exp.Group, exp.Having, exp.Qualify, exp.Order, exp.Ordered, exp.Limit,
    exp.Offset, exp.Join, exp.Table, exp.TableAlias, exp.Alias, exp.Identifier, exp.Column, exp.Star,
    exp.Boolean, exp.Null, exp.Subquery, exp.With, exp.CTE, exp.Union, exp.Intersect, exp.Except,
    exp.Distinct, exp.And, exp.Or, exp.Not, exp.Paren, exp.Is, exp.Exists, exp.Case, exp.If, exp.Tuple,
    exp.Values, exp.Window, exp.WindowSpec, exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.Lambda,
    exp.DataType, exp.DataTypeParam, exp.ColumnDef, exp.Var, exp.Neg, exp.Mul, exp.Escape, exp.Array,
    exp.Dot, exp.Rollup, exp.Cube, exp.GroupingSets, exp.Interval,
    exp.Placeholder, exp.Parameter, exp.HexString, exp.RawString, exp.Xor, exp.TableSample,
    exp.Any, exp.All, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseNot, exp.Unnest, exp.Lateral, exp.Fetch,
    exp.PropertyEQ, exp.Struct, exp.LimitOptions,
)  # fmt: skip
"""What is the same in every engine here; calls, comparisons and arithmetic are looked into one by one."""

_PARTS: dict[type[exp.Expr], frozenset[str]] = {
    exp.Select: frozenset(
        {"with_", "expressions", "distinct", "from_", "joins", "where", "group", "having", "qualify", "order"}
        | {"limit", "offset", "windows", "sample"}
    ),
    exp.Table: frozenset({"this", "db", "catalog", "alias", "joins", "sample"}),
    exp.Join: frozenset({"this", "side", "kind", "on", "using", "method"}),
    exp.Union: frozenset({"with_", "this", "expression", "distinct", "order", "limit", "offset"}),
    exp.Intersect: frozenset({"with_", "this", "expression", "distinct", "order", "limit", "offset"}),
    exp.Except: frozenset({"with_", "this", "expression", "distinct", "order", "limit", "offset"}),
    exp.TableSample: frozenset({"method", "percent", "rows", "size", "seed"}),
}
"""The parts of a clause that are the same everywhere; of others, all are."""

_COMPARISONS = (
    exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Context:
    """What the rules may ask: the dialect and its functions. `notes` takes what a reader should know."""

    dialect: str
    functions: Functions
    notes: list[str]


def rewrite_node(node: exp.Expr, context: Context) -> exp.Expr:
    """`node`, whose children are DuckDB's by now, as DuckDB's. Refusal for what has no counterpart."""
    for kinds, rule in _RULES:
        if isinstance(node, kinds):
            return rule(node, context)
    if not isinstance(node, _SAME):
        raise Refusal(f"{describe(node)} has no counterpart here", node)
    for part, value in node.args.items():
        if value and part not in _PARTS.get(type(node), node.args):
            raise Refusal(f"{describe(node)} with {part.strip('_').upper()} has no counterpart here", node)
    return node


def describe(node: exp.Expr) -> str:
    """A construct as a user knows it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _choose(node: exp.Expr, context: Context) -> exp.Expr:
    refuse_mixed_zones([branch.type for branch in branches_of(node)], node)
    return node


def _literal(node: exp.Expr, context: Context) -> exp.Expr:
    # Of BigQuery's 1.5 a double, of the others' a decimal, as DuckDB's.
    if (
        context.dialect == "bigquery"
        and not node.is_string
        and "." in node.name
        and "e" not in node.name.lower()
    ):
        return exp.Literal.number(f"{node.name}e0")
    return node


def _divide(node: exp.Expr, context: Context) -> exp.Expr:
    a, b = node.this, node.expression
    kinds = {kind_of(a.type), kind_of(b.type)}
    if kinds & {UNKNOWN} and "double" not in kinds:
        raise Refusal(
            "cannot tell whether `/` divides integers, decimals or doubles here. CAST one side to DOUBLE",
            node,
        )
    if context.dialect in ("athena", "trino"):
        if kinds == {"integer"}:
            return put("a // b", a=a, b=b)
        if "double" in kinds or "null" in kinds:
            return put("a / b", a=a, b=b)
        return divide_exactly(node, a, b)
    if "decimal" in kinds and "double" not in kinds:
        raise Refusal(
            "`/` of decimals rounds to digits that DuckDB does not have. CAST one side to DOUBLE", node
        )
    if isinstance(b, exp.Literal) and float(b.name) != 0:
        return put("a / b", a=a, b=b)
    return put("CASE WHEN b = 0 THEN error('Division by zero') ELSE a / b END", a=a, b=b)


def _divide_integers(node: exp.Expr, context: Context) -> exp.Expr:
    if not {kind_of(node.this.type), kind_of(node.expression.type)} <= {"integer"}:
        raise Refusal("DIV of what is not known to be integers", node)
    return put("a // b", a=node.this, b=node.expression)


def _modulo(node: exp.Expr, context: Context) -> exp.Expr:
    if not {kind_of(node.this.type), kind_of(node.expression.type)} <= {"integer", "double"}:
        raise Refusal("`%` of what is not known to be integers", node)
    return node


def _add(node: exp.Expr, context: Context) -> exp.Expr:
    kinds = kind_of(node.this.type), kind_of(node.expression.type)
    if "local" in kinds:
        raise Refusal("arithmetic with a time in a zone of its own", node)
    if kinds[0] == kinds[1] == "interval" or not {"interval", "date", "timestamp", "instant"} & set(kinds):
        return node
    if isinstance(node, exp.Sub) and kinds == ("date", "date"):
        return put("to_days(CAST(a - b AS INTEGER))", a=node.this, b=node.expression)
    if "interval" not in kinds:
        return _add_days(node, kinds, context)
    if UNKNOWN in kinds:
        raise Refusal(f"cannot tell whether `{_sign(node)}` moves a date or a timestamp here. CAST it", node)
    moment, interval = (
        (node.this, node.expression) if kinds[1] == "interval" else (node.expression, node.this)
    )
    kind = kind_of(moment.type)
    if kind == "date":
        keeps = keeps_date(interval) and context.dialect != "bigquery"
        if not keeps and context.dialect in ("athena", "trino"):
            raise Refusal("a date and an interval of less than a day", node)
        moved = f"a {_sign(node)} b"
        template = f"CAST({moved} AS DATE)" if keeps else moved
        if context.dialect == "spark" and not keeps:
            template = f"timezone('UTC', CAST({moved} AS TIMESTAMP))"
        return put(template, a=moment, b=interval)
    if kind == "instant":
        return put(
            f"timezone('UTC', CAST(timezone('UTC', a) {_sign(node)} b AS TIMESTAMP))", a=moment, b=interval
        )
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
    kinds = {kind_of(node.this.type), kind_of(node.expression.type)} - {UNKNOWN, "null"}
    if not (kinds <= {"text"} or kinds == {"array"} or kinds == {"binary"}):
        found = " and ".join(sorted(kind.upper() for kind in kinds))
        raise Refusal(
            f"`||` of {found}: a column that is text there may be a number in this lake. Declare it as text "
            "(partition_types, columns), or CAST it",
            node,
        )
    return exp.DPipe(this=node.this, expression=node.expression, safe=True)


def _compare(node: exp.Expr, context: Context) -> exp.Expr:
    left, right = node.this, node.expression
    _note_texts(left, right, context)
    node.set("this", _comparable(left, right, node))
    node.set("expression", _comparable(right, left, node))
    return node


def _between(node: exp.Expr, context: Context) -> exp.Expr:
    value, low, high = node.this, node.args["low"], node.args["high"]
    _note_texts(value, low, context)
    node.set("low", _comparable(low, value, node))
    node.set("high", _comparable(high, value, node))
    node.set("this", _comparable(value, low, node))
    return node


def _among(node: exp.Expr, context: Context) -> exp.Expr:
    value, others = node.this, node.expressions
    if others:
        _note_texts(value, others[0], context)
        node.set("expressions", [_comparable(other, value, node) for other in others])
        node.set("this", _comparable(value, others[0], node))
    unnest = node.args.get("unnest")
    if unnest is not None:
        return put("list_contains(a, x)", a=unnest.expressions[0], x=node.this)
    return node


def _comparable(side: exp.Expr, other: exp.Expr, node: exp.Expr) -> exp.Expr:
    """`side` as an instant where `other` is one: what has no zone is taken as UTC, not as this machine's."""
    kinds = kind_of(side.type), kind_of(other.type)
    if "local" in kinds:
        raise Refusal("comparing a time in a zone of its own", node)
    if kinds[1] == "instant" and kinds[0] in ("date", "timestamp", "text") and not _moves(other, side):
        return to_instant(side)
    if kinds[0] == "instant" and kinds[1] in ("date", "timestamp") and _moves(side, other):
        return at_utc(side)
    return side


def _moves(instant: exp.Expr, other: exp.Expr) -> bool:
    """Whether it is the instant that is converted: where the other side is a column, whose bounds prune."""
    is_text = kind_of(other.type) == "text"
    return not is_text and other.find(exp.Column) is not None and instant.find(exp.Column) is None


def _note_texts(a: exp.Expr, b: exp.Expr, context: Context) -> None:
    """A comparison of a number here with a text there compares numbers."""
    for number, text in ((a, b), (b, a)):
        if isinstance(number, exp.Column) and (kind_of(number.type), kind_of(text.type)) == (
            "integer",
            "text",
        ):
            note = (
                f"{number.name} holds numbers here and is compared with text: as numbers. Declare it as text "
                "(partition_types, columns) to compare texts."
            )
            if note not in context.notes:
                context.notes.append(note)


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


def _unnest(node: exp.Expr, context: Context) -> exp.Expr:
    if len(node.expressions) != 1:
        raise Refusal("UNNEST of several arrays at once", node)
    for argument in node.expressions:
        kind = kind_of(argument.type)
        items = argument.type.expressions if argument.type is not None else ()
        if kind == "map" or (items and kind_of(items[0]) == "row" and context.dialect in ("athena", "trino")):
            raise Refusal(f"UNNEST of a {kind.upper()} into several columns", node)
    return node


def _fetch(node: exp.Expr, context: Context) -> exp.Expr:
    options = node.args.get("limit_options")
    if options is not None and (options.args.get("with_ties") or options.args.get("percent")):
        raise Refusal("FETCH FIRST … WITH TIES", node)
    return exp.Limit(expression=node.args.get("count") or exp.Literal.number(1))


_Rule = Callable[[exp.Expr, Context], exp.Expr]
_RULES: tuple[tuple[type[exp.Expr] | tuple[type[exp.Expr], ...], _Rule], ...] = (
    (exp.Literal, _literal),
    (exp.Case, _choose),
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
    (exp.Fetch, _fetch),
)
"""The first that fits a node is applied to it."""
