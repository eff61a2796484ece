"""How a statement is bound on a DuckDB connection, and how views are made on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection, DuckDBPyRelation

from lakeq.engines.statements import refuse_writes
from lakeq.engines.translation import Place, find_place, translate_bind_error
from lakeq.errors import EngineError
from lakeq.formats.types import quote_name, quote_text
from lakeq.planner.plan import View
from lakeq.storage.forks import keep_from_children

Params = Sequence[Any] | Mapping[str, Any] | None

_MOST_PASSED = 64
"""Texts that a QueryCheck remembers, at most."""


def bind_query(connection: DuckDBPyConnection, sql: str, params: Params) -> DuckDBPyRelation:
    """`sql`, which a QueryCheck let pass, bound and not run. QueryError and its kin when it cannot be."""
    try:
        return connection.sql(sql, params=params or None)
    except duckdb.ConnectionException as error:
        raise closed_engine() from error
    except duckdb.Error as error:
        place = find_place(str(error), sql) or _find_place_again(connection, sql, params)
        raise translate_bind_error(str(error), sql, place) from error


def closed_engine() -> EngineError:
    """What an engine answers that was closed, if only by another thread in the midst of a query."""
    return EngineError("This engine is closed. Open the lake again.")


def create_views(connection: DuckDBPyConnection, views: Iterable[View], check: QueryCheck) -> None:
    """Make `views` in order. QueryError and its kin, on the text of the view that cannot be made."""
    for view in views:
        check(connection, view.sql)
        try:
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote_name(view.name)} AS {view.sql}")
        except duckdb.Error as error:
            raise translate_bind_error(str(error), view.sql, None) from error


class QueryCheck:
    """Judges texts of queries before anything else is done with them. Safe to use from several threads.

    A text that passed is not taken apart again, as when it is validated, and then run: what DuckDB's parser
    makes of it depends on nothing else, since the settings are locked and nothing can be created.
    """

    def __init__(self) -> None:
        self._passed: dict[str, None] = {}

    def __call__(self, connection: DuckDBPyConnection, sql: str) -> None:
        """Raise what `refuse_writes` does, and SqlSyntaxError for a text that is not SQL."""
        if sql in self._passed:
            return
        try:
            refuse_writes(connection, sql)
        except duckdb.ConnectionException as error:
            raise closed_engine() from error
        except duckdb.Error as error:
            raise translate_bind_error(str(error), sql, find_place(str(error), sql)) from error
        if len(self._passed) >= _MOST_PASSED:
            self._passed.clear()
        self._passed[sql] = None


def find_closing(connection: DuckDBPyConnection) -> Callable[[], None]:
    """What closes the connection, at the latest when the interpreter ends: in this process, and in none that
    is forked from it. It never raises: one that a thread still uses then is left as it is."""
    return partial(_close, keep_from_children(connection), os.getpid())


def _close(connection: DuckDBPyConnection, process: int) -> None:
    if os.getpid() == process:
        with suppress(duckdb.Error):
            connection.close()


def lock_settings(connection: DuckDBPyConnection, changeable: Iterable[str] = ()) -> None:
    """Let no setting of the database be changed any more, save those that are `changeable`."""
    listed = ", ".join(map(quote_text, changeable))
    connection.execute(f"SET allowed_configs=[{listed}]; SET lock_configuration=true")


def _find_place_again(connection: DuckDBPyConnection, sql: str, params: Params) -> Place | None:
    """Where a text that does not bind goes wrong: DuckDB tells it of a statement, not of a relation."""
    above = "EXPLAIN\n"
    try:
        connection.execute(above + sql, params or None)
    except duckdb.Error as error:
        place = find_place(str(error), above + sql)
        return place and Place(place.line - 1, place.column)
    return None
