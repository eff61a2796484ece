"""How DuckDB is shown a table of Hive layout."""

from __future__ import annotations

import duckdb
from questions import Table


def create_view(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """The table as a view over its files. Its keys are integers: DuckDB would take `day=01` for text."""
    types = ", ".join(f"'{key}': BIGINT" for key in table.keys)
    connection.execute(
        f"CREATE VIEW {table.name} AS FROM read_parquet('{table.glob}', hive_partitioning = true, "
        f"hive_types = {{{types}}})"
    )
