"""The estimate of a query that is still being typed: from what is known, and asking no more than it may."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.errors import BudgetExceededError, ColumnNotFoundError, ConfigError, QueryCancelledError
from lakeq.lake import Lake
from lakeq.storage.tally import Tally, count_into
from tests.servers import run_latency_s3

MONTH = "SELECT sum(n) FROM events WHERE month = 2"


def write_lake(root: Path) -> Path:
    for month in range(1, 13):
        folder = root / "lake" / "events" / f"month={month}"
        folder.mkdir(parents=True)
        for part in range(20):
            pq.write_table(pa.table({"n": list(range(50 + 7 * part))}), folder / f"{part}.parquet")
    return root / "lake"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lake(tmp_path_factory.mktemp("preview"))


@pytest.fixture(scope="module")
def endpoint(folder: Path) -> Iterator[str]:
    with run_latency_s3(folder.parent, "--latency", "0") as url:
        yield url


@pytest.fixture
def remote(endpoint: str, tmp_path: Path) -> Iterator[Lake]:
    options = {"endpoint_url": endpoint, "key": "k", "secret": "s", "region": "us-east-1"}
    with lakeq.connect("s3://lake/", cache_dir=tmp_path, **options) as lake:
        yield lake


def test_a_preview_says_what_the_estimate_says(folder: Path) -> None:
    with lakeq.connect(folder) as lake:
        preview = lake.preview(MONTH)
        assert preview.refusal is None
        assert preview.estimate.bytes_scanned == lake.estimate(MONTH).bytes_scanned > 0
        assert (preview.estimate.partitions, preview.estimate.partitions_total) == (1, 12)


def test_of_many_footers_it_reads_about_a_hundred(remote: Lake) -> None:
    with count_into(Tally()) as tally:
        estimate = remote.preview("SELECT sum(n) FROM events").estimate
    assert estimate.files == 240
    assert estimate.accuracy == "sampled"
    assert 25 <= tally.requests["get"] <= 120


def test_it_tells_why_the_query_would_be_refused(folder: Path) -> None:
    with lakeq.connect(folder) as lake:
        refusal = lake.preview(MONTH, max_bytes=10).refusal
        assert isinstance(refusal, BudgetExceededError)
        assert "over the limit of 10 bytes" in str(refusal)
        assert isinstance(lake.preview(MONTH, max_cost="0.000001").refusal, BudgetExceededError)
        with pytest.raises(ColumnNotFoundError, match="month"):
            lake.preview("SELECT sum(n) FROM events WHERE mnth = 2")


def test_a_day_that_is_spent_is_told_and_nothing_is_entered(folder: Path, tmp_path: Path) -> None:
    definition = tmp_path / "lakeq.toml"
    definition.write_text(f'location = "{folder}"\n[limits]\nmax_bytes_per_day = "1KB"\n')
    with lakeq.connect(definition) as lake:
        assert isinstance(lake.preview(MONTH).refusal, BudgetExceededError)
        assert lake.history().num_rows == 0
        assert lake.used_today().bytes == 0


def test_what_was_used_today_is_told(folder: Path) -> None:
    with lakeq.connect(folder) as lake:
        before = lake.used_today()
        scanned = lake.sql(MONTH)
        scanned.fetchall()
        assert lake.used_today().bytes - before.bytes == scanned.stats.bytes_scanned > 0
    with lakeq.connect(folder, history=False) as lake, pytest.raises(ConfigError, match="history"):
        lake.used_today()


def test_once_stopped_it_asks_the_store_for_nothing(remote: Lake) -> None:
    stopped = threading.Event()
    stopped.set()
    with count_into(Tally()) as tally, pytest.raises(QueryCancelledError):
        remote.preview(MONTH, stopped=stopped)
    assert tally.requests.get("get", 0) == 0
    assert tally.requests.get("list", 0) == 0
    remote.preview(MONTH)
    with count_into(Tally()) as tally:
        known = remote.preview(MONTH, stopped=stopped)
    assert known.estimate.bytes_scanned > 0
    assert tally.requests == {}


def test_a_listing_of_any_age_does_for_a_preview(remote: Lake) -> None:
    first = remote.preview(MONTH)
    with count_into(Tally()) as tally:
        assert remote.preview(MONTH).estimate.bytes_scanned == first.estimate.bytes_scanned
    assert tally.requests == {}
    with count_into(Tally()) as tally:
        remote.estimate(MONTH)
    assert tally.requests["list"] >= 1
