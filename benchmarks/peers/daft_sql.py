"""Daft, on the machine alone, over its own S3 client."""

from __future__ import annotations

import os
import time
from typing import Any

os.environ.update({"DAFT_ANALYTICS_ENABLED": "0", "DO_NOT_TRACK": "true"})  # nothing leaves this machine

import daft
from daft.io import IOConfig, S3Config
from questions import ACCESS_KEY, REGION, SECRET, Answer, Query

PACKAGES = ("daft",)
CONNECTIONS = 64
_OPTIONS: dict[str, Any] = {"scantask_max_parallel": 64, "maintain_order": False}
SETTINGS = {"max_connections": CONNECTIONS, **_OPTIONS, "runner": "native", "decimals": "read as float64"}


def answer_query(query: Query, endpoint: str, options: dict[str, Any]) -> Answer:
    daft.set_runner_native()
    daft.set_execution_config(**_OPTIONS)
    store = S3Config(
        endpoint_url=endpoint,
        key_id=ACCESS_KEY,
        access_key=SECRET,
        region_name=REGION,
        use_ssl=False,
        max_connections=CONNECTIONS,
    )
    connected = time.perf_counter()
    frame = daft.read_parquet(query.table.glob, hive_partitioning=True, io_config=IOConfig(s3=store))
    bindings = {query.table.name: cast_decimals(frame)}
    rows = daft.sql(query.sql, register_globals=False, **bindings).to_pylist()
    return Answer([list(row.values()) for row in rows], connected)


def cast_decimals(frame: daft.DataFrame) -> daft.DataFrame:
    """The frame with floating-point numbers for decimals: the product of three overflows Daft's."""
    names = [field.name for field in frame.schema() if field.dtype.is_decimal128()]
    return frame.with_columns({name: daft.col(name).cast(daft.DataType.float64()) for name in names})
