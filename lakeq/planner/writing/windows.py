"""Calls with OVER, and aggregates with FILTER and ORDER BY in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.aggregates import AGGREGATES, Group
from lakeq.planner.writing.choices import fit_to
from lakeq.planner.writing.comparisons import condition
from lakeq.planner.writing.ordering import check_order, write_order
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.sqltypes import BIGINT, DOUBLE
from lakeq.planner.writing.values import Value

_RANKS = {
    "row_number": BIGINT,
    "rank": BIGINT,
    "dense_rank": BIGINT,
    "ntile": BIGINT,
    "percent_rank": DOUBLE,
    "cume_dist": DOUBLE,
}
_VALUES = ("first_value", "last_value", "nth_value", "lag", "lead")


def write_aggregate(node: exp.Expr, scope: Scope, test: str = "", over: str = "") -> Value:
    """A call of an aggregate, within its FILTER and OVER."""
    arguments, order, distinct = list(node.expressions), "", False
    inner = scope if over else replace(scope, in_aggregate=True, prefers_outputs=False)
    for position, argument in enumerate(arguments):
        if isinstance(argument, exp.Order):
            if argument.this is None:
                raise Refusal(f"{node.name}() with this ORDER BY", node)
            order, arguments[position] = write_order(argument, inner), argument.this
    if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct):
        distinct = True
        arguments = list(arguments[0].expressions)
    if len(arguments) == 1 and isinstance(arguments[0], exp.Star):
        if node.name.casefold() != "count":
            raise Refusal(f"{node.name}(*)", node)
        arguments = []
    if distinct and over:
        raise Refusal("DISTINCT in an aggregate with OVER", node)
    name = node.name.casefold()
    if name == "any_value" and (order or over):
        raise Refusal("any_value() with an order", node)
    values = [inner.express(argument) for argument in arguments]
    return AGGREGATES[name](values, Group(scope, node, distinct, test, over, order))


def write_filter(node: exp.Expr, scope: Scope, over: str = "") -> Value:
    """agg(x) FILTER (WHERE …)."""
    call = node.this
    if not isinstance(call, exp.Anonymous) or call.name.casefold() not in AGGREGATES:
        raise Refusal("FILTER behind what is no aggregate that is written", node)
    inner = scope if over else replace(scope, in_aggregate=True, prefers_outputs=False)
    return write_aggregate(call, scope, condition(node.expression.this, inner), over)


def write_window(node: exp.Expr, scope: Scope) -> Value:
    """A call with OVER."""
    call, ignores_nulls = node.this, False
    if isinstance(call, exp.IgnoreNulls | exp.RespectNulls):
        call, ignores_nulls = call.this, isinstance(call, exp.IgnoreNulls)
    if node.args.get("first") is not None:
        raise Refusal("OVER with FIRST or LAST", node)
    name = call.name.casefold() if isinstance(call, exp.Anonymous) else ""
    if isinstance(call, exp.Filter):
        return write_filter(call, scope, _write_over(node, scope, orders=False))
    if name in AGGREGATES:
        return write_aggregate(call, scope, over=_write_over(node, scope, orders=False))
    over = _write_over(node, scope, orders=True, is_placed=name in _RANKS or name in ("lag", "lead"))
    if name in _RANKS:
        return _write_rank(call, name, over, scope)
    if name in _VALUES:
        return _write_value(call, name, over, ignores_nulls, scope)
    raise Refusal(f"{name or 'this call'}() with OVER", node)


def _write_rank(call: exp.Expr, name: str, over: str, scope: Scope) -> Value:
    arguments = [scope.express(argument) for argument in call.expressions]
    if len(arguments) != (name == "ntile") or any(not isinstance(v.constant, int) for v in arguments):
        raise Refusal(f"{name}() of these arguments", call)
    text = f"{name}({', '.join(v.text for v in arguments)}){over}"
    is_narrow = scope.is_spark and _RANKS[name] is BIGINT
    return Value(f"CAST({text} AS BIGINT)" if is_narrow else text, _RANKS[name], call)


def _write_value(call: exp.Expr, name: str, over: str, ignores_nulls: bool, scope: Scope) -> Value:
    given: Sequence[exp.Expr] = call.expressions
    if given and isinstance(given[0], exp.IgnoreNulls | exp.RespectNulls):
        ignores_nulls = isinstance(given[0], exp.IgnoreNulls)
        given = [given[0].this, *given[1:]]
    if any(isinstance(part, exp.Order | exp.Distinct | exp.Star) for part in given):
        raise Refusal(f"{name}() of these arguments", call)
    values = [scope.express(part) for part in given]
    wanted = {"first_value": (1,), "last_value": (1,), "nth_value": (2,)}.get(name, (1, 2, 3))
    if len(values) not in wanted or (len(values) > 1 and not _is_count(values[1], name)):
        raise Refusal(f"{name}() of these arguments", call)
    if values[0].kind == "null":
        raise Refusal(f"{name}() of NULL", call)
    texts = [value.text for value in values]
    if len(values) == 3:
        texts[2] = fit_to(values[2], values[0].type, scope).text
    if len(values) == 3 and ignores_nulls:
        raise Refusal(f"{name}() with a default and IGNORE NULLS", call)
    nulls = " IGNORE NULLS" if ignores_nulls else ""
    return Value(f"{name}({', '.join(texts)}){nulls}{over}", values[0].type, call)


def _is_count(value: Value, name: str) -> bool:
    return isinstance(value.constant, int) and value.constant >= (1 if name == "nth_value" else 0)


def _write_over(node: exp.Expr, scope: Scope, orders: bool, is_placed: bool = False) -> str:
    """` OVER (…)`, a named window written out. `orders`: the other engine asks for an order; `is_placed`: the
    call does not look at the frame, and the other engine takes none."""
    given = _resolve(node, scope)
    keys = [scope.express(key) for key in given.get("partition_by") or ()]
    for key in keys:
        check_order(key, node)
    parts = []
    if texts := [key.text for key in keys if not key.is_constant]:
        parts.append(f"PARTITION BY {', '.join(texts)}")
    order = write_order(given["order"], scope) if given.get("order") is not None else ""
    spec = None if is_placed else given.get("spec")
    frame = "" if spec is None else _write_frame(spec, bool(order), scope)
    if not order and (orders or frame):
        order = "ORDER BY 1" if not scope.is_spark else "ORDER BY NULL"
    parts += [part for part in (order, frame) if part]
    return f" OVER ({' '.join(parts)})"


def _resolve(node: exp.Expr, scope: Scope) -> dict[str, exp.Expr]:
    given = {part: node.args.get(part) for part in ("partition_by", "order", "spec")}
    alias = node.args.get("alias")
    if alias is not None:
        known = (s.windows.get(alias.name.casefold()) for s in scope.around())
        named = next((window for window in known if window is not None), None)
        if named is None:
            raise Refusal(f"the window {alias.name}", node)
        inner = _resolve(named, scope)
        given = {part: given[part] or inner.get(part) for part in given}
    return {part: value for part, value in given.items() if value}


def _write_frame(spec: exp.Expr, is_ordered: bool, scope: Scope) -> str:
    kind = (spec.args.get("kind") or "").upper()
    if spec.args.get("exclude") or kind not in ("ROWS", "RANGE"):
        raise Refusal(f"a frame of {kind or 'this kind'}", spec)
    start = _write_bound(spec, "start", kind, scope)
    end = _write_bound(spec, "end", kind, scope) if spec.args.get("end") is not None else "CURRENT ROW"
    return f"{kind} BETWEEN {start} AND {end}"


def _write_bound(spec: exp.Expr, name: str, kind: str, scope: Scope) -> str:
    bound, side = spec.args[name], (spec.args.get(f"{name}_side") or "").upper()
    if isinstance(bound, str):
        return f"{bound.upper()} {side}".strip()
    value = scope.express(bound)
    if kind != "ROWS" or not isinstance(value.constant, int) or value.constant < 0:
        raise Refusal(f"a frame of {kind} by what is not a number of rows", spec)
    return f"{value.constant} {side}"
