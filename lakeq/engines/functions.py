"""Which of DuckDB's functions a user may want to call in a query."""

from __future__ import annotations

import re

from duckdb import DuckDBPyConnection

from lakeq.planner.functions import TABLE_FUNCTIONS, is_refused

_INTERNAL = re.compile(
    r"(_|pg_|icu_|inet_|collate_|has_\w+_privilege$|txid_|json_(de)?serialize_|json_copy_|parse_duckdb)\w*"
    r"|\w*(_byte_comparable|_pg_oid|_compressed)|in_search_path"
    r"|\w+_description|create_sort_key|get_block_size|remap_struct|variant_(comparator|normalize|to_parquet\w*)"
)
"""Functions for DuckDB's own use, for servers and for databases that are written to."""


def list_functions(connection: DuckDBPyConnection) -> tuple[str, ...]:
    """Names in alphabetical order, of functions that read nothing beside the tables of a query."""
    rows = connection.execute(
        "SELECT DISTINCT function_name, function_type LIKE 'table%' FROM duckdb_functions() "
        "WHERE function_type IN ('scalar', 'aggregate', 'macro', 'window', 'table', 'table_macro')"
    ).fetchall()
    names = {name for name, is_table in rows if not is_table or name in TABLE_FUNCTIONS}
    offered = (name for name in names if name.isidentifier() and not is_refused(name))
    return tuple(sorted(name for name in offered if not _INTERNAL.fullmatch(name)))
