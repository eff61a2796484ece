"""How long does it take to index an S3 Inventory of up to 10^8 objects, in how much memory, and to plan then?

    python -m benchmarks.inventory [--objects 10000000 100000000] [--folder DIR] [--unique-names]

The inventory is made up, in Parquet as S3 writes it: a Hive table by year, month, day and hour of eight
years. The files of an hour are written by one job, whose UUID is in their names (`--unique-names`: a UUID
each). Each file of the inventory holds hours of all years, in no order: nothing of it is sorted.

Each step runs in a process of its own: the index is built, then a day is planned three times, then a month.
`peak_mb` is the most memory that the process held (VmHWM), interpreter and libraries included. The store is
made up, too: it refuses to list, and every object is one small Parquet file, so that footers cost nothing.
Up to 2,000,000 objects are kept as listings are: of these, what is built tells, what is planned does not.
Targets of 10^8 objects: 2 GB while building, one day planned in 1 s, 3 GB on disk.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.harness import print_table, write_result
from lakeq.storage.workers import Workers

BUCKET = "lake"
HOURS = 8 * 8766
_FIRST = dt.datetime(2017, 1, 1, tzinfo=dt.UTC)
_FILE_ROWS, _BATCH_ROWS = 1_000_000, 100_000
_TAKEN_AT = dt.datetime(2025, 1, 1, 1, tzinfo=dt.UTC)
FILE_SCHEMA = (
    "message s3.inventory { required binary bucket (UTF8); required binary key (UTF8); optional int64 size; "
    "optional int64 last_modified_date (TIMESTAMP_MILLIS); optional binary e_tag (UTF8); "
    "optional binary storage_class (UTF8); }"
)
DAY = "SELECT count(*) FROM events WHERE year = 2023 AND month = 6 AND day = 15 AND amount > 0"
MONTH = "SELECT count(*) FROM events WHERE year = 2023 AND month = 6 AND amount > 0"


def write_inventory(
    folder: Path, objects: int, unique_names: bool = False, file_rows: int = _FILE_ROWS
) -> Path:
    """An inventory of so many objects in `folder`, and the folder of its configuration."""
    config = folder / BUCKET / "daily"
    (config / "data").mkdir(parents=True)
    count = -(-objects // file_rows)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        paths = [config / "data" / f"{number:05d}.parquet" for number in range(count)]
        numbers = [range(number, objects, count) for number in range(count)]
        files = list(pool.map(_write_file, paths, numbers, repeat(objects), repeat(unique_names)))
    manifest = {
        "sourceBucket": BUCKET,
        "destinationBucket": "arn:aws:s3:::inventories",
        "version": "2016-11-30",
        "creationTimestamp": str(int(_TAKEN_AT.timestamp() * 1000)),
        "fileFormat": "Parquet",
        "fileSchema": FILE_SCHEMA,
        "files": files,
    }
    dated = config / f"{_TAKEN_AT:%Y-%m-%dT%H-%MZ}"
    dated.mkdir()
    text = json.dumps(manifest).encode()
    (dated / "manifest.json").write_bytes(text)
    (dated / "manifest.checksum").write_text(hashlib.md5(text, usedforsecurity=False).hexdigest())
    return config


def _write_file(path: Path, numbers: range, objects: int, unique_names: bool) -> dict[str, Any]:
    """Write one file of an inventory; what its manifest tells of it."""
    writer: pq.ParquetWriter | None = None
    random = np.random.default_rng(numbers.start)
    for first in range(0, len(numbers), _BATCH_ROWS):
        part = numbers[first : first + _BATCH_ROWS]
        ids = random.permutation(np.arange(part.start, part.stop, part.step, dtype=np.int64))
        rows = make_rows(ids, objects, random, unique_names)
        writer = writer or pq.ParquetWriter(path, rows.schema, compression="snappy")
        writer.write_table(rows)
    assert writer is not None
    writer.close()
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as source:
        while piece := source.read(8 * 2**20):
            digest.update(piece)
    key = f"inventories/{BUCKET}/daily/data/{path.name}"
    return {"key": key, "size": path.stat().st_size, "MD5checksum": digest.hexdigest()}


def make_rows(ids: np.ndarray[Any, Any], objects: int, random: Any, unique_names: bool) -> pa.Table:
    """Rows of an inventory for the objects of these numbers, out of `objects`."""
    count, per_hour = len(ids), -(-objects // HOURS)
    hours, codes = np.unique(ids // per_hour, return_inverse=True)
    moments = [_FIRST + dt.timedelta(hours=int(hour)) for hour in hours]
    folders = pa.array([f"events/{m:year=%Y/month=%m/day=%d/hour=%H}/part-" for m in moments])
    jobs = pa.array([f"-{uuid.UUID(int=hash((int(hour), 7)) & (2**122 - 1))}-c000.parquet" for hour in hours])
    parts = pa.array([f"{number:05d}" for number in range(per_hour)])
    places = pa.array(codes)
    names = jobs.take(places)
    if unique_names:
        names = pc.binary_join_element_wise("-", _random_hex(count, random), ".parquet", "")
    key = pc.binary_join_element_wise(folders.take(places), parts.take(pa.array(ids % per_hour)), names, "")
    seconds = np.array([int(m.timestamp()) for m in moments])[codes] + 3600 + random.integers(0, 900, count)
    return pa.table(
        {
            "bucket": pa.array([BUCKET] * count),
            "key": key,
            "size": pa.array(random.integers(2**16, 2**27, count)),
            "last_modified_date": pa.array(seconds * 1000).cast(pa.timestamp("ms", tz="UTC")),
            "e_tag": _random_hex(count, random),
            "storage_class": pa.array(["STANDARD"] * count),
        }
    )


def _random_hex(count: int, random: Any) -> pa.Array:
    """So many texts of 32 digits."""
    offsets = np.arange(0, 32 * (count + 1), 32, dtype=np.int32)
    return pa.StringArray.from_buffers(
        count, pa.py_buffer(offsets), pa.py_buffer(random.bytes(16 * count).hex().encode())
    )


class MadeUpStore:
    """A bucket that refuses to list. Each object ends with one small Parquet file."""

    root, is_local = f"s3://{BUCKET}", False

    def __init__(self) -> None:
        self.workers = Workers(8)
        rows = pa.table({"id": pa.array([1, 2], pa.int64()), "amount": pa.array([1.0, 2.0])})
        sink = io.BytesIO()
        pq.write_table(rows, sink)
        self._end = sink.getvalue()

    def list(self, prefix: str = "") -> pa.Table:
        raise AssertionError(f"listed {prefix!r}")

    list_page = list_folder = list_range = list

    def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        """The last bytes of the object: whoever reads a footer asks for those."""
        return self._end[-length:] if length <= len(self._end) else self._end.rjust(length, b"\0")

    def url(self, path: str) -> str:
        return f"{self.root}/{path}"


def build(config: str, cache: str) -> dict[str, Any]:
    """Index the inventory; seconds, and bytes on disk."""
    from lakeq.catalog.inventory import open_inventory
    from lakeq.catalog.inventory_index import take_inventory
    from lakeq.catalog.listings import Listings
    from lakeq.catalog.saved import CatalogFolder
    from lakeq.storage.local import LocalStore
    from lakeq.storage.progress import Reporter

    listings = Listings(MadeUpStore())
    folder = CatalogFolder(Path(cache) / "catalog" / "listings").large(repr((f"s3://{BUCKET}", None)))
    began = time.perf_counter()
    take_inventory(listings, open_inventory(LocalStore(config)), "", folder, Reporter(), most_in_memory=0)
    seconds = time.perf_counter() - began
    large = listings.known.large
    assert large is not None
    return {"build_seconds": seconds, "index_bytes": large.size, "objects": large.objects}  # type: ignore[attr-defined]  # a PathIndex


def plan(cache: str, sql: str) -> dict[str, Any]:
    """Plan a query from the index alone, twice; seconds from opening the lake to the files that are kept."""
    from lakeq.cache import Cache
    from lakeq.catalog import lake_stores
    from lakeq.catalog.definitions import LakeDefinition
    from lakeq.lake import Lake

    store = MadeUpStore()  # writing its file is no part of planning
    lake_stores.open_store = lambda location, **_: store  # type: ignore[assignment]  # any store is opened as this one
    began = time.perf_counter()
    where, kept = LakeDefinition(f"s3://{BUCKET}"), Cache(Path(cache) / "catalog", None)
    lake = Lake(where, freshness="index", history=False, cache=kept)
    first = lake.estimate(sql)
    seconds = [time.perf_counter() - began]
    for _ in range(2):
        began = time.perf_counter()
        lake.estimate(sql)
        seconds.append(time.perf_counter() - began)
    return {"files": first.files, "seconds": seconds[0], "again_seconds": min(seconds[1:])}


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kilobytes) / 1000


def _run_child(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.inventory", "--child", *arguments]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found


def measure(objects: int, above: Path, unique_names: bool) -> dict[str, Any]:
    """All figures of an inventory of so many objects."""
    folder = Path(tempfile.mkdtemp(prefix="inventory-", dir=above))
    try:
        began = time.perf_counter()
        config = write_inventory(folder, objects, unique_names)
        written = sum(path.stat().st_size for path in config.glob("data/*"))
        print(f"{objects:,} objects: inventory written in {time.perf_counter() - began:,.0f} s", flush=True)
        cache = str(folder / "cache")
        built = _run_child("build", str(config), cache)
        print(built, flush=True)
        shutil.rmtree(config)
        day, month = _run_child("plan", cache, DAY), _run_child("plan", cache, MONTH)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "objects": built["objects"],
        "names": "a UUID each" if unique_names else "a UUID a job",
        "inventory_bytes": written,
        "build_seconds": built["build_seconds"],
        "build_peak_mb": built["peak_mb"],
        "index_bytes": built["index_bytes"],
        "bytes_per_object": built["index_bytes"] / built["objects"],
        **{f"day_{name}": value for name, value in day.items()},
        **{f"month_{name}": value for name, value in month.items()},
    }


def _run_as_child(step: str, arguments: list[str]) -> None:
    found = build(*arguments) if step == "build" else plan(*arguments)
    print(json.dumps({**found, "peak_mb": _peak_mb()}))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", type=int, nargs="+", default=[10_000_000])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--unique-names", action="store_true")
    parser.add_argument("--child", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.child:
        _run_as_child(options.child[0], options.child[1:])
        return
    figures = []
    for objects in options.objects:
        figures.append(measure(objects, options.folder, options.unique_names))
        write_result(
            "inventory",
            "Indexing an S3 Inventory, and planning from the index alone",
            figures,
            note="other work shared the two cores: load_average tells how much",
        )
    print_table(figures)


if __name__ == "__main__":
    main()
