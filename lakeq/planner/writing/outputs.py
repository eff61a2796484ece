"""What SELECT shows: `*` and COLUMNS(…) written out, a name for each output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.scope import Field, Relation, Scope, read_field
from lakeq.planner.writing.values import Value


@dataclass(frozen=True, slots=True)
class Output:
    """One output: the name that DuckDB gives it (empty: one that it makes up), its node, its value."""

    name: str
    node: exp.Expr
    value: Value


def list_outputs(select: exp.Expr, scope: Scope) -> list[Output]:
    """The outputs of a SELECT, in order."""
    for shown in select.expressions:
        if isinstance(shown, exp.Alias) and not _is_column(shown.this, shown.alias):
            scope.outputs.setdefault(shown.alias.casefold(), shown.this)
    outputs: list[Output] = []
    for shown in select.expressions:
        if _find_star(shown) is not None:
            outputs += _expand_star(shown, scope)
        elif (call := _find_columns(shown)) is not None:
            outputs += _expand_columns(shown, call, scope)
        else:
            outputs.append(Output(_name_of(shown), shown.unalias(), scope.express(shown.unalias())))
    for output in outputs:
        if output.value.kind == "interval":
            raise Refusal("an INTERVAL as a value", output.node)
    return outputs


def _is_column(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Column) and not node.table and node.name.casefold() == name.casefold()


def _name_of(shown: exp.Expr) -> str:
    if isinstance(shown, exp.Alias):
        return shown.alias
    inner = shown.unnest()
    if isinstance(inner, exp.Column):
        return inner.name
    return (
        inner.expression.name
        if isinstance(inner, exp.Dot) and isinstance(inner.expression, exp.Identifier)
        else ""
    )


def _find_star(shown: exp.Expr) -> exp.Star | None:
    if isinstance(shown, exp.Star):
        return shown
    return shown.this if isinstance(shown, exp.Column) and isinstance(shown.this, exp.Star) else None


def visible_columns(scope: Scope) -> Iterator[tuple[str, Field | Value]]:
    """What `*` shows: a column of USING once, where it comes first."""
    shown: set[str] = set()
    for relation in scope.relations:
        for field in relation.fields:
            name = field.name.casefold()
            if field.is_hidden or name in relation.hidden or (name in scope.merged and name in shown):
                continue
            if name in scope.merged:
                shown.add(name)
                yield field.name, scope.merged[name][1]
            else:
                yield field.name, field


def _expand_star(shown: exp.Expr, scope: Scope) -> Iterator[Output]:
    star = _find_star(shown)
    assert star is not None
    for part, value in star.args.items():
        if value and part not in ("except_", "replace", "rename"):
            raise Refusal(f"`*` with {part.strip('_').upper()}", shown)
    columns: list[tuple[str, Field | Value]] = list(visible_columns(scope))
    if isinstance(shown, exp.Column):
        relation = _find_relation(shown, scope)
        columns = [(field.name, field) for field in relation.fields if not field.is_hidden]
    excluded = {_bare(e) for e in star.args.get("except_") or ()}
    replaced = {e.alias.casefold(): e.this for e in star.args.get("replace") or ()}
    renamed = {e.this.name.casefold(): e.alias for e in star.args.get("rename") or ()}
    if not columns:
        raise Refusal("`*` of nothing", shown)
    for name, found in columns:
        folded = name.casefold()
        if folded in excluded:
            continue
        if folded in replaced:
            yield Output(name, replaced[folded], scope.express(replaced[folded]))
            continue
        value = read_field(found, shown) if isinstance(found, Field) else found
        yield Output(renamed.get(folded, name), exp.column(exp.to_identifier(name, quoted=True)), value)


def _bare(node: exp.Expr) -> str:
    if isinstance(node, exp.Column) and node.table:
        raise Refusal("EXCLUDE of a column with its table", node)
    return node.name.casefold()


def _find_relation(shown: exp.Column, scope: Scope) -> Relation:
    found = [r for r in scope.relations if r.name.casefold() == shown.table.casefold()]
    if len(found) != 1:
        raise Refusal(f"{shown.table}.*", shown)
    return found[0]


def _find_columns(shown: exp.Expr) -> exp.Expr | None:
    return next(
        (n for n in shown.find_all(exp.Anonymous) if n.name.casefold() == "columns" and n.expressions), None
    )


def match_columns(call: exp.Expr, scope: Scope) -> list[tuple[str, Field | Value]]:
    """The columns that COLUMNS(…) means."""
    (argument,) = call.expressions if len(call.expressions) == 1 else (None,)
    columns = list(visible_columns(scope))
    if isinstance(argument, exp.Star) and not any(argument.args.values()):
        return columns
    if not isinstance(argument, exp.Literal) or not argument.is_string:
        raise Refusal("COLUMNS() of what is neither `*` nor a literal", call)
    if not re.fullmatch(r"[\w^$|().* ]*", argument.name):
        raise Refusal("COLUMNS() of such a pattern", call)
    return [(name, found) for name, found in columns if re.search(argument.name, name)]


def _expand_columns(shown: exp.Expr, call: exp.Expr, scope: Scope) -> Iterator[Output]:
    names = [name for name, _ in match_columns(call, scope)]
    if not names or isinstance(shown, exp.Alias):
        raise Refusal("COLUMNS() with an alias, or of no column", shown)
    for name in names:
        column = exp.column(exp.to_identifier(name, quoted=True))
        if shown is call:
            yield Output(name, column, scope.express(column))
            continue
        copy = shown.copy()
        copies = [n for n in copy.find_all(exp.Anonymous) if n.name.casefold() == "columns"]
        for each in copies:
            each.replace(column.copy())
        yield Output("", copy, scope.express(copy))


def give_names(names: list[str]) -> list[str]:
    """A name for each output, no two alike in any case: `a`, `a_1`, and `_col3` for one without."""
    taken: set[str] = set()
    given = []
    for position, name in enumerate(names):
        wanted = name or f"_col{position}"
        unique, number = wanted, 0
        while unique.casefold() in taken:
            number += 1
            unique = f"{wanted}_{number}"
        taken.add(unique.casefold())
        given.append(unique)
    return given
