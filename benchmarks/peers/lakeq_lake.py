"""lakeq. Options: `location` (default: the bucket), `plan_only`, and all that lakeq.connect takes."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

from questions import ACCESS_KEY, BUCKET, REGION, SECRET, Answer, Listing, Query

import lakeq
import lakeq.lake

for module in (
    "obstore.store",
    "botocore.session",
    "lakeq.catalog.sketch",
    "lakeq.engines.duckdb",
    "pyarrow.dataset",
):
    import_module(module)

PACKAGES = ("lakeq", "duckdb", "pyarrow", "obstore")
SETTINGS: dict[str, Any] = {}


def connect(endpoint: str, options: dict[str, Any]) -> lakeq.Lake:
    if "location" in options:
        return lakeq.connect(**options)
    where = {"endpoint_url": endpoint, "key": ACCESS_KEY, "secret": SECRET, "region": REGION}
    return lakeq.connect(f"s3://{BUCKET}", **where, **options)


def answer_query(query: Query, endpoint: str, options: dict[str, Any]) -> Answer:
    """The rows; with `plan_only` nothing but what the estimate needs is read, and the answer is its bytes."""
    plan_only = options.pop("plan_only", False)
    with connect(endpoint, options) as lake:
        connected = time.perf_counter()
        if plan_only:
            return Answer(lake.estimate(query.sql).bytes_scanned, connected)
        result = lake.sql(query.sql)
        rows = [list(row.values()) for row in result.arrow().to_pylist()]
        names = ("bytes_scanned", "bytes_transferred", "requests")
        return Answer(rows, connected, {name: getattr(result.stats, name) for name in names})


def count_files(listing: Listing, endpoint: str, options: dict[str, Any]) -> Answer:
    """All files: list, and count. Those with some values: the files of an estimate."""
    with connect(endpoint, options) as lake:
        connected = time.perf_counter()
        if listing.values:
            where = " AND ".join(f"{key} = {int(value)}" for key, value in listing.values.items())
            return Answer(lake.estimate(f"SELECT count(*) FROM events WHERE {where}").files, connected)
        if options.get("freshness") == "index":
            return Answer(lake.describe("events").files_total, connected)
        return Answer(next(each.files for each in lake.refresh() if each.name == "events"), connected)
