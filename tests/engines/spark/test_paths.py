"""The names of files for Spark are those that java.net.URI and Hadoop give them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from lakeq.engines.spark.listing import write_listing
from lakeq.engines.spark.paths import name_for_reader, name_for_spark
from lakeq.errors import EngineError, UnsupportedSqlError

JAVA_HAS = [
    ("/a b/c%20d", "file:/a%20b/c%2520d"),
    ("/a=1/é ü/日本", "file:/a=1/é%20ü/日本"),
    (
        "/x:y/q?#[]{}|\\^`\"<>;,&+$@!'()*~",
        "file:/x:y/q%3F%23%5B%5D%7B%7D%7C%5C%5E%60%22%3C%3E;,&+$@!'()*~",
    ),
    ("/nb\u00a0sp\u2028x\x7f\x01", "file:/nb%C2%A0sp%E2%80%A8x%7F%01"),
]
"""As Path(...).toUri() of Hadoop 3.5 gave them."""


@pytest.mark.parametrize(("path", "shown"), JAVA_HAS)
def test_local_files_are_named_as_java_does(path: str, shown: str) -> None:
    assert name_for_spark(path) == shown


def test_keys_of_s3_are_named_for_s3a() -> None:
    assert name_for_spark("s3://bucket/a=1/x y.parquet") == "s3a://bucket/a=1/x%20y.parquet"


@pytest.mark.parametrize("key", ["a//b", "/a", "a/../b", "./a", "a/.", "a/"])
def test_keys_that_hadoop_would_change_are_refused(key: str) -> None:
    with pytest.raises(UnsupportedSqlError, match="rename the object"):
        name_for_spark(f"s3://bucket/{key}")


def test_files_of_other_stores_are_refused() -> None:
    with pytest.raises(UnsupportedSqlError, match="engine='duckdb'"):
        name_for_spark("az://container/a.parquet")


def test_a_list_that_cannot_be_written_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "_spark_metadata").write_text("in the way")
    files = pa.table({"size": [1], "modified": pa.array([0], pa.timestamp("us", "UTC"))})
    with pytest.raises(EngineError, match=r"cannot be written.*TMPDIR"):
        write_listing(tmp_path, ["file:/a"], files)


def test_a_reader_takes_no_name_for_a_pattern() -> None:
    name = name_for_spark("/a/p [1]*%é{x}.parquet")
    assert name_for_reader(name) == r"/a/p \[1\]\*%é\{x\}.parquet"
    assert name_for_reader("s3a://bucket/x%20y") == "s3a://bucket/x y"
