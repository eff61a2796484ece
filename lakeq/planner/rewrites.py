"""What could be written instead of a condition that does not prune, so that it would.

A rewrite either keeps the same rows whatever the data (only such of which that is certain are made here), or
carries the proviso under which it does. Nothing here is ever applied: it is shown, with what it would save.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import pyarrow as pa
from sqlglot import exp

from lakeq.catalog.table import Table
from lakeq.catalog.time_mapping import TimeMapping, find_leaf
from lakeq.catalog.time_proof import TimeProposal, spell_inline, time_keys
from lakeq.planner.logic import conjuncts
from lakeq.planner.other_types import expression_family
from lakeq.planner.pruning import plan_prefixes
from lakeq.planner.scan import Missed

_FLIPPED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ, exp.NEQ: exp.NEQ, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.GT: exp.LT, exp.GTE: exp.LTE,
}  # fmt: skip
_MOST = 10
"""Conditions of one scan for which a rewrite is looked for."""
_FIXED_UNITS = frozenset({"DAY", "DAYS", "HOUR", "HOURS", "MINUTE", "MINUTES", "SECOND", "SECONDS"})
_PARTS: dict[type[exp.Expr], str] = {
    exp.Year: "year",
    exp.Month: "month",
    exp.Day: "day",
    exp.DayOfMonth: "day",
    exp.Hour: "hour",
}


@dataclass(frozen=True, slots=True)
class Rewrite:
    """`condition` (columns by name only) instead of one that does not prune; None, with a `mapping`, where
    the table's declaration is to change. `proviso` says when the rows are the same; empty: always."""

    condition: exp.Expr | None
    proviso: str = ""
    mapping: TimeMapping | None = None


def propose_rewrite(node: exp.Expr, table: Table) -> Rewrite | None:
    """What to write instead of a condition over the columns of one table; None when nothing is known."""
    equal = equal_condition(node)
    if equal is not None:
        return Rewrite(equal)
    return add_key(node, table) or declare_time(node, table)


def equal_condition(node: exp.Expr) -> exp.Expr | None:
    """A condition that is TRUE for just the same rows and compares a bare column; None when none is known."""
    node = node.unnest()
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Boolean) and node.expression.this:
        inner: exp.Expr = node.this.unnest()
        return inner.copy() if type(inner) in _FLIPPED else None
    if type(node) not in _FLIPPED:
        return None
    left, right, operator = node.this.unnest(), node.expression.unnest(), type(node)
    if left.find(exp.Column) is None:
        left, right, operator = right, left, _FLIPPED[operator]
    if right.find(exp.Column) is not None:
        return None
    for rule in (without_default, as_prefix, without_shift):
        found = rule(left, operator, right)
        if found is not None:
            return found
    return None


def without_default(left: exp.Expr, operator: type[exp.Expr], right: exp.Expr) -> exp.Expr | None:
    """`coalesce(x, 0) > 5` as `x > 5`, where the default fails the comparison itself. Whole numbers only."""
    if not isinstance(left, exp.Coalesce) or len(left.expressions) != 1:
        return None
    column, default, value = left.this.unnest(), whole_number(left.expressions[0]), whole_number(right)
    if not isinstance(column, exp.Column) or expression_family(column) != "number":
        return None
    if default is None or value is None or _compare(default, operator, value):
        return None
    return operator(this=column.copy(), expression=right.copy())


def as_prefix(left: exp.Expr, operator: type[exp.Expr], right: exp.Expr) -> exp.Expr | None:
    """`left(s, 3) = 'abc'` and `substr(s, 1, 3) = 'abc'` as `starts_with(s, 'abc')`."""
    if operator is not exp.EQ or not (isinstance(right, exp.Literal) and right.is_string):
        return None
    if isinstance(left, exp.Left):
        length = whole_number(left.expression)
    elif isinstance(left, exp.Substring) and whole_number(left.args.get("start")) == 1:
        length = whole_number(left.args.get("length"))
    else:
        return None
    column = left.this.unnest()
    is_text = isinstance(column, exp.Column) and expression_family(column) == "text"
    # Characters, not code points, might be counted: of ASCII both are one.
    if not is_text or not right.name.isascii() or length != len(right.name) or not right.name:
        return None
    return exp.StartsWith(this=column.copy(), expression=right.copy())


def without_shift(left: exp.Expr, operator: type[exp.Expr], right: exp.Expr) -> exp.Expr | None:
    """`x + 1 = 5` as `x = 4`, and `ts + INTERVAL 1 DAY > v` as `ts > v - INTERVAL 1 DAY` (of units that are
    always as long)."""
    if not isinstance(left, exp.Add | exp.Sub):
        return None
    column, shift = left.this.unnest(), left.expression.unnest()
    if not isinstance(column, exp.Column) or column.type is None:
        return None
    if column.type.this in exp.DataType.SIGNED_INTEGER_TYPES:
        step, value = whole_number(shift), whole_number(right)
        if step is None or value is None:
            return None
        result = exp.Literal.number(value - step if isinstance(left, exp.Add) else value + step)
        result.type = column.type
        return operator(this=column.copy(), expression=result)
    is_time = column.type.this in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ)
    moment = right.type is not None and right.type.this in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ)
    if not (is_time and moment and isinstance(shift, exp.Interval)):
        return None
    if shift.unit is None or shift.unit.name.upper() not in _FIXED_UNITS:
        return None
    opposite = exp.Sub if isinstance(left, exp.Add) else exp.Add
    moved = opposite(this=right.copy(), expression=shift.copy())
    moved.type = column.type
    return operator(this=column.copy(), expression=moved)


def whole_number(node: exp.Expr | None) -> int | None:
    """The value of a whole number that is written out, not so large that arithmetic with it may overflow."""
    if node is None:
        return None
    node = node.unnest()
    sign = 1
    if isinstance(node, exp.Neg):
        node, sign = node.this.unnest(), -1
    if not isinstance(node, exp.Literal) or node.is_string or not node.name.isdigit() or len(node.name) > 15:
        return None
    return sign * int(node.name)


def _compare(left: int, operator: type[exp.Expr], right: int) -> bool:
    truths: dict[type[exp.Expr], bool] = {
        exp.EQ: left == right, exp.NEQ: left != right, exp.LT: left < right, exp.LTE: left <= right,
        exp.GT: left > right, exp.GTE: left >= right,
    }  # fmt: skip
    return truths[operator]


def add_key(node: exp.Expr, table: Table) -> Rewrite | None:
    """`month(ts) = 11` on a table by month as `month(ts) = 11 AND month = 11`: the same rows where each lies
    in its own month's folder."""
    node = node.unnest()
    if not isinstance(node, exp.EQ):
        return None
    call, value = node.this.unnest(), node.expression.unnest()
    part, column = time_part(call)
    if not part or whole_number(value) is None or column is None or not is_time(table, column):
        return None
    for chain in time_keys(table.partition_columns, by_name=True):
        units = dict(zip(("year", "month", "day", "hour"), chain, strict=False))
        if part in units and all(key_is_whole(table, key) for key in chain):
            key = exp.EQ(this=exp.column(exp.to_identifier(units[part])), expression=value.copy())
            proviso = f"the same rows if {column.name} lies in the {part} of its folder"
            return Rewrite(exp.and_(node.copy(), key), proviso)
    return None


def time_part(call: exp.Expr) -> tuple[str, exp.Column | None]:
    """The unit and the column of `month(ts)` or `extract(month FROM ts)`."""
    if isinstance(call, exp.Extract):
        part, inner = call.name.lower(), call.expression
    else:
        part, inner = _PARTS.get(type(call), ""), call.this
    inner = inner.unnest() if isinstance(inner, exp.Expr) else None
    while isinstance(inner, exp.TsOrDsToDate | exp.Paren):
        inner = inner.this
    return part, inner if isinstance(inner, exp.Column) else None


def declare_time(node: exp.Expr, table: Table) -> Rewrite | None:
    """The declaration of a `time` with which a condition on a timestamp prunes folders."""
    if table.time is not None:
        return None
    column = next((c for c in node.find_all(exp.Column) if is_time(table, c)), None)
    keys = next(time_keys(table.partition_columns, by_name=True), None)
    if column is None or keys is None:
        return None
    leaf = find_leaf(table.columns, column.name)
    assert leaf is not None
    return Rewrite(
        None, f"the same rows if {leaf[0]} lies in the time of its folder", TimeMapping(leaf[0], keys)
    )


def is_time(table: Table, column: exp.Column) -> bool:
    """Whether a column of the files holds times."""
    if any(key.name.casefold() == column.name.casefold() for key in table.partition_columns):
        return False
    leaf = find_leaf(table.columns, column.name)
    return leaf is not None and (pa.types.is_timestamp(leaf[1]) or pa.types.is_date(leaf[1]))


def key_is_whole(table: Table, name: str) -> bool:
    """Whether a partition column holds whole numbers."""
    return any(c.name == name and pa.types.is_integer(c.type) for c in table.partition_columns)


def suggest_rewrites(
    table: Table,
    predicate: exp.Expr,
    missed: Iterable[Missed],
    proposals: Iterable[TimeProposal],
    measure: Callable[[Table, exp.Expr], int],
    scanned: int,
) -> tuple[Missed, ...]:
    """`missed`, each with its rewrite and what that saves of the `scanned` bytes; and conditions for which
    footers prove a `time` that could be declared. `measure` gives the bytes that a table scans of what the
    plan keeps, with some declaration and some predicate."""

    def save(rewrite: Rewrite) -> int:
        declared = table if rewrite.mapping is None else replace(table, time=rewrite.mapping)
        wanted = predicate if rewrite.condition is None else exp.and_(predicate.copy(), rewrite.condition)
        return max(scanned - measure(declared, wanted), 0)

    found = []
    for number, condition in enumerate(missed):
        node = condition.node
        if node is not None and number < _MOST:
            if condition.rewrite:
                condition = replace(condition, saves_bytes=save(Rewrite(node)))
            elif (rewrite := propose_rewrite(node, table)) is not None:
                saved = save(rewrite)
                written = _spell(rewrite, table)
                if saved or rewrite.proviso:
                    condition = replace(
                        condition, rewrite=written, proviso=rewrite.proviso, saves_bytes=saved
                    )
        found.append(replace(condition, node=None))
    reported = {condition.condition for condition in found}
    nodes = [node for node in conjuncts(predicate) if node.sql("duckdb") not in reported]
    for proposal in proposals:
        declared = replace(table, time=proposal.mapping)
        helped = [
            node for node in nodes if plan_prefixes(declared, node).keys - plan_prefixes(table, node).keys
        ]
        if helped:
            found.append(
                Missed(
                    " AND ".join(node.sql("duckdb") for node in helped),
                    "it left files out by their footers alone: nothing tells that a folder lacks such rows",
                    spell_inline(table.name, proposal.mapping),
                    f"the same rows if all files keep it, as the {proposal.files:,} looked into do",
                    save(Rewrite(None, "", proposal.mapping)),
                )
            )
    return tuple(found)


def _spell(rewrite: Rewrite, table: Table) -> str:
    if rewrite.mapping is not None:
        return spell_inline(table.name, rewrite.mapping)
    assert rewrite.condition is not None
    return rewrite.condition.sql("duckdb")
