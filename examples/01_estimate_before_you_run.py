"""What would a query scan and cost? Ask before running it."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import lakeq

with tempfile.TemporaryDirectory() as folder:
    for day in range(1, 31):
        partition = Path(folder, "visits", "year=2026", "month=11", f"day={day:02}")
        partition.mkdir(parents=True)
        rows = pa.table({"page": ["/", "/cart", "/help"] * 1000, "milliseconds": list(range(3000))})
        pq.write_table(rows, partition / "part-0.parquet")

    with lakeq.connect(folder, history=False) as lake:
        for where in ("", "WHERE day BETWEEN 7 AND 9", "WHERE make_date(year, month, day) = '2026-11-03'"):
            estimate = lake.estimate(f"SELECT page, avg(milliseconds) FROM visits {where} GROUP BY page")
            print(f"{estimate.bytes_scanned:>9,} bytes in {estimate.files:>2} files  {where or 'no filter'}")
