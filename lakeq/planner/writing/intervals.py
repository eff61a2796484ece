"""Intervals and the moments that they move: nothing else may be made of an interval."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.casts import convert
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.sqltypes import BIGINT, DATE, INTEGER, INTERVAL, TIMESTAMP, is_wide
from lakeq.planner.writing.values import Value, write_constant

_UNITS = {
    "YEAR": ("MONTH", 12), "QUARTER": ("MONTH", 3), "MONTH": ("MONTH", 1), "WEEK": ("DAY", 7),
    "DAY": ("DAY", 1), "HOUR": ("HOUR", 1), "MINUTE": ("MINUTE", 1), "SECOND": ("SECOND", 1),
}  # fmt: skip
_ORDER = ("MONTH", "DAY", "HOUR", "MINUTE", "SECOND")


def write_interval(node: exp.Expr, scope: Scope) -> Value:
    """INTERVAL 3 DAY and its like: only to be added to a moment."""
    unit = node.args.get("unit")
    name = unit.name.upper().removesuffix("S") if isinstance(unit, exp.Var) else ""
    amount = node.this
    if isinstance(amount, exp.Literal) and not name:
        parts = amount.name.split()
        if len(parts) == 2:
            amount, name = exp.Literal.string(parts[0]), parts[1].upper().removesuffix("S")
    if name not in _UNITS:
        raise Refusal("this INTERVAL. Write one number and one unit, as INTERVAL 3 DAY", node)
    if isinstance(amount, exp.Literal):
        try:
            value = write_constant(int(amount.name), INTEGER, node, scope.dialect)
        except ValueError as error:
            raise Refusal("an INTERVAL of what is no whole number", node) from error
    else:
        value = scope.express(amount)
    return make_interval(value, name, node)


def make_interval(value: Value, unit: str, node: exp.Expr) -> Value:
    """So many units of time."""
    if value.kind != "integer" or is_wide(value.type):
        raise Refusal("an INTERVAL of what is no whole number", node)
    plain, factor = _UNITS[unit]
    count = value.text if factor == 1 else f"({value.text} * {factor})"
    known = value.constant * factor if isinstance(value.constant, int) else None
    if known is not None:
        count = str(known) if known >= 0 else f"({known})"
    return Value("", INTERVAL, node, moves=((plain, count),))


def move(left: Value, sign: str, right: Value, scope: Scope, node: exp.Expr) -> Value:
    """`+` and `-` of which one side is a moment or an interval."""
    kinds = (left.kind, right.kind)
    if kinds == ("date", "date") and sign == "-":
        text = (
            f"CAST(datediff({left.text}, {right.text}) AS BIGINT)"
            if scope.is_spark
            else f"date_diff('day', {right.text}, {left.text})"
        )
        return Value(text, BIGINT, node)
    if kinds == ("integer", "date") and sign == "+":
        return move(right, sign, left, scope, node)
    if kinds == ("date", "integer") and sign in "+-" and not is_wide(right.type):
        count = right.text if sign == "+" else f"(-{right.text})"
        if isinstance(left.constant, dt.date) and isinstance(right.constant, int):
            days = right.constant if sign == "+" else -right.constant
            return write_constant(left.constant + dt.timedelta(days), DATE, node, scope.dialect)
        if scope.is_spark:
            return Value(f"date_add({left.text}, CAST({count} AS INT))", DATE, node)
        return Value(f"date_add('day', {count}, {left.text})", DATE, node)
    if kinds == ("interval", "interval") and sign in "+-":
        turned = right if sign == "+" else replace(right, moves=tuple((u, f"(-{c})") for u, c in right.moves))
        return Value("", INTERVAL, node, moves=(*left.moves, *turned.moves))
    if right.kind == "interval" and left.kind in ("date", "timestamp", "instant") and sign in "+-":
        return move_by(left, sign, right, scope, node)
    if left.kind == "interval" and right.kind in ("date", "timestamp", "instant") and sign == "+":
        return move_by(right, sign, left, scope, node)
    if kinds in (("timestamp", "timestamp"), ("instant", "instant")) and sign == "-":
        raise Refusal("the INTERVAL between two timestamps. Use date_diff('second', b, a)", node)
    raise Refusal(f"`{sign}` of {left.type.name} and {right.type.name}", node)


def move_by(moment: Value, sign: str, interval: Value, scope: Scope, node: exp.Expr) -> Value:
    """A moment moved by an interval: months, then days, then the rest. A date becomes a timestamp."""
    moment = convert(moment, TIMESTAMP, scope) if moment.kind == "date" else moment
    folded = _fold_move(moment.constant, sign, interval)
    if folded is not None:
        return write_constant(folded, moment.type, node, scope.dialect)
    text = moment.text
    for unit, count in sorted(interval.moves, key=lambda move: _ORDER.index(move[0])):
        signed = count if sign == "+" else f"(-{count})"
        if scope.is_spark:
            text = f"timestampadd({unit}, {signed}, {text})"
        else:
            text = f"date_add('{unit.lower()}', {signed}, {text})"
    return Value(text, moment.type, node)


def _fold_move(known: object, sign: str, interval: Value) -> dt.datetime | None:
    if not isinstance(known, dt.datetime):
        return None
    try:
        for unit, text in _counts(interval):
            count = text if sign == "+" else -text
            if unit == "MONTH":
                months = known.year * 12 + known.month - 1 + count
                year, month = divmod(months, 12)
                day = min(known.day, calendar.monthrange(year, month + 1)[1])
                known = known.replace(year=year, month=month + 1, day=day)
            else:
                known += dt.timedelta(**{f"{unit.lower()}s": count})
    except (ValueError, OverflowError):
        return None
    return known


def _counts(interval: Value) -> Iterator[tuple[str, int]]:
    for unit, text in sorted(interval.moves, key=lambda move: _ORDER.index(move[0])):
        yield unit, int(text.strip("()"))
