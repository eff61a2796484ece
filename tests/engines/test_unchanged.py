"""Files that engines open by themselves are those of the plan, or the query fails."""

from __future__ import annotations

from pathlib import Path

import pytest

import lakeq
from lakeq.engines.groups import merge_scans
from lakeq.engines.unchanged import check_files
from lakeq.errors import ObjectChangedError, ObjectNotFoundError
from tests.engines.spark.sessions import write_days
from tests.servers import S3Server


def check(lake: lakeq.Lake) -> None:
    (read,) = merge_scans(lake.plan("SELECT id FROM t WHERE day < 3"))
    check_files(read, lake._catalog.store(read.table.store_root))


def test_a_local_file_that_is_written_to_is_an_error(tmp_path: Path) -> None:
    write_days(tmp_path)
    with lakeq.connect(str(tmp_path)) as lake:
        check(lake)
        path = tmp_path / "t" / "day=02" / "part.parquet"
        path.write_bytes(path.read_bytes())
        with pytest.raises(ObjectChangedError):
            check(lake)


def test_a_local_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    write_days(tmp_path)
    with lakeq.connect(str(tmp_path)) as lake:
        lake.tables()
        (tmp_path / "t" / "day=02" / "part.parquet").unlink()
        with pytest.raises((ObjectChangedError, ObjectNotFoundError)):
            check(lake)


@pytest.mark.parametrize("change", ["other", "gone", "left out"])
def test_a_remote_file_is_told_by_a_listing(change: str, s3_server: S3Server, tmp_path: Path) -> None:
    bucket = s3_server.new_bucket()
    for path in sorted(write_days(tmp_path, 4).rglob("*.parquet")):
        s3_server.put(bucket, path.relative_to(tmp_path).as_posix(), path.read_bytes())
    with lakeq.connect(f"s3://{bucket}", **s3_server.storage_options) as lake:
        (read,) = merge_scans(lake.plan("SELECT id FROM t WHERE day < 3"))
        store = lake._catalog.store(read.table.store_root)
        check_files(read, store)
        day = "day=04" if change == "left out" else "day=02"
        if change == "gone":
            s3_server.delete(bucket, f"t/{day}/part.parquet")
        else:
            s3_server.put(bucket, f"t/{day}/part.parquet", b"another")
        if change == "left out":
            check_files(read, store)
        else:
            with pytest.raises(ObjectChangedError, match=r"day=02/part\.parquet"):
                check_files(read, store)
