"""The parameters that a query names."""

from __future__ import annotations

from sqlglot import exp

from lakeq.errors import LakeqError
from lakeq.planner.dialects.names import DUCKDB
from lakeq.planner.dialects.reading import read_query
from lakeq.planner.parse import parse_query


def find_parameters(sql: str, dialect: str = DUCKDB) -> tuple[str, ...]:
    """The names of a query's `$name` parameters (of `:name`, `@name` in other dialects), each once. None of a
    text that does not parse: the planner's own error is the one to show."""
    try:
        tree = parse_query(sql) if dialect == DUCKDB else read_query(sql, dialect)
    except LakeqError:
        return ()
    named = (node.name for node in tree.find_all(exp.Placeholder, exp.Parameter))
    return tuple(dict.fromkeys(name for name in named if name.isidentifier()))
