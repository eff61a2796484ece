"""Spark for tests: one session of a process, and a small lake to ask it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

NO_PYSPARK = None if find_spec("pyspark") else "pyspark is not installed"
NO_JAVA = (
    None
    if shutil.which("java") or os.environ.get("JAVA_HOME")
    else "there is no Java: neither JAVA_HOME nor `java`"
)
needs_spark = pytest.mark.skipif(bool(NO_PYSPARK or NO_JAVA), reason=NO_PYSPARK or NO_JAVA or "")
SMALL = {
    "spark.sql.shuffle.partitions": "1",
    "spark.driver.memory": "1g",
    "spark.sql.codegen.wholeStage": "false",  # compiling costs more than these rows
}


def open_session() -> Iterator[Any]:
    """A session as lakeq starts one, on one core; it ends with all that was started."""
    from lakeq.engines.spark.starting import start_session
    from lakeq.engines.spark.target import SparkTarget

    started = start_session(SparkTarget("local[1]", conf=SMALL), needs_s3=False)
    yield started.session
    started.close()


def write_days(root: Path, days: int = 3, rows: int = 10) -> Path:
    """A table `t` of Parquet below `root`, a file a day, `id` counting on; its folder."""
    for day in range(1, days + 1):
        folder = root / "t" / f"day={day:02}"
        folder.mkdir(parents=True)
        ids = list(range(day * rows, (day + 1) * rows))
        pq.write_table(pa.table({"id": ids, "x": [i % 7 for i in ids]}), folder / "part.parquet")
    return root


# Between two rows of `big` a task hears that it is to end; so its core is free again at once.
LONG = "SELECT count(*) FROM big, t b, t c, t d, t e WHERE big.id + b.id + c.id + e.id = 3 * d.id - 7"
"""A query that takes minutes over the tables of `write_days` and `write_big`."""
BIG_ROWS = 50_000


def write_big(root: Path) -> None:
    """A table `big` of one file below `root`."""
    (root / "big").mkdir()
    pq.write_table(pa.table({"id": list(range(BIG_ROWS))}), root / "big" / "part.parquet")
