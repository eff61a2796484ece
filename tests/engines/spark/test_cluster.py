"""Spark as clusters run it: a master and workers, Spark Connect, S3A. Run by hand: docs/engines.md."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import lakeq
from lakeq.errors import EngineError, ExecutionError, ObjectChangedError
from tests.engines.spark.sessions import BIG_ROWS, LONG, needs_spark, write_big, write_days
from tests.servers import free_port, run_s3_server, run_server

pytestmark = [pytest.mark.engines, needs_spark, pytest.mark.filterwarnings("ignore")]

_START_SECONDS = 300
ANSWER = [(day, sum(range(day * 10, day * 10 + 10))) for day in (1, 2, 3)]
BY_DAY = "SELECT day, sum(id) FROM t GROUP BY day ORDER BY day"


def spark_class(*arguments: str, folder: Path) -> list[str]:
    """The command of a program of Spark's that works in `folder` and speaks on 127.0.0.1 alone."""
    import pyspark

    program = str(Path(pyspark.__file__).parent / "bin" / "spark-class")
    return ["env", "SPARK_LOCAL_IP=127.0.0.1", f"SPARK_WORKER_DIR={folder}", program, *arguments]


@contextlib.contextmanager
def run_cluster(folder: Path, workers: int = 2) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The URL of a master on 127.0.0.1, and its workers, each a process; all ended with the block."""
    port, page = free_port(), free_port()
    host = ["--host", "127.0.0.1"]
    master = spark_class(
        "org.apache.spark.deploy.master.Master",
        *host,
        "-p",
        str(port),
        "--webui-port",
        str(page),
        folder=folder,
    )
    url, started = f"spark://127.0.0.1:{port}", []
    with run_server(master, port, _START_SECONDS):
        try:
            for _ in range(workers):
                command = spark_class(
                    "org.apache.spark.deploy.worker.Worker", *host, "-c", "1", "-m", "1g", url, folder=folder
                )
                started.append(
                    subprocess.Popen(
                        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
                    )
                )
            yield url, started
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait()


CLUSTER_CONF = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.executor.memory": "512m",
    "spark.cores.max": "2",
}


def test_a_cluster_answers_cancels_and_outlives_a_killed_worker(tmp_path: Path) -> None:
    write_days(tmp_path / "lake", 3)
    write_big(tmp_path / "lake")
    with run_cluster(tmp_path / "work") as (url, workers):
        target = {"url": url, "conf": CLUSTER_CONF}
        with lakeq.connect(str(tmp_path / "lake"), engines={"spark": target}, engine="spark") as lake:
            result = lake.sql(BY_DAY)
            assert result.fetchall() == ANSWER
            assert result.stats.bytes_scanned > 0
            slow = lake.sql(LONG)
            threading.Timer(5, slow.cancel).start()
            with pytest.raises(EngineError, match="cancelled"):
                slow.fetchall()
            # A worker is killed while a query runs: it is right all the same, or one error.
            running = lake.sql("SELECT t.day, count(*) FROM t, big, t u, t v GROUP BY t.day ORDER BY t.day")
            threading.Timer(1.5, lambda: kill_with_children(workers[0])).start()
            try:
                assert running.fetchall() == [(day, 10 * BIG_ROWS * 30 * 30) for day in (1, 2, 3)]
            except ExecutionError as error:
                assert "Spark failed" in str(error)
            assert lake.sql(BY_DAY).fetchall() == ANSWER, "the other worker goes on"


def kill_with_children(process: subprocess.Popen[bytes]) -> None:
    """A worker and its executors, at once: each started as a group of its own."""
    os.killpg(process.pid, 9)


def test_without_workers_a_query_ends_with_an_error(tmp_path: Path) -> None:
    write_days(tmp_path / "lake", 1)
    with run_cluster(tmp_path / "work", workers=0) as (url, _):
        target = {"url": url, "conf": CLUSTER_CONF}
        with (
            lakeq.connect(str(tmp_path / "lake"), engines={"spark": target}) as lake,
            pytest.raises(EngineError, match="no worker"),
        ):
            lake.sql(BY_DAY, engine="spark").fetchall()


@contextlib.contextmanager
def run_connect_server(folder: Path) -> Iterator[str]:
    """The URL of a Spark Connect server on 127.0.0.1."""
    port = free_port()
    conf = {
        "spark.connect.grpc.binding.port": port,
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
    }
    told = [word for name, value in conf.items() for word in ("--conf", f"{name}={value}")]
    server = "org.apache.spark.sql.connect.service.SparkConnectServer"
    submit = [
        "org.apache.spark.deploy.SparkSubmit",
        "--master",
        "local[1]",
        *told,
        "--class",
        server,
        "spark-internal",
    ]
    with run_server(spark_class(*submit, folder=folder), port, _START_SECONDS):
        yield f"sc://127.0.0.1:{port}"


def test_spark_connect_answers_as_duckdb_does(tmp_path: Path) -> None:
    write_days(tmp_path, 3)
    write_big(tmp_path)
    (tmp_path / "t" / "day=01" / "part.parquet").rename(tmp_path / "t" / "day=01" / "p [1]*é.parquet")
    with run_connect_server(tmp_path) as url, lakeq.connect(str(tmp_path), engines={"spark": url}) as lake:
        result = lake.sql(BY_DAY, engine="spark")
        assert result.fetchall() == ANSWER
        assert result.stats.bytes_scanned > 0
        paths = 'SELECT DISTINCT "$path", day FROM t ORDER BY day'
        assert lake.sql(paths, engine="spark").fetchall() == lake.sql(paths).fetchall()
        slow = lake.sql(LONG, engine="spark")
        threading.Timer(5, slow.cancel).start()
        with pytest.raises(EngineError, match="cancelled"):
            slow.fetchall()


def test_s3a_reads_what_lakeq_planned(tmp_path: Path) -> None:
    write_days(tmp_path, 3)
    with run_s3_server() as server:
        bucket = server.new_bucket()
        for path in sorted(tmp_path.rglob("*.parquet")):
            server.put(bucket, f"lake/{path.relative_to(tmp_path)}", path.read_bytes())
        options = {**server.storage_options, "engines": {"spark": "local[1]"}}
        with lakeq.connect(f"s3://{bucket}/lake", **options) as lake:
            result = lake.sql(BY_DAY, engine="spark")
            assert result.fetchall() == ANSWER
            assert result.stats.bytes_scanned > 0
            changed = lake.sql(BY_DAY, engine="spark")
            key = "lake/t/day=01/part.parquet"
            server.put(bucket, key, (tmp_path / "t" / "day=02" / "part.parquet").read_bytes())
            with pytest.raises(ObjectChangedError):
                changed.fetchall()
