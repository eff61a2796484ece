"""A lake that changes between runs, as a folder and as a bucket, and what is true of it.

Its truth is arithmetic over what was written: neither lakeq nor an engine is asked.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.s3sim import make_etag
from lakeq.storage.block_cache import object_key

VARIANTS, SMALL_ROWS, LARGE_ROWS = 12, 400, 100_000
DAYS = range(1, 7)

QUESTIONS = (
    "count(*) AS c, sum(n) AS s FROM t",
    "day, count(*) AS c, sum(n) AS s FROM t WHERE day >= 3 GROUP BY day ORDER BY day",
    "count(*) AS c, sum(n) AS s FROM t WHERE n < 50",
    "sum(n) AS s FROM big WHERE n BETWEEN 1000 AND 60000",
)
"""Everything after SELECT."""


@cache
def make_rows(rows: int, variant: int) -> range:
    """The values of `n` in a file of this variant. Each variant has its own sums, none its own size."""
    return range(variant, variant + rows)


@cache
def make_body(rows: int, variant: int) -> bytes:
    """A Parquet file of these rows. All variants have one size: only the etag tells them apart."""
    sink = pa.BufferOutputStream()
    table = pa.table({"n": pa.array(make_rows(rows, variant), pa.int64())})
    pq.write_table(table, sink, compression="none", use_dictionary=False, row_group_size=rows // 4)
    return bytes(sink.getvalue().to_pybytes())


@dataclass(slots=True)
class World:
    """A lake in the folder `buckets / name`, which the server at `endpoint` shows as a bucket. What is kept
    of it lies below `home`.

    `files` are rows and variant of each file; `states` tell since when which etag was whose.
    """

    buckets: Path
    name: str
    endpoint: str
    home: Path
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    states: list[tuple[float, dict[str, str]]] = field(default_factory=list)

    @property
    def lake(self) -> Path:
        return self.buckets / self.name

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def location(self) -> str:
        return f"s3://{self.name}"

    @property
    def options(self) -> dict[str, Any]:
        """How the bucket is opened."""
        return {"endpoint_url": self.endpoint, "key": "k", "secret": "s", "region": "us-east-1"}

    def fill(self) -> None:
        """The first files."""
        self.home.mkdir(parents=True)
        for day in DAYS:
            for part in range(2):
                self._write(f"t/day={day}/f{part}.parquet", SMALL_ROWS, (day + part) % VARIANTS)
        for part in range(2):
            self._write(f"big/f{part}.parquet", LARGE_ROWS, part)
        self._note()

    def change(self, rng: random.Random) -> None:
        """Replace, add or remove a file or two. Never a moment at which another process works."""
        for _ in range(rng.randrange(3)):
            small = [path for path in self.files if path.startswith("t/")]
            match rng.randrange(4):
                case 0:
                    day = rng.randrange(1, 10)
                    path = f"t/day={day}/g{rng.randrange(4)}.parquet"
                    self._write(path, SMALL_ROWS, rng.randrange(VARIANTS))
                case 1 if len(small) > 6:
                    gone = rng.choice(small)
                    (self.lake / gone).unlink()
                    del self.files[gone]
                case _:
                    path = rng.choice(sorted(self.files))
                    rows = self.files[path][0]
                    self._write(path, rows, (self.files[path][1] + rng.randrange(1, 5)) % VARIANTS)
        self._note()

    def answer(self, number: int) -> list[tuple[Any, ...]]:
        """The rows of a question, as whole numbers."""
        small = {p: make_rows(*what) for p, what in self.files.items() if p.startswith("t/")}
        large = [make_rows(*what) for p, what in self.files.items() if p.startswith("big/")]
        if number == 0:
            return [(sum(map(len, small.values())), sum(map(sum, small.values())))]
        if number == 1:
            days: dict[int, list[range]] = {}
            for path, rows in small.items():
                days.setdefault(int(path.split("=")[1].split("/")[0]), []).append(rows)
            return [(d, sum(map(len, days[d])), sum(map(sum, days[d]))) for d in sorted(days) if d >= 3]
        if number == 2:
            few = [n for rows in small.values() for n in rows[:50] if n < 50]
            return [(len(few), sum(few) if few else None)]
        return [(sum(sum(range(max(rows[0], 1000), min(rows[-1], 60000) + 1)) for rows in large),)]

    def list_blocks(self) -> dict[str, bytes]:
        """The bytes of each file as it is now, by its key in the block cache."""
        etags = self.states[-1][1]
        return {
            object_key(self.endpoint, f"{self.location}/{path}", etags[path]): make_body(*what)
            for path, what in self.files.items()
        }

    def state_at(self, moment: float) -> dict[str, str]:
        """The etag of each file then."""
        return next(state for since, state in reversed(self.states) if since <= moment)

    def _write(self, path: str, rows: int, variant: int) -> None:
        target = self.lake / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = self.home / "part"
        part.write_bytes(make_body(rows, variant))
        os.replace(part, target)
        self.files[path] = (rows, variant)

    def _note(self) -> None:
        stats = {path: os.stat(self.lake / path) for path in self.files}
        self.states.append(
            (time.time(), {path: make_etag(s.st_size, s.st_mtime_ns) for path, s in stats.items()})
        )
        time.sleep(0.06)  # the server takes a folder for settled after 50 ms
