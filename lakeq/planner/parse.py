"""Text to syntax tree, and the refusals: lakeq reads, one statement at a time, only its own tables."""

from __future__ import annotations

import datetime as dt
import logging
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib import import_module
from itertools import pairwise
from typing import Any

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError

from lakeq.errors import QueryError, SqlSyntaxError, UnsupportedSqlError
from lakeq.planner.functions import TABLE_FUNCTIONS, is_refused
from lakeq.planner.logic import function_name

DIALECT = "duckdb"

# sqlglot logs what it cannot take apart; the plan's notes say it, so nothing is printed unless a user asks.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())

WRITES = frozenset({
    "alter", "analyze", "attach", "begin", "call", "checkpoint", "comment", "commit", "connect", "copy",
    "create", "deallocate", "delete", "detach", "drop", "execute", "explain", "export", "force", "grant",
    "import", "insert", "install", "load", "merge", "pragma", "prepare", "refresh", "replace", "reset",
    "revoke", "rollback", "set", "start", "truncate", "update", "use", "vacuum",
})  # fmt: skip

SLIPS = (AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What sqlglot lets out where a text is none that it reckoned with: it builds some calls of arguments that it
has not counted."""

_READS = (exp.Query, exp.Pivot, exp.Summarize, exp.Describe, exp.Values)


def load_dialect(name: str = DIALECT) -> None:
    """Load a dialect of sqlglot, which takes longer than to parse a query; once loaded, it takes nothing.

    To be called before its first use: sqlglot offers a dialect to other threads while it is still being made,
    and these would parse with half of it. An import waits for the thread that has begun it.
    """
    import_module(f"sqlglot.dialects.{name}")


def parse_query(sql: str) -> exp.Expr:
    """The syntax tree of one reading statement.

    Raises SqlSyntaxError (with line and column) for what does not parse, UnsupportedSqlError for anything
    but one SELECT-like statement, and for functions that reach beyond the lake's tables.
    """
    load_dialect()
    first = sql.split(maxsplit=1)[0].casefold() if sql.strip() else ""
    if first in WRITES:
        raise UnsupportedSqlError(
            f"{first.upper()} is refused: lakeq only reads. Write a SELECT statement", sql
        )
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect=DIALECT) if tree is not None]
    except (SqlglotError, *SLIPS) as error:
        raise syntax_error(sql, error) from error
    except RecursionError as error:
        raise nested_too_deeply(sql) from error
    if not trees:
        raise SqlSyntaxError("The query is empty: write a SELECT statement", sql)
    if len(trees) > 1:
        raise UnsupportedSqlError(f"One statement at a time: this text holds {len(trees)}", sql)
    tree = trees[0]
    refuse_writes(tree, sql)
    refuse_functions(tree, sql)
    refuse_misread(tree, sql)
    return tree


def nested_too_deeply(sql: str) -> SqlSyntaxError:
    """The error for SQL that Python cannot follow to its innermost part."""
    return SqlSyntaxError("The query is nested too deeply. Write lists of conditions as IN (…)", sql)


def refuse_misread(tree: exp.Expr, sql: str) -> None:
    """SqlSyntaxError for what sqlglot takes for something else: of `x <> ALL list`, without parentheses, it
    makes a column ALL that is called list. DuckDB has no column of that name unless it is quoted."""
    for column in tree.find_all(exp.Column):
        name = column.this
        if isinstance(name, exp.Identifier) and not name.quoted and name.name.upper() in ("ALL", "SOME"):
            raise SqlSyntaxError(
                f"Not understood: {name.name}. Write it with parentheses: {name.name} (…)", sql
            )


def refuse_writes(tree: exp.Expr, sql: str) -> None:
    """UnsupportedSqlError for a statement that is not a read."""
    into = tree.args.get("into") if isinstance(tree, exp.Select) else None
    if not isinstance(tree, _READS) or into is not None:
        name = "SELECT INTO" if into is not None else type(tree).__name__.upper()
        raise UnsupportedSqlError(f"{name} is refused: lakeq only reads. Write a SELECT statement", sql)
    for node in tree.find_all(
        exp.Insert, exp.Update, exp.Delete, exp.Create, exp.Copy, exp.Command, exp.Show
    ):
        raise UnsupportedSqlError(f"{type(node).__name__.upper()} is refused: lakeq only reads", sql)


def refuse_functions(tree: exp.Expr, sql: str) -> None:
    """UnsupportedSqlError for a function that could reach something beside the lake's tables."""
    for call in tree.find_all(exp.Func):
        name = function_name(call)
        if isinstance(call.parent, exp.Table) and call.arg_key == "this" and name not in TABLE_FUNCTIONS:
            raise UnsupportedSqlError(
                f"{name}() is refused in FROM: lakeq reads only the tables of the lake. "
                "Name the files as a table with lake.register() or in lakeq.toml",
                sql,
                *find_position(sql, name),
            )
        if is_refused(name):
            raise UnsupportedSqlError(
                f"{name}() is refused: a query reaches only the tables of the lake. Leave it out",
                sql,
                *find_position(sql, name),
            )


def find_position(sql: str, word: str, dialect: str = DIALECT) -> tuple[int, int]:
    """Line and column (from 1) of the first token that reads `word`; (0, 0) when there is none."""
    try:
        tokens = sqlglot.tokenize(sql, read=dialect)
    except SqlglotError:
        return (0, 0)
    for token in tokens:
        if token.text.casefold() == word.casefold():
            return (token.line, token.start - sql.rfind("\n", 0, token.start))
    return (0, 0)


def syntax_error(sql: str, error: Exception) -> SqlSyntaxError:
    """Our error for sqlglot's, with its place."""
    details = getattr(error, "errors", None) or [{}]
    first = details[0]
    line, end = int(first.get("line") or 0), int(first.get("col") or 0)
    word = str(first.get("highlight") or "")
    near = f" near '{word}'" if word.strip() else ""
    told = str(first.get("description") or "")
    what = "something is missing" if "missing" in told or "SENTINEL" in told else "this is not expected here"
    return SqlSyntaxError(
        f"Syntax error{near}: {what}", sql, line, max(end - len(word) + 1, 1) if line else 0
    )


def number_placeholders(sql: str) -> str:
    """`sql` with each `?` written as `$1`, `$2`, … in the order of the text."""
    parts, at, count = [], 0, 0
    for token in sqlglot.tokenize(sql, read=DIALECT):
        if token.token_type is TokenType.PLACEHOLDER and token.text == "?":
            count += 1
            parts += [sql[at : token.start], f"${count}"]
            at = token.end + 1
    return "".join([*parts, sql[at:]])


def write_parameters(sql: str, params: Sequence[Any] | Mapping[str, Any] | None) -> str:
    """`sql` with the literal of its value in the place of each parameter, and without a semicolon at its end.
    The rest of the text stays.

    QueryError when a parameter has no value, or one without a literal, such as a list.
    """
    sql = number_placeholders(sql)
    values = {str(k): v for k, v in params.items()} if isinstance(params, Mapping) else {}
    if params is not None and not isinstance(params, Mapping):
        values = {str(i): value for i, value in enumerate(params, start=1)}
    tokens = sqlglot.tokenize(sql, read=DIALECT)
    if tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        sql = sql[: tokens.pop().start]
    parts, at = [], 0
    for mark, token in pairwise(tokens):
        if mark.token_type is TokenType.PARAMETER and mark.end + 1 == token.start:
            literal = to_literal(values[token.text]) if token.text in values else None
            if literal is None:
                why = "its value has no literal in SQL" if token.text in values else "it has no value"
                raise QueryError(f"Parameter ${token.text} cannot be written into the query: {why}", sql)
            parts += [sql[at : mark.start], literal.sql(DIALECT)]
            at = token.end + 1
    return "".join([*parts, sql[at:]])


def bind_parameters(tree: exp.Expr, params: Sequence[Any] | Mapping[str, Any] | None, sql: str) -> exp.Expr:
    """`tree` with every parameter that has a literal form replaced by it; the others stay and prune nothing.

    QueryError when a parameter has no value, or a value no parameter.
    """
    values = {str(k): v for k, v in params.items()} if isinstance(params, Mapping) else {}
    if params is not None and not isinstance(params, Mapping):
        values = {str(i): value for i, value in enumerate(params, start=1)}
    if tree.find(exp.Placeholder, exp.Parameter) is None and not values:
        return tree
    used: set[str] = set()

    def replace(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Placeholder | exp.Parameter):
            return node
        name = node.name or "?"
        if name not in values:
            given = f"values were given for {', '.join(values)}" if values else "no values were given"
            raise QueryError(f"Parameter ${name} has no value: {given}{_hint_column(name)}", sql)
        used.add(name)
        literal = to_literal(values[name])
        return node if literal is None else literal

    bound = tree.transform(replace)
    if unused := [name for name in values if name not in used]:
        raise QueryError(f"The query has no parameter ${unused[0]}, but a value was given for it", sql)
    return bound


def _hint_column(name: str) -> str:
    from lakeq.catalog.table import HIDDEN_COLUMNS  # loads pyarrow, which parsing does without

    is_column = any(column.name == f"${name}" for column in HIDDEN_COLUMNS)
    return f'. The column is written "${name}", in quotes' if is_column else ""


def to_literal(value: Any) -> exp.Expr | None:
    """The SQL literal that means the same as a bound Python value; None where there is none."""
    match value:
        case None:
            return exp.null()
        case bool():
            return exp.Boolean(this=value)
        case float() if not math.isfinite(value):
            return exp.cast(exp.Literal.string(str(value)), "double", dialect=DIALECT)
        case float():
            return exp.cast(exp.Literal.string(repr(value)), "double", dialect=DIALECT)
        case int() | Decimal():
            text = format(value, "f") if isinstance(value, Decimal) else str(value)
            return exp.maybe_parse(f"({text})", dialect=DIALECT)
        case str():
            return exp.Literal.string(value)
        case dt.datetime():
            kind = "timestamp" if value.tzinfo is None else "timestamptz"
            return exp.cast(exp.Literal.string(value.isoformat(" ")), kind, dialect=DIALECT)
        case dt.date():
            return exp.cast(exp.Literal.string(value.isoformat()), "date", dialect=DIALECT)
    return None


_CLOCK_CALLS = {"now", "transaction_timestamp", "get_current_timestamp"}


def pin_clock(tree: exp.Expr, now: dt.datetime) -> tuple[exp.Expr, bool]:
    """`tree` with `now()`, `current_timestamp`, `current_date` and `today()` replaced by the moment `now`,
    and whether there was any of them."""
    asks = any(is_clock(node) for node in tree.walk())
    if not asks:
        return tree, False
    moment = exp.cast(exp.Literal.string(now.isoformat(" ")), "timestamptz", dialect=DIALECT)

    def replace(node: exp.Expr) -> exp.Expr:
        if not is_clock(node):
            return node
        if isinstance(node, exp.CurrentDate):
            return exp.cast(moment.copy(), "date", dialect=DIALECT)
        return moment.copy()

    return tree.transform(replace), True


def is_clock(node: exp.Expr) -> bool:
    """Whether `node` asks what time it is."""
    if isinstance(node, exp.Anonymous):
        return function_name(node) in _CLOCK_CALLS
    return isinstance(node, exp.CurrentTimestamp | exp.CurrentDate)
