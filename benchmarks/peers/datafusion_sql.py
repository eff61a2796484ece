"""DataFusion over its own S3 client."""

from __future__ import annotations

import time
from typing import Any

import pyarrow as pa
from arrow_schema import make_key_schema, make_schema
from datafusion import SessionConfig, SessionContext
from datafusion.object_store import AmazonS3
from questions import ACCESS_KEY, BUCKET, REGION, SECRET, Answer, Query

PACKAGES = ("datafusion",)
_OPTIONS = {
    "datafusion.execution.target_partitions": "64",
    "datafusion.execution.meta_fetch_concurrency": "256",
    "datafusion.execution.parquet.pushdown_filters": "true",
}
SETTINGS = {**_OPTIONS, "schema": "given; else it reads every footer to find it"}


def answer_query(query: Query, endpoint: str, options: dict[str, Any]) -> Answer:
    config = SessionConfig()
    for name, value in _OPTIONS.items():
        config = config.set(name, value)
    context = SessionContext(config)
    store = AmazonS3(
        bucket_name=BUCKET,
        region=REGION,
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET,
        endpoint=endpoint,
        allow_http=True,
    )
    context.register_object_store("s3://", store, host=BUCKET)
    connected = time.perf_counter()
    table = query.table
    keys = [(field.name, field.type) for field in make_key_schema(table)]
    context.register_parquet(table.name, table.folder, table_partition_cols=keys, schema=make_schema(table))
    rows = pa.Table.from_batches(context.sql(query.sql).collect()).to_pylist()
    return Answer([list(row.values()) for row in rows], connected)
