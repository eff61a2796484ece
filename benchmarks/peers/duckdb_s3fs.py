"""DuckDB 2 over s3fs: what one can do where its httpfs extension cannot be had."""

from __future__ import annotations

import time
from typing import Any

import duckdb
import s3fs
from hive_view import create_view
from questions import ACCESS_KEY, BUCKET, REGION, SECRET, Answer, Listing, Query

PACKAGES = ("duckdb", "s3fs")
THREADS = 8
SETTINGS = {"default_cache_type": "none", "threads": THREADS, "hive_types": "given"}


def open_files(endpoint: str) -> s3fs.S3FileSystem:
    """Without read-ahead: it fetched eight times the bytes that are needed."""
    return s3fs.S3FileSystem(
        key=ACCESS_KEY,
        secret=SECRET,
        endpoint_url=endpoint,
        client_kwargs={"region_name": REGION},
        default_cache_type="none",
        config_kwargs={"max_pool_connections": 64},
    )


def answer_query(query: Query, endpoint: str, options: dict[str, Any]) -> Answer:
    with duckdb.connect(config={"threads": THREADS}) as connection:
        connection.register_filesystem(open_files(endpoint))
        connected = time.perf_counter()
        create_view(connection, query.table)
        return Answer(connection.sql(query.sql).fetchall(), connected)


def count_files(listing: Listing, endpoint: str, options: dict[str, Any]) -> Answer:
    """s3fs alone; values are looked for in the keys found."""
    texts = [f"/{key}={value}/" for key, value in listing.values.items()]
    keys = open_files(endpoint).find(f"{BUCKET}/{listing.prefix}")
    return Answer(sum(all(text in key for text in texts) for key in keys))
