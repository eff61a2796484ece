"""Values that are one of several: CASE, coalesce, greatest and their like, all of one type."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.casts import agree, convert
from lakeq.planner.writing.comparisons import compare, condition, may_be_nan, meet
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.sqltypes import REALS, SqlType, is_wide, spell_type
from lakeq.planner.writing.values import Value

_ORDERED = ("integer", "decimal", "float", "double", "text", "date", "timestamp", "instant")


def unify(values: Sequence[Value], scope: Scope, node: exp.Expr) -> tuple[list[Value], SqlType]:
    """The values in the one type that DuckDB gives them."""
    type_ = meet(list(values), node)
    return [fit_to(value, type_, scope) for value in values], type_


def fit_to(value: Value, type_: SqlType, scope: Scope) -> Value:
    """`value` as one of a type, with a cast where the other engine would choose another."""
    if value.kind == "integer" == type_.kind and not is_wide(type_) and value.is_constant:
        return value
    fitted = agree(value, type_, scope)
    if fitted.kind == "decimal" and fitted.is_constant:
        return value.of(f"CAST({fitted.text} AS {spell_type(type_, scope.dialect)})", type_)
    return fitted


def write_case(node: exp.Expr, scope: Scope) -> Value:
    """CASE, with or without a value to compare."""
    subject = node.args.get("this")
    tests, results = [], []
    for branch in node.args["ifs"]:
        if subject is None:
            tests.append(condition(branch.this, scope))
        else:
            tests.append(compare(scope.express(subject), "=", scope.express(branch.this), scope, branch.this))
        results.append(scope.express(branch.args["true"]))
    default = node.args.get("default")
    if default is not None:
        results.append(scope.express(default))
    fitted, type_ = unify(results, scope, node)
    parts = [f"WHEN {test} THEN {value.text}" for test, value in zip(tests, fitted, strict=False)]
    last = f" ELSE {fitted[-1].text}" if default is not None else ""
    return Value(f"(CASE {' '.join(parts)}{last} END)", type_, node)


def write_if(node: exp.Expr, scope: Scope) -> Value:
    """if(condition, a, b)."""
    test, *values = node.expressions
    if len(values) != 2:
        raise Refusal("if() without three arguments", node)
    (a, b), type_ = unify([scope.express(v) for v in values], scope, node)
    return Value(f"(CASE WHEN {condition(test, scope)} THEN {a.text} ELSE {b.text} END)", type_, node)


def write_coalesce(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """coalesce() and ifnull()."""
    fitted, type_ = unify(arguments, scope, node)
    if len(fitted) == 1:
        return Value(fitted[0].text, type_, node)
    return Value(f"coalesce({', '.join(v.text for v in fitted)})", type_, node)


def write_nullif(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """nullif(a, b), which has the type of a."""
    if len(arguments) != 2:
        raise Refusal("nullif() without two arguments", node)
    a, b = arguments
    if a.kind == "null":
        return Value(a.text, a.type, node)
    same = compare(a, "=", b, scope, node)
    return Value(f"(CASE WHEN {same} THEN NULL ELSE {a.text} END)", a.type, node)


def write_greatest(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """greatest() and least(), which pass over NULL."""
    name = node.name.casefold()
    fitted, type_ = unify(arguments, scope, node)
    if type_.kind not in _ORDERED:
        raise Refusal(f"{name}() of {type_.name}", node)
    if len(fitted) == 1:
        return Value(fitted[0].text, type_, node)
    if scope.is_spark:
        return Value(f"{name}({', '.join(v.text for v in fitted)})", type_, node)
    if type_.kind in REALS and any(may_be_nan(v) for v in arguments):
        raise Refusal(f"{name}() of doubles that may be NaN", node)
    text = fitted[0].text
    for value in fitted[1:]:  # Trino gives NULL where one is NULL
        text = f"coalesce({name}({text}, {value.text}), {text}, {value.text})"
    return Value(text, type_, node)


def write_concat(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """concat(), which passes over NULL."""
    texts = [f"coalesce({_text(v, scope)}, '')" for v in arguments if v.kind != "null"]
    if not texts:
        texts = ["''"]
    joined = texts[0] if len(texts) == 1 else f"concat({', '.join(texts)})"
    return Value(joined, SqlType("VARCHAR"), node)


def write_concat_ws(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """concat_ws(), which passes over NULL save in its separator."""
    if len(arguments) < 2:
        raise Refusal("concat_ws() of a separator alone", node)
    texts = [_text(v, scope) for v in arguments]
    return Value(f"concat_ws({', '.join(texts)})", SqlType("VARCHAR"), node)


def write_pipes(node: exp.Expr, scope: Scope) -> Value:
    """`a || b` of texts, which is NULL where one is."""
    left, right = scope.express(node.this), scope.express(node.expression)
    if "list" in (left.kind, right.kind) or "binary" in (left.kind, right.kind):
        raise Refusal("`||` of what is not text", node)
    if "null" in (left.kind, right.kind):
        return Value(
            f"CAST(NULL AS {spell_type(SqlType('VARCHAR'), scope.dialect)})", SqlType("VARCHAR"), node
        )
    return Value(f"({_text(left, scope)} || {_text(right, scope)})", SqlType("VARCHAR"), node)


def _text(value: Value, scope: Scope) -> str:
    made = convert(value, SqlType("VARCHAR"), scope)
    return made.text


CHOICES: dict[str, Callable[[Sequence[Value], Scope, exp.Expr], Value]] = {
    "coalesce": write_coalesce,
    "ifnull": write_coalesce,
    "nullif": write_nullif,
    "greatest": write_greatest,
    "least": write_greatest,
    "concat": write_concat,
    "concat_ws": write_concat_ws,
}
"""The functions whose result has the type that their arguments have in common, and of texts."""
