"""Arithmetic: the digits of a result are DuckDB's, `/` divides doubles, and a date moves by days."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.casts import agree, convert
from lakeq.planner.writing.comparisons import meet
from lakeq.planner.writing.intervals import move
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.sqltypes import (
    BIGINT,
    DOUBLE,
    FLOAT,
    HUGEINT,
    INTEGER,
    NUMBERS,
    REALS,
    SqlType,
    decimal,
    digits_of,
    is_wide,
    spell_type,
)
from lakeq.planner.writing.values import Value, write_constant

_SIGNS: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Mod: "%"}


def write_arithmetic(node: exp.Expr, scope: Scope) -> Value:
    """`a + b`, `a - b`, `a * b`, `a % b`."""
    left, right = scope.express(node.this), scope.express(node.expression)
    return calculate(left, _SIGNS[type(node)], right, scope, node)


def calculate(left: Value, sign: str, right: Value, scope: Scope, node: exp.Expr) -> Value:
    """The value of an operator between two values."""
    kinds = {left.kind, right.kind}
    if kinds & {"date", "timestamp", "instant", "interval"}:
        return move(left, sign, right, scope, node)
    left, right = _numbers(left, right, scope, node)
    kinds = {left.kind, right.kind}
    if not kinds <= set(NUMBERS):
        raise Refusal(f"`{sign}` of {left.type.name} and {right.type.name}", node)
    if kinds & set(REALS):
        return _calculate_reals(left, sign, right, scope, node)
    if kinds == {"integer"}:
        return _calculate_integers(left, sign, right, scope, node)
    return _calculate_decimals(left, sign, right, scope, node)


def _numbers(left: Value, right: Value, scope: Scope, node: exp.Expr) -> tuple[Value, Value]:
    """Both sides, a NULL or a constant text as a number of the other's type."""
    for one, other in ((left, right), (right, left)):
        if one.kind in NUMBERS and (other.kind == "null" or (other.kind == "text" and other.is_literal)):
            if other.kind == "text" and one.kind != "double":
                raise Refusal("a number and a text in arithmetic. CAST the text", node)
            fitted = agree(other, one.type, scope)
            return (left, fitted) if one is left else (fitted, right)
    if left.kind == right.kind == "null":
        return agree(left, INTEGER, scope), agree(right, INTEGER, scope)
    return left, right


def _calculate_reals(left: Value, sign: str, right: Value, scope: Scope, node: exp.Expr) -> Value:
    type_ = DOUBLE if "double" in (left.kind, right.kind) else FLOAT
    a, b = convert(left, type_, scope), convert(right, type_, scope)
    name = spell_type(type_, scope.dialect)
    if sign == "%" and scope.is_spark and not _is_nonzero(right):
        nan = f"CAST('NaN' AS {name})"
        text = f"(CASE WHEN {b.text} = 0 THEN {a.text} * {nan} ELSE {a.text} % {b.text} END)"
    elif sign == "%" and not scope.is_spark and type_ is FLOAT:
        raise Refusal("`%` of FLOAT. CAST it to DOUBLE", node)
    else:
        text = f"({a.text} {sign} {b.text})"
    return Value(text, type_, node)


def _is_nonzero(value: Value) -> bool:
    return value.is_constant and value.constant not in (None, 0)


def _calculate_integers(left: Value, sign: str, right: Value, scope: Scope, node: exp.Expr) -> Value:
    type_ = meet([left, right], node)
    known = (left.constant, right.constant)
    if all(isinstance(k, int) for k in known) and sign in "+-*":
        made = {"+": known[0] + known[1], "-": known[0] - known[1], "*": known[0] * known[1]}[sign]
        if abs(made) < 2**31 and type_.name == "INTEGER":
            return write_constant(made, type_, node, scope.dialect)
    if type_.name.startswith("U"):
        raise Refusal(
            f"`{sign}` of unsigned integers, whose bounds the other engine does not hold. "
            "CAST them to BIGINT", node
        )  # fmt: skip
    if not is_wide(type_) and not (is_wide(left.type) or is_wide(right.type)):
        wide = type_.name == "BIGINT" and "BIGINT" not in (left.type.name, right.type.name)
        a = convert(left, BIGINT, scope).text if wide else left.text
        return Value(f"({a} {sign} {right.text})", type_, node)
    a, b = (convert(v, HUGEINT, scope).text for v in (left, right))
    return Value(f"CAST(({a} {sign} {b}) AS DECIMAL(38, 0))", HUGEINT, node)


def _calculate_decimals(left: Value, sign: str, right: Value, scope: Scope, node: exp.Expr) -> Value:
    (p, s), (q, r) = digits_of(left.type), digits_of(right.type)
    if sign == "*":
        width, scale = p + q, s + r
    elif sign == "%":
        scale = max(s, r)
        width = max(p - s, q - r) + scale
    else:
        scale = max(s, r)
        width = max(p - s, q - r) + scale + 1
    if scale > 38:
        raise Refusal(f"`{sign}` of decimals with {scale} digits after the point", node)
    if sign == "*" and width > 18 >= max(p, q) and scale < 18:
        width = 18  # where both fit 64 bits DuckDB stays there, and fails rather than grow
    type_ = decimal(min(width, 38), scale)
    a, b = (_as_decimal(v, scope) for v in (left, right))
    if scope.is_spark and scale > 6 and _spark_width(sign, (p, s), (q, r)) > 38:
        a, b = _narrow(a, b, sign, scope, node)
    return Value(f"CAST(({a.text} {sign} {b.text}) AS {spell_type(type_, scope.dialect)})", type_, node)


def _as_decimal(value: Value, scope: Scope) -> Value:
    if value.kind == "decimal" or (value.is_constant and not is_wide(value.type)):
        return value
    return convert(value, decimal(min(digits_of(value.type)[0], 38), 0), scope)


def _spark_width(sign: str, left: tuple[int, int], right: tuple[int, int]) -> int:
    (p, s), (q, r) = left, right
    return p + q + 1 if sign == "*" else max(p - s, q - r) + max(s, r) + 1


def _narrow(left: Value, right: Value, sign: str, scope: Scope, node: exp.Expr) -> tuple[Value, Value]:
    """Decimals of fewer digits, of whose result Spark cuts no digit off: a value that does not fit them
    fails."""
    (p, s), (q, r) = digits_of(left.type), digits_of(right.type)
    if sign == "*":
        small = min(p, q, 18)
        room = 37 - small
        widths = (min(p, room), small) if p > q else (small, min(q, room))
    else:
        widths = (min(p, 37 - max(s, r) + s), min(q, 37 - max(s, r) + r))
    if widths[0] < s or widths[1] < r:
        raise Refusal(f"`{sign}` of decimals with so many digits. CAST them to fewer", node)
    return (
        convert(left, decimal(widths[0], s), scope) if left.kind == "decimal" else left,
        convert(right, decimal(widths[1], r), scope) if right.kind == "decimal" else right,
    )


def write_division(node: exp.Expr, scope: Scope) -> Value:
    """`a / b`: of doubles, whatever they are; by 0 it is infinite, or NaN."""
    left, right = _numbers(scope.express(node.this), scope.express(node.expression), scope, node)
    if not {left.kind, right.kind} <= set(NUMBERS):
        raise Refusal(f"`/` of {left.type.name} and {right.type.name}", node)
    return divide(left, right, scope, node)


def divide(left: Value, right: Value, scope: Scope, node: exp.Expr) -> Value:
    """`a / b` of numbers."""
    kinds = {left.kind, right.kind}
    type_ = FLOAT if "float" in kinds and "double" not in kinds else DOUBLE
    a, b = (convert(v, type_, scope).text for v in (left, right))
    name = spell_type(type_, scope.dialect)
    if scope.is_spark and type_ is FLOAT:  # Spark divides floats as doubles
        wide = divide(convert(left, DOUBLE, scope), convert(right, DOUBLE, scope), scope, node)
        return Value(f"CAST({wide.text} AS FLOAT)", FLOAT, node)
    if not scope.is_spark or _is_nonzero(right):
        return Value(f"({a} / {b})", type_, node)
    infinite = f"CAST('Infinity' AS {name})"
    if right.kind in REALS:
        minus = f"CAST('-Infinity' AS {name})"
        infinite = f"CASE WHEN CAST({b} AS STRING) = '-0.0' THEN {minus} ELSE {infinite} END"
    return Value(f"(CASE WHEN {b} = 0 THEN {a} * ({infinite}) ELSE {a} / {b} END)", type_, node)


def write_whole_division(node: exp.Expr, scope: Scope) -> Value:
    """`a // b` of integers, without the rest; by 0 it fails."""
    left, right = _numbers(scope.express(node.this), scope.express(node.expression), scope, node)
    if {left.kind, right.kind} != {"integer"}:
        raise Refusal(f"`//` of {left.type.name} and {right.type.name}. Use `/`", node)
    type_ = meet([left, right], node)
    if is_wide(type_) or is_wide(left.type) or is_wide(right.type):
        raise Refusal("`//` of HUGEINT. CAST to BIGINT", node)
    word = "div" if scope.is_spark else "/"
    return Value(f"({left.text} {word} {right.text})", type_, node)


def write_negative(node: exp.Expr, scope: Scope) -> Value:
    """`-x`."""
    value = scope.express(node.this)
    if isinstance(value.constant, int | float | Decimal) and value.kind in NUMBERS:
        return write_constant(-value.constant, value.type, node, scope.dialect, value.is_literal)
    if value.kind == "interval":
        return replace(value, node=node, moves=tuple((unit, f"(-{count})") for unit, count in value.moves))
    if value.kind not in NUMBERS or value.type.name.startswith("U"):
        raise Refusal(f"`-` of {value.type.name}", node)
    return Value(f"(-{value.text})", value.type, node)


def write_bits(node: exp.Expr, scope: Scope) -> Value:
    """`a & b`, `a | b` of integers."""
    left, right = scope.express(node.this), scope.express(node.expression)
    if (left.kind, right.kind) != ("integer", "integer") or is_wide(left.type) or is_wide(right.type):
        raise Refusal("bits of what is not known to be integers of 64 bits", node)
    type_ = meet([left, right], node)
    sign, name = ("&", "bitwise_and") if isinstance(node, exp.BitwiseAnd) else ("|", "bitwise_or")
    if scope.is_spark:
        return Value(f"({left.text} {sign} {right.text})", type_, node)
    return Value(f"{name}({left.text}, {right.text})", BIGINT, node)


def as_number(value: Value, type_: SqlType, scope: Scope) -> Value:
    """A number, or NULL, as one of the type. Refusal for what is none."""
    if value.kind not in (*NUMBERS, "null"):
        raise Refusal(f"{value.type.name} where a number is expected", value.node)
    return convert(value, type_, scope)
