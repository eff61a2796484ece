"""GROUP BY: keys by value, by position, by alias and ALL; ROLLUP, CUBE and GROUPING SETS."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.aggregates import is_aggregate
from lakeq.planner.writing.outputs import Output
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.values import Value

_GROUPED = (
    "integer", "decimal", "float", "double", "text", "boolean", "date", "timestamp", "instant", "binary",
    "list", "row",
)  # fmt: skip


def has_aggregate(node: exp.Expr) -> bool:
    """Whether an expression adds up rows: an aggregate that is neither of a window nor of another query."""
    if isinstance(node, exp.Query | exp.Subquery):
        return False
    if isinstance(node, exp.Window):
        return any(has_aggregate(child) for child in _within(node))
    if is_aggregate(node):
        return True
    return any(has_aggregate(child) for child in node.iter_expressions())


def _within(window: exp.Window) -> list[exp.Expr]:
    """The parts of a window that may add up rows before it looks at them."""
    call = window.this
    while isinstance(call, exp.Filter | exp.IgnoreNulls | exp.RespectNulls):
        call = call.this
    others = [n for part, n in window.args.items() if part != "this" and isinstance(n, exp.Expr)]
    keys = [*(window.args.get("partition_by") or ())]
    return [*call.iter_expressions(), *others, *keys]


def has_window(node: exp.Expr) -> bool:
    """Whether an expression has a call with OVER, of this query."""
    if isinstance(node, exp.Query | exp.Subquery):
        return False
    return isinstance(node, exp.Window) or any(has_window(child) for child in node.iter_expressions())


def write_group(group: exp.Expr | None, outputs: Sequence[Output], scope: Scope) -> str:
    """` GROUP BY …`, empty where there is none."""
    if group is None:
        return ""
    for part, value in group.args.items():
        if value and part not in ("expressions", "all"):
            raise Refusal(f"GROUP BY with {part.upper()}", group)
    if group.args.get("all"):
        keys = [output.value for output in outputs if not has_aggregate(output.node)]
        return _write_keys([_check(key) for key in keys], bool(outputs), group)
    plain: list[Value] = []
    parts: list[str] = []
    for key in group.expressions:
        if isinstance(key, exp.Rollup | exp.Cube):
            word = "ROLLUP" if isinstance(key, exp.Rollup) else "CUBE"
            sets = [_write_set(item, outputs, scope) for item in key.expressions]
            parts.append(f"{word} ({', '.join(sets)})")
        elif isinstance(key, exp.GroupingSets):
            sets = [_write_set(item, outputs, scope, brackets=True) for item in key.expressions]
            parts.append(f"GROUPING SETS ({', '.join(sets)})")
        elif isinstance(key, exp.Tuple):
            raise Refusal("GROUP BY of a row", key)
        else:
            plain.append(_check(_key(key, outputs, scope)))
    if not parts:
        return _write_keys(plain, True, group)
    texts = [value.text for value in plain if not value.is_constant]
    if scope.is_spark and (len(parts) > 1 or any("ROLLUP" in p and "GROUPING" in p for p in parts)):
        raise Refusal("more than one ROLLUP, CUBE or GROUPING SETS", group)
    return f" GROUP BY {', '.join([*texts, *parts])}"


def _write_keys(keys: Sequence[Value], asks: bool, group: exp.Expr) -> str:
    texts = list(dict.fromkeys(key.text for key in keys if not key.is_constant))
    if not texts and keys and asks:
        raise Refusal("GROUP BY of constants alone", group)
    return f" GROUP BY {', '.join(texts)}" if texts else ""


def _write_set(item: exp.Expr, outputs: Sequence[Output], scope: Scope, brackets: bool = False) -> str:
    if isinstance(item, exp.Tuple):
        keys = item.expressions
    elif isinstance(item, exp.Rollup | exp.Cube | exp.GroupingSets):
        raise Refusal("ROLLUP or CUBE within GROUPING SETS", item)
    else:
        keys = [item]
    values = [_check(_key(key.unnest(), outputs, scope)) for key in keys]
    if any(value.is_constant for value in values):
        raise Refusal("a constant in GROUPING SETS", item)
    text = ", ".join(value.text for value in values)
    return f"({text})" if brackets or len(values) != 1 else text


def _key(key: exp.Expr, outputs: Sequence[Output], scope: Scope) -> Value:
    if isinstance(key, exp.Literal) and key.is_int and not key.is_string:
        position = int(key.name)
        if not 1 <= position <= len(outputs):
            raise Refusal(f"GROUP BY {position}", key)
        return outputs[position - 1].value
    return scope.express(key)


def _check(key: Value) -> Value:
    if key.kind not in (*_GROUPED, "null"):
        raise Refusal(f"GROUP BY of {key.type.name}", key.node)
    return key
