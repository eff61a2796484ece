"""A Trino server on this machine, for tests that compare with the engine itself.

    LAKEQ_TRINO        the path of trino-server-476.tar.gz, or of the folder that it unpacks to
    LAKEQ_TRINO_JAVA   a JDK that this Trino runs on (24 and later for 476); default: JAVA_HOME

    mvn dependency:get -Dtransitive=false -Dartifact=io.trino:trino-server:476:tar.gz

The server has one catalog, `hive`, whose metastore is a folder: `CREATE TABLE hive.s.t (…) WITH
(external_location = 'local:///tmp/lake/t')` makes it see files of this machine.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tarfile
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers import free_port

FETCH = "mvn dependency:get -Dtransitive=false -Dartifact=io.trino:trino-server:476:tar.gz"
_START_SECONDS = 300
_PLUGINS = ("hive",)
_PLUGIN_FOLDERS = tuple((name,) for name in _PLUGINS)

_CONFIG = """\
coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={port}
discovery.uri=http://127.0.0.1:{port}
plugin.dir={folder}/plugin
catalog.config-dir={folder}/catalog
query.max-memory=1GB
query.max-memory-per-node=512MB
memory.heap-headroom-per-node=512MB
"""

_HIVE = """\
connector.name=hive
hive.metastore=file
hive.metastore.catalog.dir=local://{folder}/metastore
fs.native-local.enabled=true
local.location=/
hive.allow-register-partition-procedure=true
hive.non-managed-table-writes-enabled=true
hive.partition-projection-enabled=true
hive.ignore-absent-partitions=true
hive.recursive-directories=true
hive.security=allow-all
"""


@dataclass(frozen=True)
class TrinoServer:
    """A running Trino. Names without a catalog and a schema are of `hive.default`."""

    port: int

    def run(self, sql: str, user: str = "lakeq") -> list[tuple[Any, ...]]:
        """The rows of one statement. trino.exceptions.TrinoUserError tells what Trino refuses."""
        with self.connect(user) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def connect(self, user: str = "lakeq") -> Any:
        """A PEP 249 connection of the `trino` package."""
        import trino

        return trino.dbapi.connect(
            host="127.0.0.1", port=self.port, user=user, catalog="hive", schema="default", timezone="UTC"
        )


def skip_without_trino() -> None:
    """Skip the test, with what is missing, where no Trino can be started."""
    for reason in _find_obstacles():
        pytest.skip(reason)


@contextlib.contextmanager
def run_trino(settings: Sequence[str] = ()) -> Iterator[TrinoServer]:
    """A Trino on a free port of 127.0.0.1, which answers, until the block ends. `settings` are further lines
    of the catalog's properties."""
    home = _unpack_server(Path(os.environ["LAKEQ_TRINO"]))
    with tempfile.TemporaryDirectory(prefix="trino-") as place:
        folder, port = Path(place), free_port()
        _write_settings(home, folder, port, settings)
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(_java_command(home, folder), cwd=folder, stdout=log, stderr=log)
        try:
            _wait_until_ready(port, process, folder / "server.log")
            server = TrinoServer(port)
            server.run("CREATE SCHEMA IF NOT EXISTS hive.default")
            yield server
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _find_obstacles() -> list[str]:
    given = os.environ.get("LAKEQ_TRINO")
    if not given or not Path(given).exists():
        return [f"needs Trino: {FETCH}, then LAKEQ_TRINO=~/.m2/…/trino-server-476.tar.gz"]
    if not _java().exists():
        return [f"needs Java 24 or later: LAKEQ_TRINO_JAVA names no JDK ({_java()})"]
    try:
        import trino  # noqa: F401 - whether it can be imported is the question
    except ImportError:
        return ["needs Trino's client: pip install trino"]
    return []


def _java() -> Path:
    home = os.environ.get("LAKEQ_TRINO_JAVA") or os.environ.get("JAVA_HOME") or "/nowhere"
    return Path(home) / "bin" / "java"


def _unpack_server(given: Path) -> Path:
    """The folder of the server. What is needed of an archive is unpacked beside it, once."""
    if given.is_dir():
        return given
    home = given.parent / given.name.removesuffix(".tar.gz")
    if not home.exists():
        with tempfile.TemporaryDirectory(dir=given.parent) as place, tarfile.open(given) as archive:
            for member in archive:
                parts = Path(member.name).parts
                if parts[1:2] in (("lib",), ("secrets-plugin",)) or parts[2:3] in _PLUGIN_FOLDERS:
                    archive.extract(member, place, filter="data")
            with contextlib.suppress(OSError):  # another process was here first
                (Path(place) / home.name).rename(home)
    return home


def _write_settings(home: Path, folder: Path, port: int, settings: Sequence[str]) -> None:
    (folder / "plugin").mkdir()
    for name in _PLUGINS:  # all fifty take a minute to load
        (folder / "plugin" / name).symlink_to(home.resolve() / "plugin" / name)
    if (home / "secrets-plugin").exists():
        (folder / "secrets-plugin").symlink_to(home.resolve() / "secrets-plugin")
    (folder / "catalog").mkdir()
    lines = "".join(f"{line}\n" for line in settings)
    (folder / "catalog" / "hive.properties").write_text(_HIVE.format(folder=folder) + lines)
    (folder / "config.properties").write_text(_CONFIG.format(port=port, folder=folder))
    (folder / "log.properties").write_text("io.trino=WARN\n")


def _java_command(home: Path, folder: Path) -> list[str]:
    options = ["-Xmx2G", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djdk.attach.allowAttachSelf=true"]
    options += ["--add-modules=jdk.incubator.vector", "--sun-misc-unsafe-memory-access=allow"]
    options += ["--enable-native-access=ALL-UNNAMED", "-Dfile.encoding=UTF-8", "-Duser.timezone=UTC"]
    options += ["-Dnode.environment=test", "-Dnode.id=lakeq", f"-Dnode.data-dir={folder}"]
    options += [f"-Dconfig={folder / 'config.properties'}", f"-Dlog.levels-file={folder / 'log.properties'}"]
    return [str(_java()), *options, "-cp", f"{home.resolve()}/lib/*", "io.trino.server.TrinoServer"]


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    pause, until = threading.Event(), time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
            raise RuntimeError(f"Trino ended with {process.returncode}:\n{last}")
        address = f"http://127.0.0.1:{port}/v1/info"
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2) as answer:
            if b'"starting":false' in answer.read():
                return
        pause.wait(0.25)
    raise RuntimeError(f"Trino does not answer after {_START_SECONDS} s: see {log}")
