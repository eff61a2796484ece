"""A plan's query in Spark's or Trino's SQL, that gives the same answer, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from lakeq.catalog.table import HIDDEN_COLUMNS, SIZE_COLUMN
from lakeq.errors import QueryError, UnsupportedSqlError
from lakeq.formats.base import Column
from lakeq.formats.types import sql_type
from lakeq.planner.bind import parse_type
from lakeq.planner.dialects.names import TITLES
from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.parse import bind_parameters
from lakeq.planner.plan import ScanPlan
from lakeq.planner.writing.expressions import write_expression
from lakeq.planner.writing.inline import write_rows
from lakeq.planner.writing.queries import write_any_query
from lakeq.planner.writing.reading import read_duckdb
from lakeq.planner.writing.scope import Names, Scope, Shared, Source
from lakeq.planner.writing.sqltypes import SqlType, read_type

_DIALECTS = ("athena", "spark", "trino")
_LONGEST = 120


def write_query(
    plan: ScanPlan,
    dialect: str,
    names: Mapping[str, str],
    columns: Mapping[str, Sequence[Column]] | None = None,
) -> str:
    """The plan's query in the SQL of `dialect`: "spark" (4, in ANSI mode), "trino" (476) or "athena" (v3),
    the session's zone UTC. `names` are the tables there, quoted, by their names in the lake; `columns` the
    types that tables have there, where these are not the lake's.

    The outputs are DuckDB's, in order: one without a name of its own is `_col2`, a name that comes twice gets
    a number. Integers may be wider and decimals have fewer digits than DuckDB's; NaN, NULL and the order of
    ORDER BY are the same. UnsupportedSqlError names what has no counterpart, or one that may differ.
    """
    if dialect not in _DIALECTS:
        raise ValueError(f"no dialect to write: {dialect}")
    shared = Shared(
        dialect,
        Names(),
        _find_tables(plan, names, columns or {}),
        write_expression,
        write_any_query,
        plan.clock,
    )
    try:
        tree = bind_parameters(read_duckdb(plan.sql), plan.params, plan.sql)
        return write_any_query(tree, Scope(shared)).text
    except Refusal as refusal:
        raise _unsupported(refusal, plan, TITLES[dialect]) from refusal
    except RecursionError as error:
        raise UnsupportedSqlError(
            f'Not written in {TITLES[dialect]}: the query is nested too deeply. Run it with engine="duckdb"',
            plan.text,
        ) from error


def _unsupported(refusal: Refusal, plan: ScanPlan, title: str) -> QueryError:
    place = refusal.node.sql("duckdb", comments=False)
    place = place if len(place) <= _LONGEST else f"{place[: _LONGEST - 1]}…"
    return UnsupportedSqlError(
        f"Not written in {title}: {refusal.reason}, in {place}. Write it in another way, or run it with "
        'engine="duckdb"',
        plan.text,
    )


def _find_tables(
    plan: ScanPlan, names: Mapping[str, str], columns: Mapping[str, Sequence[Column]]
) -> dict[str, Callable[[Scope], Source]]:
    """What each name in FROM stands for: a table there, a view, or rows that are at hand."""
    found: dict[str, Callable[[Scope], Source]] = {}
    for inline in plan.inline:
        found[inline.name.casefold()] = _Rows(inline.rows)
    for view in plan.views:
        found[view.name.casefold()] = _View(view.sql)
    given = {name.casefold(): name for name in names}
    typed = {name.casefold(): listed for name, listed in columns.items()}
    for scan in plan.scans:
        folded = scan.table.name.casefold()
        if folded in given:
            known = list(typed.get(folded, scan.table.columns))
            found[folded] = _Table(names[given[folded]], known)
    return found


class _Rows:
    """Rows that are at hand."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows

    def __call__(self, scope: Scope) -> Source:
        return write_rows(self.rows, scope)


class _View:
    """A view, whose query stands in its place."""

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def __call__(self, scope: Scope) -> Source:
        written = write_any_query(read_duckdb(self.sql), Scope(scope.shared))
        columns = tuple(
            (name or shown, shown, type_)
            for name, (shown, type_) in zip(written.names, written.outputs, strict=True)
        )
        return Source(f"({written.text})", columns)


class _Table:
    """A table there."""

    def __init__(self, name: str, columns: Sequence[Column]) -> None:
        self.name = name
        self.columns = columns

    def __call__(self, scope: Scope) -> Source:
        shown = {c.name for c in self.columns}
        hidden = [
            c for c in HIDDEN_COLUMNS if c.name not in shown and (scope.is_spark or c.name == SIZE_COLUMN)
        ]
        columns = tuple((c.name, c.name, type_there(c.type)) for c in (*self.columns, *hidden))
        return Source(self.name, columns, frozenset(c.name for c in hidden))


def type_there(type_: pa.DataType) -> SqlType | None:
    """A column's type; None for one that the other engines do not have, or not as fine."""
    if "ns" in str(type_):
        return None
    return read_type(parse_type(sql_type(type_)))
