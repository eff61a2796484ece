"""Rows as one data file, in each format and in the ways that writers differ."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq


def write_file(
    rng: random.Random,
    folder: Path,
    stem: str,
    format: str,
    rows: Sequence[dict[str, Any]],
    schema: pa.Schema,
) -> Path:
    """Write `rows` as a file of `schema`; its path. Row groups and stripes are small, so that bounds tell."""
    folder.mkdir(parents=True, exist_ok=True)
    if format in ("parquet", "orc"):
        table = pa.Table.from_pylist([{c: row[c] for c in schema.names} for row in rows], schema)
        path = folder / f"{stem}.{format}"
        (_write_parquet if format == "parquet" else _write_orc)(rng, table, path)
        return path
    text = (_spell_csv if format == "csv" else _spell_json)(rng, rows, schema.names)
    is_packed = rng.random() < 0.3
    path = folder / f"{stem}.{format}{'.gz' if is_packed else ''}"
    data = text.encode()
    path.write_bytes(gzip.compress(data, mtime=0) if is_packed else data)
    return path


def _write_parquet(rng: random.Random, table: pa.Table, path: Path) -> None:
    pq.write_table(
        table,
        path,
        row_group_size=rng.choice([2, 4, 7, 100]),
        compression=rng.choice(["snappy", "zstd", "none"]),
        use_dictionary=rng.random() < 0.5,
        write_statistics=rng.random() < 0.85,
        data_page_version=rng.choice(["1.0", "2.0"]),
    )


def _write_orc(rng: random.Random, table: pa.Table, path: Path) -> None:
    if rng.random() < 0.5:  # without compression, a stripe ends after each batch
        orc.write_table(table, str(path), stripe_size=1, batch_size=rng.choice([3, 8]))
    else:
        orc.write_table(table, str(path), compression=rng.choice(["zlib", "snappy", "zstd"]))


def _spell_csv(rng: random.Random, rows: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(names)
    writer.writerows([["" if row[c] is None else str(row[c]) for c in names] for row in rows])
    return lines.getvalue()


def _spell_json(rng: random.Random, rows: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    lacks = rng.random() < 0.3  # some writers leave out what is NULL
    records = [
        json.dumps({c: row[c] for c in names if not (lacks and row[c] is None)}, default=str) for row in rows
    ]
    if rng.random() < 0.3:
        return "[" + ",\n".join(records) + "]\n"
    return "".join(record + "\n" for record in records)
