"""Expressions: each node by its rule. What has none is refused."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.aggregates import is_aggregate
from lakeq.planner.writing.arithmetic import (
    write_arithmetic,
    write_bits,
    write_division,
    write_negative,
    write_whole_division,
)
from lakeq.planner.writing.calls import write_listed
from lakeq.planner.writing.casts import write_cast
from lakeq.planner.writing.choices import CHOICES, write_case, write_if, write_pipes
from lakeq.planner.writing.comparisons import (
    write_any,
    write_between,
    write_comparison,
    write_connector,
    write_in,
    write_is,
    write_like,
    write_not,
)
from lakeq.planner.writing.intervals import write_interval
from lakeq.planner.writing.moments import FIELDS, MOMENT_CALLS, write_field
from lakeq.planner.writing.nested import (
    LAMBDAS,
    NESTED,
    write_array,
    write_bracket,
    write_struct,
    write_transform,
)
from lakeq.planner.writing.patterns import PATTERN_CALLS
from lakeq.planner.writing.rounding import ROUNDING
from lakeq.planner.writing.scope import Scope, open_fields
from lakeq.planner.writing.sqltypes import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    HUGEINT,
    INTEGER,
    NULL,
    TIMESTAMPTZ,
    VARCHAR,
    decimal,
)
from lakeq.planner.writing.texts import CASES
from lakeq.planner.writing.values import Value, write_constant
from lakeq.planner.writing.windows import write_aggregate, write_filter, write_window

_CALLS = {**CHOICES, **MOMENT_CALLS, **NESTED, **PATTERN_CALLS, **ROUNDING, **CASES}
_CLOCKS = (
    "now",
    "current_date",
    "today",
    "current_timestamp",
    "transaction_timestamp",
    "get_current_timestamp",
)


def write_expression(node: exp.Expr, scope: Scope) -> Value:
    """The expression, written. Refusal for what has no counterpart that is known to be the same."""
    for kinds, rule in _RULES:
        if isinstance(node, kinds):
            return rule(node, scope)
    raise Refusal(f"{describe(node)} has no counterpart there", node)


def describe(node: exp.Expr) -> str:
    """A construct as a user knows it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _write_literal(node: exp.Expr, scope: Scope) -> Value:
    text = node.name
    if node.is_string:
        return write_constant(text, VARCHAR, node, scope.dialect, is_literal=True)
    digits = text.replace(".", "")
    if "e" in text.casefold() or len(digits) > 38:
        return write_constant(float(text), DOUBLE, node, scope.dialect, is_literal=True)
    if "." in text:
        type_ = decimal(len(digits), len(text.partition(".")[2]))
        return write_constant(Decimal(text), type_, node, scope.dialect, is_literal=True)
    value = int(text)
    type_ = INTEGER if value < 2**31 else BIGINT if value < 2**63 else HUGEINT
    return write_constant(value, type_, node, scope.dialect, is_literal=True)


def _write_boolean(node: exp.Expr, scope: Scope) -> Value:
    return write_constant(bool(node.this), BOOLEAN, node, scope.dialect)


def _write_null(node: exp.Expr, scope: Scope) -> Value:
    return write_constant(None, NULL, node, scope.dialect, is_literal=True)


def _refuse_parameter(node: exp.Expr, scope: Scope) -> Value:
    raise Refusal("the value of a parameter, which has no literal there", node)


def _write_column(node: exp.Expr, scope: Scope) -> Value:
    if isinstance(node, exp.Identifier):  # a parameter of a lambda
        node = exp.Column(this=node.copy())
    if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
        raise Refusal("`*` here", node)
    return scope.find_column(node)


def _write_dot(node: exp.Expr, scope: Scope) -> Value:
    if not isinstance(node.expression, exp.Identifier):
        raise Refusal("a call behind a dot. Write it as f(x)", node)
    return open_fields(scope.express(node.this), [node.expression.name], scope)


def _write_paren(node: exp.Expr, scope: Scope) -> Value:
    return scope.express(node.this)


def _write_or_any(node: exp.Expr, scope: Scope) -> Value:
    return write_any(node, scope) or write_comparison(node, scope)


def _write_exists(node: exp.Expr, scope: Scope) -> Value:
    written = scope.shared.write(node.this.unnest(), scope.inner())
    return Value(f"(EXISTS ({written.text}))", BOOLEAN, node)


def _write_subquery(node: exp.Expr, scope: Scope) -> Value:
    query = node.unnest()
    if not isinstance(query, exp.Query):
        return scope.express(query)
    written = scope.shared.write(query, scope.inner())
    if len(written.outputs) != 1:
        raise Refusal("a query with more than one column as a value", node)
    return Value(f"({written.text})", written.outputs[0][1], node)


def _write_call(node: exp.Expr, scope: Scope) -> Value:
    name = node.name.casefold()
    if is_aggregate(node):
        return write_aggregate(node, scope)
    if name == "if":
        return write_if(node, scope)
    if name in LAMBDAS:
        return write_transform(node, scope)
    if name in _CLOCKS:
        return _write_clock(name, scope, node)
    if name in ("grouping", "grouping_id"):
        return _write_grouping(node, scope)
    arguments = [scope.express(argument) for argument in node.expressions]
    if name in FIELDS and len(arguments) == 1:
        return write_field(name, arguments[0], scope, node)
    rule = _CALLS.get(name)
    return write_listed(name, arguments, scope, node) if rule is None else rule(arguments, scope, node)


def _write_clock(name: str, scope: Scope, node: exp.Expr) -> Value:
    """The time that the plan took for now, or its day."""
    moment = scope.shared.clock
    if moment is None or node.expressions:
        raise Refusal(f"{name}() without a time that the plan took for now", node)
    moment = moment.astimezone(dt.UTC)
    if name in ("current_date", "today"):
        return write_constant(moment.date(), DATE, node, scope.dialect)
    return write_constant(moment, TIMESTAMPTZ, node, scope.dialect)


def _write_grouping(node: exp.Expr, scope: Scope) -> Value:
    columns = [scope.express(argument).text for argument in node.expressions]
    if len(columns) != 1 and scope.is_spark:
        raise Refusal("GROUPING of several columns", node)
    return Value(f"CAST(grouping({', '.join(columns)}) AS BIGINT)", BIGINT, node)


def _write_similar(node: exp.Expr, scope: Scope) -> Value:
    arguments = [scope.express(node.this), scope.express(node.expression)]
    return PATTERN_CALLS["regexp_full_match"](arguments, scope, exp.Anonymous(this="SIMILAR TO"))


_Rule = Callable[[exp.Expr, Scope], Value]
_RULES: tuple[tuple[type[exp.Expr] | tuple[type[exp.Expr], ...], _Rule], ...] = (
    (exp.Literal, _write_literal),
    (exp.Boolean, _write_boolean),
    (exp.Null, _write_null),
    ((exp.Parameter, exp.Placeholder), _refuse_parameter),
    ((exp.Column, exp.Identifier), _write_column),
    (exp.Dot, _write_dot),
    (exp.Paren, _write_paren),
    ((exp.Cast, exp.TryCast), write_cast),
    (exp.Connector, write_connector),
    (exp.Not, write_not),
    (exp.Is, write_is),
    (exp.Between, write_between),
    (exp.In, write_in),
    ((exp.Like, exp.ILike, exp.Escape), write_like),
    (exp.SimilarTo, _write_similar),
    ((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ), _write_or_any),
    ((exp.Add, exp.Sub, exp.Mul, exp.Mod), write_arithmetic),
    (exp.Div, write_division),
    (exp.IntDiv, write_whole_division),
    (exp.Neg, write_negative),
    (exp.DPipe, write_pipes),
    ((exp.BitwiseAnd, exp.BitwiseOr), write_bits),
    (exp.Interval, write_interval),
    (exp.Case, write_case),
    (exp.Array, write_array),
    (exp.Struct, write_struct),
    (exp.Bracket, write_bracket),
    (exp.Window, write_window),
    (exp.Filter, write_filter),
    (exp.Exists, _write_exists),
    ((exp.Subquery, exp.Query), _write_subquery),
    (exp.Anonymous, _write_call),
)
"""The first that fits a node writes it."""
