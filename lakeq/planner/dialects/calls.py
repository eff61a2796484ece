"""Calls: looked up by the name that the user wrote, in the table of the dialect; refused when not there."""

from __future__ import annotations

from sqlglot import exp

from lakeq.planner.dialects.decimals import average_exactly
from lakeq.planner.dialects.inference import type_of
from lakeq.planner.dialects.kinds import UNKNOWN, kind_of
from lakeq.planner.dialects.patterns import PATTERNS, PatternError
from lakeq.planner.dialects.refusal import Refusal, at_utc, refuse_mixed_zones
from lakeq.planner.dialects.signatures import Signature, choose, fill_template
from lakeq.planner.dialects.syntax import Context

_AROUND = (exp.Filter, exp.Window, exp.IgnoreNulls, exp.RespectNulls, exp.WithinGroup)
_INSIDE = (exp.Distinct, exp.Order, exp.Limit, exp.IgnoreNulls, exp.RespectNulls, exp.HavingMax)
_WHITE_SPACE = " \t\n\v\f\r"


def rewrite_call(node: exp.Anonymous, context: Context) -> exp.Expr:
    """The call as DuckDB's."""
    name, arguments = node.name.casefold(), list(node.expressions)
    shown = "`[…]`" if name.startswith("subscript") else f"`{node.name}()`"
    lines = context.functions.get(name)
    if lines is None:
        raise Refusal(f"{shown} has no counterpart here", node)
    if not any(line.takes(len(arguments)) for line in lines):
        raise Refusal(f"{shown} with {len(arguments)} arguments has no counterpart here", node)
    types = [type_of(argument) for argument in arguments]
    line = choose(lines, arguments, types)
    if line is None:
        raise _not_for_these(node, shown, types)
    for argument in arguments:
        if isinstance(argument, exp.Limit | exp.HavingMax):
            raise Refusal(f"{type(argument).__name__.upper()} within {shown}", node)
    if line.template == "exact_average(x)":
        if isinstance(node.parent, _AROUND) or isinstance(arguments[0], _INSIDE):
            raise Refusal(f"{shown} of decimals with OVER, FILTER or DISTINCT. CAST them to DOUBLE", node)
        return average_exactly(node, arguments[0], context.dialect)
    refuse_mixed_zones([t for i, t in enumerate(types) if not line.parameter(i).kind], node)
    given = [_prepare(line, i, a) for i, a in enumerate(arguments)]
    found = fill_template(line, given)
    _fill_patterns(found, node, context)
    is_plain = isinstance(found, exp.Func) and not isinstance(found, exp.Case | exp.Cast | exp.Binary)
    if isinstance(node.parent, _AROUND) and node.arg_key == "this" and not is_plain:
        raise Refusal(f"{shown} with OVER or FILTER", node)
    if any(isinstance(a, _INSIDE) for a in arguments) and not is_plain:
        raise Refusal(f"{shown} with DISTINCT or ORDER BY", node)
    return found


def _not_for_these(node: exp.Anonymous, shown: str, types: list[exp.DataType | None]) -> Refusal:
    kinds = [kind_of(type_) for type_ in types]
    found = ", ".join(kind.upper() for kind in kinds)
    if UNKNOWN in kinds:
        return Refusal(f"{shown} of ({found}): the types decide what it means. CAST the arguments", node)
    hint = ""
    if node.find(exp.Column):
        hint = (
            ". A column may have another type in this lake: declare it (columns, partition_types), or CAST it"
        )
    return Refusal(f"{shown} of ({found}) has no counterpart here{hint}", node)


def _prepare(line: Signature, position: int, argument: exp.Expr) -> exp.Expr:
    """An instant as its time in UTC, where a function looks at its hours or days."""
    wanted = line.parameter(position).kind
    if wanted in ("moment", "timestamp", "clock") and kind_of(argument.type) == "instant":
        return at_utc(argument)
    return argument


def _fill_patterns(found: exp.Expr, node: exp.Anonymous, context: Context) -> None:
    for call in list(found.find_all(exp.Anonymous)):
        name = call.name.casefold()
        if name == "white_space":
            call.replace(exp.Literal.string(_WHITE_SPACE))
            continue
        if name not in PATTERNS or call is found:
            continue
        (argument,) = call.expressions
        if not isinstance(argument, exp.Literal):
            raise Refusal(f"`{node.name}()` with a pattern that is not a literal", node)
        try:
            call.replace(exp.Literal.string(PATTERNS[name](argument.name)))
        except PatternError as error:
            raise Refusal(f"{error} in `{node.name}()` has no counterpart here", node) from error
