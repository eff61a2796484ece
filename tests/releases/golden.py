"""What a release leaves on disk: a lake with its definition, the catalog of a bucket, a history. And how to open it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lakeq
from lakeq.lake import Lake
from tests.servers import run_latency_s3

RELEASES = Path(__file__).parent.parent / "data" / "releases"
BUCKET = "golden"
QUERIES = (
    "SELECT p, count(*), sum(x)::BIGINT FROM events WHERE x > 10 GROUP BY p ORDER BY p",
    "SELECT year, month, max(s) FROM lines GROUP BY ALL ORDER BY ALL",
    "SELECT count(*), min(x), max(x) FROM stripes",
)
VIEW_QUERY = "SELECT * FROM recent ORDER BY x LIMIT 3"
_MODIFIED = 1_790_000_000


@contextlib.contextmanager
def open_bucket(release: Path, cache: Path, **options: Any) -> Iterator[Lake]:
    """The release's lake as a bucket, remembered in `cache`; its files have the same versions each time."""
    bucket = release / BUCKET
    for path in bucket.rglob("*"):
        if path.is_file():
            os.utime(path, (_MODIFIED, _MODIFIED))
    with pytest.MonkeyPatch.context() as patch, run_latency_s3(release, "--latency-ms", "0") as endpoint:
        patch.setenv("AWS_ENDPOINT_URL_S3", endpoint)  # not an option: an option would name the catalog
        where = {"key": "k", "secret": "s", "region": "us-east-1"}
        with lakeq.connect(f"s3://{BUCKET}", cache_dir=cache, cache=False, **where, **options) as lake:
            yield lake
