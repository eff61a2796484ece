"""The DuckDB database in which the indexes of one lake lie, and in which conditions are evaluated."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

import duckdb
import numpy as np
import pyarrow as pa

from lakeq.errors import CatalogError
from lakeq.formats.types import quote_name
from lakeq.storage.forks import keep_from_children

INDEX_SCHEMA = "lake_index"
"""The attached database that holds the tables: compressed, in memory."""

COMPRESS_ROWS = 100_000
"""Rows added after which tables are compressed; fewer are not worth the time."""

_FEW_IDS = 100
"""Ids up to which a list in the SQL is quicker than a join with an Arrow table (which takes 3.5 ms; of 1,000
ids the list takes 13 ms)."""


class Database:
    """The database that holds the indexes of one lake. Safe to use, and to close, from several threads."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection: duckdb.DuckDBPyConnection | None = connection
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of the caller's own, which may outlive this one. CatalogError when closed."""
        with self._lock:
            if self._connection is None:
                raise closed_lake()
            return self._connection.cursor()

    def close(self) -> None:
        """Give no more cursors; the tables are freed with the last of them."""
        with self._lock:
            self._connection = None  # its close() would close the cursors of others, too

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def closed_lake() -> CatalogError:
    """What a lake answers that was closed, if only by another thread in the midst of a question."""
    return CatalogError("This lake is closed. Open it again with lakeq.connect.")


def open_index_database() -> Database:
    """An empty in-memory database for the indexes of one lake. Conditions of users' queries are evaluated in
    it, so it can open no file, and its settings are locked."""
    database = keep_from_children(duckdb.connect(":memory:", config={"python_enable_replacements": "false"}))
    database.execute(f"ATTACH ':memory:' AS {INDEX_SCHEMA} (COMPRESS)")
    # The zone of times may be set by who holds the database; SQL of users never sets anything.
    database.execute("SET enable_external_access=false; SET allowed_configs=['TimeZone']")
    database.execute("SET lock_configuration=true")
    return Database(database)


def match_rows(database: Database, rows: pa.Table, conditions: Sequence[str | None]) -> np.ndarray[Any, Any]:
    """For which of `rows` an SQL condition over their columns is TRUE.

    Of several conditions the first that evaluates without an error counts; when none does, or it is
    None, all rows match.
    """
    matches = np.ones(rows.num_rows, dtype=bool)
    numbered = rows.append_column("row_number", pa.array(np.arange(rows.num_rows)))
    cursor = database.cursor()
    try:
        cursor.register("candidates", numbered)
        for where in conditions:
            if where is None:
                break
            with suppress(duckdb.Error):
                found = cursor.sql(f"SELECT row_number FROM candidates WHERE {where}").to_arrow_table()
                matches[:] = False
                matches[found["row_number"].to_numpy()] = True
                break
        return matches
    finally:
        cursor.close()


def partition_column(position: int) -> str:
    """The index's column that holds the typed values of a partition key."""
    return f"p{position}"


class IndexTables:
    """The DuckDB tables of one index. Who writes them takes turns."""

    def __init__(self, database: Database, name: str) -> None:
        """`name` tells the tables from those of other indexes."""
        self._database = database
        self._name = name
        self._added = 0
        self.files = self.name("files")

    def name(self, part: str) -> str:
        """The SQL name of one of the tables."""
        return f"{INDEX_SCHEMA}.{quote_name(f'{self._name}:{part}')}"

    @property
    def is_open(self) -> bool:
        """Whether the database can be asked: it is closed with its lake."""
        return self._database.is_open

    def write(self, table: str, select: str, incoming: pa.Table | None = None, is_new: bool = True) -> None:
        """Make a table of what `select` gives, which may read the rows `incoming`; add to it, if not
        `is_new`."""
        cursor = self._database.cursor()
        if incoming is not None:
            cursor.register("incoming", incoming)
        target = f"CREATE OR REPLACE TABLE {table} AS" if is_new else f"INSERT INTO {table}"
        cursor.execute(f"{target} {select}")
        cursor.close()

    def compress(self, rows: int) -> None:
        """Compress the tables once enough rows were added. Another's transaction may be in the way: they then
        stay as they are until the next time."""
        self._added += rows
        if self._added >= COMPRESS_ROWS:
            with suppress(duckdb.TransactionException):
                self._database.cursor().execute(f"CHECKPOINT {INDEX_SCHEMA}")
                self._added = 0

    def read(
        self, sql: str, ids: pa.Array | None = None, marks: np.ndarray[Any, Any] | None = None
    ) -> pa.Table:
        """The rows of a query. `ids` are those that it asks for by `among`, `marks` the column `is_marked`
        of its table `marks`, in the order of the files."""
        cursor = self._database.cursor()
        if marks is not None:
            cursor.register("marks", pa.table({"is_marked": marks}))
        if ids is not None and len(ids) > _FEW_IDS:
            cursor.register("kept", pa.table({"file_id": ids}))
        try:
            return cursor.sql(sql).to_arrow_table()
        finally:
            cursor.close()

    def read_first(self, queries: Sequence[tuple[str, pa.Array | None]]) -> pa.Table | None:
        """The rows of the first of these queries (with the ids that it keeps) that evaluates, None if none
        does."""
        for sql, ids in queries:
            with suppress(duckdb.Error):
                return self.read(sql, ids)
        return None

    def read_surely(self, queries: Sequence[tuple[str, pa.Array | None]]) -> pa.Table:
        """As `read_first`, where the last query holds no condition that a user wrote: it evaluates."""
        *others, last = queries
        found = self.read_first(others)
        return self.read(*last) if found is None else found


def among(ids: pa.Array) -> str:
    """SQL for "file_id is one of these"; of many ids, which are registered as `kept`."""
    if len(ids) > _FEW_IDS:
        return "file_id IN (SELECT file_id FROM kept)"
    return f"file_id IN ({', '.join(map(str, ids.to_pylist()))})" if len(ids) else "FALSE"
