"""A written expression: its text in the other engine's SQL, and what is known of its value."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.sqltypes import SqlType
from lakeq.planner.writing.target import spell_double, spell_exact, spell_moment, spell_text

NOT_CONSTANT = object()


@dataclass(frozen=True, slots=True)
class Value:
    """Text that binds as one, so that it may stand beside any operator, and its type in DuckDB.

    A decimal's text has the digits after the point that its type has. `constant` is the value where it is
    written in the query; `is_literal`, that DuckDB lets it take the type of what it meets: 1 and 'a' do, not
    CAST(1 AS BIGINT). `moves` are the months, days and microseconds of an interval, as (unit, text of a
    count).
    """

    text: str
    type: SqlType
    node: exp.Expr
    constant: Any = NOT_CONSTANT
    is_literal: bool = False
    moves: tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> str:
        """The kind of its type."""
        return self.type.kind

    @property
    def is_constant(self) -> bool:
        """Whether the value is written in the query."""
        return self.constant is not NOT_CONSTANT

    def of(self, text: str, type_: SqlType) -> Value:
        """Another value from the same place in the query."""
        return Value(text, type_, self.node)


def write_constant(
    value: Any, type_: SqlType, node: exp.Expr, dialect: str, is_literal: bool = False
) -> Value:
    """A constant of the type. Refusal for one that has no literal there."""
    match value:
        case None:
            text = "NULL"
        case bool():
            text = "TRUE" if value else "FALSE"
        case float():
            if type_.name == "FLOAT":
                text = f"CAST({spell_double(value, dialect)} AS {'FLOAT' if dialect == 'spark' else 'REAL'})"
            else:
                text = spell_double(value, dialect)
        case int() | Decimal():
            text = spell_exact(value, type_, dialect)
        case str():
            text = spell_text(value, dialect)
        case dt.date():
            text = spell_moment(value, dialect)
        case _:
            raise Refusal(f"a constant of type {type_.name}", node)
    return Value(text, type_, node, value, is_literal)


def at(value: Value, node: exp.Expr) -> Value:
    """The value as that of `node`."""
    return replace(value, node=node)
