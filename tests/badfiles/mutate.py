"""Good files of every format and codec, and copies of them that are cut, flipped, spliced and holed."""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq

ROWS = 300
CUTS = 64
_FOOTER_BYTES = 600


@dataclass(frozen=True, slots=True)
class Damage:
    """A copy of `base` to which something was done."""

    base: str
    how: str
    data: bytes


def make_rows(rows: int = ROWS) -> pa.Table:
    """A table of the types that every format has."""
    numbers = range(rows)
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "name": [f"name {n * 7919 % 97}" if n % 11 else None for n in numbers],
            "price": [n / 8 for n in numbers],
            "day": pa.array([n // 10 for n in numbers], pa.date32()),
        }
    )


def make_bases() -> Mapping[str, tuple[str, bytes]]:
    """Good files by name: what they are, and their bytes."""
    rows = make_rows()
    lines = "".join(json.dumps(row, default=str) + "\n" for row in rows.to_pylist()).encode()
    array = json.dumps(rows.to_pylist(), default=str).encode()
    csv = ("id,name,price,day\n" + "".join(map(_csv_line, rows.to_pylist()))).encode()
    bases = {
        "csv": ("csv", csv),
        "csv.gz": ("csv", gzip.compress(csv, mtime=0)),
        "csv.zst": ("csv", _zstd(csv)),
        "json": ("json", lines),
        "array.json": ("json", array),
        "json.gz": ("json", gzip.compress(lines, mtime=0)),
    }
    for codec in ("none", "snappy", "gzip", "zstd", "lz4", "brotli"):
        bases[f"{codec}.parquet"] = ("parquet", _write_parquet(rows, compression=codec))
    bases["checksum.parquet"] = (
        "parquet",
        _write_parquet(rows, compression="none", write_page_checksum=True),
    )
    for codec in ("uncompressed", "zlib", "snappy", "lz4", "zstd"):
        bases[f"{codec}.orc"] = ("orc", _write_orc(rows, codec))
    return bases


def damage(base: str, data: bytes, seed: int, copies: int) -> Iterator[Damage]:
    """The file cut at each 64th of it, and `copies` of each other kind of damage."""
    for cut in range(CUTS):
        yield Damage(base, f"truncated to {cut}/{CUTS}", data[: len(data) * cut // CUTS])
    rng = random.Random(f"{seed} {base}")
    for number in range(copies):
        yield Damage(base, f"flipped {number}", _flip(data, rng, 0))
        yield Damage(base, f"flipped footer {number}", _flip(data, rng, max(len(data) - _FOOTER_BYTES, 0)))
        yield Damage(base, f"spliced {number}", _splice(data, rng))
        yield Damage(base, f"zeroed {number}", _zero(data, rng))


def _flip(data: bytes, rng: random.Random, start: int) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 8))):
        changed[rng.randrange(start, len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _splice(data: bytes, rng: random.Random) -> bytes:
    """A piece of the file stands where another was, or is left out."""
    size = rng.randrange(1, max(len(data) // 4, 2))
    start, to = rng.randrange(len(data) - size), rng.randrange(len(data) - size)
    piece = data[start : start + size] if rng.random() < 0.7 else b""
    return data[:to] + piece + data[to + size :]


def _zero(data: bytes, rng: random.Random) -> bytes:
    """A hole, as a download in pieces leaves it."""
    size = rng.randrange(1, max(len(data) // 4, 2))
    start = rng.randrange(len(data) - size)
    return data[:start] + bytes(size) + data[start + size :]


def _csv_line(row: Mapping[str, object]) -> str:
    return ",".join("" if value is None else str(value) for value in row.values()) + "\n"


def _zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def _write_parquet(rows: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(rows, sink, row_group_size=100, **options)
    return sink.getvalue()


def _write_orc(rows: pa.Table, codec: str) -> bytes:
    sink = io.BytesIO()
    orc.write_table(rows, sink, compression=codec)
    return sink.getvalue()
