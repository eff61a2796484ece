"""A query in another engine's SQL as a query in DuckDB's that gives the same answer, or an error that names
what is in the way.

Nothing is passed on in hope: a clause, an operator, a function or a cast is translated by a rule of this
package, or the query is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError

from lakeq.catalog.table import Table
from lakeq.errors import UnsupportedSqlError
from lakeq.planner.dialects import bigquery, shared, spark, trino
from lakeq.planner.dialects.aliases import count_offsets_from_zero, settle_aliases
from lakeq.planner.dialects.calls import rewrite_call
from lakeq.planner.dialects.inference import Functions, infer_types
from lakeq.planner.dialects.laterals import rewrite_laterals
from lakeq.planner.dialects.names import DUCKDB, TITLES
from lakeq.planner.dialects.outputs import name_outputs
from lakeq.planner.dialects.reading import read_query
from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.dialects.signatures import read_signatures, wrap
from lakeq.planner.dialects.syntax import Context, rewrite_node
from lakeq.planner.dialects.tables import read_columns, spell_hidden_columns, strip_qualifiers

_SIGNATURES = {
    "athena": trino.SIGNATURES,
    "trino": trino.SIGNATURES,
    "spark": spark.SIGNATURES,
    "bigquery": bigquery.SIGNATURES,
}


@dataclass(frozen=True, slots=True)
class Translation:
    """A query in DuckDB's SQL, and what a reader of its plan should know of the way there."""

    sql: str
    notes: tuple[str, ...] = ()


def translate(
    sql: str,
    dialect: str,
    names: Sequence[str],
    load: Callable[[str], Table],
    views: Mapping[str, str],
) -> Translation:
    """`sql`, written in `dialect`, in DuckDB's SQL. `names` are the lake's tables, of which `load` gives
    those that are mentioned, and `views` its views (in DuckDB's SQL).

    SqlSyntaxError for what is not the dialect's SQL; UnsupportedSqlError, with the place, for what has no
    counterpart or would mean something else.
    """
    if dialect == DUCKDB:
        return Translation(sql)
    tree = read_query(sql, dialect)
    context = Context(dialect, read_functions(dialect), [])
    try:
        notes = strip_qualifiers(tree, [*names, *views])
        spell_hidden_columns(tree, dialect)
        rewrite_laterals(tree)
        settle_aliases(tree, dialect)
        if dialect == "bigquery":
            count_offsets_from_zero(tree)
        infer_types(tree, read_columns(tree, names, load, views), context.functions, dialect)
        name_outputs(tree, dialect)
        tree = _rewrite(tree, context)
        for node in reversed(list(tree.walk(bfs=False))):
            node.type = None  # lest the generator decides by them, too
            if isinstance(node, exp.Anonymous) and node.name.casefold() == "timezone":
                zone, moment = node.expressions  # so written, the planner knows the type of it
                zoned = exp.AtTimeZone(zone=zone.copy())
                zoned.set("this", wrap(moment.copy(), zoned))
                node.replace(wrap(zoned, node.parent))
        text = tree.sql("duckdb", identify=True, unsupported_level=ErrorLevel.RAISE, comments=False)
    except Refusal as refusal:
        raise _unsupported(refusal, sql, TITLES[dialect]) from refusal
    except (SqlglotError, RecursionError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise UnsupportedSqlError(f"{TITLES[dialect]}'s SQL cannot be translated: {reason}", sql) from error
    return Translation(text, (f"Translated from {TITLES[dialect]}: {text}", *notes, *context.notes))


@cache
def read_functions(dialect: str) -> Functions:
    """The functions of a dialect, by lower-case name."""
    return read_signatures(shared.SIGNATURES + _SIGNATURES[dialect])


def _rewrite(tree: exp.Expr, context: Context) -> exp.Expr:
    """Each node by its rule, children before parents."""
    for node in reversed(list(tree.walk(bfs=False))):
        type_ = node.type
        new = rewrite_call(node, context) if isinstance(node, exp.Anonymous) else rewrite_node(node, context)
        if new is not node:
            new.type = type_
            if node is tree:
                tree = new
            else:
                node.replace(new)
    return tree


def _unsupported(refusal: Refusal, sql: str, title: str) -> UnsupportedSqlError:
    start = next((n.meta["start"] for n in refusal.node.walk() if "start" in n.meta), None)
    line = column = 0
    if start is not None:
        line, column = sql.count("\n", 0, start) + 1, start - sql.rfind("\n", 0, start)
    at = f" at line {line}, column {column}" if line else ""
    return UnsupportedSqlError(f"Not translated from {title}{at}: {refusal.reason}.", sql, line, column)
