"""Queries of any form: SELECT, set operations, VALUES, and WITH before them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.casts import convert
from lakeq.planner.writing.choices import fit_to
from lakeq.planner.writing.comparisons import meet
from lakeq.planner.writing.outputs import Output, give_names
from lakeq.planner.writing.scope import Scope, Source, Written
from lakeq.planner.writing.selects import write_limit, write_ordering, write_select
from lakeq.planner.writing.sqltypes import INTEGER, SqlType, common_type
from lakeq.planner.writing.values import Value

_WORDS: dict[type[exp.SetOperation], str] = {
    exp.Union: "UNION",
    exp.Intersect: "INTERSECT",
    exp.Except: "EXCEPT",
}
_SET_PARTS = frozenset(
    {"with_", "this", "expression", "distinct", "by_name", "order", "limit", "offset", "side", "kind", "on"}
)


def write_any_query(node: exp.Expr, scope: Scope) -> Written:
    """A query, written, in a scope of its own."""
    with_ = node.args.get("with_")
    steps = [] if with_ is None else _write_steps(with_, scope)
    if isinstance(node, exp.Select):
        written = write_select(node, scope)
    elif isinstance(node, exp.SetOperation):
        written = _write_set(node, scope)
    elif isinstance(node, exp.Values):
        written = write_values(node, scope)
    elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query):
        written = _write_bracketed(node, scope)
    else:
        raise Refusal(f"{type(node).__name__.upper()} as a query", node)
    if not steps:
        return written
    return Written(f"WITH {', '.join(steps)} {written.text}", written.outputs, written.names)


def _write_bracketed(node: exp.Expr, scope: Scope) -> Written:
    inner = write_any_query(node.this, scope.inner())
    if not any(node.args.get(part) for part in ("order", "limit", "offset")):
        return inner
    return _finish(node, inner, f"({inner.text})", scope)


def _write_steps(with_: exp.Expr, scope: Scope) -> list[str]:
    if with_.args.get("recursive") and any(_names_itself(cte) for cte in with_.expressions):
        raise Refusal("WITH RECURSIVE", with_)
    steps = []
    for cte in with_.expressions:
        written = write_any_query(cte.this, scope.inner())
        name = scope.shared.names.take(cte.alias)
        renamed = [c.name for c in (cte.args["alias"].args.get("columns") or ())]
        columns = tuple(
            (renamed[i] if i < len(renamed) else written.names[i] or shown, shown, type_)
            for i, (shown, type_) in enumerate(written.outputs)
        )
        scope.ctes[cte.alias.casefold()] = Source(scope.quote(name), columns)
        steps.append(f"{scope.quote(name)} AS ({written.text})")
    return steps


def _names_itself(cte: exp.Expr) -> bool:
    return any(t.name.casefold() == cte.alias.casefold() for t in cte.this.find_all(exp.Table))


def _write_set(node: exp.SetOperation, scope: Scope) -> Written:
    for part, value in node.args.items():
        if value and part not in _SET_PARTS:
            raise Refusal(f"a set operation with {part.strip('_').upper()}", node)
    if node.args.get("side") or node.args.get("kind") or node.args.get("on"):
        raise Refusal("this set operation", node)
    sides = [write_any_query(side, scope.inner()) for side in (node.this, node.expression)]
    if node.args.get("by_name"):
        names, places = _by_name(sides, node)
    else:
        if len(sides[0].outputs) != len(sides[1].outputs):
            raise Refusal("a set operation of unlike numbers of columns", node)
        names = list(sides[0].names)
        places = [list(range(len(names)))] * 2
    types = [
        _common(node, [_type_at(s, p[i]) for s, p in zip(sides, places, strict=True)])
        for i in range(len(names))
    ]
    shown = give_names(names)
    texts = [_cast_side(s, p, types, shown, scope, node) for s, p in zip(sides, places, strict=True)]
    word = _WORDS[type(node)] + ("" if node.args.get("distinct") else " ALL")
    written = Written(f"{texts[0]} {word} {texts[1]}", tuple(zip(shown, types, strict=True)), tuple(names))
    return _finish(node, written, f"({written.text})", scope)


def _by_name(sides: Sequence[Written], node: exp.Expr) -> tuple[list[str], list[list[int | None]]]:
    names: list[str] = []
    for side in sides:
        if "" in side.names or len({n.casefold() for n in side.names}) < len(side.names):
            raise Refusal("UNION BY NAME of columns without names, or with the same", node)
        known = {n.casefold() for n in names}
        names += [n for n in side.names if n.casefold() not in known]
    places: list[list[int | None]] = []
    for side in sides:
        at = {name.casefold(): i for i, name in enumerate(side.names)}
        places.append([at.get(name.casefold()) for name in names])
    return names, places


def _type_at(side: Written, place: int | None) -> SqlType:
    return SqlType("NULL") if place is None else side.outputs[place][1]


def _common(node: exp.Expr, types: list[SqlType]) -> SqlType:
    if {t.kind for t in types} & {"text"} and len({t.kind for t in types} - {"null"}) > 1:
        raise Refusal("texts and other values in one column of a set operation. CAST them", node)
    found = common_type(types)
    if found is None:
        raise Refusal(f"a set operation of {' and '.join(t.name for t in types)}", node)
    return INTEGER if found.kind == "null" else found


def _cast_side(
    side: Written,
    places: Sequence[int | None],
    types: Sequence[SqlType],
    shown: Sequence[str],
    scope: Scope,
    node: exp.Expr,
) -> str:
    """One side of a set operation, its columns of the types of the whole."""
    same = all(p is not None and side.outputs[p][1] == t for p, t in zip(places, types, strict=True))
    if same and list(places) == list(range(len(side.outputs))):
        return f"({side.text})"
    alias = scope.quote(scope.shared.names.take("side"))
    listed = []
    for place, type_, name in zip(places, types, shown, strict=True):
        value = Value("NULL", SqlType("NULL"), node)
        if place is not None:
            column, found = side.outputs[place]
            value = Value(f"{alias}.{scope.quote(column)}", found, node)
        listed.append(f"{convert(value, type_, scope).text} AS {scope.quote(name)}")
    return f"(SELECT {', '.join(listed)} FROM ({side.text}) AS {alias})"


def _finish(node: exp.Expr, written: Written, text: str, scope: Scope) -> Written:
    """ORDER BY, LIMIT and OFFSET behind a set operation or parentheses."""
    if not any(node.args.get(part) for part in ("order", "limit", "offset")):
        return written
    alias = scope.quote(scope.shared.names.take("whole"))
    outputs = [
        Output(name, node, Value(f"{alias}.{scope.quote(shown)}", type_, node))
        for name, (shown, type_) in zip(written.names, written.outputs, strict=True)
    ]
    ordering = write_ordering(node.args.get("order"), outputs, scope)
    order = ", ".join(f"{value.text if place is None else place}{way}" for place, value, way in ordering.keys)
    listed = ", ".join(
        f"{o.value.text} AS {scope.quote(s)}" for o, (s, _) in zip(outputs, written.outputs, strict=True)
    )
    body = f"SELECT {listed} FROM {text} AS {alias}" + (f" ORDER BY {order}" if order else "")
    return Written(body + write_limit(node, scope), written.outputs, written.names)


def write_values(node: exp.Expr, scope: Scope) -> Written:
    """VALUES, each column of one type."""
    rows = [
        [scope.express(cell) for cell in (row.expressions if isinstance(row, exp.Tuple) else [row])]
        for row in node.expressions
    ]
    width = len(rows[0])
    if any(len(row) != width for row in rows):
        raise Refusal("VALUES of rows of unlike lengths", node)
    types = []
    for i in range(width):
        found = meet([row[i] for row in rows], node)
        types.append(INTEGER if found.kind == "null" else found)
    lines = [
        "(" + ", ".join(fit_to(cell, t, scope).text for cell, t in zip(row, types, strict=True)) + ")"
        for row in rows
    ]
    names = [f"col{i}" for i in range(width)]
    alias = scope.quote(scope.shared.names.take("rows"))
    columns = ", ".join(scope.quote(name) for name in names)
    listed = ", ".join(f"{alias}.{scope.quote(name)} AS {scope.quote(name)}" for name in names)
    source = f"VALUES {', '.join(lines)}"
    text = f"SELECT {listed} FROM ({source}) AS {alias}({columns})"
    return Written(text, tuple(zip(names, types, strict=True)), tuple(names))
