"""Rows that are at hand, as VALUES in the query."""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from lakeq.formats.types import sql_type
from lakeq.planner.bind import parse_type
from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.scope import Scope, Source
from lakeq.planner.writing.sqltypes import SqlType, read_type, spell_type
from lakeq.planner.writing.values import write_constant

MOST_ROWS = 1_000
"""Beyond that the text of a query would grow past what the engines take."""


def write_rows(rows: pa.Table, scope: Scope) -> Source:
    """The rows as a query. Refusal where there are too many, or of a type that has no literals."""
    node = exp.null()
    if rows.num_rows > MOST_ROWS:
        raise Refusal(f"{rows.num_rows} rows that the other engine does not have", node)
    types = [_type(field, node) for field in rows.schema]
    names = [field.name for field in rows.schema]
    shown = [scope.quote(name) for name in names]
    lines = [_write_row(list(row.values()), types, scope, node) for row in rows.to_pylist()]
    nothing = [f"CAST(NULL AS {spell_type(t, scope.dialect)})" for t in types]
    source = f"VALUES {', '.join(lines or [_bracket(nothing)])}"
    alias = scope.quote(scope.shared.names.take("rows"))
    listed = ", ".join(
        f"CAST({alias}.{n} AS {spell_type(t, scope.dialect)}) AS {n}"
        for n, t in zip(shown, types, strict=True)
    )
    where = "" if lines else " WHERE FALSE"
    text = f"(SELECT {listed} FROM ({source}) AS {alias}({', '.join(shown)}){where})"
    return Source(text, tuple(zip(names, names, types, strict=True)))


def _type(field: pa.Field, node: exp.Expr) -> SqlType:
    found = read_type(parse_type(sql_type(field.type)))
    if found is None or found.kind in ("list", "row", "binary"):
        raise Refusal(f"the column {field.name} of type {field.type}", node)
    return found


def _write_row(row: list[object], types: list[SqlType], scope: Scope, node: exp.Expr) -> str:
    return _bracket([write_constant(v, t, node, scope.dialect).text for v, t in zip(row, types, strict=True)])


def _bracket(texts: list[str]) -> str:
    return f"({', '.join(texts)})"
