"""Beneath the binder's own refusal: DuckDB is handed one statement, and only one that reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from lakeq.errors import SqlSyntaxError, UnsupportedSqlError

_READS = {"SELECT", "MULTI"}
"""The types of statement that only read. FROM-first, VALUES, TABLE, DESCRIBE, SUMMARIZE, SHOW and UNPIVOT are
SELECT; a PIVOT without IN is MULTI, but so is everything else that has one inside."""

_WRITING_WORDS = re.compile(r"copy|insert|update|delete|merge|create|explain|serialized_sql", re.IGNORECASE)
_WORD = re.compile(r'"((?:[^"]|"")+)"|(\w+)')
_WRITING_NODE = re.compile(r"(?!CTE_|RECURSIVE_CTE_|SELECT_|SET_OPERATION_|STATEMENT_).*_QUERY_NODE")


def runs_when_bound(connection: DuckDBPyConnection, sql: str) -> bool:
    """Whether binding `sql` reads data: a PIVOT without IN looks up its columns first."""
    if "pivot" not in sql.casefold():
        return False
    return bool(connection.extract_statements(sql)[0].type.name == "MULTI")


def refuse_writes(connection: DuckDBPyConnection, sql: str) -> None:
    """UnsupportedSqlError unless `sql` is one statement that reads; DuckDB's own error when it is not SQL.

    A COPY may hide in a WITH clause, where DuckDB 2.0 runs it and yet calls the statement a SELECT.
    """
    statements = connection.extract_statements(sql)
    if not statements:
        raise SqlSyntaxError("No SQL given: the query is empty.", sql)
    if len(statements) > 1:
        raise UnsupportedSqlError(f"One statement at a time: the text holds {len(statements)}.", sql)
    kind = statements[0].type.name
    if kind not in _READS:
        raise UnsupportedSqlError(f"Only queries can be run, not {kind}: lakeq reads, it never writes.", sql)
    if not _WRITING_WORDS.search(sql):
        return
    if kind == "MULTI":
        raise UnsupportedSqlError(
            "A PIVOT without IN cannot stand in a text that holds words like COPY or INSERT. "
            "Name the pivoted values: PIVOT … ON column IN (…).",
            sql,
        )
    if _writes(_parse_tree(connection, sql)):
        raise UnsupportedSqlError("Only queries can be run, and this one writes: lakeq only reads.", sql)


def find_names(connection: DuckDBPyConnection, sql: str) -> tuple[str, ...] | None:
    """The names in `sql` that may stand for tables; None when it is not one statement of DuckDB's SQL.

    Of a statement that DuckDB does not take apart, a PIVOT without IN, every word may be one.
    """
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error:
        return None
    if len(statements) != 1:
        return None
    if statements[0].type.name == "SELECT":
        found = _table_names(_parse_tree(connection, sql))
    else:
        found = (quoted.replace('""', '"') or word for quoted, word in _WORD.findall(sql))
    return tuple(dict.fromkeys(found))


def _parse_tree(connection: DuckDBPyConnection, sql: str) -> Any:
    return json.loads(connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()[0][0])


def _table_names(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "table_name" in node and node.get("type") != "COLUMN_REF":
            yield node["table_name"]
        for value in node.values():
            yield from _table_names(value)
    elif isinstance(node, list):
        for value in node:
            yield from _table_names(value)


def _writes(node: Any) -> bool:
    if isinstance(node, list):
        return any(map(_writes, node))
    if not isinstance(node, dict):
        return False
    if _WRITING_NODE.fullmatch(str(node.get("type"))) or "serialized_sql" in str(node.get("function_name")):
        return True
    return any(map(_writes, node.values()))
