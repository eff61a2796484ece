"""`lakeq.connect`: from a location to a Lake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lakeq.cache import open_cache
from lakeq.catalog.definitions import LakeDefinition, load_definition
from lakeq.engines.duckdb import Scanner
from lakeq.engines.limits import find_run_limits
from lakeq.engines.names import find_engine_settings
from lakeq.formats.parquet_keys import GivenKeys, find_parquet_keys
from lakeq.lake import Lake
from lakeq.planner.archived import Archived
from lakeq.planner.pricing import Pricing
from lakeq.quantities import parse_bytes
from lakeq.storage.options import GivenOptions
from lakeq.storage.progress import Observer


def connect(
    location: str | Path,
    *,
    scanner: Scanner = "auto",
    engine: str | None = None,
    engines: Mapping[str, Any] | None = None,
    threads: int | None = None,
    memory_limit: str | int | None = None,
    pricing: str | Pricing | None = None,
    freshness: str | float | None = None,
    cache: bool | str | int | None = None,
    cache_dir: str | Path | None = None,
    read_memory: str | int | None = None,
    progress: Observer | None = None,
    max_footers: int | None = None,
    history: bool | str | None = None,
    archived: Archived | None = None,
    egress: str | float | None = None,
    time_limit: str | float | None = None,
    temp_limit: str | int | None = None,
    row_limit: int | None = None,
    parquet_keys: GivenKeys | None = None,
    **storage_options: Any,
) -> Lake:
    """A Lake over a folder, `s3://bucket/prefix`, another fsspec URL, or a `lakeq.toml` that names its
    tables.

    `scanner="arrow"` decodes every format through pyarrow instead of DuckDB's own readers. `pricing` is the
    name of one of lakeq.planner.pricing.PRICINGS: `"athena"` (default), `"athena-decimal"`, `"bigquery"`,
    `"redshift-spectrum"` or `"none"`. Storage options: endpoint_url, profile, region, anonymous, key, secret,
    token, …. Nothing is read yet, but a folder that does not exist is an error.

    For what is not local: `freshness` is how old a listing may be that a query uses (`"always"`, the default:
    it lists the prefixes it keeps anew, `"index"`: it never lists, or a duration such as `"15m"`); `cache`
    whether bytes are kept on disk, or up to which size (default: 10 GB); `cache_dir` where those and the
    catalog are kept (default: the user's cache folder); `read_memory` the bytes that a query may have fetched
    ahead (default: a quarter of the memory); `progress` is called with a Progress during long work.

    `max_footers` is how many footers of a table an estimate reads (default: `max_footers` under `[limits]`,
    else 2,000); of more files it takes a sample. `history` is whether the queries are kept in the user's data
    folder: True, False, or `"redact"` for SQL without its literals (default: `[history]` in lakeq.toml, then
    LAKEQ_HISTORY, else True).
    `archived="skip"` leaves out files that must be restored first, and says so in the notes of each result;
    else (`"error"`) a query that wants one is refused. `egress` is `"internet"`, or dollars a GB, where this
    machine is not in the bucket's region: then estimates have it.
    Queries use `threads` threads. One that runs for longer than `time_limit` (seconds, or `"15m"`), gives
    more rows than `row_limit`, or needs with others more memory than `memory_limit` (bytes, or `"4GB"`) or
    more temporary files than `temp_limit`, ends with ResourceLimitError.
    `parquet_keys` are the keys of encrypted Parquet by their names, 16, 24 or 32 bytes each, or a function
    that is called with the name and what is wrapped in that key (docs/encryption.md).

    `engine` runs the queries that do not say: `"duckdb"` (the default), `"spark"`, `"trino"`, `"athena"`, or
    `"auto"`: DuckDB, and for a query too large for this machine the first of `engines`, a mapping from the
    name of an engine to where it is, such as `{"spark": "spark://host:7077"}` (docs/engines.md).

    What is not given is that of the `lakeq.toml`, else of the environment, `LAKEQ_…` (docs/config.md).
    """
    storage_options = GivenOptions(storage_options)
    text = str(location)
    if text.endswith(".toml") and "://" not in text:
        definition = load_definition(Path(text))
    else:
        definition = LakeDefinition(location=text)
    definition = replace(
        definition,
        storage=GivenOptions({**definition.storage, **storage_options}),
        pricing={**definition.pricing, **({} if egress is None else {"egress": egress})},
        archived=archived or definition.archived,
    )
    return Lake(
        definition,
        scanner,
        pricing,
        freshness,
        open_cache(cache, cache_dir),
        None if read_memory is None else parse_bytes(str(read_memory)),
        progress,
        max_footers,
        history,
        find_run_limits(
            definition.limits,
            threads=threads,
            memory_limit=memory_limit,
            time_limit=time_limit,
            temp_limit=temp_limit,
            row_limit=row_limit,
        ),
        find_parquet_keys(parquet_keys, definition.parquet_keys),
        find_engine_settings(engine, engines, definition.engine, definition.engines),
    )
