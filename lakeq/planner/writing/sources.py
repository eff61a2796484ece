"""FROM: tables, queries, VALUES, UNNEST and LATERAL, and how they are joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.choices import fit_to
from lakeq.planner.writing.comparisons import compare, condition, meet
from lakeq.planner.writing.scope import Field, Relation, Scope, Source, Written, read_field
from lakeq.planner.writing.sqltypes import REALS
from lakeq.planner.writing.values import Value, at

_SIDES = {"": "JOIN", "LEFT": "LEFT JOIN", "RIGHT": "RIGHT JOIN", "FULL": "FULL JOIN"}


def write_from(node: exp.Expr, scope: Scope) -> tuple[str, list[str]]:
    """The text behind FROM, empty where there is none, and what WHERE has to ask beside; the relations are
    added to `scope`."""
    first = node.args.get("from_")
    if first is None:
        return "", []
    return write_joined(first.this, node.args.get("joins") or (), scope)


def write_joined(first: exp.Expr, joins: Sequence[exp.Expr], scope: Scope) -> tuple[str, list[str]]:
    """A source and what is joined to it."""
    text = write_source(first, scope)
    asked: list[str] = []
    for join in joins:
        if asked and join.args.get("side") in ("RIGHT", "FULL"):
            raise Refusal("a RIGHT or FULL JOIN behind a SEMI or ANTI JOIN", join)
        if (join.args.get("kind") or "") in ("SEMI", "ANTI"):
            asked.append(_write_semi(join, scope))
        else:
            text += _write_join(join, scope)
    return text, asked


def write_source(node: exp.Expr, scope: Scope) -> str:
    """One source, whose relation is added to the scope."""
    for part in ("sample", "pivots", "when", "ordinality"):
        if node.args.get(part):
            raise Refusal(f"{part.upper()} in FROM", node)
    if isinstance(node, exp.Table):
        return _write_table(node, scope)
    if isinstance(node, exp.Subquery):
        if isinstance(node.this, exp.Table | exp.Subquery) and not node.alias:
            inner = node.this.copy()
            joins = inner.args.get("joins") or ()
            inner.set("joins", None)
            text, asked = write_joined(inner, joins, scope)
            if asked:
                raise Refusal("a SEMI or ANTI JOIN in parentheses", node)
            return f"({text})" if joins else text
        return _name(_derive(scope.shared.write(node.this, _closed(scope)), scope), node, scope)
    if isinstance(node, exp.Values):
        return _name(_derive(scope.shared.write(node, _closed(scope)), scope), node, scope)
    if isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery) and not node.args.get("view"):
        return "LATERAL " + _name(
            _derive(scope.shared.write(node.this.this, scope.inner()), scope), node, scope
        )
    if isinstance(node, exp.Unnest):
        return _write_unnest(node, scope)
    raise Refusal(f"{type(node).__name__.upper()} in FROM", node)


def _closed(scope: Scope) -> Scope:
    """The scope of a query in FROM, which does not see its neighbours, but what is around them all."""
    return Scope(scope.shared, parent=replace(scope, relations=[], merged={}, outputs={}))


def _derive(written: Written, scope: Scope) -> Source:
    columns = tuple(
        (name or shown, shown, type_)
        for name, (shown, type_) in zip(written.names, written.outputs, strict=True)
    )
    return Source(f"({written.text})", columns)


def _write_table(node: exp.Table, scope: Scope) -> str:
    if not isinstance(node.this, exp.Identifier):
        raise Refusal("a function in FROM", node)
    if node.args.get("joins"):
        raise Refusal("a join within a join without parentheses", node)
    source = None if node.db else scope.find_cte(node.name)
    if source is None:
        find = scope.shared.tables.get(node.name.casefold())
        if find is None:
            raise Refusal(f"the table {node.name}, which has no name there", node)
        source = find(scope)
    return _name(source, node, scope)


def _name(source: Source, node: exp.Expr, scope: Scope) -> str:
    """The source under its alias."""
    alias = node.args.get("alias")
    name = (alias.name if alias is not None else "") or (node.name if isinstance(node, exp.Table) else "")
    given = scope.shared.names.take(name or "q")
    quoted = scope.quote(given)
    renamed = [c.name for c in (alias.args.get("columns") or ())] if alias is not None else []
    fields = []
    for i, (column, shown, type_) in enumerate(source.columns):
        text = f"{quoted}.{scope.quote(shown)}"
        fields.append(Field(renamed[i] if i < len(renamed) else column, text, type_, column in source.hidden))
    scope.relations.append(Relation(name, tuple(fields)))
    return f"{source.text} AS {quoted}"


def _write_unnest(node: exp.Expr, scope: Scope) -> str:
    alias = node.args.get("alias")
    if len(node.expressions) != 1 or node.args.get("offset"):
        raise Refusal("UNNEST of several lists, or WITH ORDINALITY", node)
    value = scope.express(node.expressions[0])
    names = [c.name for c in (alias.args.get("columns") or ())] if alias is not None else []
    text, relation = spread(value, (alias.name if alias is not None else "") or "unnest", names, scope)
    scope.relations.append(relation)
    return text


def spread(value: Value, name: str, names: Sequence[str], scope: Scope) -> tuple[str, Relation]:
    """A list's items as rows: the text in FROM, and the relation of one column."""
    if value.kind != "list" or (value.type.item.kind == "row" and not scope.is_spark):
        raise Refusal(f"UNNEST of {value.type.name}", value.node)
    alias = scope.quote(scope.shared.names.take(name))
    column = names[0] if names else "unnest"
    shown = scope.quote(column)
    text = f"explode({value.text})" if scope.is_spark else f"UNNEST({value.text})"
    relation = Relation(name, (Field(column, f"{alias}.{shown}", value.type.item),))
    return ("LATERAL " if scope.is_spark else "") + f"{text} AS {alias}({shown})", relation


def _write_join(join: exp.Expr, scope: Scope) -> str:
    side, kind = join.args.get("side") or "", join.args.get("kind") or ""
    method, using, on = join.args.get("method") or "", join.args.get("using"), join.args.get("on")
    if method not in ("", "NATURAL") or kind not in ("", "INNER", "CROSS", "OUTER") or side not in _SIDES:
        raise Refusal(f"{' '.join(part for part in (method, side, kind) if part)} JOIN", join)
    count = len(scope.relations)
    text = write_source(join.this, scope)
    if method == "NATURAL":
        using = [exp.to_identifier(name) for name in _shared_names(scope, count)]
        if not using:
            raise Refusal("a NATURAL JOIN without columns in common", join)
    if using:
        tests = [_merge(part, side, count, scope) for part in using]
        return f" {_SIDES[side]} {text} ON {' AND '.join(tests)}"
    if on is not None:
        return f" {_SIDES[side]} {text} ON {condition(on, scope)}"
    if side:
        raise Refusal("an outer join without a condition", join)
    return f" CROSS JOIN {text}" if kind == "CROSS" else f", {text}"


def _shared_names(scope: Scope, count: int) -> list[str]:
    left = {f.name.casefold() for r in scope.relations[:count] for f in r.fields if not f.is_hidden}
    return [f.name for r in scope.relations[count:] for f in r.fields if f.name.casefold() in left]


def _merge(part: exp.Expr, side: str, count: int, scope: Scope) -> str:
    """The condition of one column of USING, which is one column from here on."""
    name = part.name.casefold()
    before = replace(scope, relations=scope.relations[:count])
    left = before.find_column(exp.Column(this=part.copy()))
    found = [(i, r.find(name)) for i, r in enumerate(scope.relations) if i >= count]
    places = [(i, f) for i, f in found if f is not None]
    if len(places) != 1:
        raise Refusal(f"USING of {name}, which is not in one table on the right", part)
    right = read_field(places[0][1], part)
    test = compare(left, "=", right, scope, part)
    if side == "FULL":
        type_ = meet([left, right], part)
        if type_.kind in REALS:
            raise Refusal("a FULL JOIN USING doubles", part)
        both = ", ".join(fit_to(v, type_, scope).text for v in (left, right))
        merged = Value(f"coalesce({both})", type_, part)
    else:
        merged = right if side == "RIGHT" else left
    scope.merged[name] = (part.name, at(merged, part))
    place = places[0][0]
    relation = scope.relations[place]
    scope.relations[place] = replace(relation, hidden=relation.hidden | {name})
    return test


def _write_semi(join: exp.Expr, scope: Scope) -> str:
    """A SEMI or ANTI JOIN as EXISTS in WHERE."""
    if join.args.get("method") or join.args.get("side"):
        raise Refusal("this SEMI JOIN", join)
    relations, merged = list(scope.relations), dict(scope.merged)
    count = len(relations)
    inner = replace(scope, relations=relations, merged=merged)
    text = write_source(join.this, inner)
    using, on = join.args.get("using"), join.args.get("on")
    if using:
        test = " AND ".join(_merge(part, "", count, inner) for part in using)
    elif on is not None:
        test = condition(on, inner)
    else:
        raise Refusal("a SEMI JOIN without a condition", join)
    found = f"EXISTS (SELECT 1 FROM {text} WHERE {test})"
    return f"(NOT {found})" if join.args["kind"] == "ANTI" else f"({found})"
