"""Shadow: a DuckDB of its own with tables that hold no rows. Relations over them bind, and print their SQL.

Nothing of a lake is in it but names and types of columns, and nothing can be read from it.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection, DuckDBPyRelation

from lakeq.engines.connection import lock_settings
from lakeq.engines.translation import translate_bind_error
from lakeq.formats.types import quote_name
from lakeq.storage.forks import check_process, keep_from_children

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "1",
}
_PLACE = re.compile(r'"query_location(_length)?":\d+,?')
"""What a syntax tree says of the text alone."""


class Shadow:
    """Tables without rows, in a database that is opened at its first use. Thread-safe through `building`."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._connection: DuckDBPyConnection | None = None
        self._tables: dict[tuple[str, tuple[tuple[str, str], ...]], str] = {}

    @contextmanager
    def building(self) -> Iterator[None]:
        """While relations are made: one thread at a time, and DuckDB's errors as ours.

        ColumnNotFoundError, UnsupportedSqlError for a function that is not there, else QueryError.
        """
        check_process(self._process, "This DataFrame")
        with self._lock:
            try:
                yield
            except duckdb.Error as error:
                raise translate_bind_error(str(error), "", None) from error

    def table(self, label: str, columns: Sequence[tuple[str, str]]) -> tuple[str, DuckDBPyRelation]:
        """A table of these columns and DuckDB types: what it is called in here, and so in the SQL that is
        printed, and a relation over it. The same for the same `label` and columns."""
        with self.building():
            connection, key = self._open(), (label, tuple(columns))
            if key not in self._tables:
                tag = f"lakeq source {len(self._tables) + 1}"
                listed = ", ".join(f"{quote_name(name)} {kind}" for name, kind in columns)
                connection.execute(f"CREATE TABLE {quote_name(tag)} ({listed})")
                self._tables[key] = tag
            tag = self._tables[key]
            return tag, connection.table(quote_name(tag))

    def schema(self, relation: DuckDBPyRelation) -> pa.Schema:
        """The Arrow schema of what a relation gives."""
        with self.building():
            return relation.to_arrow_table().schema

    def means_same(self, sql: str, other: str) -> bool:
        """Whether DuckDB's parser makes the same of both texts."""
        ask = "SELECT json_serialize_sql(?::VARCHAR), json_serialize_sql(?::VARCHAR)"
        with self._lock:
            try:
                ((tree, same),) = self._open().execute(ask, [sql, other]).fetchall()
            except duckdb.Error:
                return False
        return tree.startswith('{"error":false') and _PLACE.sub("", tree) == _PLACE.sub("", same)

    def _open(self) -> DuckDBPyConnection:
        if self._connection is None:
            self._connection = keep_from_children(duckdb.connect(":memory:", config=_CONFIG))
            self._connection.execute("SET enable_external_access=false")
            lock_settings(self._connection)
        return self._connection
