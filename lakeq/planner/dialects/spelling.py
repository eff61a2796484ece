"""Functions that have a syntax of their own, spelled as calls: one table then tells what each is."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

COUNTS_FROM_ONE = ("athena", "trino")
"""Dialects that count from 1, of which sqlglot shifts some indexes to 0."""

_CALLS: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.ApproxQuantile: ("percentile_approx", "this", "quantile", "accuracy"),
    exp.ArgMax: ("max_by", "this", "expression"),
    exp.ArgMin: ("min_by", "this", "expression"),
    exp.Ceil: ("ceil", "this"),
    exp.Chr: ("chr", "expressions"),
    exp.CurrentDate: ("current_date", "this"),
    exp.CurrentDatetime: ("current_datetime", "this"),
    exp.CurrentTimestamp: ("current_timestamp",),
    exp.Floor: ("floor", "this"),
    exp.GroupConcat: ("string_agg", "this", "separator"),
    exp.Localtimestamp: ("localtimestamp",),
    exp.Quantile: ("percentile", "this", "quantile"),
    exp.RegexpLike: ("rlike", "this", "expression"),
    exp.SafeFunc: ("try", "this"),
    exp.StrPosition: ("strpos", "this", "substr"),
    exp.Substring: ("substring", "this", "start", "length"),
    exp.Transform: ("transform", "this", "expression"),
}
"""Their names, and which parts of sqlglot's node are the arguments. With other parts they are left alone."""


def spell_calls(tree: exp.Expr, dialect: str) -> exp.Expr:
    """`tree` with a call in the place of each such function."""
    for node in reversed(list(tree.walk(bfs=False))):
        spelled = spell_call(node, dialect)
        if spelled is not None:
            spelled.meta.update(node.meta)
            node.replace(spelled)
    return tree


def spell_call(node: exp.Expr, dialect: str) -> exp.Expr | None:
    """The call that `node` stands for; None where it is one already, or none at all."""
    if type(node) in _CALLS:
        name, *parts = _CALLS[type(node)]
        if any(value and part not in parts for part, value in node.args.items()):
            return None
        return call(name, *(node.args.get(part) for part in parts))
    special = _SPECIAL.get(type(node))
    return None if special is None else special(node, dialect)


def call(name: str, *arguments: object) -> exp.Anonymous:
    """A call by name, of the arguments that are there."""
    given: list[exp.Expr] = []
    for argument in arguments:
        every = argument if isinstance(argument, list) else [argument]
        given += [node.copy() for node in every if isinstance(node, exp.Expr)]
    return exp.Anonymous(this=name, expressions=given)


def _spell_extract(node: exp.Expr, dialect: str) -> exp.Expr:
    return call("extract", exp.Literal.string(node.name.casefold()), node.expression)


def _spell_trim(node: exp.Expr, dialect: str) -> exp.Expr | None:
    if node.args.get("collation"):
        return None
    side = (node.args.get("position") or "both").casefold()
    if node.expression is not None:
        return call(f"trim_{side}", node.this, node.expression)
    return call({"leading": "ltrim", "trailing": "rtrim"}.get(side, "trim"), node.this)


def _spell_cast(node: exp.Expr, dialect: str) -> exp.Expr | None:
    """Spark's CAST, which sqlglot takes for one that may fail, as it did once."""
    if dialect != "spark" or node.args.get("safe"):
        return None
    return exp.Cast(**{part: value for part, value in node.args.items() if value})


def _spell_initcap(node: exp.Expr, dialect: str) -> exp.Expr:
    return call("initcap", node.this)  # the second part is sqlglot's own default


def _spell_json(node: exp.Expr, dialect: str) -> exp.Expr:
    return call("json_parse" if dialect in COUNTS_FROM_ONE else "parse_json", node.this)


def _spell_raw(node: exp.Expr, dialect: str) -> exp.Expr:
    return exp.Literal.string(node.name)


def _spell_named(node: exp.Expr, dialect: str) -> exp.Expr | None:
    """STRUCT(1 AS a) and named_struct('a', 1), and BigQuery's WEEK(MONDAY), which is a unit of time."""
    name, parts = node.name.casefold(), list(node.expressions)
    if name == "week" and dialect == "bigquery" and parts:
        return exp.var(f"week({parts[0].name})")
    if name == "struct":
        named = [(p.alias_or_name, p.this if isinstance(p, exp.Alias) else p) for p in parts]
    elif name == "named_struct" and len(parts) % 2 == 0:
        named = [(parts[i].name, parts[i + 1]) for i in range(0, len(parts), 2)]
    else:
        return None
    if not named or not all(name for name, _ in named):
        return None
    fields = [exp.PropertyEQ(this=exp.to_identifier(key), expression=value.copy()) for key, value in named]
    return exp.Struct(expressions=fields)


def _spell_subscript(node: exp.Expr, dialect: str) -> exp.Expr | None:
    if len(node.expressions) != 1:
        return None
    index, container = node.expressions[0], node.this.type
    is_array = container is None or container.this in (exp.DType.UNKNOWN, exp.DType.ARRAY)
    if dialect in COUNTS_FROM_ONE and is_array:
        if index.is_int:
            index = exp.Literal.number(int(index.to_py()) + 1)
        elif index.is_type(*exp.DataType.INTEGER_TYPES):
            index = index + 1
    is_ordinal = dialect == "bigquery" and node.args.get("offset") == 1
    return call("subscript_ordinal" if is_ordinal else "subscript", node.this, index)


_SPECIAL: dict[type[exp.Expr], Callable[[exp.Expr, str], exp.Expr | None]] = {
    exp.Anonymous: _spell_named,
    exp.Bracket: _spell_subscript,
    exp.Extract: _spell_extract,
    exp.Initcap: _spell_initcap,
    exp.ParseJSON: _spell_json,
    exp.RawString: _spell_raw,
    exp.Trim: _spell_trim,
    exp.TryCast: _spell_cast,
}
