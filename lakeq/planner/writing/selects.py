"""SELECT: its clauses in the order in which the other engines ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.comparisons import condition
from lakeq.planner.writing.grouping import (
    Grouping,
    has_aggregate,
    has_window,
    is_grouping,
    read_group,
    reads_keys,
    write_keys,
)
from lakeq.planner.writing.ordering import check_order, direction, nan_key
from lakeq.planner.writing.outputs import Output, give_names, list_outputs
from lakeq.planner.writing.scope import Scope, Written
from lakeq.planner.writing.sources import spread, write_from
from lakeq.planner.writing.sqltypes import BOOLEAN, spell_type
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
    body = Body(select, scope, outputs, f" FROM {source}" if source else "")
    body.text += f" WHERE {' AND '.join(tests)}" if tests else ""
    body.grouping = read_group(select.args.get("group"), outputs, scope)
    having = select.args.get("having")
    if having is not None:
        body.having = condition(having.this, scope.for_having())
    body.ordering = write_ordering(select.args.get("order"), outputs, scope)
    _read_kept(body)
    names = [output.name for output in outputs]
    body.shown = give_names(names)
    written = tuple((name, output.value.type) for name, output in zip(body.shown, outputs, strict=True))
    return Written(_write_body(body) + write_limit(select, scope), written, tuple(names))


@dataclass(slots=True)
class Body:
    """The parts of a SELECT on their way to text: `text` is FROM and WHERE, `kept` the condition of QUALIFY
    or DISTINCT ON, `shown` the outputs' names there."""

    select: exp.Expr
    scope: Scope
    outputs: list[Output]
    text: str
    grouping: Grouping = field(default_factory=Grouping)
    having: str = ""
    kept: str = ""
    is_distinct: bool = False
    ordering: Ordering = field(default_factory=Ordering)
    shown: list[str] = field(default_factory=list)


def _read_kept(body: Body) -> None:
    """DISTINCT, DISTINCT ON and QUALIFY."""
    distinct, qualify = body.select.args.get("distinct"), body.select.args.get("qualify")
    keys = distinct.args.get("on") if distinct is not None else None
    if qualify is not None:
        body.kept = condition(qualify.this, body.scope)
    if keys is not None:
        if body.kept:
            raise Refusal("DISTINCT ON with QUALIFY", body.select)
        body.kept = _keep_first(keys, body.outputs, body.ordering, body.scope)
    body.is_distinct = distinct is not None and keys is None
    if body.is_distinct and any(place is None for place, _, _ in body.ordering.keys):
        raise Refusal("SELECT DISTINCT with an ORDER BY of what it does not show", body.select)


def _write_body(body: Body) -> str:
    """The SELECT without LIMIT."""
    sets = not body.grouping.is_plain
    if sets and body.scope.is_spark:
        return _write_sets(body)
    text = body.text + write_keys(body.grouping.sets, body.grouping.is_plain)
    text += f" HAVING {body.having}" if body.having else ""
    groups = body.select.args.get("group") is not None or any(has_aggregate(o.node) for o in body.outputs)
    if body.kept or (groups and any(place is None for place, _, _ in body.ordering.keys)):
        return _wrap(body, text, body.kept)
    word = "DISTINCT " if body.is_distinct else ""
    return f"SELECT {word}{_list_outputs(body)}{text}{_order_text(body.ordering)}"


def _list_outputs(body: Body, keys: frozenset[str] = frozenset()) -> str:
    """The outputs with their names; `keys` are NULL in a row over all."""
    parts = []
    for output, name in zip(body.outputs, body.shown, strict=True):
        text = output.value.text
        if text in keys:
            text = f"CAST(NULL AS {spell_type(output.value.type, body.scope.dialect)})"
        elif keys and is_grouping(output.node):
            text = "CAST(1 AS BIGINT)"
        parts.append(f"{text} AS {body.scope.quote(name)}")
    return ", ".join(parts)


def _write_sets(body: Body) -> str:
    """Spark's GROUPING SETS. It gives no row for the set of no keys where no rows are met, DuckDB one: that
    set is a query of its own. And it does not find a key in HAVING: that is asked around it."""
    sets = [keys for keys in body.grouping.sets if keys]
    if len(sets) == len(body.grouping.sets):
        return _wrap(body, body.text + write_keys(sets, False), body.having or body.kept, twice=True)
    if body.kept or any(place is None for place, _, _ in body.ordering.keys):
        raise Refusal("ROLLUP or CUBE with QUALIFY, or ordered by what is not shown", body.select)
    having = body.select.args.get("having")
    nodes = [
        o.node for o in body.outputs if o.value.text not in body.grouping.keys and not is_grouping(o.node)
    ]
    nodes += [having.this] if having is not None else []
    if any(reads_keys(node) or has_window(node) for node in nodes):
        raise Refusal("ROLLUP or CUBE with an expression of their keys, or a window", body.select)
    total = f"SELECT {_list_outputs(body, body.grouping.keys)}{body.text}"
    total += f" HAVING {body.having}" if body.having else " HAVING count(*) >= 0"
    ordering, body.ordering = body.ordering, Ordering()
    parts = [total]
    if sets:
        parts.insert(0, _wrap(body, body.text + write_keys(sets, False), body.having, twice=True))
    alias = body.scope.quote(body.scope.shared.names.take("sets"))
    listed = ", ".join(f"{alias}.{body.scope.quote(name)} AS {body.scope.quote(name)}" for name in body.shown)
    word = "DISTINCT " if body.is_distinct else ""
    whole = " UNION ALL ".join(f"({part})" for part in parts)
    return f"SELECT {word}{listed} FROM ({whole}) AS {alias}{_order_text(ordering)}"


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
    text, relation = spread(scope.express(call.expressions[0]), "items", ["item"], scope)
    item = exp.Column(this=exp.to_identifier("item"), table=exp.to_identifier("items"))
    scope.relations.append(replace(relation, name="lakeq items", hidden=frozenset({"item"})))
    item.set("table", exp.to_identifier("lakeq items", quoted=True))
    copy = select.copy()
    alias = select.expressions[place].alias
    shown = exp.alias_(item, alias, quoted=True) if alias else exp.alias_(item, "unnest", quoted=True)
    copy.expressions[place].replace(shown)
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


def _wrap(body: Body, text: str, kept: str, twice: bool = False) -> str:
    """The query within one that keeps the rows of QUALIFY, which neither Spark nor Trino has, and orders by
    aggregates that are not shown, which Spark does not find behind a HAVING. `twice`: HAVING is asked here,
    so there may be no QUALIFY beside it."""
    if twice and body.having and body.kept:
        raise Refusal("HAVING and QUALIFY behind ROLLUP or CUBE", body.select)
    scope = body.scope
    alias = scope.quote(scope.shared.names.take("kept"))
    inner = [f"{o.value.text} AS {scope.quote(f'c{i}')}" for i, o in enumerate(body.outputs)]
    if kept:
        inner.append(f"{kept} AS {scope.quote('keep')}")
    order = []
    for i, (place, value, way) in enumerate(body.ordering.keys):
        if place is None:
            inner.append(f"{value.text} AS {scope.quote(f'o{i}')}")
            order.append(f"{alias}.{scope.quote(f'o{i}')}{way}")
        else:
            order.append(f"{place}{way}")
    listed = ", ".join(
        f"{alias}.{scope.quote(f'c{i}')} AS {scope.quote(name)}" for i, name in enumerate(body.shown)
    )
    word = "DISTINCT " if body.is_distinct else ""
    by = f" ORDER BY {', '.join(order)}" if order else ""
    where = f" WHERE {alias}.{scope.quote('keep')}" if kept else ""
    return f"SELECT {word}{listed} FROM (SELECT {', '.join(inner)}{text}) AS {alias}{where}{by}"


def write_ordering(order: exp.Expr | None, outputs: Sequence[Output], scope: Scope) -> Ordering:
    """What ORDER BY means: an output by position or name, before a column; else an expression of columns."""
    ordering = Ordering()
    for ordered in order.expressions if order is not None else ():
        key, way = ordered.this, direction(ordered)
        if isinstance(key, exp.Var) and key.name.upper() == "ALL":
            for i, output in enumerate(outputs, start=1):
                _add_key(ordering, i, output.value, way, scope)
            continue
        place = find_output(key, outputs)
        if place is None:
            value = scope.express(key)
            if value.is_constant:
                continue
            place = next((i for i, o in enumerate(outputs, start=1) if o.value.text == value.text), None)
        else:
            value = outputs[place - 1].value
        _add_key(ordering, place, value, way, scope)
    for _, value, _ in ordering.keys:
        check_order(value, value.node)
    return ordering


def _add_key(ordering: Ordering, place: int | None, value: Value, way: str, scope: Scope) -> None:
    before = nan_key(value, scope)
    if before:
        ordering.keys.append((None, value.of(before, BOOLEAN), way))
    ordering.keys.append((place, value, way))


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
