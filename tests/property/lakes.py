"""One set of rows written as a lake in several layouts and formats, and as a plain DuckDB table."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    [
        ("x", pa.int64()),
        ("f", pa.float64()),
        ("s", pa.string()),
        ("ts", pa.timestamp("us")),
        ("year", pa.int64()),
        ("month", pa.int64()),
        ("day", pa.int64()),
    ]
)
STORED = ["x", "f", "s", "ts"]
KEYS = ["year", "month", "day"]


def make_rows() -> list[dict[str, Any]]:
    """Rows over 12 days in two years, values in runs so that row groups have bounds that tell."""
    rows = []
    for year in (2025, 2026):
        for month in (1, 2, 11):
            for day in (1, 28):
                for i in range(12):
                    x = (year - 2025) * 100 + month * 7 + day + i
                    rows.append(
                        {
                            "x": None if i == 5 else x,
                            "f": None if i == 3 else x / 4,
                            "s": None if i == 7 else f"{'abcd'[i % 4]}{x % 10}",
                            "ts": dt.datetime(year, month, day, i),
                            "year": year,
                            "month": month,
                            "day": day,
                        }
                    )
    return rows


def write_lake(root: Path) -> list[str]:
    """Write the rows as tables of that folder; returns their names."""
    groups: dict[tuple[int, int, int], list[dict[str, Any]]] = {}
    for row in make_rows():
        groups.setdefault((row["year"], row["month"], row["day"]), []).append(row)
    for (year, month, day), rows in groups.items():
        table = pa.Table.from_pylist(rows, schema=SCHEMA).select(STORED)
        hive, position = f"year={year}/month={month:02d}/day={day:02d}", f"{year}/{month:02d}/{day:02d}"
        plain = f"year={year}/month={month}/day={day}"
        pq.write_table(table, make(root / "hive" / plain / "f.parquet"), row_group_size=5)
        pq.write_table(table, make(root / "padded" / hive / "f.snappy.parquet"), row_group_size=4)
        pq.write_table(table, make(root / "placed" / position / "f.parquet"), row_group_size=6)
        # Without compression, a stripe ends after each batch.
        striped = make(root / "striped" / hive / "f.orc")
        orc.write_table(table, str(striped), stripe_size=1, batch_size=5)
        orc.write_table(table, make(root / "orcs" / hive / "f.orc"), compression="zlib")
        lines = ["x,f,s,ts"]
        lines += [",".join("" if row[c] is None else str(row[c]) for c in STORED) for row in rows]
        make(root / "csvs" / position / "f.csv.gz").write_bytes(
            gzip.compress("\n".join(lines).encode() + b"\n")
        )
        texts = [json.dumps({c: row[c] for c in STORED}, default=str) for row in rows]
        make(root / "jsons" / hive / "f.json").write_text("\n".join(texts) + "\n")
    return ["hive", "padded", "placed", "striped", "orcs", "csvs", "jsons"]


def make(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def plain_table() -> duckdb.DuckDBPyConnection:
    """A connection with the rows as the table `t`."""
    connection = duckdb.connect()
    connection.register("rows", pa.Table.from_pylist(make_rows(), schema=SCHEMA))
    connection.execute("CREATE TABLE t AS SELECT * FROM rows")
    return connection
