"""The lake that the sweep asks: one table a format, of small files and a large one, in two versions."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq

FORMATS = ("csv", "json", "parquet", "orc")
ROWS = {1: 40, 2: 1_500, 3: 40, 4: 40}
"""Rows of the file of each partition: what is larger than 512 KB is not fetched whole while planning."""
QUERY = "SELECT p, count(*) AS n, sum(x) AS x, max(s) AS s FROM {t} WHERE p < 4 GROUP BY p ORDER BY p"
"""Wants all files but that of p = 4."""

Answer = list[tuple[int, int, int, str]]


@dataclass(frozen=True, slots=True)
class Version:
    """The rows of a file: `shift` is added to each `x`, `rows` how many there are."""

    rows: int
    shift: int = 0

    def row(self, p: int) -> tuple[int, int, int, str]:
        """What QUERY says of a file of this version."""
        xs = [value_at(n) + self.shift for n in range(self.rows)]
        return p, self.rows, sum(xs), max(_text(x) for x in xs)


def first_versions() -> dict[int, Version]:
    """The version of each file, by p."""
    return {p: Version(rows) for p, rows in ROWS.items()}


def answer_to(versions: Mapping[int, Version]) -> Answer:
    """QUERY's answer over files of these versions."""
    return [version.row(p) for p, version in sorted(versions.items()) if p < 4]


def key_of(file_format: str, p: int) -> str:
    """The key of a file in the bucket. The table is called like its format."""
    return f"{file_format}/p={p}/f.{file_format}"


@cache
def body_of(file_format: str, version: Version) -> bytes:
    """The bytes of a file. Versions of as many rows have as many bytes."""
    xs = [value_at(n) + version.shift for n in range(version.rows)]
    table = pa.table({"x": xs, "s": [_text(x) for x in xs], "unused": [float(x) for x in xs]})
    sink = io.BytesIO()
    if file_format == "parquet":
        pq.write_table(
            table,
            sink,
            row_group_size=500,
            compression="none",
            use_dictionary=False,
            write_page_checksum=True,
        )
    elif file_format == "orc":
        orc.write_table(table, sink, compression="uncompressed", dictionary_key_size_threshold=0)
    else:
        rows = [
            dict(zip(table.column_names, row, strict=True))
            for row in zip(*table.to_pydict().values(), strict=True)
        ]
        lines = [json.dumps(row) for row in rows]
        if file_format == "csv":
            lines = [",".join(table.column_names), *(",".join(map(str, row.values())) for row in rows)]
        sink.write(("\n".join(lines) + "\n").encode())
    return sink.getvalue()


def value_at(n: int) -> int:
    """`x` of the row of this number, in a version without a shift."""
    return 100_000_000 + n * 7_919_123 % 400_000_000


def _text(x: int) -> str:
    return f"{x:0400}"
