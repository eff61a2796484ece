"""SELECT: its clauses in the order in which the other engines ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.comparisons import condition
from lakeq.planner.writing.grouping import has_aggregate, has_window, write_group
from lakeq.planner.writing.ordering import check_order, direction
from lakeq.planner.writing.outputs import Output, give_names, list_outputs
from lakeq.planner.writing.scope import Scope, Written
from lakeq.planner.writing.sources import spread, write_from
from lakeq.planner.writing.values import Value

_PARTS = frozenset(
    {"with_", "expressions", "distinct", "from_", "joins", "where", "group", "having", "qualify", "order"}
    | {"limit", "offset", "windows", "kind", "operation_modifiers"}
)


@dataclass(slots=True)
class Ordering:
    """ORDER BY: each a position among the outputs, or a value that is none, with its direction."""

    keys: list[tuple[int | None, Value, str]] = field(default_factory=list)


def write_select(select: exp.Expr, scope: Scope) -> Written:
    """A SELECT, written."""
    for part, value in select.args.items():
        if value and part not in _PARTS:
            raise Refusal(f"SELECT with {part.strip('_').upper()}", select)
    for window in select.args.get("windows") or ():
        scope.windows[window.name.casefold()] = window
    source, asked = write_from(select, scope)
    source, select = _spread_items(select, source, scope)
    outputs = list_outputs(select, scope)
    where = select.args.get("where")
    tests = ([condition(where.this, scope)] if where is not None else []) + asked
    text = f" FROM {source}" if source else ""
    text += f" WHERE {' AND '.join(tests)}" if tests else ""
    text += write_group(select.args.get("group"), outputs, scope)
    having = select.args.get("having")
    text += f" HAVING {condition(having.this, scope.for_having())}" if having is not None else ""
    ordering = write_ordering(select.args.get("order"), outputs, scope)
    distinct, qualify = select.args.get("distinct"), select.args.get("qualify")
    keys = distinct.args.get("on") if distinct is not None else None
    kept = None if qualify is None else condition(qualify.this, scope)
    if keys is not None:
        if kept is not None:
            raise Refusal("DISTINCT ON with QUALIFY", select)
        kept = _keep_first(keys, outputs, ordering, scope)
    is_distinct = distinct is not None and keys is None
    if is_distinct and any(place is None for place, _, _ in ordering.keys):
        raise Refusal("SELECT DISTINCT with an ORDER BY of what it does not show", select)
    names = [output.name for output in outputs]
    shown = give_names(names)
    written = tuple((name, output.value.type) for name, output in zip(shown, outputs, strict=True))
    if kept is not None:
        body = _wrap(outputs, shown, kept, text, ordering, is_distinct, scope)
    else:
        listed = ", ".join(
            f"{o.value.text} AS {scope.quote(name)}" for o, name in zip(outputs, shown, strict=True)
        )
        body = f"SELECT {'DISTINCT ' if is_distinct else ''}{listed}{text}{_order_text(ordering)}"
    return Written(body + write_limit(select, scope), written, tuple(names))


def _spread_items(select: exp.Expr, source: str, scope: Scope) -> tuple[str, exp.Expr]:
    """unnest(l) among the outputs as a source of rows."""
    found = [
        (i, shown.unalias())
        for i, shown in enumerate(select.expressions)
        if isinstance(shown.unalias(), exp.Anonymous) and shown.unalias().name.casefold() == "unnest"
    ]
    if not found:
        return source, select
    if len(found) > 1 or select.args.get("group") is not None or select.args.get("qualify") is not None:
        raise Refusal("unnest() twice, or with GROUP BY or QUALIFY", select)
    if any(has_aggregate(s) or has_window(s) for s in select.expressions):
        raise Refusal("unnest() beside an aggregate or a window", select)
    place, call = found[0]
    if len(call.expressions) != 1:
        raise Refusal("unnest() with options", call)
    text, relation = spread(scope.express(call.expressions[0]), "items", ["item"], scope)
    item = exp.Column(this=exp.to_identifier("item"), table=exp.to_identifier("items"))
    scope.relations.append(replace(relation, name="lakeq items", hidden=frozenset({"item"})))
    item.set("table", exp.to_identifier("lakeq items", quoted=True))
    copy = select.copy()
    alias = select.expressions[place].alias
    shown = exp.alias_(item, alias, quoted=True) if alias else exp.alias_(item, "unnest", quoted=True)
    copy.expressions[place].replace(shown)
    copy.set("where", None)
    copy.set("where", select.args.get("where").copy() if select.args.get("where") is not None else None)
    one = f"{source}, " if source else ""
    return one + text, copy


def _keep_first(keys: exp.Expr, outputs: Sequence[Output], ordering: Ordering, scope: Scope) -> str:
    """The condition of DISTINCT ON: the first row of each."""
    if not ordering.keys:
        raise Refusal("DISTINCT ON without an ORDER BY that tells which row is kept", keys)
    texts = []
    for key in keys.expressions:
        if isinstance(key, exp.Literal) and key.is_int:
            texts.append(outputs[int(key.name) - 1].value.text)
        else:
            value = scope.express(key)
            check_order(value, key)
            texts.append(value.text)
    order = ", ".join(value.text + way for _, value, way in ordering.keys)
    return f"(row_number() OVER (PARTITION BY {', '.join(texts)} ORDER BY {order}) = 1)"


def _wrap(
    outputs: Sequence[Output],
    shown: Sequence[str],
    kept: str,
    text: str,
    ordering: Ordering,
    is_distinct: bool,
    scope: Scope,
) -> str:
    """The query within one that keeps the rows of QUALIFY: neither Spark nor Trino has it."""
    alias = scope.quote(scope.shared.names.take("kept"))
    inner = [f"{o.value.text} AS {scope.quote(f'c{i}')}" for i, o in enumerate(outputs)]
    inner.append(f"{kept} AS {scope.quote('keep')}")
    order = []
    for i, (place, value, way) in enumerate(ordering.keys):
        if place is None:
            inner.append(f"{value.text} AS {scope.quote(f'o{i}')}")
            order.append(f"{alias}.{scope.quote(f'o{i}')}{way}")
        else:
            order.append(f"{place}{way}")
    listed = ", ".join(
        f"{alias}.{scope.quote(f'c{i}')} AS {scope.quote(name)}" for i, name in enumerate(shown)
    )
    word = "DISTINCT " if is_distinct else ""
    by = f" ORDER BY {', '.join(order)}" if order else ""
    return (
        f"SELECT {word}{listed} FROM (SELECT {', '.join(inner)}{text}) AS {alias} "
        f"WHERE {alias}.{scope.quote('keep')}{by}"
    )


def write_ordering(order: exp.Expr | None, outputs: Sequence[Output], scope: Scope) -> Ordering:
    """What ORDER BY means: an output by position or name, before a column; else an expression of columns."""
    ordering = Ordering()
    for ordered in order.expressions if order is not None else ():
        key, way = ordered.this, direction(ordered)
        if isinstance(key, exp.Var) and key.name.upper() == "ALL":
            ordering.keys += [(i, o.value, way) for i, o in enumerate(outputs, start=1)]
            continue
        place = find_output(key, outputs)
        if place is None:
            value = scope.express(key)
            if value.is_constant:
                continue
            place = next((i for i, o in enumerate(outputs, start=1) if o.value.text == value.text), None)
        else:
            value = outputs[place - 1].value
        ordering.keys.append((place, value, way))
    for _, value, _ in ordering.keys:
        check_order(value, value.node)
    return ordering


def find_output(key: exp.Expr, outputs: Sequence[Output]) -> int | None:
    """The position of the output that a key of ORDER BY names; None for an expression."""
    if isinstance(key, exp.Literal) and not key.is_string and key.is_int:
        if not 1 <= int(key.name) <= len(outputs):
            raise Refusal(f"ORDER BY {key.name}", key)
        return int(key.name)
    if isinstance(key, exp.Column) and not key.table:
        names = [output.name.casefold() for output in outputs]
        return names.index(key.name.casefold()) + 1 if key.name.casefold() in names else None
    return None


def _order_text(ordering: Ordering) -> str:
    parts = [f"{value.text if place is None else place}{way}" for place, value, way in ordering.keys]
    return f" ORDER BY {', '.join(parts)}" if parts else ""


def write_limit(node: exp.Expr, scope: Scope) -> str:
    """` LIMIT n OFFSET m`, which Trino has the other way round."""
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if limit is not None and (not isinstance(limit, exp.Limit) or limit.args.get("limit_options")):
        raise Refusal("LIMIT of a percentage, or FETCH", limit)
    counts = []
    for word, part in (("LIMIT", limit), ("OFFSET", offset)):
        if part is None:
            continue
        value = scope.express(part.expression)
        if not isinstance(value.constant, int):
            raise Refusal(f"{word} of what is not a number in the query", part)
        counts.append(f" {word} {value.constant}")
    return "".join(counts if scope.is_spark else reversed(counts))
