"""Lists and structs: literals, items by number, fields by name, and what is in a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.choices import unify
from lakeq.planner.writing.comparisons import condition, fit, meet
from lakeq.planner.writing.scope import Field, Relation, Scope, open_fields
from lakeq.planner.writing.sqltypes import BOOLEAN, REALS, SqlType, list_of, spell_type
from lakeq.planner.writing.target import spell_text
from lakeq.planner.writing.values import Value


def write_list(items: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """[1, 2, 3]."""
    if not items:
        raise Refusal("an empty list", node)
    fitted, type_ = unify(items, scope, node)
    inner = ", ".join(value.text for value in fitted)
    text = f"array({inner})" if scope.is_spark else f"ARRAY[{inner}]"
    return Value(f"CAST({text} AS {spell_type(list_of(type_), scope.dialect)})", list_of(type_), node)


def write_array(node: exp.Expr, scope: Scope) -> Value:
    """[1, 2, 3], as sqlglot has it."""
    return write_list([scope.express(item) for item in node.expressions], scope, node)


def write_struct(node: exp.Expr, scope: Scope) -> Value:
    """{'a': 1}."""
    names, values = [], []
    for part in node.expressions:
        if not isinstance(part, exp.PropertyEQ):
            raise Refusal("a struct without names", node)
        names.append(part.this.name)
        values.append(scope.express(part.expression))
    type_ = SqlType("STRUCT", fields=tuple((n, v.type) for n, v in zip(names, values, strict=True)))
    if scope.is_spark:
        inner = ", ".join(
            f"{spell_text(n, scope.dialect)}, {v.text}" for n, v in zip(names, values, strict=True)
        )
        text = f"named_struct({inner})"
    else:
        text = f"ROW({', '.join(v.text for v in values)})"
    return Value(f"CAST({text} AS {spell_type(type_, scope.dialect)})", type_, node)


def write_bracket(node: exp.Expr, scope: Scope) -> Value:
    """`x[1]`, from 1 or from the end with a minus; `s['field']`."""
    value = scope.express(node.this)
    if len(node.expressions) != 1:
        raise Refusal("`[…]` with more than one part", node)
    index = node.expressions[0]
    if value.kind == "row" and isinstance(index, exp.Literal) and index.is_string:
        return open_fields(value, [index.name], scope)
    known = _literal_index(index)
    if value.kind != "list" or known is None:
        raise Refusal(f"`[…]` of {value.type.name} by what is not a number in the query", node)
    return take_item(value, known + 1, scope, node)  # sqlglot counts literals from 0


def _literal_index(index: exp.Expr) -> int | None:
    if isinstance(index, exp.Literal) and not index.is_string and index.is_int:
        return int(index.name)
    if isinstance(index, exp.Neg):
        inner = _literal_index(index.this)
        return None if inner is None else -inner
    return None


def take_item(value: Value, index: int, scope: Scope, node: exp.Expr) -> Value:
    """The item of a list at a place, NULL where there is none."""
    type_ = value.type.item
    if index == 0:
        return Value(f"CAST(NULL AS {spell_type(type_, scope.dialect)})", type_, node)
    name = "try_element_at" if scope.is_spark else "element_at"
    return Value(f"{name}({value.text}, {index})", type_, node)


def write_extract_item(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """list_extract(l, 1), struct_extract(s, 'a')."""
    if len(arguments) == 2 and arguments[0].kind == "row" and isinstance(arguments[1].constant, str):
        return open_fields(arguments[0], [arguments[1].constant], scope)
    if len(arguments) != 2 or arguments[0].kind != "list" or not isinstance(arguments[1].constant, int):
        raise Refusal(f"{node.name}() of these arguments", node)
    return take_item(arguments[0], arguments[1].constant, scope, node)


def write_contains(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """list_contains(l, x): false, not NULL, where x is not among items of which some are NULL."""
    if len(arguments) != 2 or arguments[0].kind != "list" or arguments[1].kind == "null":
        raise Refusal(f"{node.name}() of these arguments", node)
    items, x = arguments
    wanted = meet([Value("", items.type.item, node), x], node)
    if wanted.kind != items.type.item.kind or (wanted.kind in REALS and not scope.is_spark):
        raise Refusal(f"{node.name}() of {x.type.name} in a list of {items.type.item.name}", node)
    if wanted.kind in ("list", "row"):
        raise Refusal(f"{node.name}() of a list of {wanted.name}", node)
    name = "array_contains" if scope.is_spark else "contains"
    fitted = fit(x, wanted, scope).text
    found = f"coalesce({name}({items.text}, {fitted}), FALSE)"
    text = f"(CASE WHEN {items.text} IS NOT NULL AND {fitted} IS NOT NULL THEN {found} END)"
    return Value(text, BOOLEAN, node)


def write_transform(node: exp.Expr, scope: Scope) -> Value:
    """list_transform(l, lambda x: …) and list_filter(l, lambda x: …)."""
    if len(node.expressions) != 2 or not isinstance(node.expressions[1], exp.Lambda):
        raise Refusal(f"{node.name}() without a lambda", node)
    items, function = scope.express(node.expressions[0]), node.expressions[1]
    if items.kind != "list" or len(function.expressions) != 1:
        raise Refusal(f"{node.name}() of other than a list and a lambda of one parameter", node)
    name = function.expressions[0].name
    written = scope.quote(scope.shared.names.take(name))
    inner = scope.inner()
    inner.relations = [Relation("", (Field(name, written, items.type.item),))]
    if "filter" in node.name.casefold():
        return Value(
            f"filter({items.text}, {written} -> {condition(function.this, inner)})", items.type, node
        )
    made = inner.express(function.this)
    if made.kind == "null":
        raise Refusal(f"{node.name}() to NULL", node)
    return Value(f"transform({items.text}, {written} -> {made.text})", list_of(made.type), node)


def write_extreme(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """list_max(l) and list_min(l), which pass over NULL."""
    kinds = ("integer", "decimal", "text", "date", "timestamp")
    if len(arguments) != 1 or arguments[0].kind != "list" or arguments[0].type.item.kind not in kinds:
        raise Refusal(f"{node.name}() of these arguments", node)
    name = "array_max" if node.name.casefold().endswith("max") else "array_min"
    text = arguments[0].text if scope.is_spark else f"filter({arguments[0].text}, x -> x IS NOT NULL)"
    return Value(f"{name}({text})", arguments[0].type.item, node)


NESTED: dict[str, Callable[[Sequence[Value], Scope, exp.Expr], Value]] = {
    "list_value": write_list,
    "list_pack": write_list,
    "list_extract": write_extract_item,
    "list_element": write_extract_item,
    "array_extract": write_extract_item,
    "struct_extract": write_extract_item,
    "list_contains": write_contains,
    "array_contains": write_contains,
    "list_has": write_contains,
    "array_has": write_contains,
    "list_max": write_extreme,
    "list_min": write_extreme,
}
"""The functions of lists and structs."""
LAMBDAS = (
    "list_transform",
    "array_transform",
    "list_apply",
    "apply",
    "list_filter",
    "array_filter",
    "filter",
)
