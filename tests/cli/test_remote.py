"""`lakeq` over a bucket: what it keeps, what it says when it cannot, and how it leaves on Ctrl-C."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.cli.arguments import build_parser
from lakeq.cli.completion import find_tables
from tests.cli.conftest import Run
from tests.inventories import Listed, write_inventory
from tests.servers import free_port, run_latency_s3

ROOT = Path(__file__).parents[2]
SQL = "SELECT count(*) AS n FROM sales WHERE year = 2026"
POLLS = 600


class Bucket:
    """The bucket `lake`, a folder that a simulator of S3 serves."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder = folder
        self.endpoint = endpoint

    def log(self) -> list[dict[str, Any]]:
        """The requests since the last question."""
        with urllib.request.urlopen(f"{self.endpoint}/_log") as answer:
            found: list[dict[str, Any]] = json.load(answer)
        urllib.request.urlopen(f"{self.endpoint}/_reset", b"").close()
        return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    root = tmp_path_factory.mktemp("buckets")
    with run_latency_s3(root, "--latency-ms", "0", "--log") as endpoint:
        yield root, endpoint


@pytest.fixture
def bucket(
    served: tuple[Path, str], lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bucket]:
    """A copy of the lake `sales` in a bucket, and a cache folder of its own."""
    sign(monkeypatch)
    monkeypatch.setenv("LAKEQ_CACHE_DIR", str(tmp_path / "cache"))
    shutil.copytree(lake, served[0] / "lake")
    yield Bucket(served[0] / "lake", served[1])
    shutil.rmtree(served[0] / "lake")
    urllib.request.urlopen(f"{served[1]}/_reset", b"").close()


def sign(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("AWS_ACCESS_KEY_ID", "key")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    patch.setenv("AWS_REGION", "us-east-1")


def at(bucket: Bucket, *options: str) -> tuple[str, ...]:
    return ("--endpoint-url", bucket.endpoint, *options)


def gets(log: list[dict[str, Any]]) -> list[str]:
    return [e["path"] for e in log if e["method"] == "GET" and not e["query"]]


def lists(log: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [e["query"] for e in log if e["query"]]


def check_one_error(outcome: tuple[int, str, str], *words: str) -> None:
    status, out, err = outcome
    assert (status, out) == (1, "")
    assert err.startswith("lakeq: error: ") and err.count("\n") == 1 and "Traceback" not in err
    assert all(word in err for word in words), err


def test_refresh_tells_what_changed(run: Run, bucket: Bucket) -> None:
    assert "listed whole for the first time" in run("refresh", "s3://lake", *at(bucket))[1]
    assert "nothing changed" in run("refresh", "s3://lake", *at(bucket))[1]
    added = bucket.folder / "sales/year=2026/month=12/part-1.parquet"
    pq.write_table(pa.table({"id": [1]}), added)
    (bucket.folder / "sales/year=2025/month=01/part-0.parquet").unlink()
    changed = bucket.folder / "sales/year=2025/month=02/part-0.parquet"
    os.utime(changed, ns=(0, changed.stat().st_mtime_ns + 10**9))
    status, out, err = run("refresh", "s3://lake", *at(bucket))
    assert (status, err) == (0, "")
    assert "added 1: sales/year=2026/month=12/part-1.parquet" in out
    assert "removed 1: sales/year=2025/month=01/part-0.parquet" in out
    assert "replaced 1: sales/year=2025/month=02/part-0.parquet" in out
    assert "_SUCCESS" in out


def test_refresh_of_one_table_tells_what_changed(run: Run, bucket: Bucket) -> None:
    run("refresh", "s3://lake", *at(bucket))
    (bucket.folder / "sales/year=2025/month=01/part-0.parquet").unlink()
    status, out, _ = run("refresh", "s3://lake", "SALES", "--json", *at(bucket))
    (change,) = json.loads(out)
    assert status == 0 and change["name"] == "sales" and change["files"] == 23
    assert "sales/year=2025/month=01/part-0.parquet" in out
    check_one_error(run("refresh", "s3://lake", "sails", *at(bucket)), "sales")


def test_a_lake_is_refreshed_from_an_inventory_in_another_bucket(run: Run, bucket: Bucket) -> None:
    with lakeq.connect("s3://lake", endpoint_url=bucket.endpoint, cache=False) as lake:
        found = lake.files("sales").to_pylist()
    lines = [
        Listed(row["path"][len("s3://lake/") :], row["size"], row["etag"].strip('"'), row["modified"])
        for row in found
    ]
    inventories = bucket.folder.parent / "inventories"
    write_inventory(inventories / "lake" / "daily", [lines], "CSV", bucket="lake")
    where = ("--inventory", "s3://inventories/lake/daily/")
    shutil.rmtree(Path(os.environ["LAKEQ_CACHE_DIR"]))
    bucket.log()
    status, out, err = run("refresh", "s3://lake", *where, *at(bucket))
    assert (status, err) == (0, "")
    assert "as of the S3 Inventory of 2026-11-26T01:00:00+00:00: s3://inventories/lake/daily/" in out
    assert "24 folders listed now: sales/year=2025/month=01/" in out and "known whole for the first" in out
    bucket.log()
    status, out, err = run("query", "s3://lake", SQL, "--freshness", "index", "--format", "csv", *at(bucket))
    assert (status, out) == (0, "n\n120\n")
    assert "Files of sales as of S3 Inventory of 2026-11-26T01:00:00+00:00, but for what was listed" in err
    assert not any("list-type" in request["query"] for request in bucket.log())
    assert (
        "known from  S3 Inventory"
        in run("describe", "s3://lake", "sales", "--freshness", "index", *at(bucket))[1]
    )
    (data,) = (inventories / "lake" / "daily" / "data").iterdir()
    data.write_bytes(data.read_bytes()[:-1])
    shutil.rmtree(Path(os.environ["LAKEQ_CACHE_DIR"]))
    check_one_error(run("refresh", "s3://lake", *where, *at(bucket)), data.name)
    shutil.rmtree(inventories)


def test_refresh_of_a_folder_says_that_nothing_is_kept(run: Run, lake: str) -> None:
    assert run("refresh", lake) == (0, "Nothing is kept of this lake: it is listed anew at each run.\n", "")


def test_cache_is_measured_and_cleared(run: Run, bucket: Bucket, tmp_path: Path) -> None:
    def measure(*options: str) -> dict[str, Any]:
        measured: dict[str, Any] = json.loads(run("cache", "--json", *options)[1])
        return measured

    assert (measure()["catalogs"], measure()["blocks"], measure()["cleared"]) == (0, 0, False)
    assert run("query", "s3://lake", SQL, *at(bucket))[0] == 0
    assert run("query", "s3://lake", "SELECT sum(amount) FROM sales", *at(bucket))[0] == 0
    kept = measure()
    assert kept["folder"] == str(tmp_path / "cache")
    assert kept["catalogs"] == 1 and kept["catalog_bytes"] > 0
    assert kept["blocks"] == 24 and kept["block_bytes"] > 0
    assert measure("--clear") == {**kept, "cleared": True}
    assert (measure()["catalogs"], measure()["blocks"], measure()["block_bytes"]) == (0, 0, 0)
    assert "blocks    0" in run("cache")[1] and "cleared" in run("cache", "--clear")[1]
    assert run("query", "s3://lake", SQL, "--format", "csv", *at(bucket))[1] == "n\n120\n"


def test_cache_dir_keeps_things_elsewhere(run: Run, bucket: Bucket, tmp_path: Path) -> None:
    other = ("--cache-dir", str(tmp_path / "other"))
    run("query", "s3://lake", "SELECT sum(amount) FROM sales", *at(bucket, *other))
    assert json.loads(run("cache", "--json", *other)[1])["blocks"] == 24
    assert json.loads(run("cache", "--json")[1])["blocks"] == 0
    assert not (tmp_path / "cache").exists()


def test_what_is_cached_is_not_fetched_and_no_cache_keeps_none(run: Run, bucket: Bucket) -> None:
    sql = "SELECT sum(amount), max(product) FROM sales"
    answers = []
    for options, fetched in (((), 24), ((), 0), (("--no-cache",), 24), (("--freshness", "index"), 0)):
        bucket.log()
        answers.append(run("query", "s3://lake", sql, "--format", "csv", *at(bucket, *options))[:2])
        log = bucket.log()
        assert len(gets(log)) == fetched, options
        assert bool(lists(log)) == ("index" not in options)
    assert set(answers) == {(0, "sum(amount),max(product)\n540.0,tea\n")} or len(set(answers)) == 1


def test_no_cache_keeps_no_bytes(run: Run, bucket: Bucket) -> None:
    run("query", "s3://lake", "SELECT sum(amount) FROM sales", *at(bucket, "--no-cache"))
    assert json.loads(run("cache", "--json")[1])["blocks"] == 0


def test_a_check_of_many_queries_lists_once(run: Run, bucket: Bucket, tmp_path: Path) -> None:
    files = [tmp_path / f"{year}.sql" for year in (2025, 2026, 2027)]
    for path in files:
        path.write_text(f"SELECT sum(amount) FROM sales WHERE year = {path.stem}")
    asked = []
    for some in (files[:1], files):
        bucket.log()
        cache = ("--cache-dir", str(tmp_path / f"cache{len(some)}"))
        assert run("check", "s3://lake", *map(str, some), *at(bucket, *cache))[0] == 0
        asked.append(len(lists(bucket.log())))
    assert asked[0] == asked[1] > 0


def test_index_of_an_unknown_lake_is_one_clear_error(run: Run, bucket: Bucket) -> None:
    for command in (("query", "s3://lake", SQL), ("tables", "s3://lake"), ("estimate", "s3://lake", SQL)):
        check_one_error(run(*command, *at(bucket, "--freshness", "index")), "s3://lake", "lakeq refresh")
    assert lists(bucket.log()) == []


def test_a_freshness_that_is_none_is_one_clear_error(run: Run, bucket: Bucket) -> None:
    check_one_error(run("query", "s3://lake", SQL, *at(bucket, "--freshness", "soon")), "soon", "15m")


def test_a_wrong_bucket_is_one_clear_error(run: Run, bucket: Bucket) -> None:
    check_one_error(run("query", "s3://lakes", SQL, *at(bucket)), "Bucket not found", "s3://lakes")
    check_one_error(run("query", "s3://lake/nowhere", SQL, *at(bucket)), "s3://lake/nowhere")


def test_a_wrong_endpoint_is_one_clear_error(run: Run, bucket: Bucket) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    check_one_error(run("tables", "s3://lake", "--endpoint-url", nowhere), "refused", "endpoint")
    check_one_error(run("tables", "s3://lake", "--endpoint-url", "127.0.0.1:9000"), "endpoint")


# --- Ctrl-C ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a simulator that takes its time, with the bucket `big` of 67,200 objects."""
    pattern = "big=t/year=2020..2026/month=01..12/f-000..799.csv"
    options = ["--latency-ms", "200", "--log", "--synthetic", pattern, "--synthetic-size", "1000"]
    with run_latency_s3(tmp_path_factory.mktemp("slow"), *options) as endpoint:
        yield endpoint
        urllib.request.urlopen(f"{endpoint}/_reset", b"").close()


def interrupt(endpoint: str, folder: Path, arguments: list[str], kind: str, count: int) -> tuple[int, bytes]:
    """Send SIGINT once the server was asked `count` times to list or to get; status and stderr."""
    urllib.request.urlopen(f"{endpoint}/_reset", b"").close()
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    process = subprocess.Popen(
        [sys.executable, "-m", "lakeq", *arguments, "--endpoint-url", endpoint],
        cwd=ROOT,
        env={**environment, "LAKEQ_CACHE_DIR": str(folder / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    pause = threading.Event()
    try:
        for _ in range(POLLS):
            with urllib.request.urlopen(f"{endpoint}/_log") as answer:
                log = json.load(answer)
            if len(gets(log) if kind == "get" else lists(log)) >= count:
                break
            assert process.poll() is None, process.communicate()
            pause.wait(0.05)
        process.send_signal(signal.SIGINT)
        return process.wait(60), process.communicate()[1]
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("arguments", "kind", "count"),
    [
        (["query", "s3://big", "SELECT count(*) FROM t WHERE value = 'x'", "-o", "OUT/rows.csv"], "list", 6),
        (["query", "s3://big", "SELECT * FROM t WHERE month = 3", "-o", "OUT/rows.parquet"], "get", 40),
        (["query", "s3://big", "SELECT sum(length(value)) FROM t WHERE month < 9", "-o", "OUT/n.csv", "--max-bytes", "1TB"], "get", 100),
        (["refresh", "s3://big"], "list", 6),
        (["tables", "s3://big"], "list", 4),
    ],
    ids=["listing", "reading", "scanning", "refresh", "tables"],
)  # fmt: skip
def test_ctrl_c_leaves_with_one_line_and_nothing_behind(
    slow: str, tmp_path: Path, arguments: list[str], kind: str, count: int
) -> None:
    (tmp_path / "out").mkdir()
    arguments = [argument.replace("OUT", str(tmp_path / "out")) for argument in arguments]
    assert interrupt(slow, tmp_path, arguments, kind, count) == (130, b"lakeq: interrupted\n")
    assert list((tmp_path / "out").iterdir()) == []
    left = [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert [name for name in left if name.endswith((".part", ".unfinished", ".tmp"))] == []


def test_a_tab_offers_the_tables_that_are_known_and_lists_nothing(run: Run, bucket: Bucket) -> None:
    arguments = build_parser().parse_args(["describe", "s3://lake", "t", *at(bucket)])
    assert find_tables(arguments, patience=60) == []
    assert {request["method"] for request in bucket.log()} <= {"HEAD"}  # where the bucket is, no more
    run("query", "s3://lake", "SELECT count(*) FROM sales", *at(bucket))
    bucket.log()
    assert find_tables(arguments, patience=60) == ["sales"]
    assert {request["method"] for request in bucket.log()} <= {"HEAD"}
