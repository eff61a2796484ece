"""Starting a Spark session, and ending it with all that was started for it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lakeq.engines.spark.target import SparkTarget
from lakeq.errors import ConfigError, EngineError, EngineNotInstalledError

_CONNECT_SECONDS = 10.0
_STARTED_CONF = {
    "spark.app.name": "lakeq",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_JAVA = "Install Java 17 or later, and set JAVA_HOME to its folder if `java` is not on the path."


@dataclass(frozen=True, slots=True)
class Started:
    """A session from which those of queries are made. `is_ours`: it was started here; `gateway` is its JVM,
    if that was too."""

    session: Any
    is_ours: bool
    gateway: Any = None

    @property
    def is_ended(self) -> bool:
        """Whether somebody else has stopped it, such as the lake that had started it."""
        context = getattr(self.session, "_sc", None)
        return context is not None and context._jsc is None

    def close(self) -> None:
        """End what was started. A session of the user's goes on."""
        if not self.is_ours:
            return
        with suppress(Exception):
            self.session.stop()
        if self.gateway is not None:
            _end_gateway(self.gateway)


def start_session(target: SparkTarget, needs_s3: bool) -> Started:
    """The session of `target`, or one that is started at its URL; `needs_s3`: it is to read S3.

    EngineError without Java, for a master or server that does not answer, and for another session that this
    process has already; EngineNotInstalledError without what Spark Connect needs.
    """
    if target.session is not None:
        return Started(target.session, is_ours=False)
    if not target.url.startswith("local"):
        _check_answers(target.url)
    with _quiet():
        return _start_connect(target) if target.is_connect else _start_classic(target, needs_s3)


def hadoop_package() -> str:
    """The Maven coordinates of the S3A that belongs to the Hadoop in PySpark."""
    import pyspark

    jars = Path(pyspark.__file__).parent / "jars"
    versions = (
        re.fullmatch(r"hadoop-client-api-(.+)\.jar", jar.name) for jar in jars.glob("hadoop-client-api-*")
    )
    version = next((match[1] for match in versions if match), None)
    if version is None:
        raise EngineError(
            f"No Hadoop was found in '{jars}'. Name the package of S3A that belongs to this Spark: "
            'packages = ["org.apache.hadoop:hadoop-aws:VERSION"].',
            "spark",
        )
    return f"org.apache.hadoop:hadoop-aws:{version}"


def _start_connect(target: SparkTarget) -> Started:
    try:
        from pyspark.sql.connect.session import SparkSession
    except ImportError as error:
        raise EngineNotInstalledError(
            "Spark Connect needs packages that are not installed. Install them: pip install 'lakeq[spark]'",
            "spark",
            "spark",
        ) from error
    try:
        builder = SparkSession.builder.remote(target.url)
        for name, value in target.conf.items():
            builder = builder.config(name, value)
        return Started(builder.create(), is_ours=True)
    except Exception as error:  # PySpark's and gRPC's have no tree in common
        raise _tell_failure(target.url, str(error)) from error


def _start_classic(target: SparkTarget, needs_s3: bool) -> Started:
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    if SparkContext._active_spark_context is not None:
        return _join(SparkContext._active_spark_context, target)
    find_java()
    packages = [*target.packages, *([hadoop_package()] if needs_s3 else [])]
    told = {**_STARTED_CONF, "spark.master": target.url, **target.conf}
    if target.url.startswith("local"):
        told = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1", **told}
    if packages:
        named = told.get("spark.jars.packages", "").split(",")
        told["spark.jars.packages"] = ",".join(filter(None, [*named, *packages]))
    conf, gateway = SparkConf(loadDefaults=False), None
    for name, value in told.items():
        conf.set(name, value)
    with tempfile.TemporaryFile() as words, _same_interrupt():
        try:
            # What Java says while it starts is of no use, unless it fails.
            gateway = launch_gateway(conf, {"stdout": words, "stderr": words})
            context = SparkContext(gateway=gateway, conf=conf)
            return Started(SparkSession(context), is_ours=True, gateway=gateway)
        except Exception as error:  # PySpark's and py4j's have no tree in common
            if gateway is not None:
                _end_gateway(gateway)
            words.seek(0)
            said = words.read().decode(errors="replace")
            raise _tell_failure(target.url, f"{error}\n{said}") from error


def _join(context: Any, target: SparkTarget) -> Started:
    """A process has one SparkContext: another lake's, or the user's own, serves this one too."""
    from pyspark.sql import SparkSession

    if context.master != target.url:
        raise ConfigError(
            f"This process has a Spark session at '{context.master}' already, and cannot have another at "
            f"'{target.url}'. Stop that one, or give it: engines={{'spark': session}}."
        )
    return Started(SparkSession(context), is_ours=False)


def _end_gateway(gateway: Any) -> None:
    from pyspark import SparkContext

    with suppress(Exception):
        gateway.shutdown()
    process = getattr(gateway, "proc", None)
    if process is not None:
        with suppress(Exception):
            process.stdin.close()  # at that a driver ends
            process.wait(10)
        if process.poll() is None:
            process.kill()
            process.wait()
    if SparkContext._gateway is gateway:
        SparkContext._gateway = SparkContext._jvm = None


def find_java() -> str:
    """The path of Java. EngineError where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java")
    if java is None or not os.access(java, os.X_OK):
        where = (
            f"JAVA_HOME is '{home}', where there is no bin/java" if home else "there is no `java` on the path"
        )
        raise EngineError(f"Spark needs Java: {where}. {_JAVA}", "spark")
    return java


def _check_answers(url: str) -> None:
    """EngineError where nothing listens: Spark itself would ask for minutes."""
    parts = urlsplit(url.split(",")[0])
    try:
        host, port = parts.hostname or "", parts.port or (15002 if parts.scheme == "sc" else 7077)
    except ValueError as error:
        raise ConfigError(f"Not a URL of Spark: {url!r} ({error}).") from error
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        what = "Spark Connect server" if parts.scheme == "sc" else "Spark master"
        raise EngineError(
            f"No {what} answers at {host}:{port} ({error.strerror or error}). Start it, or correct the URL.",
            "spark",
        ) from error


def _tell_failure(url: str, words: str) -> EngineError:
    if "UnsupportedClassVersionError" in words or "Unrecognized option" in words:
        return EngineError(f"Spark cannot run on this Java. {_JAVA}", "spark")
    if "unresolved dependency" in words or "RuntimeException: [download failed" in words:
        return EngineError(
            "Spark could not fetch the packages that it was to load. Give it a way to Maven Central or to a "
            "mirror (conf spark.jars.ivySettings), or put their jars where spark.jars names them.",
            "spark",
        )
    last = [line.strip() for line in words.splitlines() if line.strip()]
    named = [line for line in last if re.search(r"Exception|Error|error:", line)]
    reason = (named or last or ["it ended without a word"])[-1]
    return EngineError(f"Spark cannot be started at '{url}': {reason[:400]}. Correct its settings.", "spark")


@contextmanager
def _same_interrupt() -> Iterator[None]:
    """Ctrl-C means what it meant before: a SparkContext takes the signal to itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _quiet() -> Iterator[None]:
    """PySpark warns of versions of pandas, which is not used here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
