"""A query put together by verbs: lazy, priced before it runs, and pruned like the SQL it becomes."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import lakeq
from lakeq import col

with tempfile.TemporaryDirectory() as folder:
    for month in range(1, 13):
        partition = Path(folder, "orders", f"month={month}")
        partition.mkdir(parents=True)
        number = list(range(1_000))
        rows = {"buyer": [n % 50 for n in number], "euros": [n % 90 + month for n in number]}
        pq.write_table(pa.table(rows), partition / "orders.parquet")
    Path(folder, "buyers").mkdir()
    buyers = pa.table({"buyer": list(range(50)), "country": ["DE", "FR", "IT", "ES", "PL"] * 10})
    pq.write_table(buyers, Path(folder, "buyers", "buyers.parquet"))

    with lakeq.connect(folder, history=False) as lake:
        orders = lake.table("orders").rename({"euros": "paid"})
        winter = orders.join(lake.table("buyers"), on="buyer").filter(col("month").is_in([1, 2, 12]))
        best = winter.group_by("country").agg(lakeq.len(), total=col("paid").sum())
        best = best.sort("total", descending=True).head(3)
        print(best, "\n")
        print(best.estimate(), "\n")
        print(best.collect(max_bytes="1 MB"), "\n")

        large = lake.sql(
            "SELECT buyer, paid FROM (FROM orders SELECT buyer, euros AS paid, month) WHERE month = ?", [6]
        )
        large.lazy().filter(col("paid") > 90).sort("paid", "buyer").show(3)
