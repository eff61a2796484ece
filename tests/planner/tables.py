"""Tables without files, to bind and prune against."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from lakeq.catalog.layout import Layout
from lakeq.catalog.table import Table
from lakeq.formats.base import Column
from lakeq.planner.bind import BoundQuery, bind_query

NOW = dt.datetime(2026, 11, 23, 12, 30, tzinfo=dt.UTC)


def make_table(
    name: str, columns: dict[str, pa.DataType], keys: Sequence[str], format: str = "parquet"
) -> Table:
    """A table under /lake whose partition columns are `keys`."""
    every = tuple(Column(column, kind) for column, kind in columns.items())
    return Table(
        name=name,
        location=f"/lake/{name}",
        store_root="/lake",
        format=format,
        layout=Layout("hive", tuple(keys)),
        columns=every,
        partition_columns=tuple(column for column in every if column.name in keys),
        files_total=10,
        partitions_total=5,
        bytes_total=1000,
    )


INTEGER, TEXT = pa.int64(), pa.string()
EVENTS = make_table(
    "events",
    {
        "x": INTEGER,
        "amount": pa.float64(),
        "name": TEXT,
        "ts": pa.timestamp("us"),
        "nested": pa.struct([("a", INTEGER), ("b", pa.struct([("c", TEXT)]))]),
        "year": INTEGER,
        "month": INTEGER,
        "day": INTEGER,
    },
    ["year", "month", "day"],
)
VISITS = make_table("visits", {"k": INTEGER, "q": TEXT, "year": INTEGER, "day": INTEGER}, ["year", "day"])
PLAIN = make_table("plain", {"k": INTEGER, "day": INTEGER}, [], "csv")
TABLES = {table.name: table for table in (EVENTS, VISITS, PLAIN)}


def bind(sql: str, params: Any = None, views: dict[str, str] | None = None) -> BoundQuery:
    """Bind to the tables above."""
    return bind_query(sql, params, list(TABLES), TABLES.__getitem__, views or {}, NOW)


def predicates(sql: str, params: Any = None) -> dict[str, str]:
    """The predicate found for each alias, as SQL."""
    return {reference.alias: reference.predicate.sql("duckdb") for reference in bind(sql, params).references}
