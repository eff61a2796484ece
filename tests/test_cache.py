"""What is kept of remote lakes: where, how much, and that it can be cleared."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakeq.cache import clear_cache, find_cache_folder, measure_cache, open_cache
from lakeq.cli.app import main
from lakeq.connecting import connect
from lakeq.errors import ConfigError
from tests.servers import S3Server

SQL = "SELECT sum(x) FROM t WHERE day = 2"


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    name = s3_server.new_bucket()
    for day in (1, 2, 3):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"x": [day, day]}), sink)
        s3_server.put(name, f"t/day={day}/part-0.parquet", sink.getvalue().to_pybytes())
    return name


def test_the_folder_is_the_one_given_else_of_the_environment_else_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAKEQ_CACHE_DIR", str(tmp_path / "b"))
    assert find_cache_folder(tmp_path / "a") == tmp_path / "a"
    assert find_cache_folder() == tmp_path / "b"
    monkeypatch.delenv("LAKEQ_CACHE_DIR")
    assert find_cache_folder().name == "lakeq"


def test_a_limit_is_a_size_and_nonsense_is_refused(tmp_path: Path) -> None:
    assert open_cache(False, tmp_path).blocks is None
    limited = open_cache("1MB", tmp_path).blocks
    assert limited is not None and limited.limit_bytes == 1 << 20
    with pytest.raises(ConfigError, match="Not a number of bytes"):
        open_cache("much", tmp_path)


def test_the_second_run_of_a_query_asks_the_store_for_no_byte(
    s3_server: S3Server, bucket: str, tmp_path: Path
) -> None:
    for run in range(2):
        with connect(f"s3://{bucket}", cache_dir=tmp_path, **s3_server.storage_options) as lake:
            result = lake.sql(SQL)
            assert result.fetchall() == [(4,)]
            assert (result.stats.requests_by_kind.get("get", 0) == 0) is (run == 1)
            assert (result.stats.bytes_transferred == 0) is (run == 1)


def test_clearing_removes_what_was_kept_and_tells_how_much(
    s3_server: S3Server, bucket: str, tmp_path: Path
) -> None:
    with connect(f"s3://{bucket}", cache_dir=tmp_path, **s3_server.storage_options) as lake:
        lake.sql(SQL).arrow()
    before = measure_cache(tmp_path)
    assert before.catalogs == 1 and before.blocks and before.block_bytes and before.catalog_bytes
    assert clear_cache(tmp_path) == before
    after = measure_cache(tmp_path)
    assert (after.catalogs, after.catalog_bytes, after.blocks, after.block_bytes) == (0, 0, 0, 0)


def test_without_a_cache_no_block_is_kept(s3_server: S3Server, bucket: str, tmp_path: Path) -> None:
    with connect(f"s3://{bucket}", cache=False, cache_dir=tmp_path, **s3_server.storage_options) as lake:
        assert lake.sql(SQL).fetchall() == [(4,)]
    assert measure_cache(tmp_path).blocks == 0


def test_files_that_no_cache_holds_are_not_fetched_twice(s3_server: S3Server, tmp_path: Path) -> None:
    """While planning, small files are fetched whole only if they will still be there for the query."""
    name = s3_server.new_bucket()
    total = 0
    for day in range(20):
        sink = pa.BufferOutputStream()
        text = [f"{day * n * 7919:0300}" for n in range(1, 1_300)]
        pq.write_table(
            pa.table({"x": range(1, 1_300), "t": text}), sink, compression="none", use_dictionary=False
        )
        s3_server.put(name, f"t/day={day}/part-0.parquet", sink.getvalue().to_pybytes())
        total += sink.getvalue().size
    options = {"cache": False, "cache_dir": tmp_path, "read_memory": "8MB", **s3_server.storage_options}
    with connect(f"s3://{name}", **options) as lake:
        result = lake.sql("SELECT sum(x), max(length(t)) FROM t")
        assert result.fetchall() == [(20 * 1299 * 650, 300)]
        assert total < result.stats.bytes_transferred < 1.3 * total


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(words)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_refresh_and_cache_on_the_command_line(
    s3_server: S3Server,
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.storage_options["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.storage_options["secret"])
    lake = (f"s3://{bucket}", "--endpoint-url", s3_server.endpoint, "--cache-dir", str(tmp_path))
    status, _, err = run(capsys, "estimate", *lake, SQL, "--freshness", "index")
    assert status == 1 and "lakeq refresh" in err and err.count("\n") == 1
    outcome = run(capsys, "refresh", *lake)
    assert "listed whole for the first time" in outcome[1], outcome
    s3_server.put(bucket, "t/day=4/part-0.parquet", b"PAR1")
    s3_server.delete(bucket, "t/day=1/part-0.parquet")
    (change,) = json.loads(run(capsys, "refresh", *lake, "--json")[1])
    assert (change["added"]["count"], change["removed"]["count"], change["replaced"]["count"]) == (1, 1, 0)
    status, out, _ = run(capsys, "query", *lake, SQL, "--freshness", "index", "--format", "csv")
    assert (status, out.splitlines()[-1]) == (0, "4")
    assert json.loads(run(capsys, "cache", "--cache-dir", str(tmp_path), "--json")[1])["catalogs"] == 1
    assert "cleared" in run(capsys, "cache", "--cache-dir", str(tmp_path), "--clear")[1]
    assert run(capsys, "estimate", *lake, SQL, "--freshness", "soon")[0] == 1
