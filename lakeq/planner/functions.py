"""Which functions a query may call: those that compute from their arguments, and reach nothing outside."""

from __future__ import annotations

import re

TABLE_FUNCTIONS = frozenset({
    "explode", "generate_series", "generate_subscripts", "generateseries", "json_each", "json_tree", "range",
    "repeat", "repeat_row", "unnest", "values",
})  # fmt: skip
"""Functions that may stand in FROM: they make rows from their arguments. Any other is refused there."""

_REFUSED = re.compile(
    r"current_setting|getvariable|getenv|pg_get_viewdef|pg_get_constraintdef|json_serialize_plan"
    r"|json_execute_serialized_sql|which_secret|write_log|sleep_ms|pg_sleep|currval|nextval|setval|__internal_\w+"
    r"|copy_database|import_database"
)
"""Functions of DuckDB's that tell settings, paths or the text of views, plan or run SQL given as text, write
logs, wait, need something to write to, or are for the optimizer's own use."""

_SYSTEM_NAME = re.compile(r"(duckdb|pg|pragma|sqlite)_\w+")


def is_refused(name: str) -> bool:
    """Whether no query may call the function `name`, wherever it stands."""
    return _REFUSED.fullmatch(name.casefold()) is not None


def is_system_name(name: str) -> bool:
    """Whether DuckDB may know `name` as a view of what it holds, such as `duckdb_settings`."""
    return _SYSTEM_NAME.fullmatch(name.casefold()) is not None
