"""A disk that is full, and folders that cannot be written: queries answer, or an error of ours says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.servers import run_latency_s3

ROOT = Path(__file__).parent.parent
NOWHERE = "/proc/lakeq"
"""A folder that nobody can make, not even root."""

ASK = """
import resource, sys, warnings
import lakeq
from lakeq.cli.app import main
location, endpoint, limit, out = sys.argv[1:]
options = {"endpoint_url": endpoint, "key": "k", "secret": "s", "region": "us-east-1"}
if limit != "none":  # no file grows beyond: as on a disk that is full
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for _ in range(2):
        with lakeq.connect(location, **options) as lake:
            assert lake.sql("SELECT count(*) AS c, sum(n) AS s FROM t").fetchall() == [(4000, 1998000)]
            lake.refresh()
print(*[str(one.message) for one in told])
words = ["query", location, "SELECT n FROM t", "--endpoint-url", endpoint, "-o", out]
print("status", main(words))
"""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("buckets")
    for day in range(4):
        (root / f"lake/t/day={day}").mkdir(parents=True)
        pq.write_table(pa.table({"n": range(1000)}), root / f"lake/t/day={day}/f.parquet")
    with run_latency_s3(root, "--latency-ms", "0") as endpoint:
        yield endpoint


def ask(endpoint: str, limit: str, out: Path, **places: str) -> tuple[str, str]:
    """What a process prints, on both channels, that asks the same questions twice and writes a file."""
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", **places}
    command = [sys.executable, "-c", ASK, "s3://lake", endpoint, limit, str(out)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_on_a_full_disk_queries_answer_and_a_file_that_does_not_fit_is_an_error(
    endpoint: str, tmp_path: Path
) -> None:
    places = {"LAKEQ_CACHE_DIR": str(tmp_path / "cache"), "LAKEQ_DATA_DIR": str(tmp_path / "data")}
    printed, told = ask(endpoint, "0", tmp_path / "out.csv", **places)
    assert "The history of queries is not kept: [Errno 27] File too large" in printed
    assert printed.endswith("status 1\n")
    assert f"Cannot write to {tmp_path / 'out.csv'}: File too large." in told
    assert [path.name for path in tmp_path.iterdir() if "out.csv" in path.name] == []
    assert not list(tmp_path.rglob("*.unfinished"))


def test_without_a_folder_to_write_to_queries_answer(endpoint: str, tmp_path: Path) -> None:
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), NOWHERE)
    printed, told = ask(
        endpoint, "none", tmp_path / "out.csv", LAKEQ_CACHE_DIR="", LAKEQ_DATA_DIR="", **places
    )
    assert "The history of queries is not kept" in printed and printed.count("history") == 2
    assert printed.endswith("status 0\n") and "Traceback" not in told
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 4001
