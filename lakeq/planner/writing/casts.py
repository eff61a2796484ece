"""CAST, TRY_CAST and the casts that DuckDB makes by itself: which mean the same, and how the others are
written."""

from __future__ import annotations

import datetime as dt
import re
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.sqltypes import (
    EXACT,
    MOMENTS,
    NUMBERS,
    REALS,
    SqlType,
    digits_of,
    holds,
    is_wide,
    read_type,
    spell_type,
)
from lakeq.planner.writing.target import spell_text
from lakeq.planner.writing.values import Value, write_constant

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?))?(Z|[+-]\d\d(?::?\d\d)?)?")
_PLAIN_INTEGER = r"^[ \t\n\r\f\x0B]*[+-]?[0-9]+[ \t\n\r\f\x0B]*$"
_ODD_INTEGER = r"^[ \t\n\r\f\x0B]*[+-]?[0-9_.][0-9a-fA-FxX_.+-]*[ \t\n\r\f\x0B]*$"
_DIGITS = Context(prec=80, rounding=ROUND_HALF_UP)


def write_cast(node: exp.Expr, scope: Scope) -> Value:
    """CAST(x AS type) and TRY_CAST(x AS type)."""
    target = read_type(node.args["to"])
    if target is None:
        raise Refusal(f"a cast to {node.args['to'].sql('duckdb')}", node)
    if node.args.get("format") or node.args.get("default"):
        raise Refusal("CAST … FORMAT", node)
    value = scope.express(node.this)
    if target.name.startswith("U") and value.type != target:
        raise Refusal(f"a cast to {target.name}, whose bounds the other engine does not hold", node)
    cast = try_convert if isinstance(node, exp.TryCast) else convert
    made = cast(value, target, scope)
    return Value(made.text, made.type, node, made.constant)


def convert(value: Value, target: SqlType, scope: Scope) -> Value:
    """`value` as DuckDB's CAST makes it. Refusal where the other engine's would be another value."""
    if value.type == target:
        return value
    if value.kind == "null":
        return value.of(f"CAST(NULL AS {spell_type(target, scope.dialect)})", target)
    if value.is_constant:
        folded = _fold(value, target, scope)
        if folded is not None:
            return folded
        if value.kind == "text" and target.kind in MOMENTS:
            raise Refusal(f"{value.constant!r} as {target.name}", value.node)
    rule = _RULES.get((value.kind, target.kind))
    if rule is None:
        raise Refusal(f"{value.type.name} as {target.name}", value.node)
    return rule(value, target, scope)


def agree(value: Value, target: SqlType, scope: Scope) -> Value:
    """`value` as DuckDB takes it where it meets others of the type: a constant text takes any type, another
    text none."""
    if value.kind == "text" and target.kind != "text" and not value.is_literal:
        raise Refusal(f"a text and {target.name} in one expression. CAST one of them", value.node)
    return convert(value, target, scope)


def try_convert(value: Value, target: SqlType, scope: Scope) -> Value:
    """`value` as DuckDB's TRY_CAST makes it."""
    name = spell_type(target, scope.dialect)
    exact = value.kind in EXACT and target.kind in EXACT
    if (value.kind == "integer" and target.kind == "integer") or (exact and target.kind == "decimal"):
        return value.of(f"TRY_CAST({value.text} AS {name})", target)
    if value.kind in ("boolean", "integer", "date", "null") or value.type == target:
        return convert(value, target, scope)
    if (value.kind, target.kind) == ("text", "integer"):
        # DuckDB takes '12.5' for 13, '1e3' for 1000 and '0x1F' for 31. Such a text fails here rather than
        # being NULL.
        plain, odd = _match(value.text, _PLAIN_INTEGER, scope), _match(value.text, _ODD_INTEGER, scope)
        trimmed = value.text if scope.is_spark else f"trim({value.text})"
        text = (
            f"CASE WHEN {plain} THEN TRY_CAST({trimmed} AS {name}) "
            f"WHEN {odd} THEN CAST({value.text} AS {name}) END"
        )
        return value.of(f"({text})", target)
    raise Refusal(f"TRY_CAST of {value.type.name} to {target.name}", value.node)


def _match(text: str, pattern: str, scope: Scope) -> str:
    return f"regexp_like({text}, {spell_text(pattern, scope.dialect)})"


def _fold(value: Value, target: SqlType, scope: Scope) -> Value | None:
    """A constant of the type for a constant of another; None where the cast is to be written."""
    known = value.constant
    made: object = None
    if value.kind == "text":
        made = _read_text(known, target)
        if made is None:
            return None
    elif value.kind in EXACT and target.kind in EXACT:
        made = Decimal(known).quantize(Decimal(1).scaleb(-digits_of(target)[1]), context=_DIGITS)
        made = _in_bounds(made, target)
        if made is None:
            return None
    elif value.kind in NUMBERS and target.kind in REALS and not isinstance(known, bool):
        made = float(known)
    elif value.kind == "date" and target.kind == "timestamp":
        made = dt.datetime(known.year, known.month, known.day)
    elif value.kind in ("date", "timestamp") and target.kind == "instant":
        time = known.time() if isinstance(known, dt.datetime) else dt.time()
        made = dt.datetime.combine(known, time, dt.UTC)
    elif value.kind in ("timestamp", "instant") and target.kind in MOMENTS:
        made = known.date() if target.kind == "date" else known.replace(tzinfo=None)
    else:
        return None
    return write_constant(made, target, value.node, scope.dialect)


def _in_bounds(number: Decimal, target: SqlType) -> int | Decimal | None:
    """The number as a constant of an integer or decimal; None where it has none, and the cast fails."""
    if target.kind == "integer":
        return int(number) if holds(target, int(number)) else None
    return number if abs(number) < Decimal(10) ** (target.precision - target.scale) else None


def _read_text(text: str, target: SqlType) -> object:
    """What DuckDB reads a text as; None where that is not certain."""
    try:
        match target.kind:
            case "date" if _DATE.fullmatch(text):
                return dt.date.fromisoformat(text)
            case "timestamp" if (found := _MOMENT.fullmatch(text)) and not found[3]:
                return dt.datetime.fromisoformat(text)
            case "instant" if _MOMENT.fullmatch(text):
                moment = dt.datetime.fromisoformat(text)
                return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
            case "integer" if re.fullmatch(r"[+-]?\d{1,18}", text) and not is_wide(target):
                return _in_bounds(Decimal(text), target)
            case "decimal" if re.fullmatch(r"[+-]?\d{1,18}(\.\d{1,18})?", text):
                made = Decimal(text).quantize(Decimal(1).scaleb(-target.scale), context=_DIGITS)
                return _in_bounds(made, target)
            case "double" if re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?|(?i:[+-]?inf|nan)", text):
                return float(text)
            case "boolean" if text.casefold() in ("true", "false"):
                return text.casefold() == "true"
    except (ValueError, InvalidOperation):
        pass
    return None


def _plain(value: Value, target: SqlType, scope: Scope) -> Value:
    return value.of(f"CAST({value.text} AS {spell_type(target, scope.dialect)})", target)


def _exactly(value: Value, target: SqlType, scope: Scope) -> Value:
    if target.kind == "integer" and value.kind == "decimal" and scope.is_spark:  # it cuts off, DuckDB rounds
        return _plain(value.of(f"round({value.text}, 0)", value.type), target, scope)
    if value.kind == target.kind == "integer" and spell_type(value.type, scope.dialect) == spell_type(
        target, scope.dialect
    ):
        return value.of(value.text, target)
    return _plain(value, target, scope)


def _round_real(value: Value, target: SqlType, scope: Scope) -> Value:
    """A double as an integer: its half goes to the even neighbour."""
    x = convert(value, SqlType("DOUBLE"), scope).text
    if scope.is_spark:
        rounded = f"rint({x})"
    else:
        half = f"abs({x} - truncate({x})) = 0.5e0"
        rounded = f"(CASE WHEN {half} THEN 2e0 * round({x} / 2e0) ELSE round({x}) END)"
    return _plain(value.of(rounded, SqlType("DOUBLE")), target, scope)


def _to_text(value: Value, target: SqlType, scope: Scope) -> Value:
    if value.kind == "timestamp" and not scope.is_spark:
        raise Refusal("a timestamp as text, which is written in another way. Use strftime()", value.node)
    return _plain(value, target, scope)


def _to_boolean(value: Value, target: SqlType, scope: Scope) -> Value:
    return value.of(f"({value.text} <> 0)", target)


def _to_real(value: Value, target: SqlType, scope: Scope) -> Value:
    return _plain(value, target, scope)


def _text_to_integer(value: Value, target: SqlType, scope: Scope) -> Value:
    # What DuckDB reads beyond digits fails there.
    return _plain(value if scope.is_spark else value.of(f"trim({value.text})", value.type), target, scope)


def _items(value: Value, target: SqlType, scope: Scope) -> Value:
    source = (value.type.fields, target.fields)
    if [n for n, _ in source[0]] != [n for n, _ in source[1]]:
        raise Refusal("structs of other fields in one expression", value.node)
    for (_, a), (_, b) in zip(*source, strict=True):
        if a != b and not (a.kind == b.kind and a.kind in ("integer", "float", "double")):
            raise Refusal(f"{value.type.name} of {a.name} as of {b.name}", value.node)
    return _plain(value, target, scope)


_RULES = {
    **{(a, b): _exactly for a in EXACT for b in EXACT},
    **{(a, b): _to_real for a in NUMBERS for b in REALS},
    **{(real, "integer"): _round_real for real in REALS},
    **{(a, "text"): _to_text for a in ("integer", "decimal", "boolean", "date", "timestamp")},
    ("boolean", "integer"): _plain,
    ("integer", "boolean"): _to_boolean,
    ("text", "integer"): _text_to_integer,
    ("text", "date"): _plain,
    ("text", "double"): _plain,
    ("date", "timestamp"): _plain,
    ("date", "instant"): _plain,
    ("timestamp", "instant"): _plain,
    ("timestamp", "date"): _plain,
    ("instant", "date"): _plain,
    ("instant", "timestamp"): _plain,
    ("list", "list"): _items,
    ("row", "row"): _items,
}
"""By the kinds from and to; no other cast is written. The zone is UTC on both sides."""
