"""The types of a query's expressions, as far as the tables' columns and the engine's functions tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sqlglot
from sqlglot import MappingSchema, exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from lakeq.planner.dialects.kinds import build_type, common_type, decimal_type, digits_of, kind_of
from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.dialects.signatures import Signature, choose

_NUMBER = "lakeq_number"
_KEEPS_DATE = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")

Functions = Mapping[str, Sequence[Signature]]


def infer_types(
    tree: exp.Expr, columns: Mapping[str, Mapping[str, exp.DataType]], functions: Functions, dialect: str
) -> None:
    """Set the `type` of each expression of `tree` of which the type is known, and of no other. Refusal where
    names cannot be resolved: without types nothing tells what an operator means.

    `columns` has the types of each table's columns, both by folded name. Names are resolved on a copy.
    """
    for number, node in enumerate(tree.walk()):
        node.meta[_NUMBER] = number
        node.type = None
    copy = tree.copy()
    for table in copy.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier):
            table.this.set("this", table.name.casefold())
    schema = MappingSchema(dict(columns), dialect="duckdb", normalize=False)
    try:
        copy = qualify(
            copy, dialect="duckdb", schema=schema, validate_qualify_columns=False, quote_identifiers=False
        )
        copy = annotate_types(copy, schema=schema, expression_metadata=_annotators(functions, dialect))
    except SqlglotError as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise Refusal(f"a query that cannot be taken apart ({reason})", tree) from error
    known = {n.meta[_NUMBER]: n.type for n in copy.walk() if _NUMBER in n.meta and n.type is not None}
    for node in tree.walk():
        type_ = known.get(node.meta[_NUMBER])
        if type_ is not None and type_.this is not exp.DType.UNKNOWN:
            node.type = type_
        if isinstance(node, exp.Null):
            node.type = exp.DataType.build("null")


def _annotators(functions: Functions, dialect: str) -> dict[Any, Any]:
    """sqlglot's rules, with the engine's own for calls, literals and arithmetic."""

    def find_call(node: exp.Expr) -> exp.DataType | None:
        types = [type_of(argument) for argument in node.expressions]
        line = choose(functions.get(node.name.casefold(), ()), node.expressions, types)
        return None if line is None else line.result_type(types, dialect)

    finders: dict[Any, Callable[[Any], exp.DataType | None]] = {
        exp.Anonymous: find_call,
        exp.Literal: lambda node: literal_type(node, dialect),
        exp.AtTimeZone: lambda node: build_type("LOCAL"),
        exp.DPipe: lambda node: node.this.type,
    }
    for operator in (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod):
        finders[operator] = lambda node: arithmetic_type(node, dialect)
    for choice in (exp.Case, exp.If):
        finders[choice] = lambda node: common_type([part.type for part in branches_of(node)])
    metadata: dict[Any, Any] = dict(sqlglot.Dialect.get_or_raise("duckdb").EXPRESSION_METADATA)
    metadata.update({kind: {"annotator": _annotate_by(find)} for kind, find in finders.items()})
    return metadata


def _annotate_by(find: Callable[[Any], exp.DataType | None]) -> Callable[[Any, exp.Expr], Any]:
    return lambda annotator, node: annotator._set_type(node, find(node))


def branches_of(node: exp.Expr) -> Iterator[exp.Expr]:
    """The values that CASE or IF may have."""
    for branch in node.args.get("ifs") or ([node] if isinstance(node, exp.If) else []):
        yield branch.args["true"]
    for name in ("default", "false"):
        if node.args.get(name) is not None:
            yield node.args[name]


def type_of(argument: exp.Expr) -> exp.DataType | None:
    """The type of an argument, DISTINCT, ORDER BY and their like around it apart."""
    while isinstance(argument, exp.Order | exp.IgnoreNulls | exp.RespectNulls | exp.Limit | exp.HavingMax):
        if argument.this is None:  # `f(ORDER BY x)`
            return None
        argument = argument.this
    if isinstance(argument, exp.Distinct) and len(argument.expressions) == 1:
        argument = argument.expressions[0]
    return argument.type


def literal_type(node: exp.Literal, dialect: str) -> exp.DataType:
    """The type of a literal: 1.5 is a DECIMAL, save in BigQuery."""
    if node.is_string:
        return build_type("VARCHAR")
    text = node.name
    if "e" in text.casefold() or ("." in text and dialect == "bigquery"):
        return build_type("DOUBLE")
    if "." in text:
        whole, _, fraction = text.partition(".")
        return decimal_type(len(whole.lstrip("0")) + len(fraction), len(fraction))
    return build_type("INTEGER" if len(text) < 10 and dialect != "bigquery" else "BIGINT")


def arithmetic_type(node: exp.Binary, dialect: str) -> exp.DataType | None:
    """The type of `a + b`, `a - b`, `a * b`, `a / b` and `a % b`."""
    left, right = node.left.type, node.right.type
    kinds = (kind_of(left), kind_of(right))
    if "interval" in kinds:
        return _moved_type(node, kinds, dialect)
    if isinstance(node, exp.Sub) and kinds[0] == kinds[1] and kinds[0] in ("date", "timestamp", "instant"):
        return build_type("INTERVAL")
    if "date" in kinds and "integer" in kinds:
        return build_type("DATE")
    if not set(kinds) <= {"integer", "decimal", "double"}:
        return None
    if "double" in kinds:
        return build_type("DOUBLE")
    if kinds == ("integer", "integer"):
        divides = isinstance(node, exp.Div) and dialect in ("spark", "bigquery")
        wider = max((left, right), key=lambda type_: (digits_of(type_) or (0, 0))[0])
        return build_type("DOUBLE") if divides else wider
    return _decimal_type(node, digits_of(left), digits_of(right))


def _moved_type(node: exp.Binary, kinds: tuple[str, str], dialect: str) -> exp.DataType | None:
    """The type of a moment and an interval, added."""
    moment, interval = (node.left, node.right) if kinds[1] == "interval" else (node.right, node.left)
    kind = kind_of(moment.type)
    if kind == "date":
        if dialect != "bigquery" and keeps_date(interval):
            return build_type("DATE")
        return build_type("TIMESTAMPTZ" if dialect == "spark" else "TIMESTAMP")
    return moment.type


def keeps_date(interval: exp.Expr) -> bool:
    """Whether an interval is one of whole days."""
    unit = interval.args.get("unit") if isinstance(interval.unnest(), exp.Interval) else None
    return unit is not None and unit.name.upper().removesuffix("S") in _KEEPS_DATE


def _decimal_type(
    node: exp.Binary, left: tuple[int, int] | None, right: tuple[int, int] | None
) -> exp.DataType:
    if left is None or right is None or not isinstance(node, exp.Add | exp.Sub | exp.Mul):
        return build_type("DECIMAL")
    (p, s), (q, r) = left, right
    if isinstance(node, exp.Mul):
        return decimal_type(p + q, s + r)
    scale = max(s, r)
    return decimal_type(max(p - s, q - r) + scale + 1, scale)
