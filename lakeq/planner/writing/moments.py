"""Functions of dates and times: fields, beginnings, differences, and formats."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.calls import at_utc
from lakeq.planner.writing.casts import convert
from lakeq.planner.writing.intervals import make_interval, move_by
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.sqltypes import BIGINT, DATE, DOUBLE, MOMENTS, TIMESTAMP, VARCHAR
from lakeq.planner.writing.target import spell_text
from lakeq.planner.writing.values import Value

_FIELDS = {
    "year": "year({x})",
    "years": "year({x})",
    "month": "month({x})",
    "months": "month({x})",
    "mon": "month({x})",
    "day": "day({x})",
    "days": "day({x})",
    "dayofmonth": "day({x})",
    "quarter": "quarter({x})",
    "week": "{week}({x})",
    "weekofyear": "{week}({x})",
    "dayofyear": "{doy}({x})",
    "doy": "{doy}({x})",
    "dayofweek": "{sunday}",
    "dow": "{sunday}",
    "weekday": "{sunday}",
    "isodow": "{monday}",
    "isoyear": "{isoyear}",
    "hour": "hour({x})",
    "hours": "hour({x})",
    "minute": "minute({x})",
    "minutes": "minute({x})",
    "second": "second({x})",
    "seconds": "second({x})",
}
_SPARK_PARTS = {
    "week": "weekofyear",
    "doy": "dayofyear",
    "sunday": "(dayofweek({x}) - 1)",
    "monday": "(weekday({x}) + 1)",
    "isoyear": "extract(YEAROFWEEK FROM {x})",
}
_TRINO_PARTS = {
    "week": "week",
    "doy": "day_of_year",
    "sunday": "(day_of_week({x}) % 7)",
    "monday": "day_of_week({x})",
    "isoyear": "year_of_week({x})",
}
FIELDS = frozenset(_FIELDS) - {"mon", "years", "months", "days", "hours", "minutes", "seconds"}
"""The fields that are functions, too: year(x)."""
_CLOCK = ("hour", "minute", "second")
_TRUNCATED = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
_JAVA = {
    "Y": "yyyy", "m": "MM", "d": "dd", "H": "HH", "M": "mm", "S": "ss", "f": "SSSSSS", "g": "SSS", "j": "DDD",
    "-d": "d", "-m": "M", "-H": "H", "-M": "m", "-S": "s", "I": "hh", "-I": "h", "p": "a",
    "b": "MMM", "B": "MMMM", "a": "EEE", "A": "EEEE", "y": "yy",
}  # fmt: skip
_MYSQL = {
    "Y": "%Y", "m": "%m", "d": "%d", "H": "%H", "M": "%i", "S": "%s", "j": "%j", "-d": "%e",
    "-m": "%c", "-H": "%k", "I": "%h", "-I": "%l", "p": "%p", "b": "%b", "B": "%M", "a": "%a", "A": "%W",
    "y": "%y", "%": "%%",
}  # fmt: skip


def write_field(name: str, value: Value, scope: Scope, node: exp.Expr) -> Value:
    """A field of a moment: year(x), date_part('year', x), extract(year FROM x)."""
    if value.kind not in MOMENTS:
        raise Refusal(f"{name} of {value.type.name}", node)
    if name == "epoch":
        return _write_epoch(value, scope, node)
    template = _FIELDS.get(name)
    if template is None:
        raise Refusal(f"the field {name} of a moment", node)
    if value.kind == "date" and name.removesuffix("s") in _CLOCK:
        value = convert(value, TIMESTAMP, scope)
    x = at_utc(value, scope).text
    parts = _SPARK_PARTS if scope.is_spark else _TRINO_PARTS
    text = template.format(x=x, **{key: part.format(x=x) for key, part in parts.items()})
    return Value(f"CAST({text} AS BIGINT)" if scope.is_spark else text, BIGINT, node)


def _write_epoch(value: Value, scope: Scope, node: exp.Expr) -> Value:
    value = convert(value, TIMESTAMP, scope) if value.kind == "date" else value
    if scope.is_spark:
        return Value(f"(unix_micros(CAST({value.text} AS TIMESTAMP)) / 1e6D)", DOUBLE, node)
    text = value.text if value.kind == "instant" else f"({value.text} AT TIME ZONE 'UTC')"
    return Value(f"to_unixtime({text})", DOUBLE, node)


def write_part(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """date_part('year', x)."""
    name = _word(arguments, node)
    return write_field(name, arguments[1], scope, node)


def _word(arguments: Sequence[Value], node: exp.Expr) -> str:
    if len(arguments) < 2 or not isinstance(arguments[0].constant, str):
        raise Refusal(f"{node.name}() of a field that is not a literal", node)
    return arguments[0].constant.casefold()


def write_trunc(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """date_trunc('month', x): of a date, too, a timestamp."""
    unit, value = _word(arguments, node).removesuffix("s"), arguments[1]
    if unit not in _TRUNCATED or value.kind not in MOMENTS:
        raise Refusal(f"date_trunc() to {unit} of {value.type.name}", node)
    type_ = value.type if value.kind == "instant" else TIMESTAMP
    moment = convert(value, type_, scope)
    text = f"date_trunc('{unit.upper() if scope.is_spark else unit}', {at_utc(moment, scope).text})"
    if scope.is_spark and type_ is TIMESTAMP:
        text = f"CAST({text} AS TIMESTAMP_NTZ)"
    return Value(text, type_, node)


def write_difference(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """date_diff('day', a, b): the boundaries between a and b."""
    if len(arguments) != 3:
        raise Refusal("date_diff() without three arguments", node)
    unit = _word(arguments, node).removesuffix("s")
    a, b = arguments[1:]
    if not {a.kind, b.kind} <= {"date", "timestamp"}:
        raise Refusal(f"date_diff() of {a.type.name} and {b.type.name}", node)
    if unit in ("day", "week", "month", "quarter", "year"):
        return _count_days(unit, [convert(v, DATE, scope).text for v in (a, b)], scope, node)
    seconds = {"hour": 3600, "minute": 60, "second": 1}.get(unit)
    if seconds is None:
        raise Refusal(f"date_diff() in {unit}", node)
    cut = [write_trunc([arguments[0], v], scope, node).text for v in (a, b)]
    if scope.is_spark:
        counted = [f"unix_seconds(CAST({text} AS TIMESTAMP))" for text in cut]
        text = f"(({counted[1]} - {counted[0]}) div {seconds})"
    else:
        text = f"date_diff('{unit}', {cut[0]}, {cut[1]})"
    return Value(text, BIGINT, node)


def _count_days(unit: str, days: Sequence[str], scope: Scope, node: exp.Expr) -> Value:
    a, b = days
    if unit == "week":  # whole ones, whatever the help says
        counted = f"datediff({b}, {a})" if scope.is_spark else f"date_diff('day', {a}, {b})"
        text = f"({counted} {'div' if scope.is_spark else '/'} 7)"
    elif unit == "day":
        text = f"datediff({b}, {a})" if scope.is_spark else f"date_diff('day', {a}, {b})"
    else:
        months = {"year": "year({x})", "quarter": "(year({x}) * 4 + quarter({x}))"}
        template = months.get(unit, "(year({x}) * 12 + month({x}))")
        text = f"({template.format(x=b)} - {template.format(x=a)})"
    return Value(f"CAST({text} AS BIGINT)", BIGINT, node)


def write_format(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """strftime(x, '%Y-%m-%d')."""
    if len(arguments) != 2:
        raise Refusal("strftime() without two arguments", node)
    value, pattern = arguments
    if value.kind == "text" or not isinstance(pattern.constant, str):
        raise Refusal("strftime() with a format that is not a literal", node)
    if value.kind not in MOMENTS:
        raise Refusal(f"strftime() of {value.type.name}", node)
    made = _translate(pattern.constant, _JAVA if scope.is_spark else _MYSQL, scope.is_spark, node)
    moment = convert(value, TIMESTAMP, scope).text
    if not scope.is_spark and value.kind != "date":  # it rounds, to milliseconds
        moment = f"date_trunc('second', {moment})"
    return Value(f"date_format({moment}, {spell_text(made, scope.dialect)})", VARCHAR, node)


def _translate(pattern: str, known: Mapping[str, str], is_java: bool, node: exp.Expr) -> str:
    parts = []
    for match in re.finditer(r"%(-?.)|[^%]+|%", pattern, flags=re.DOTALL):
        if match[1] is None:
            text = match[0]
            parts.append(
                "'" + text.replace("'", "''") + "'"
                if is_java and re.search(r"[A-Za-z'\[\]{}#]", text)
                else text
            )
        elif is_java and match[1] == "%":
            parts.append("%")
        elif match[1] in known:
            parts.append(known[match[1]])
        else:
            raise Refusal(f"the format {match[0]}", node)
    return "".join(parts)


def write_to_interval(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """to_days(n) and its like."""
    if len(arguments) != 1:
        raise Refusal(f"{node.name}() without one argument", node)
    return make_interval(arguments[0], node.name.upper().removeprefix("TO_").removesuffix("S"), node)


def write_added(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """date_add(x, INTERVAL 1 DAY)."""
    if len(arguments) != 2 or arguments[1].kind != "interval" or arguments[0].kind not in MOMENTS:
        raise Refusal("date_add() of other than a moment and an INTERVAL", node)
    return move_by(arguments[0], "+", arguments[1], scope, node)


_EPOCH = Value("", VARCHAR, exp.null(), "epoch")
MOMENT_CALLS: dict[str, Callable[[Sequence[Value], Scope, exp.Expr], Value]] = {
    "date_part": write_part,
    "datepart": write_part,
    "date_trunc": write_trunc,
    "datetrunc": write_trunc,
    "date_diff": write_difference,
    "datediff": write_difference,
    "strftime": write_format,
    "epoch": lambda arguments, scope, node: write_part([_EPOCH, *arguments], scope, node),
    "date_add": write_added,
    **dict.fromkeys(
        [f"to_{unit}s" for unit in ("year", "quarter", "month", "week", "day", "hour", "minute", "second")],
        write_to_interval,
    ),
}
"""The functions of moments."""
