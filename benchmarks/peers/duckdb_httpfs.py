"""DuckDB 1.5 with its own S3 client: the extension httpfs, from PyPI."""

from __future__ import annotations

import time
from importlib.resources import files
from typing import Any

import duckdb
from hive_view import create_view
from questions import ACCESS_KEY, BUCKET, REGION, SECRET, Answer, Listing, Query

PACKAGES = ("duckdb", "duckdb-extension-httpfs")
THREADS = 128
SETTINGS = {"threads": THREADS, "hive_types": "given", "enable_http_metadata_cache": True}


def connect(endpoint: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": THREADS})
    extension = files("duckdb_extension_httpfs") / f"extensions/v{duckdb.__version__}/httpfs.duckdb_extension"
    connection.load_extension(str(extension))
    scheme, _, host = endpoint.partition("://")
    connection.execute(
        f"CREATE SECRET (TYPE s3, KEY_ID '{ACCESS_KEY}', SECRET '{SECRET}', REGION '{REGION}', "
        f"ENDPOINT '{host}', URL_STYLE 'path', USE_SSL {scheme == 'https'})"
    )
    connection.execute("SET enable_http_metadata_cache = true")
    return connection


def answer_query(query: Query, endpoint: str, options: dict[str, Any]) -> Answer:
    with connect(endpoint) as connection:
        connected = time.perf_counter()
        create_view(connection, query.table)
        return Answer(connection.sql(query.sql).fetchall(), connected)


def count_files(listing: Listing, endpoint: str, options: dict[str, Any]) -> Answer:
    """By glob(); values are conditions over the names that it gives."""
    texts = [f"/{key}={value}/" for key, value in listing.values.items()]
    where = "".join(f" AND contains(file, '{text}')" for text in texts)
    with connect(endpoint) as connection:
        connected = time.perf_counter()
        count = connection.sql(
            f"SELECT count(*) FROM glob('s3://{BUCKET}/{listing.prefix}**') WHERE true{where}"
        )
        return Answer((count.fetchone() or (0,))[0], connected)
