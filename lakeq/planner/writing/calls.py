"""Calls: by the name that the user wrote, from the table of the dialect; refused when not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.dialects.signatures import Parameter, Signature, read_signatures
from lakeq.planner.writing.casts import agree, convert
from lakeq.planner.writing.functions import BOTH, SPARK, TRINO
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.sqltypes import BIGINT, DOUBLE, EXACT, MOMENTS, NUMBERS, VARCHAR, SqlType, is_wide
from lakeq.planner.writing.values import Value

_GROUPS = {"exact": EXACT, "moment": MOMENTS, "real": NUMBERS}


@cache
def read_functions(dialect: str) -> Mapping[str, tuple[Signature, ...]]:
    """The functions of a table, by lower-case name."""
    return read_signatures(BOTH + (SPARK if dialect == "spark" else TRINO))


def write_listed(name: str, arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """A call that the table has. Refusal for another."""
    lines = read_functions(scope.dialect).get(name)
    if lines is None:
        raise Refusal(f"{name}() has no counterpart there that is known to be the same", node)
    line = next((line for line in lines if _takes(line, arguments)), None)
    if line is None:
        shown = ", ".join("a literal" if v.is_constant else v.type.name for v in arguments)
        raise Refusal(f"{name}() of ({shown})", node)
    given = [_prepare(line.parameter(i), value, scope) for i, value in enumerate(arguments)]
    texts = {line.parameter(i).name: value.text for i, value in enumerate(given)}
    types = {line.parameter(i).name: value.type for i, value in enumerate(given)}
    type_ = types.get(line.result) or SqlType(line.result)
    return Value(line.template.format(**texts), type_, node)


def _takes(line: Signature, arguments: Sequence[Value]) -> bool:
    return line.takes(len(arguments)) and all(
        _accepts(line.parameter(i), value) for i, value in enumerate(arguments)
    )


def _accepts(parameter: Parameter, value: Value) -> bool:
    known = value.constant
    match parameter.kind:
        case "positive":
            return isinstance(known, int) and known > 0
        case "natural":
            return isinstance(known, int) and known >= 0
        case "minus":
            return isinstance(known, int) and known < 0
        case "nonempty":
            return isinstance(known, str) and known != ""
    if value.kind == "null":
        return True
    if value.kind == "integer" and parameter.kind == "integer" and is_wide(value.type):
        return False
    return value.kind in _GROUPS.get(parameter.kind, (parameter.kind,))


def _prepare(parameter: Parameter, value: Value, scope: Scope) -> Value:
    kind = parameter.kind
    if kind == "real":
        return convert(value, DOUBLE, scope)
    if value.kind == "null":
        default = {"text": VARCHAR, "integer": BIGINT, "moment": SqlType("DATE"), "list": None}
        type_ = default.get(kind, SqlType(kind.upper()) if kind in ("date", "double", "boolean") else DOUBLE)
        if type_ is None:
            raise Refusal("NULL as a list", value.node)
        return convert(value, type_, scope)
    if kind in ("moment", "instant"):
        return at_utc(value, scope)
    return value


def at_utc(value: Value, scope: Scope) -> Value:
    """A moment of which the fields are looked at: Trino's has a zone of its own."""
    if value.kind == "instant" and not scope.is_spark:
        return value.of(f"({value.text} AT TIME ZONE 'UTC')", value.type)
    return value


def as_texts(values: Sequence[Value], scope: Scope) -> list[str]:
    """The values as DuckDB's concat() makes texts of them."""
    return [agree(value, VARCHAR, scope).text for value in values]
