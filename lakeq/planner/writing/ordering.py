"""ORDER BY: what it orders by, and where NULL stands, which is always written."""

from __future__ import annotations

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.comparisons import may_be_nan
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.values import Value

_ORDERED = (
    "integer", "decimal", "float", "double", "text", "boolean", "date", "timestamp", "instant", "null",
)  # fmt: skip


def check_order(value: Value, node: exp.Expr) -> None:
    """Refusal for a value that the engines may order in other ways."""
    if value.kind not in _ORDERED:
        raise Refusal(f"ORDER BY of {value.type.name}", node)


def direction(ordered: exp.Ordered) -> str:
    """` ASC NULLS LAST` and its like."""
    if ordered.args.get("with_fill"):
        raise Refusal("ORDER BY … WITH FILL", ordered)
    way = "DESC" if ordered.args.get("desc") else "ASC"
    return f" {way} NULLS {'FIRST' if ordered.args.get('nulls_first') else 'LAST'}"


def nan_key(value: Value, scope: Scope) -> str:
    """What Trino has to order by before a double, lest NaN come last both ways; empty where it need not."""
    return "" if scope.is_spark or not may_be_nan(value) else f"is_nan({value.text})"


def write_order(order: exp.Expr, scope: Scope) -> str:
    """ORDER BY within a window or an aggregate, where a number is a value and no position."""
    parts = []
    for ordered in order.expressions:
        value = scope.express(ordered.this)
        check_order(value, ordered)
        if value.is_constant:
            continue
        texts = [text for text in (nan_key(value, scope), value.text) if text]
        parts += [text + direction(ordered) for text in texts]
    return f"ORDER BY {', '.join(parts)}" if parts else ""
