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
from lakeq.planner.dialects.spelling import spell_calls
from lakeq.planner.parse import SLIPS, WRITES, load_dialect, refuse_writes, syntax_error

_MORE_WRITES = frozenset(
    {"unload", "msck", "optimize", "cache", "uncache", "add", "export", "declare", "show"}
)
_CONSTRUCTORS = ("ARRAY", "LIST")
"""Names before `(…)[…]` that sqlglot takes for the beginning of an array."""


def read_query(sql: str, dialect: str) -> exp.Expr:
    """The syntax tree of one statement. SqlSyntaxError; UnsupportedSqlError for one that does not read."""
    words = sql.split(maxsplit=1)
    first = words[0].casefold() if words else ""
    if first in WRITES | _MORE_WRITES:
        raise UnsupportedSqlError(
            f"{first.upper()} is refused: lakeq only reads. Write a SELECT statement", sql
        )
    load_dialect(dialect)
    try:
        known = sqlglot.Dialect.get_or_raise(dialect)
        tokens = known.tokenize(sql)
        mark_calls(tokens)
        trees = [tree for tree in known.parser().parse(tokens, sql) if tree is not None]
    except SqlglotError as error:
        raise syntax_error(sql, error) from error
    except SLIPS as error:
        raise SqlSyntaxError("Syntax error: a call lacks arguments, or a bracket is open", sql) from error
    if not trees:
        raise SqlSyntaxError("The query is empty: write a SELECT statement", sql)
    if len(trees) > 1:
        raise UnsupportedSqlError(f"One statement at a time: this text holds {len(trees)}", sql)
    tree = trees[0]
    refuse_writes(tree, sql)
    number_parameters(tree)
    for node in tree.walk():
        node.comments = None
        if isinstance(node, exp.Select):
            node.set("hint", None)  # about how to join, never about what comes out
        if isinstance(node, exp.DataType) and node.this is exp.DType.DATETIME:
            node.set("this", exp.DType.TIMESTAMPNTZ)  # BigQuery's, of no zone
    return spell_calls(tree, dialect)


def number_parameters(tree: exp.Expr) -> None:
    """Write each `?` as `$1`, `$2`, …: a translation may repeat what it is made of."""
    placeholders = [n for n in tree.walk(bfs=False) if isinstance(n, exp.Placeholder) and n.name in ("", "?")]
    for number, node in enumerate(placeholders, start=1):
        node.replace(exp.Parameter(this=exp.Literal.number(number)))


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
