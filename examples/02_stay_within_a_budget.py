"""A query over the budget is refused before a byte of data is read."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import lakeq
from lakeq.errors import BudgetExceededError

with tempfile.TemporaryDirectory() as folder:
    for year in (2024, 2025, 2026):
        partition = Path(folder, "sales", f"year={year}")
        partition.mkdir(parents=True)
        pq.write_table(pa.table({"amount": list(range(50_000))}), partition / "sales.parquet")

    with lakeq.connect(folder, history=False) as lake:
        limit = lake.estimate("SELECT sum(amount) FROM sales WHERE year = 2026").bytes_scanned
        try:
            lake.sql("SELECT sum(amount) FROM sales", max_bytes=limit)
        except BudgetExceededError as error:
            print(error)
        print(lake.sql("SELECT sum(amount) FROM sales WHERE year = 2026", max_bytes=limit).fetchall())
