"""A query in any dialect, bound to tables: what runs is DuckDB's, what is told is in the user's own words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from lakeq.catalog.table import Table
from lakeq.errors import QueryError
from lakeq.planner.bind import BoundQuery
from lakeq.planner.dialects.names import DUCKDB
from lakeq.planner.dialects.translate import translate
from lakeq.planner.parse import find_position

_PLACE = re.compile(r" at line \d+, column \d+")
_NAMED = re.compile(r"'([^']+)'")


def bind_dialect(
    sql: str,
    dialect: str,
    bind: Callable[[str], BoundQuery],
    names: Sequence[str],
    load: Callable[[str], Table],
    views: Mapping[str, str],
) -> BoundQuery:
    """The bound query of `sql`, which is in `dialect`; `bind` binds DuckDB's. Raises as `translate` and
    `bind` do."""
    if dialect == DUCKDB:
        return bind(sql)
    translation = translate(sql, dialect, names, load, views)
    with told_in(sql, dialect):
        bound = bind(translation.sql)
    return replace(bound, sql=sql, dialect=dialect, notes=(*translation.notes, *bound.notes))


@contextmanager
def told_in(sql: str, dialect: str) -> Iterator[None]:
    """Let errors about a translated query speak of `sql`, and of the place in it."""
    try:
        yield
    except QueryError as error:
        if dialect != DUCKDB:
            named = _NAMED.search(str(error))
            error.sql = sql
            error.line, error.column = find_position(sql, named[1], dialect) if named else (0, 0)
            place = f" at line {error.line}, column {error.column}" if error.line else ""
            error.args = (_PLACE.sub(place, str(error), count=1),)
        raise
