"""GROUP BY: keys by value, by position, by alias and ALL; ROLLUP, CUBE and GROUPING SETS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

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

_MOST_SETS = 64


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


def is_grouping(node: exp.Expr) -> bool:
    """Whether an expression is GROUPING(…), which is 1 of what is not among the keys."""
    return isinstance(node, exp.Anonymous) and node.name.casefold() == "grouping"


def reads_keys(node: exp.Expr) -> bool:
    """Whether an expression reads a column outside of aggregates."""
    if is_aggregate(node):
        return False
    if isinstance(node, exp.Column | exp.Query | exp.Subquery) or is_grouping(node):
        return True
    return any(reads_keys(child) for child in node.iter_expressions())


def has_window(node: exp.Expr) -> bool:
    """Whether an expression has a call with OVER, of this query."""
    if isinstance(node, exp.Query | exp.Subquery):
        return False
    return isinstance(node, exp.Window) or any(has_window(child) for child in node.iter_expressions())


@dataclass(frozen=True, slots=True)
class Grouping:
    """GROUP BY: the sets of keys that rows are grouped by, one without ROLLUP and its like. `is_plain`: there
    is none of them. None of constants, by which nothing is told apart."""

    sets: tuple[tuple[str, ...], ...] = ()
    is_plain: bool = True

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all sets."""
        return frozenset(key for keys in self.sets for key in keys)


def write_keys(sets: Sequence[Sequence[str]], is_plain: bool) -> str:
    """` GROUP BY …`, empty where there is nothing to group by."""
    if is_plain:
        return f" GROUP BY {', '.join(sets[0])}" if sets and sets[0] else ""
    return f" GROUP BY GROUPING SETS ({', '.join(_bracket(keys) for keys in sets)})"


def _bracket(keys: Sequence[str]) -> str:
    return f"({', '.join(keys)})"


def read_group(group: exp.Expr | None, outputs: Sequence[Output], scope: Scope) -> Grouping:
    """What GROUP BY means."""
    if group is None:
        return Grouping()
    for part, value in group.args.items():
        if value and part not in ("expressions", "all"):
            raise Refusal(f"GROUP BY with {part.upper()}", group)
    if group.args.get("all"):
        keys = [output.value for output in outputs if not has_aggregate(output.node)]
        return _plain(keys, group)
    plain: list[Value] = []
    parts: list[list[list[Value]]] = []
    for key in group.expressions:
        if isinstance(key, exp.Rollup | exp.Cube | exp.GroupingSets):
            parts.append(_read_sets(key, outputs, scope))
        elif isinstance(key, exp.Tuple):
            raise Refusal("GROUP BY of a row", key)
        else:
            plain.append(_key(key, outputs, scope))
    return _multiply(plain, parts, group) if parts else _plain(plain, group)


def _multiply(plain: Sequence[Value], parts: Sequence[list[list[Value]]], group: exp.Expr) -> Grouping:
    """Each set of one part with each of the others, and the plain keys."""
    sets = []
    for chosen in product(*parts):
        values = [_check(value) for keys in ([plain], chosen) for part in keys for value in part]
        sets.append(tuple(dict.fromkeys(value.text for value in values if not value.is_constant)))
    if len(sets) > _MOST_SETS or len(set(map(frozenset, sets))) < len(sets):
        raise Refusal("GROUPING SETS of which two are the same, or too many", group)
    return Grouping(tuple(sets), is_plain=False)


def _plain(keys: Sequence[Value], group: exp.Expr) -> Grouping:
    texts = tuple(dict.fromkeys(_check(key).text for key in keys if not key.is_constant))
    if keys and not texts:
        raise Refusal("GROUP BY of constants alone", group)
    return Grouping((texts,))


def _read_sets(node: exp.Expr, outputs: Sequence[Output], scope: Scope) -> list[list[Value]]:
    """The sets that ROLLUP, CUBE and GROUPING SETS stand for."""
    items = []
    for item in node.expressions:
        if isinstance(item, exp.Rollup | exp.Cube | exp.GroupingSets):
            raise Refusal("ROLLUP or CUBE within GROUPING SETS", item)
        parts = item.expressions if isinstance(item, exp.Tuple) else [item.unnest()]
        items.append([_key(part.unnest(), outputs, scope) for part in parts])
    if isinstance(node, exp.GroupingSets):
        return items
    if isinstance(node, exp.Rollup):
        chosen = [items[:count] for count in range(len(items), -1, -1)]
    else:
        counts = range(len(items), -1, -1)
        chosen = [list(some) for count in counts for some in combinations(items, count)]
    return [[value for item in some for value in item] for some in chosen]


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
