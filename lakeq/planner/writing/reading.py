"""DuckDB's SQL to a syntax tree in which each call is the call that the user wrote.

sqlglot reads many functions as what it takes them for, and some with their arguments in another order. What a
function means is told by the tables of this package alone, so every call stays a name and its arguments.
"""

from __future__ import annotations

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError

from lakeq.errors import UnsupportedSqlError
from lakeq.planner.dialects.reading import number_parameters
from lakeq.planner.dialects.spelling import call
from lakeq.planner.parse import DIALECT, SLIPS, load_dialect

_MARK = "lakeq_call_"
_NAMES = (
    TokenType.VAR, TokenType.LEFT, TokenType.RIGHT, TokenType.REPLACE, TokenType.FIRST, TokenType.GLOB,
    TokenType.DATE, TokenType.TIMESTAMP, TokenType.LIST,
)  # fmt: skip
_SYNTAX = frozenset(
    {
        "CAST",
        "TRY_CAST",
        "EXTRACT",
        "TRIM",
        "POSITION",
        "SUBSTRING",
        "OVERLAY",
        "COLUMNS",
        "EXCLUDE",
        "RENAME",
        "MATERIALIZED",
    }
)
"""Calls with a syntax of their own, which the parser has to see."""
_CALLS: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.CurrentDate: ("current_date", "this"),
    exp.CurrentTimestamp: ("current_timestamp", "this"),
    exp.StrPosition: ("strpos", "this", "substr"),
    exp.Substring: ("substring", "this", "start", "length"),
    exp.StartsWith: ("starts_with", "this", "expression"),
    exp.RegexpLike: ("regexp_matches", "this", "expression"),
    exp.RegexpFullMatch: ("regexp_full_match", "this", "expression"),
    exp.Columns: ("columns", "this"),
    exp.Abs: ("abs", "this"),
    exp.BitwiseXor: ("xor", "this", "expression"),
    exp.Explode: ("unnest", "this"),
    exp.Pow: ("pow", "this", "expression"),
}


def read_duckdb(sql: str) -> exp.Expr:
    """The syntax tree of one query in DuckDB's SQL. UnsupportedSqlError where sqlglot cannot read it."""
    load_dialect()
    dialect = sqlglot.Dialect.get_or_raise(DIALECT)
    try:
        tokens = dialect.tokenize(sql)
        for before, token, after in zip([None, *tokens], tokens, tokens[1:], strict=False):
            is_call = token.token_type in _NAMES and after.token_type is TokenType.L_PAREN
            is_part = (  # * REPLACE (…)
                token.token_type is TokenType.REPLACE
                and before is not None
                and before.token_type in (TokenType.STAR, TokenType.R_PAREN)
            )
            if is_call and not is_part and token.text.upper() not in _SYNTAX:
                token.text = _MARK + token.text
        trees = [tree for tree in dialect.parser().parse(tokens, sql) if tree is not None]
    except (SqlglotError, RecursionError, *SLIPS) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise UnsupportedSqlError(f"The query cannot be taken apart ({reason})", sql) from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Query | exp.Values):
        raise UnsupportedSqlError("Only a SELECT statement can be written in another dialect", sql)
    tree = trees[0]
    for node in tree.walk():
        node.comments = None
        name = node.args.get("this")
        if isinstance(name, str) and name.startswith(_MARK):
            node.set("this", name.removeprefix(_MARK))
    number_parameters(tree)
    return _spell_calls(tree)


def _spell_calls(tree: exp.Expr) -> exp.Expr:
    """`tree` with a call in the place of each function that has a syntax of its own."""
    for node in reversed(list(tree.walk(bfs=False))):
        spelled = None
        if type(node) in _CALLS:
            name, *parts = _CALLS[type(node)]
            if not any(value and part not in parts for part, value in node.args.items()):
                spelled = call(name, *(node.args.get(part) for part in parts))
        elif isinstance(node, exp.Extract):
            spelled = call("date_part", exp.Literal.string(node.name.casefold()), node.expression)
        elif isinstance(node, exp.Trim) and not node.args.get("collation"):
            side = (node.args.get("position") or "both").casefold()
            name = {"leading": "ltrim", "trailing": "rtrim"}.get(side, "trim")
            spelled = call(name, node.this, node.expression)
        if spelled is not None:
            node.replace(spelled)
    return tree
