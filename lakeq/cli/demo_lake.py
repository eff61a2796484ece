"""The lake of `lakeq demo`: four tables, four formats, four layouts, the same on every run."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.orc as pa_orc
import pyarrow.parquet as pq

from lakeq.cli.output import write_ndjson

FIRST_DAY = date(2026, 11, 1)
DAYS = 15
PRODUCTS = ("coffee", "honey", "kettle", "lamp", "teapot")
_EVENTS_AN_HOUR = 2_000

DEFINITION = """\
location = "{location}"

[tables.orders]
layout = "{{product}}/"
"""
"""The lake's lakeq.toml: the rest is found out from the paths and the files."""


def write_demo_lake(root: Path) -> None:
    """Write the tables below `root`: events (Parquet, Hive by hour), orders (CSV by product), clicks (JSON,
    Hive by date), sensors (ORC, by year/month/day)."""
    random = np.random.default_rng(2026)
    for number in range(DAYS):
        day = FIRST_DAY + timedelta(days=number)
        _write_events(root / "events", day, random)
        _write_clicks(root / "clicks" / f"date={day}", random)
        _write_sensors(root / "sensors" / f"{day:%Y/%m/%d}", random)
    for product in PRODUCTS:
        _write_orders(root / "orders" / product, random)


def _write_events(table: Path, day: date, random: np.random.Generator) -> None:
    for hour in range(24):
        folder = _make_folder(
            table / f"year={day.year}" / f"month={day.month}" / f"day={day.day}" / f"hour={hour}"
        )
        count = _EVENTS_AN_HOUR
        seconds = np.sort(random.integers(0, 3600, count))
        start = datetime(day.year, day.month, day.day, hour)
        rows = pa.table(
            {
                "event_id": random.integers(0, 2**40, count),
                "at": pa.array(np.datetime64(start, "us") + seconds.astype("timedelta64[s]")),
                "user_id": random.integers(1, 50_000, count),
                "kind": pa.array(
                    random.choice(["view", "search", "cart", "buy"], count, p=[0.6, 0.2, 0.15, 0.05])
                ),
                "amount": pa.array(random.gamma(2.0, 20.0, count)).cast(pa.decimal128(9, 2), safe=False),
            }
        )
        pq.write_table(rows, folder / "part-0.parquet")


def _write_clicks(folder: Path, random: np.random.Generator) -> None:
    count = 200
    rows = pa.table(
        {
            "page": pa.array(random.choice(["/", "/cart", "/help", "/search"], count)),
            "user": pa.StructArray.from_arrays(
                [
                    pa.array(random.integers(1, 50_000, count)),
                    pa.array(random.choice(["de", "fr", "pl"], count)),
                ],
                ["id", "country"],
            ),
            "milliseconds": random.integers(1, 900, count),
        }
    )
    with (_make_folder(folder) / "clicks.ndjson").open("wb") as sink:
        write_ndjson(rows.schema, rows.to_batches(), sink)


def _write_sensors(folder: Path, random: np.random.Generator) -> None:
    count = 500
    rows = pa.table(
        {"sensor": random.integers(1, 40, count), "celsius": np.round(random.normal(19, 4, count), 1)}
    )
    pa_orc.write_table(rows, str(_make_folder(folder) / "readings.orc"))


def _write_orders(folder: Path, random: np.random.Generator) -> None:
    count = 400
    days = random.integers(0, DAYS, count).astype("timedelta64[D]")
    rows = pa.table(
        {
            "order_id": random.integers(1, 10**6, count),
            "ordered": pa.array(np.datetime64(FIRST_DAY, "D") + days),
            "quantity": random.integers(1, 9, count),
            "price": np.round(random.gamma(3.0, 9.0, count), 2),
        }
    )
    pa_csv.write_csv(rows, _make_folder(folder) / "orders.csv")


def _make_folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
