"""The SQL that a query may be written in, and which of them a query is in."""

from __future__ import annotations

from difflib import get_close_matches

from lakeq.errors import ConfigError
from lakeq.settings import find_setting

DUCKDB = "duckdb"
TITLES = {
    DUCKDB: "DuckDB",
    "athena": "Athena",
    "trino": "Trino",
    "spark": "Spark",
    "bigquery": "BigQuery",
}
"""The dialects by name, and what they are called to a user."""


def find_dialect(given: str | None, declared: str | None = None) -> str:
    """The dialect of a query: as given, else as declared for the lake, else of the environment
    (LAKEQ_DIALECT), else DuckDB's. ConfigError for one that is not known."""
    found = find_setting("dialect", given or None, {"dialect": declared or None})
    return found.parse(_check_dialect) or DUCKDB


def _check_dialect(chosen: str) -> str:
    name = chosen.casefold()
    if name not in TITLES:
        near = get_close_matches(name, TITLES, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"Unknown dialect {chosen!r}.{hint} There are: {', '.join(TITLES)}.")
    return name
