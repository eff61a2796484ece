"""What the oracle has found: the SQL, over the least lake that shows it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.engines.duckdb import Scanner


@pytest.fixture
def drifting(tmp_path: Path) -> Path:
    """A lake with the table `t`: two keys in folders that are escaped, so that DuckDB is shown made-up
    paths, and a column that the older of two files lacks."""
    for folder, rows in {"a=x%20y/b=2": {"x": [1, 2]}, "a=z/b=4": {"x": [3], "late": [9]}}.items():
        path = tmp_path / "t" / folder
        path.mkdir(parents=True)
        pq.write_table(pa.table(rows), path / "f.parquet")
    return tmp_path


@pytest.mark.parametrize("scanner", ["auto", "arrow"])
@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("SELECT count(*) FROM t WHERE greatest(b, 2) = b", 3),
        ("SELECT count(*) FROM t WHERE coalesce(b, 0) = b", 3),
        ("SELECT count(*) FROM t WHERE coalesce(a, '') > 'y'", 1),
    ],
)
def test_a_condition_on_one_key_of_files_that_differ_reads_no_other_key(
    drifting: Path, scanner: Scanner, sql: str, count: int
) -> None:
    with lakeq.connect(drifting, history=False, scanner=scanner) as lake:
        assert lake.sql(sql).fetchall() == [(count,)]
