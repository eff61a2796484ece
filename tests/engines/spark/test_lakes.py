"""Random lakes of every layout and format: what Spark reads of them is what DuckDB reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lakeq
from lakeq.errors import UnsupportedSqlError
from tests.engines.spark.compare import compare_lake
from tests.engines.spark.sessions import needs_spark

pytestmark = [needs_spark, pytest.mark.filterwarnings("ignore"), pytest.mark.xdist_group("spark")]


@pytest.mark.parametrize("seed", [3, 4])
def test_spark_reads_what_duckdb_reads(seed: int, tmp_path: Path, spark: Any) -> None:
    told = compare_lake(tmp_path, seed, spark)
    assert told.compared >= 2
    assert told.differing == []


def test_csv_keeps_quotes_line_ends_and_nulls(tmp_path: Path, spark: Any) -> None:
    (tmp_path / "c").mkdir()
    lines = [
        "id,s,t",
        '1,"two\r\nlines",a',
        '2,"say ""so""", x ',
        '3,"",',
        "4,NA,",
        '5,a\\b,"c\\"',
        '6,"l\rr","é, 日本"',
    ]
    (tmp_path / "c" / "x.csv").write_text("\r\n".join(lines) + "\r\n", newline="")
    for null in ("", "NA"):
        with lakeq.connect(str(tmp_path), engines={"spark": spark}) as lake:
            lake.register("c", "c", null=null)
            sql = "SELECT * FROM c ORDER BY id"
            assert lake.sql(sql, engine="spark").fetchall() == lake.sql(sql).fetchall()


def test_csv_of_one_column_is_refused(tmp_path: Path, spark: Any) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "x.csv").write_text("id\n1\n\n2\n")
    with lakeq.connect(str(tmp_path), engines={"spark": spark}) as lake:
        lake.register("c", "c", header=True)
        with pytest.raises(UnsupportedSqlError, match="one column"):
            lake.sql("SELECT count(*) FROM c", engine="spark").fetchall()
