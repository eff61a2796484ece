"""Text in a dialect to a syntax tree in which each call is the call that the user wrote.

sqlglot knows many functions and reads them as what it takes them for. Which function means what is told by
the tables of this package alone, so here every call stays a name and its arguments.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import SqlglotError

from lakeq.errors import SqlSyntaxError, UnsupportedSqlError
from lakeq.planner.parse import READS, WRITES, syntax_error

_MORE_WRITES = frozenset({"unload", "msck", "optimize", "cache", "uncache", "add", "export", "declare", "show"})
_SHIFTED = ("athena", "trino")
"""Dialects that count from 1, of which sqlglot shifts some indexes to 0."""

_CONSTRUCTORS = ("ARRAY", "LIST")
"""Names before `(…)[…]` that sqlglot takes for the beginning of an array."""

_NAMES: dict[type[exp.Expr], str] = {
    exp.Ceil: "ceil",
    exp.Floor: "floor",
    exp.Chr: "chr",
    exp.ArgMax: "max_by",
    exp.ArgMin: "min_by",
    exp.ParseJSON: "json_parse",
}


def read_query(sql: str, dialect: str) -> exp.Expr:
    """The syntax tree of one reading statement. SqlSyntaxError, or UnsupportedSqlError for what is no read."""
    words = sql.split(maxsplit=1)
    first = words[0].casefold() if words else ""
    if first in WRITES | _MORE_WRITES:
        raise UnsupportedSqlError(f"{first.upper()} is refused: lakeq only reads. Write a SELECT statement", sql)
    try:
        known = sqlglot.Dialect.get_or_raise(dialect)
        tokens = known.tokenize(sql)
        mark_calls(tokens)
        trees = [tree for tree in known.parser().parse(tokens, sql) if tree is not None]
    except SqlglotError as error:
        raise syntax_error(sql, error) from error
    if not trees:
        raise SqlSyntaxError("The query is empty: write a SELECT statement", sql)
    if len(trees) > 1:
        raise UnsupportedSqlError(f"One statement at a time: this text holds {len(trees)}", sql)
    tree = trees[0]
    if not isinstance(tree, READS) or tree.find(exp.Into, exp.Command, exp.DDL):
        name = "SELECT INTO" if tree.find(exp.Into) else type(tree).__name__.upper()
        if name != "SUBQUERY" and not isinstance(tree, exp.Query):
            raise UnsupportedSqlError(f"{name} is refused: lakeq only reads. Write a SELECT statement", sql)
    count = 0
    for node in list(tree.walk(bfs=False)):
        node.comments = None
        if isinstance(node, exp.DataType) and node.this is exp.DType.DATETIME:
            node.set("this", exp.DType.TIMESTAMPNTZ)  # BigQuery's, of no zone
        if isinstance(node, exp.Placeholder) and node.name in ("", "?"):
            count += 1  # a template may repeat its arguments, so each has its number
            node.replace(exp.Parameter(this=exp.Literal.number(count)))
            continue
        if (call := spell_call(node, dialect)) is not None:
            call.meta.update(node.meta)
            node.replace(call)
    return tree


def mark_calls(tokens: Sequence[Token]) -> None:
    """Give the end of each call sqlglot's own mark for one to leave alone."""
    names: list[str] = []
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        if token.token_type is TokenType.L_PAREN:
            names.append(before.text.upper() if before is not None else "")
        elif token.token_type is TokenType.R_PAREN:
            name = names.pop() if names else ""
            is_indexed = after is not None and after.token_type is TokenType.L_BRACKET
            if not (is_indexed and name in _CONSTRUCTORS):
                token.comments.append(exp.SQLGLOT_ANONYMOUS)


def spell_call(node: exp.Expr, dialect: str) -> exp.Expr | None:
    """The call that a function with a syntax of its own stands for; None for another node."""
    match node:
        case exp.Extract():
            return call("extract", exp.Literal.string(node.name.casefold()), node.expression)
        case exp.Trim():
            side = (node.args.get("position") or "both").casefold()
            characters = node.expression
            name = "trim" if characters is None else f"trim_{side}"
            if characters is None and side != "both":
                name = {"leading": "ltrim", "trailing": "rtrim"}[side]
            return call(name, node.this, characters)
        case exp.StrPosition():
            return call("strpos", node.this, node.args.get("substr"))
        case exp.Substring():
            return call("substring", node.this, node.args.get("start"), node.args.get("length"))
        case exp.GroupConcat():
            name = "listagg" if dialect in _SHIFTED else "string_agg"
            return call(name, node.this, node.args.get("separator"))
        case exp.ApproxQuantile():
            return call("percentile_approx", node.this, node.args.get("quantile"), node.args.get("accuracy"))
        case exp.Quantile():
            return call("percentile", node.this, node.args.get("quantile"))
        case exp.RegexpLike():
            return call("rlike", node.this, node.expression)
        case exp.Ceil() | exp.Floor() | exp.Chr() | exp.ArgMax() | exp.ArgMin() | exp.ParseJSON():
            return call(_NAMES[type(node)], node.this, node.expression, *node.expressions)
        case exp.Initcap():
            return call("initcap", node.this)
        case exp.Transform():
            return call("transform", node.this, node.expression)
        case exp.SafeFunc():
            return call("try", node.this)
        case exp.CurrentDate():
            return call("current_date", node.this)
        case exp.CurrentTimestamp():
            return call("current_timestamp")
        case exp.Localtimestamp():
            return call("localtimestamp")
        case exp.CurrentDatetime():
            return call("current_datetime", node.this)
        case exp.RawString():
            return exp.Literal.string(node.name)
        case exp.Anonymous() if node.name.casefold() in ("struct", "named_struct"):
            return _spell_struct(node)
        case exp.Anonymous() if node.name.casefold() == "week" and dialect == "bigquery" and node.expressions:
            return exp.var(f"week({node.expressions[0].name})")
        case exp.Bracket() if len(node.expressions) == 1:
            return _spell_subscript(node, dialect)
    return None


def call(name: str, *arguments: exp.Expr | None) -> exp.Anonymous:
    """A call by name, of the arguments that are there."""
    given = [argument.copy() for argument in arguments if isinstance(argument, exp.Expr)]
    return exp.Anonymous(this=name, expressions=given)


def _spell_struct(node: exp.Anonymous) -> exp.Expr | None:
    """STRUCT(1 AS a) and named_struct('a', 1); None where a field has no name."""
    parts = list(node.expressions)
    if node.name.casefold() == "named_struct":
        pairs = list(zip(parts[::2], parts[1::2], strict=False))
        if len(parts) % 2 or not all(isinstance(name, exp.Literal) for name, _ in pairs):
            return None
        named = [(name.name, value) for name, value in pairs]
    else:
        named = [(p.alias_or_name, p.this if isinstance(p, exp.Alias) else p) for p in parts]
    if not named or not all(name for name, _ in named):
        return None
    fields = [
        exp.PropertyEQ(this=exp.to_identifier(name), expression=value.copy()) for name, value in named
    ]
    return exp.Struct(expressions=fields)


def _spell_subscript(node: exp.Bracket, dialect: str) -> exp.Expr:
    index, container = node.expressions[0], node.this.type
    is_array = container is None or container.this in (exp.DType.UNKNOWN, exp.DType.ARRAY)
    if dialect in _SHIFTED and is_array and (index.is_int or index.is_type(*exp.DataType.INTEGER_TYPES)):
        index = exp.Literal.number(int(index.to_py()) + 1) if index.is_int else index + 1
    if dialect == "bigquery" and node.args.get("offset") == 1:
        return call("subscript_ordinal", node.this, index)
    return call("subscript", node.this, index)
