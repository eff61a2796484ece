"""Aggregates, with DISTINCT, FILTER, ORDER BY and OVER."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.arithmetic import as_number
from lakeq.planner.writing.casts import convert
from lakeq.planner.writing.comparisons import may_be_nan
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.sqltypes import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    HUGEINT,
    INTEGER,
    NUMBERS,
    REALS,
    VARCHAR,
    decimal,
    digits_of,
    list_of,
    spell_type,
)
from lakeq.planner.writing.values import Value

_ORDERED = (*NUMBERS, "text", "boolean", "date", "timestamp", "instant")


@dataclass(frozen=True, slots=True)
class Group:
    """How an aggregate is called: the words before its arguments, and what stands behind it.

    `test` is the condition of FILTER, empty for none; within a window, and for Spark behind DISTINCT, it goes
    into the arguments. `over` is the window, `order` the text of ORDER BY within the call.
    """

    scope: Scope
    node: exp.Expr
    distinct: bool = False
    test: str = ""
    over: str = ""
    order: str = ""

    def call(self, name: str, *arguments: str, distinct: bool | None = None) -> str:
        """The text of one call: a rule that makes two of one has both over the same rows."""
        is_distinct = self.distinct if distinct is None else distinct
        word = "DISTINCT " if is_distinct else ""
        given = list(arguments)
        # Spark 4.3 fails where a filter behind DISTINCT stands beside WITHIN GROUP.
        goes_inside = bool(self.over) or (is_distinct and self.scope.is_spark)
        if goes_inside and self.test:
            given[0] = f"CASE WHEN {self.test} THEN {'1' if given[0] == '*' else given[0]} END"
        text = f"{name}({word}{', '.join(given)})"
        if self.test and not goes_inside:
            text += f" FILTER (WHERE {self.test})"
        return text + self.over


Rule = Callable[[Sequence[Value], Group], Value]


def _count(arguments: Sequence[Value], group: Group) -> Value:
    if not arguments:
        return Value(group.call("count", "*"), BIGINT, group.node)
    if len(arguments) > 1:
        raise Refusal("count() of several columns", group.node)
    if group.distinct:
        _check_ordered(arguments[0], group)
    return Value(group.call("count", arguments[0].text), BIGINT, group.node)


def _check_ordered(x: Value, group: Group) -> None:
    if x.kind not in _ORDERED:
        raise Refusal(f"{group.node.name}() of {x.type.name}", group.node)
    if x.kind in REALS and not group.scope.is_spark and group.distinct:
        raise Refusal("DISTINCT doubles in an aggregate, of which NaN may be one", group.node)


def _as_sum(x: Value, group: Group) -> Value:
    """What is added up: in digits that the sum does not run over."""
    if x.kind == "boolean":
        x = convert(x, INTEGER, group.scope)
    if x.kind == "null":
        x = convert(x, INTEGER, group.scope)
    if x.kind not in NUMBERS:
        raise Refusal(f"{group.node.name}() of {x.type.name}", group.node)
    if x.kind in REALS:
        return convert(x, DOUBLE, group.scope)
    if x.kind == "integer" and digits_of(x.type)[0] > 10:
        return x.of(f"CAST({x.text} AS DECIMAL({digits_of(x.type)[0]}, 0))", x.type)
    return x


def _sum(arguments: Sequence[Value], group: Group) -> Value:
    x = _as_sum(_one(arguments, group), group)
    if group.distinct:
        _check_ordered(x, group)
    if x.kind == "double":
        return Value(group.call("sum", x.text), DOUBLE, group.node)
    type_ = HUGEINT if x.kind == "integer" else decimal(38, x.type.scale)
    name = spell_type(type_, group.scope.dialect)
    return Value(f"CAST({group.call('sum', x.text)} AS {name})", type_, group.node)


def _avg(arguments: Sequence[Value], group: Group) -> Value:
    x = _as_sum(_one(arguments, group), group)
    if group.distinct:
        _check_ordered(x, group)
    if x.kind == "double":
        return Value(group.call("avg", x.text), DOUBLE, group.node)
    if x.kind == "integer" and digits_of(x.type)[0] <= 10:
        return Value(group.call("avg", f"CAST({x.text} AS DOUBLE)"), DOUBLE, group.node)
    total, count = group.call("sum", x.text), group.call("count", x.text)
    return Value(f"(CAST({total} AS DOUBLE) / CAST(nullif({count}, 0) AS DOUBLE))", DOUBLE, group.node)


def _one(arguments: Sequence[Value], group: Group) -> Value:
    if len(arguments) != 1:
        raise Refusal(f"{group.node.name}() of {len(arguments)} arguments", group.node)
    return arguments[0]


def _extreme(arguments: Sequence[Value], group: Group) -> Value:
    x = _one(arguments, group)
    if x.kind not in (*_ORDERED, "null"):
        raise Refusal(f"{group.node.name}() of {x.type.name}", group.node)
    name = group.node.name.casefold()
    if not group.scope.is_spark and may_be_nan(x):  # Trino's min() and max() pass over NaN as if it were NULL
        return _extreme_real(name, x, group)
    return Value(group.call(name, x.text, distinct=False), x.type, group.node)


def _extreme_real(name: str, x: Value, group: Group) -> Value:
    plain = group.call(name, f"CASE WHEN NOT is_nan({x.text}) THEN {x.text} END", distinct=False)
    nan = f"CAST('NaN' AS {spell_type(x.type, group.scope.dialect)})"
    any_nan = group.call("max", f"CASE WHEN is_nan({x.text}) THEN {nan} END", distinct=False)
    parts = (any_nan, plain) if name == "max" else (plain, any_nan)
    return Value(f"coalesce({parts[0]}, {parts[1]})", x.type, group.node)


def _booleans(arguments: Sequence[Value], group: Group) -> Value:
    x = _one(arguments, group)
    if x.kind not in ("boolean", "null"):
        raise Refusal(f"{group.node.name}() of {x.type.name}", group.node)
    return Value(group.call(group.node.name.casefold(), x.text, distinct=False), BOOLEAN, group.node)


def _count_if(arguments: Sequence[Value], group: Group) -> Value:
    x = _one(arguments, group)
    if x.kind != "boolean" or group.distinct:
        raise Refusal(f"count_if() of {x.type.name}", group.node)
    counted = group.call("sum", f"CASE WHEN {x.text} THEN 1 ELSE 0 END")  # of no rows it is NULL
    return Value(f"CAST({counted} AS DECIMAL(38, 0))", HUGEINT, group.node)


def _by(arguments: Sequence[Value], group: Group) -> Value:
    """arg_min(x, y): of the rows in which neither is NULL."""
    if len(arguments) != 2 or group.distinct:
        raise Refusal(f"{group.node.name}() of {len(arguments)} arguments", group.node)
    x, y = arguments
    if y.kind not in _ORDERED or (may_be_nan(y) and not group.scope.is_spark):
        raise Refusal(f"{group.node.name}() by {y.type.name}", group.node)
    name = "max_by" if "max" in group.node.name.casefold() else "min_by"
    tests = [f"{x.text} IS NOT NULL"] + ([group.test] if group.test else [])
    by = f"CASE WHEN {' AND '.join(tests)} THEN {y.text} END"
    bare = Group(group.scope, group.node, over=group.over)
    return Value(bare.call(name, x.text, by), x.type, group.node)


def _any(arguments: Sequence[Value], group: Group) -> Value:
    x = _one(arguments, group)
    if x.kind not in _ORDERED:
        raise Refusal(f"any_value() of {x.type.name}", group.node)
    return Value(group.call("min", x.text, distinct=False), x.type, group.node)  # any of them will do


def _spread(arguments: Sequence[Value], group: Group) -> Value:
    x = as_number(_one(arguments, group), DOUBLE, group.scope)
    name = {"stddev": "stddev_samp", "variance": "var_samp"}.get(group.node.name.casefold())
    if group.distinct:
        raise Refusal("DISTINCT within a deviation", group.node)
    return Value(group.call(name or group.node.name.casefold(), x.text), DOUBLE, group.node)


def _join_texts(arguments: Sequence[Value], group: Group) -> Value:
    """string_agg(x, d ORDER BY …)."""
    x = convert(arguments[0], VARCHAR, group.scope)
    separator = arguments[1] if len(arguments) > 1 else None
    if len(arguments) > 2 or (separator is not None and not isinstance(separator.constant, str)):
        raise Refusal("string_agg() with a separator that is not a literal", group.node)
    if not group.order or group.over or group.distinct:
        raise Refusal("string_agg() without ORDER BY in it, or with DISTINCT or OVER", group.node)
    d = "','" if separator is None else separator.text
    if group.scope.is_spark:
        if _has_several_distinct(group.node.find_ancestor(exp.Select)):
            raise Refusal("string_agg() beside DISTINCT aggregates of several columns", group.node)
        text = f"listagg({x.text}, {d}) WITHIN GROUP ({group.order})"
        return Value(text + (f" FILTER (WHERE {group.test})" if group.test else ""), VARCHAR, group.node)
    tests = [f"{x.text} IS NOT NULL"] + ([group.test] if group.test else [])
    gathered = f"array_agg({x.text} {group.order}) FILTER (WHERE {' AND '.join(tests)})"
    return Value(f"array_join({gathered}, {d})", VARCHAR, group.node)


def _has_several_distinct(select: exp.Select | None) -> bool:
    """Whether aggregates of a SELECT are over the distinct values of different expressions: beside them Spark
    4.3 fails at WITHIN GROUP."""
    found = set()
    for distinct in () if select is None else select.find_all(exp.Distinct):
        call = distinct.parent
        if isinstance(call, exp.Func) and call.find_ancestor(exp.Select) is select:
            behind = call.parent.args["expression"].sql() if isinstance(call.parent, exp.Filter) else ""
            found.add((distinct.sql(), behind))
    return len(found) > 1


def _gather(arguments: Sequence[Value], group: Group) -> Value:
    """list(x ORDER BY …), NULLs among the items."""
    x = _one(arguments, group)
    if group.scope.is_spark:
        raise Refusal(f"{group.node.name}(), of which Spark leaves NULLs out", group.node)
    if not group.order or group.over or group.distinct or x.kind == "null":
        raise Refusal(f"{group.node.name}() without ORDER BY in it, or with DISTINCT or OVER", group.node)
    test = f" FILTER (WHERE {group.test})" if group.test else ""
    return Value(f"array_agg({x.text} {group.order}){test}", list_of(x.type), group.node)


def _bits(arguments: Sequence[Value], group: Group) -> Value:
    x = _one(arguments, group)
    name = group.node.name.casefold()
    if x.kind != "integer" or x.type.name not in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"):
        raise Refusal(f"{name}() of {x.type.name}", group.node)
    if group.scope.is_spark:
        return Value(group.call(name, x.text, distinct=False), x.type, group.node)
    return Value(
        group.call(f"{name.replace('bit', 'bitwise')}_agg", x.text, distinct=False), BIGINT, group.node
    )


AGGREGATES: dict[str, Rule] = {
    "count": _count,
    "sum": _sum,
    "avg": _avg,
    "mean": _avg,
    "min": _extreme,
    "max": _extreme,
    "bool_and": _booleans,
    "bool_or": _booleans,
    "count_if": _count_if,
    "countif": _count_if,
    **dict.fromkeys(("arg_min", "arg_max", "min_by", "max_by", "argmin", "argmax"), _by),
    "any_value": _any,
    **dict.fromkeys(("stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop"), _spread),
    **dict.fromkeys(("string_agg", "group_concat", "listagg"), _join_texts),
    **dict.fromkeys(("list", "array_agg"), _gather),
    **dict.fromkeys(("bit_and", "bit_or"), _bits),
}
"""By name."""


def is_aggregate(node: exp.Expr) -> bool:
    """Whether a call is one of an aggregate that is written."""
    return isinstance(node, exp.Anonymous) and node.name.casefold() in AGGREGATES
