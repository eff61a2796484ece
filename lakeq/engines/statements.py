"""Beneath the binder's own refusal: DuckDB is handed one statement, and only one that reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from lakeq.errors import SqlSyntaxError, UnsupportedSqlError
from lakeq.planner.functions import TABLE_FUNCTIONS, is_refused

_READS = {"SELECT", "MULTI"}
"""The types of statement that only read. FROM-first, VALUES, TABLE, DESCRIBE, SUMMARIZE, SHOW and UNPIVOT are
SELECT; a PIVOT without IN is MULTI, but so is everything else that has one inside."""

_WRITING_WORDS = re.compile(r"copy|insert|update|delete|merge|create|explain|serialized_sql", re.IGNORECASE)
_CALL = re.compile(r'(?:"((?:[^"]|"")+)"|(\w+))\s*(?=\(|--|/\*)')
"""A name before a bracket, or before a comment, after which a bracket may follow."""

_WORD = re.compile(r'"((?:[^"]|"")+)"|(\w+)')
_WRITING_NODE = re.compile(r"(?!CTE_|RECURSIVE_CTE_|SELECT_|SET_OPERATION_|STATEMENT_).*_QUERY_NODE")


def runs_when_bound(connection: DuckDBPyConnection, sql: str) -> bool:
    """Whether binding `sql` reads data: a PIVOT without IN looks up its columns first."""
    if "pivot" not in sql.casefold():
        return False
    return _statement_type(connection.extract_statements(sql)[0]) == "MULTI"


def refuse_writes(connection: DuckDBPyConnection, sql: str) -> None:
    """UnsupportedSqlError unless `sql` is one statement that reads; DuckDB's own error when it is not SQL.

    A COPY may hide in a WITH clause, where DuckDB 2.0 runs it and yet calls the statement a SELECT.
    """
    if not _is_unicode(sql):
        raise SqlSyntaxError("The query holds half a character (a lone surrogate). Write it whole.", sql)
    statements = connection.extract_statements(sql)
    if not statements:
        raise SqlSyntaxError("No SQL given: the query is empty.", sql)
    if len(statements) > 1:
        raise UnsupportedSqlError(f"One statement at a time: the text holds {len(statements)}.", sql)
    kind = _statement_type(statements[0])
    if kind not in _READS:
        raise UnsupportedSqlError(f"Only queries can be run, not {kind}: lakeq reads, it never writes.", sql)
    if kind == "MULTI":
        _refuse_words(connection, sql)
        return
    tree = _parse_tree(connection, sql)
    if _WRITING_WORDS.search(sql) and _writes(tree):
        raise UnsupportedSqlError("Only queries can be run, and this one writes: lakeq only reads.", sql)
    if outside := next(_reach_outside(tree), None):
        raise UnsupportedSqlError(f"{outside} is refused: a query reaches only the tables of the lake.", sql)


def _refuse_words(connection: DuckDBPyConnection, sql: str) -> None:
    """UnsupportedSqlError for a PIVOT without IN, which DuckDB gives no tree of, that holds a word that may
    write or reach outside."""
    called = {(quoted.replace('""', '"') or word).casefold() for quoted, word in _CALL.findall(sql)}
    words = [*filter(is_refused, sorted(called)), *_find_table_functions(connection, called)]
    if found := _WRITING_WORDS.search(sql):
        words.append(found[0])
    if words:
        raise UnsupportedSqlError(
            f"A PIVOT without IN cannot stand in a text that holds the word {words[0]}. "
            "Name the pivoted values: PIVOT … ON column IN (…).",
            sql,
        )


def _find_table_functions(connection: DuckDBPyConnection, names: set[str]) -> list[str]:
    """Those of `names` that only make tables, in a way that a query may not."""
    rows = connection.execute(
        "SELECT lower(function_name) FROM duckdb_functions() WHERE list_contains(?, lower(function_name)) "
        "GROUP BY 1 HAVING bool_and(function_type LIKE 'table%' OR function_type = 'pragma') ORDER BY 1",
        [sorted(names - TABLE_FUNCTIONS)],
    ).fetchall()
    return [name for (name,) in rows]


def find_names(connection: DuckDBPyConnection, sql: str) -> tuple[str, ...] | None:
    """The names in `sql` that may stand for tables; None when it is not one statement of DuckDB's SQL.

    Of a statement that DuckDB does not take apart, a PIVOT without IN, every word may be one.
    """
    if not _is_unicode(sql):
        return None
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error:
        return None
    if len(statements) != 1:
        return None
    if _statement_type(statements[0]) == "SELECT":
        found = _table_names(_parse_tree(connection, sql))
    else:
        found = (quoted.replace('""', '"') or word for quoted, word in _WORD.findall(sql))
    return tuple(dict.fromkeys(found))


def _is_unicode(sql: str) -> bool:
    """Whether DuckDB can be given the text: Python has texts that UTF-8 has not."""
    try:
        sql.encode()
    except UnicodeEncodeError:
        return False
    return True


def _statement_type(statement: duckdb.Statement) -> str:
    """The name of a statement's type. DuckDB has types, such as CONNECT's, for which Python has no name."""
    try:
        return str(statement.type.name)
    except ValueError:
        return "a statement of an unknown type"


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


def _reach_outside(node: Any) -> Iterator[str]:
    """What in a syntax tree reaches beyond unqualified tables and what is computed, in words."""
    if isinstance(node, list):
        for value in node:
            yield from _reach_outside(value)
    elif isinstance(node, dict):
        kind, called = str(node.get("type")), str(node.get("function_name") or "")
        if kind == "TABLE_FUNCTION":
            name = str(node["function"].get("function_name"))
            if name.casefold() not in TABLE_FUNCTIONS:
                yield f"{name}() in FROM"
        elif kind == "BASE_TABLE" and (node.get("schema_name") or node.get("catalog_name")):
            yield f"A table of the schema {node.get('schema_name') or node['catalog_name']}"
        elif kind == "SHOW_REF" and node.get("show_type") == "SHOW_SPECIAL":
            yield "SHOW"
        elif called and is_refused(called):
            yield f"{called}()"
        for value in node.values():
            yield from _reach_outside(value)
