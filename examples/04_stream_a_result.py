"""A result larger than memory: read it batch by batch. Parameters keep values out of the SQL."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import lakeq

with tempfile.TemporaryDirectory() as folder:
    for month in range(1, 13):
        partition = Path(folder, "readings", f"month={month}")
        partition.mkdir(parents=True)
        rows = pa.table(
            {"sensor": [n % 40 for n in range(20_000)], "celsius": [n % 35 for n in range(20_000)]}
        )
        pq.write_table(rows, partition / "readings.parquet")

    with lakeq.connect(folder, history=False) as lake:
        result = lake.sql("SELECT * FROM readings WHERE month >= $first AND celsius > 30", {"first": 10})
        rows = sum(batch.num_rows for batch in result.batches())
        stats = result.stats
        print(f"{rows:,} rows from {result.estimate.files} files, {stats.bytes_scanned:,} bytes scanned")
