"""The DuckDB database in which the indexes of one lake lie, and in which conditions are evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

INDEX_SCHEMA = "lake_index"
"""The attached database that holds the tables: compressed, in memory."""

Database = duckdb.DuckDBPyConnection
"""The database that holds the indexes of one lake."""


def open_index_database() -> Database:
    """An empty in-memory database for the indexes of one lake."""
    database = duckdb.connect(":memory:", config={"python_enable_replacements": "false"})
    database.execute(f"ATTACH ':memory:' AS {INDEX_SCHEMA} (COMPRESS)")
    return database


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
