"""Comparisons and conditions: both sides of one type, NaN the greatest of all numbers, NULL as in DuckDB."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.casts import agree, convert
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.sqltypes import (
    BOOLEAN,
    DATE,
    EXACT,
    REALS,
    SqlType,
    common_type,
    digits_of,
    holds,
)
from lakeq.planner.writing.texts import write_lower
from lakeq.planner.writing.values import Value, write_constant

_SIGNS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}
_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_COMPARED = (
    "integer",
    "decimal",
    "float",
    "double",
    "text",
    "boolean",
    "date",
    "timestamp",
    "instant",
    "null",
    "binary",
)


def write_comparison(node: exp.Expr, scope: Scope) -> Value:
    """`a = b` and its like."""
    left, right = scope.express(node.this), scope.express(node.expression)
    return Value(compare(left, _SIGNS[type(node)], right, scope, node), BOOLEAN, node)


def compare(left: Value, sign: str, right: Value, scope: Scope, node: exp.Expr) -> str:
    """The text of a comparison."""
    left, right = as_dates([left, right], scope)
    wanted = meet([left, right], node)
    if wanted.kind not in _COMPARED:
        raise Refusal(f"a comparison of {wanted.name}", node)
    one, other = fit(left, wanted, scope), fit(right, wanted, scope)
    if wanted.kind in REALS and not scope.is_spark and "DISTINCT" not in sign:
        return _compare_reals(one, sign, other, may_be_nan(left), may_be_nan(right))
    if scope.is_spark and "DISTINCT" in sign:
        same = f"({one.text} <=> {other.text})"
        return same if "NOT" in sign else f"(NOT {same})"
    return f"({one.text} {sign} {other.text})"


def meet(values: list[Value], node: exp.Expr) -> SqlType:
    """The type in which DuckDB compares the values, or which one of them has. Refusal where that is not
    certain."""
    firm = [v.type for v in values if not (v.kind == "text" and v.is_literal)]
    plain = [v for v in values if v.kind == "integer" and v.is_literal]
    others = [t for t in firm if t.kind == "integer" and not any(t is v.type for v in plain)]
    if plain and others and len(others) + len(plain) == len(firm):
        widest = common_type(others)
        if widest is not None and all(holds(widest, v.constant) for v in plain):
            return widest
    found = common_type(firm) if firm else values[0].type
    if found is not None and found.kind == "null":
        found = common_type([v.type for v in values])
    if found is None or found.kind == "interval":
        kinds = " and ".join(dict.fromkeys(v.type.name for v in values))
        raise Refusal(f"{kinds} in one expression. CAST them alike", node)
    return found


def fit(value: Value, wanted: SqlType, scope: Scope) -> Value:
    """`value` for a comparison in a type: exact numbers and moments are compared as they are."""
    if value.kind == "null":
        return value
    if value.kind in EXACT and wanted.kind in EXACT:
        (p, s), (q, r) = digits_of(value.type), digits_of(wanted)
        if r >= s and q - r >= p - s:  # the other engine finds a type that holds both
            return value
    if {value.kind, wanted.kind} <= {"float", "double"}:
        return value
    return agree(value, wanted, scope)


def as_dates(values: list[Value], scope: Scope) -> list[Value]:
    """The values with dates for the midnights that only dates are compared with: a cast of a column would
    hide from the other engine which files it may leave out."""
    others = [v for v in values if not (v.kind == "timestamp" and _is_midnight(v.constant))]
    if not others or len(others) == len(values) or any(v.kind != "date" for v in others):
        return values
    return [
        write_constant(v.constant.date(), DATE, v.node, scope.dialect) if v.kind == "timestamp" else v
        for v in values
    ]


def _is_midnight(known: object) -> bool:
    return isinstance(known, dt.datetime) and known.tzinfo is None and known.time() == dt.time()


def may_be_nan(value: Value) -> bool:
    """Whether a number that is compared can be NaN."""
    if value.is_constant:
        return isinstance(value.constant, float) and math.isnan(value.constant)
    return value.kind in REALS


def _compare_reals(left: Value, sign: str, right: Value, left_nan: bool, right_nan: bool) -> str:
    """Trino's comparisons, to which NaN is neither equal nor greater."""
    a, b = left.text, right.text
    plain = f"({a} {sign} {b})"
    if sign in (">", ">="):
        return _compare_reals(right, _SWAPPED[sign], left, right_nan, left_nan)
    match sign:
        case "=":
            return f"({plain} OR (is_nan({a}) AND is_nan({b})))" if left_nan and right_nan else plain
        case "<>":
            return f"({plain} AND NOT (is_nan({a}) AND is_nan({b})))" if left_nan and right_nan else plain
        case "<" if right_nan:
            return (
                f"({plain} OR (NOT is_nan({a}) AND is_nan({b})))"
                if left_nan
                else f"({plain} OR (is_nan({b}) AND {a} IS NOT NULL))"
            )
        case "<=" if right_nan:
            return f"({plain} OR (is_nan({b}) AND {a} IS NOT NULL))"
    return plain


def write_between(node: exp.Expr, scope: Scope) -> Value:
    """`x BETWEEN low AND high`, which is two comparisons."""
    x, low, high = (scope.express(node.args[part]) for part in ("this", "low", "high"))
    if node.args.get("symmetric"):
        raise Refusal("BETWEEN SYMMETRIC", node)
    x, low, high = as_dates([x, low, high], scope)
    wanted = meet([x, low, high], node)
    simple = scope.is_spark or wanted.kind not in REALS
    if simple and wanted.kind in _COMPARED:
        fitted = [fit(v, wanted, scope).text for v in (x, low, high)]
        return Value(f"({fitted[0]} BETWEEN {fitted[1]} AND {fitted[2]})", BOOLEAN, node)
    x, low, high = (fit(v, wanted, scope) for v in (x, low, high))  # not each pair in a type of its own
    parts = compare(x, ">=", low, scope, node), compare(x, "<=", high, scope, node)
    return Value(f"({parts[0]} AND {parts[1]})", BOOLEAN, node)


def write_in(node: exp.Expr, scope: Scope) -> Value:
    """`x IN (…)`, of values or of a query's rows."""
    if isinstance(node.this, exp.Tuple):
        raise Refusal("IN of rows. Compare the columns one by one", node)
    x = scope.express(node.this)
    if node.args.get("query") is not None:
        return write_among_rows(x, node.args["query"], scope, node)
    if not node.expressions:
        raise Refusal("IN of a list", node)
    others = [scope.express(other) for other in node.expressions]
    wanted = meet([x, *others], node)
    if wanted.kind not in _COMPARED:
        raise Refusal(f"a comparison of {wanted.name}", node)
    if wanted.kind in REALS and not scope.is_spark and may_be_nan(x) and any(map(may_be_nan, others)):
        raise Refusal("IN of doubles that may be NaN", node)
    known = others if scope.is_spark else [other for other in others if other.kind != "null"]
    listed = ", ".join(fit(other, wanted, scope).text for other in known)
    text = f"({fit(x, wanted, scope).text} IN ({listed}))" if known else "CAST(NULL AS BOOLEAN)"
    if known and len(known) < len(others):  # in its list Trino passes over a NULL
        text = f"({text} OR CAST(NULL AS BOOLEAN))"
    return Value(text, BOOLEAN, node)


def write_among_rows(x: Value, query: exp.Expr, scope: Scope, node: exp.Expr) -> Value:
    """`x IN (SELECT …)`. Spark has it right as a condition of rows alone: as a value it is false there where
    it should be NULL."""
    if scope.is_spark and not _only_filters(node):
        raise Refusal("IN of a query as a value, or within NOT and OR. Ask it alone in WHERE", node)
    written = scope.shared.write(query.unnest(), scope.inner())
    if len(written.outputs) != 1:
        raise Refusal("IN of a query with more than one column", node)
    name, type_ = written.outputs[0]
    wanted = meet([x, Value(scope.quote(name), type_, node)], node)
    if wanted.kind not in _COMPARED or wanted.kind == "null":
        raise Refusal(f"a comparison of {wanted.name}", node)
    if wanted.kind in REALS and not scope.is_spark:
        raise Refusal("IN of doubles, of which Trino takes no NaN for another", node)
    text = written.text
    if type_ != wanted and not {type_.kind, wanted.kind} <= {"integer"}:
        alias = scope.shared.names.take("rows")
        column = convert(Value(f"{scope.quote(alias)}.{scope.quote(name)}", type_, node), wanted, scope).text
        text = f"SELECT {column} AS {scope.quote(name)} FROM ({text}) AS {scope.quote(alias)}"
    return Value(f"({agree(x, wanted, scope).text} IN ({text}))", BOOLEAN, node)


def _only_filters(node: exp.Expr) -> bool:
    """Whether of a test only the rows matter for which the whole condition is true: it stands among AND and
    OR, a NOT of it among AND."""
    denied = isinstance(node, exp.NEQ)
    child, parent = node, node.parent
    while isinstance(parent, exp.Paren | exp.And | exp.Or | exp.Not):
        if isinstance(parent, exp.Not):
            if denied or child.unnest() is not node:
                return False
            denied = True
        elif isinstance(parent, exp.Or) and denied:
            return False
        child, parent = parent, parent.parent
    return isinstance(parent, exp.Where | exp.Having) or (isinstance(parent, exp.Qualify) and not denied)


def write_any(node: exp.Expr, scope: Scope) -> Value | None:
    """`x = ANY (SELECT …)` and `x <> ALL (SELECT …)`, which are IN and NOT IN; None for other comparisons."""
    side = node.expression
    if not isinstance(side, exp.Any | exp.All):
        return None
    query = side.this.unnest() if isinstance(side.this, exp.Expr) else None
    if not isinstance(query, exp.Query) or isinstance(node.this, exp.Tuple):
        raise Refusal("ANY or ALL of a list", node)
    among = (isinstance(node, exp.EQ), isinstance(side, exp.Any))
    if among not in ((True, True), (False, False)) or not isinstance(node, exp.EQ | exp.NEQ):
        raise Refusal("ANY or ALL other than `= ANY` and `<> ALL`. Compare with min() or max()", node)
    found = write_among_rows(scope.express(node.this), query, scope, node)
    return found if among[0] else replace(found, text=f"(NOT {found.text})")


def write_is(node: exp.Expr, scope: Scope) -> Value:
    """`x IS NULL`, `x IS TRUE`."""
    x, what = scope.express(node.this), node.expression
    if isinstance(what, exp.Null):
        return Value(f"({x.text} IS NULL)", BOOLEAN, node)
    if not isinstance(what, exp.Boolean):
        raise Refusal("this IS", node)
    side = write_constant(bool(what.this), BOOLEAN, what, scope.dialect)
    test = convert(x, BOOLEAN, scope)
    return Value(compare(test, "IS NOT DISTINCT FROM", side, scope, node), BOOLEAN, node)


def condition(node: exp.Expr, scope: Scope) -> str:
    """A condition. Refusal for what DuckDB would take for one although it is none."""
    value = scope.express(node)
    if value.kind == "null":
        return f"CAST(NULL AS {BOOLEAN.name})"
    if value.kind != "boolean":
        raise Refusal(f"{value.type.name} as a condition. Compare it", node)
    return value.text


def write_connector(node: exp.Expr, scope: Scope) -> Value:
    """AND and OR, of however many."""
    word = "AND" if isinstance(node, exp.And) else "OR"
    parts = [condition(part, scope) for part in node.flatten(unnest=False)]
    return Value("(" + f" {word} ".join(parts) + ")", BOOLEAN, node)


def write_not(node: exp.Expr, scope: Scope) -> Value:
    """NOT."""
    return Value(f"(NOT {condition(node.this, scope)})", BOOLEAN, node)


def write_like(node: exp.Expr, scope: Scope) -> Value:
    """LIKE, ILIKE and their ESCAPE. DuckDB has no escape unless one is written; Spark has the backslash."""
    escape = ""
    if isinstance(node, exp.Escape):
        if not isinstance(node.expression, exp.Literal) or len(node.expression.name) != 1:
            raise Refusal("ESCAPE that is not one character", node)
        escape, node = node.expression.name, node.this
    x, pattern = scope.express(node.this), scope.express(node.expression)
    if not {x.kind, pattern.kind} <= {"text", "null"}:
        raise Refusal("LIKE of what is not text. CAST it to VARCHAR", node)
    texts = [v.text if v.kind == "text" else "CAST(NULL AS VARCHAR(1))" for v in (x, pattern)]
    if isinstance(node, exp.ILike):
        if not (pattern.is_constant and isinstance(pattern.constant, str) and pattern.constant.isascii()):
            raise Refusal("ILIKE with a pattern that is not a literal of ASCII", node)
        texts[0] = write_lower(texts[0], scope)
        texts[1] = write_constant(pattern.constant.lower(), pattern.type, node, scope.dialect).text
    negated = "NOT " if node.args.get("negate") else ""
    if scope.is_spark and not escape:
        if not pattern.is_constant:  # a backslash is one, there too
            texts[1] = f"replace({texts[1]}, '\\\\', '\\\\\\\\')"
        elif "\\" in (pattern.constant or ""):
            escape = next(sign for sign in "!#~^$&|@`" if sign not in pattern.constant)
    tail = ""
    if escape:
        tail = f" ESCAPE {write_constant(escape, pattern.type, node, scope.dialect).text}"
    return Value(f"({texts[0]} {negated}LIKE {texts[1]}{tail})", BOOLEAN, node)
