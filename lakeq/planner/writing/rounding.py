"""round(), floor(), ceil() and trunc() of decimals and doubles, to DuckDB's digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.calls import write_listed
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.sqltypes import DOUBLE, decimal, spell_type
from lakeq.planner.writing.target import spell_double
from lakeq.planner.writing.values import Value


def write_round(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """round(x), round(x, n)."""
    x, n = arguments[0], arguments[1].constant if len(arguments) > 1 else 0
    if len(arguments) > 2 or not isinstance(n, int):
        raise Refusal("round() to a number of digits that is not a literal", node)
    if x.kind == "decimal":
        p, s = x.type.precision, x.type.scale
        if n >= s:
            return Value(x.text, x.type, node)
        type_ = decimal(p, max(n, 0))
        return Value(f"CAST(round({x.text}, {n}) AS {spell_type(type_, scope.dialect)})", type_, node)
    if x.kind == "integer" and n >= 0:
        return Value(x.text, x.type, node)
    if x.kind != "double" or not -15 <= n <= 15:
        raise Refusal(f"round() of {x.type.name} to {n} digits", node)
    call = "round({x}, 0)" if scope.is_spark else "round({x})"
    if n == 0:
        return Value(call.format(x=x.text), DOUBLE, node)
    unit = spell_double(float(10 ** abs(n)), scope.dialect)
    there, back = ("*", "/") if n > 0 else ("/", "*")
    rounded = f"({call.format(x=f'{x.text} {there} {unit}')} {back} {unit})"
    limit = spell_double(1e290, scope.dialect)
    return Value(f"(CASE WHEN abs({x.text}) < {limit} THEN {rounded} ELSE {x.text} END)", DOUBLE, node)


def write_cut(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """floor(x), ceil(x) and trunc(x) of a decimal; of others as the table has them."""
    name = node.name.casefold()
    if len(arguments) != 1 or arguments[0].kind != "decimal":
        return write_listed(name, arguments, scope, node)
    x = arguments[0]
    type_ = decimal(x.type.precision, 0)
    texts = {
        "floor": f"floor({x.text})",
        "trunc": f"(CASE WHEN {x.text} < 0 THEN ceil({x.text}) ELSE floor({x.text}) END)",
    }
    text = texts.get(name, f"ceil({x.text})")
    return Value(f"CAST({text} AS {spell_type(type_, scope.dialect)})", type_, node)


ROUNDING: dict[str, Callable[[Sequence[Value], Scope, exp.Expr], Value]] = {
    "round": write_round,
    "floor": write_cut,
    "ceil": write_cut,
    "ceiling": write_cut,
    "trunc": write_cut,
}
"""The functions that round."""
