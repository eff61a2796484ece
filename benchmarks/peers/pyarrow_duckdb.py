"""A pyarrow dataset over pyarrow's S3, read by DuckDB.

DuckDB is given a scanner with the columns and conditions of the query: of a bare dataset it finds them by
itself, but reads four files at a time, which takes five times as long.
"""

from __future__ import annotations

import time
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
from arrow_schema import make_key_schema, make_schema
from pyarrow.fs import FileSelector, S3FileSystem
from pyarrow.parquet import filters_to_expression
from questions import ACCESS_KEY, BUCKET, REGION, SECRET, Answer, Listing, Query

PACKAGES = ("duckdb", "pyarrow")
IO_THREADS, READ_AHEAD = 256, 64
SETTINGS = {
    "io_thread_count": IO_THREADS,
    "fragment_readahead": READ_AHEAD,
    "pre_buffer": True,
    "schema": "given",
}
pa.set_io_thread_count(IO_THREADS)


def open_files(endpoint: str) -> S3FileSystem:
    scheme, _, host = endpoint.partition("://")
    return S3FileSystem(
        access_key=ACCESS_KEY, secret_key=SECRET, region=REGION, endpoint_override=host, scheme=scheme
    )


def answer_query(query: Query, endpoint: str, options: dict[str, Any]) -> Answer:
    files = open_files(endpoint)
    connected = time.perf_counter()
    columns, keys = make_schema(query.table), make_key_schema(query.table)
    dataset = ds.dataset(
        f"{BUCKET}/{query.table.name}",
        filesystem=files,
        schema=pa.unify_schemas([columns, keys]),
        format=ds.ParquetFileFormat(pre_buffer=True),
        partitioning=ds.partitioning(keys, flavor="hive"),
    )
    scanner = dataset.scanner(
        columns=list(query.columns),
        filter=filters_to_expression([*query.conditions]) if query.conditions else None,
        fragment_readahead=READ_AHEAD,
        batch_readahead=READ_AHEAD,
    )
    with duckdb.connect() as connection:
        connection.register(query.table.name, scanner)
        return Answer(connection.sql(query.sql).fetchall(), connected)


def count_files(listing: Listing, endpoint: str, options: dict[str, Any]) -> Answer:
    """By get_file_info; values are looked for in the keys found."""
    files = open_files(endpoint)
    connected = time.perf_counter()
    texts = [f"/{key}={value}/" for key, value in listing.values.items()]
    found = files.get_file_info(FileSelector(f"{BUCKET}/{listing.prefix}", recursive=True))
    return Answer(sum(info.is_file and all(text in info.path for text in texts) for info in found), connected)
