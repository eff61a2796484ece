"""Small lakes, one table each, in every layout and format for which statements are written."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq

import lakeq
from lakeq.lake import Lake

FORMATS = ("parquet", "orc", "csv", "json")
NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Case:
    """A table with a file in each of `folders`, and what is declared of it beside its format."""

    name: str
    folders: Sequence[str]
    declared: Mapping[str, Any] = field(default_factory=dict)
    has_key_column: str | None = None

    def __str__(self) -> str:
        return self.name


CASES = (
    Case("flat", ["", ""]),
    Case("deep", ["", "one/two/"], {"layout": "flat"}),
    Case("padded", ["year=2025/month=01/day=09/", "year=2026/month=11/day=10/"]),
    Case("unpadded", ["year=2025/month=1/day=9/", "year=2026/month=11/day=10/"]),
    Case("dates", ["day=2026-11-01/", "day=2026-11-03/"]),
    Case("products", ["coffee/", "lamp/"]),
    Case("positional", ["2025/01/09/", "2026/11/10/"]),
    Case(
        "template",
        ["v1/dt=2026-11-01/coffee/", "v1/dt=2026-11-02/lamp/"],
        {"layout": "v1/dt={dt:date}/{product}/"},
    ),
    Case("mixed", ["month=3/", "month=04/"]),
    Case("nulls", ["month=3/shop=a/", f"month={NULL}/shop=b/", f"month=4/shop={NULL}/"]),
    Case("escaped", ["city=a%2Fb/", "city=x y/", "city=it%27s/", "city=é%25/", "city=100%25 \\/"]),
    Case("swapped", ["a=1/b=x/", "b=y/a=2/"]),
    Case("Upper", ["Year=2025/", "Year=2026/"]),
    Case("hours", ["2026-11-03-14/", "2026-11-03-15/"], {"layout": "{hour}/"}),
    Case("compact", ["dt=20261103/", "dt=20261104/"], {"layout": "hive", "partition_types": {"dt": "text"}}),
    Case("numbers", ["size=0/", "size=-3/", "size=12/"]),
    Case("moments", ["at_hour=2026-11-03 14%3A00%3A00/", "at_hour=2026-11-03 15%3A30%3A00/"]),
    Case("prices", ["price=1.5/", "price=12.25/"]),
    Case("held", ["year=2025/", "year=2026/"], has_key_column="year"),
)


def make_rows(number: int) -> pa.Table:
    """Rows of file `number`, with what is awkward in text: quotes, delimiters, backslashes, NULL."""
    return pa.table(
        {
            "id": pa.array([number * 10 + 1, number * 10 + 2, number * 10 + 3], pa.int64()),
            "name": pa.array(['said "so", twice', "back\\slash é", None], pa.string()),
            "amount": pa.array([1.5, -0.25, None], pa.float64()),
            "seen": pa.array(
                [dt.datetime(2026, 1, 2, 3, 4, 5, 678000), dt.datetime(2025, 12, 31), None],
                pa.timestamp("us"),
            ),
            "born": pa.array([dt.date(2026, 1, 2), dt.date(1969, 12, 31), None], pa.date32()),
        }
    )


def make_all_types() -> pa.Table:
    """A column of each type that Parquet has and lakeq reads, but those that some engine has not."""
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 678000)
    columns = {
        "u8": pa.array([255, 0], pa.uint8()),
        "u16": pa.array([65535, 0], pa.uint16()),
        "u32": pa.array([2**32 - 1, 1], pa.uint32()),
        "u64": pa.array([2**64 - 1, 1], pa.uint64()),
        "i8": pa.array([-1, None], pa.int8()),
        "i16": pa.array([-2, None], pa.int16()),
        "i32": pa.array([-3, None], pa.int32()),
        "f": pa.array([1.5, None], pa.float32()),
        "b": pa.array([True, None], pa.bool_()),
        "dec": pa.array([Decimal("1.23"), None], pa.decimal128(10, 2)),
        "tz": pa.array([moment, None], pa.timestamp("us", "UTC")),
        "ms": pa.array([moment, None], pa.timestamp("ms")),
        "bin": pa.array([b"ab\x00", None], pa.binary()),
        "large": pa.array(["x", None], pa.large_string()),
        "s": pa.array([{"a": 1, "x": "y"}, None]),
        "l": pa.array([[1, 2], None], pa.list_(pa.int64())),
        "m": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
    }
    return pa.table(columns)


def write_case(root: Path, case: Case, file_format: str) -> str:
    """Write the files of a case below `root`; the name of the table."""
    table = f"{case.name}_{file_format}"
    for number, folder in enumerate(case.folders):
        rows = make_rows(number)
        if case.has_key_column:
            rows = rows.add_column(1, case.has_key_column, pa.array([1, 2, 3], pa.int64()))
        path = root / table / folder / f"part-{number}.{file_format}"
        write_file(path, rows, file_format)
    return table


def write_file(path: Path, rows: pa.Table, file_format: str) -> None:
    """Write one file in any of FORMATS."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if file_format == "parquet":
        pq.write_table(rows, path)
    elif file_format == "orc":
        pyarrow.orc.write_table(rows, path)
    elif file_format == "json":
        lines = (
            json.dumps({k: _spell(v) for k, v in row.items()}, ensure_ascii=False) for row in rows.to_pylist()
        )
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    else:
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(rows.column_names)
        writer.writerows([_spell(value) for value in row.values()] for row in rows.to_pylist())
        path.write_text(text.getvalue(), encoding="utf-8")


def open_case(root: Path, case: Case, table: str) -> Lake:
    """The lake of a case, with what is declared of its table."""
    lake = lakeq.connect(str(root))
    if case.declared:
        lake.register(table, table, **case.declared)
    return lake


def read_rows(lake: Lake, table: str) -> list[tuple[Any, ...]]:
    """The rows that lakeq gives, comparable, their columns in the order of their names."""
    found = lake.sql(f'SELECT * FROM "{table}"').arrow()
    rows = ([_open_struct(value) for value in row.values()] for row in found.to_pylist())
    return sort_rows(found.column_names, rows)


def sort_rows(names: Sequence[str], rows: Any) -> list[tuple[Any, ...]]:
    """Rows in one order, their columns in the order of their names in small letters."""
    order = sorted(range(len(names)), key=lambda i: names[i].lower())
    return sorted((tuple(_plain(row[i]) for i in order) for row in rows), key=repr)


def _spell(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def _plain(value: Any) -> Any:
    """One spelling of what clients of engines give in several: moments without zone are UTC's."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, dict):
        return tuple(value.items())
    if isinstance(value, list | tuple):  # also the structs of clients
        return tuple(map(_plain, value))
    return value


def _open_struct(value: Any) -> Any:
    """The values of a struct, which Arrow gives as a dict; of a map it gives pairs."""
    if isinstance(value, dict):
        return tuple(map(_open_struct, value.values()))
    return value
