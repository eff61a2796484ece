"""A local Spark, for tests that compare with the engine itself: `pip install pyspark`, and Java 17 or later."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest


def skip_without_spark() -> None:
    """Skip the test, with what is missing, where no Spark can be started."""
    if find_spec("pyspark") is None:
        pytest.skip("needs Spark: pip install pyspark")
    home = os.environ.get("JAVA_HOME")
    if not home and shutil.which("java") is None:
        pytest.skip("needs Java 17 or later: JAVA_HOME names none, and there is no java on PATH")


@contextlib.contextmanager
def run_spark() -> Iterator[Any]:
    """A session of one thread, in UTC, with tables of its own, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="spark-") as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own about pandas, and of sockets that py4j leaves to the end
        from pyspark.sql import SparkSession

        settings = {
            "spark.ui.enabled": "false",
            "spark.sql.warehouse.dir": place,
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.shuffle.partitions": "1",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.log.level": "OFF",
        }
        builder = SparkSession.builder.master("local[1]").appName("lakeq")
        for name, value in settings.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        try:
            yield session
        finally:
            session.stop()
