"""Servers on loopback for tests: moto's S3 in a process of its own, and one that answers from a script."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from botocore.session import Session

_START_SECONDS = 60


class S3Server:
    """A running S3. `storage_options` open it; `put` writes, and makes the bucket if need be."""

    def __init__(self, endpoint: str, key: str = "testing", secret: str = "testing-secret") -> None:
        self.endpoint = endpoint
        self.storage_options: dict[str, Any] = {
            "endpoint_url": endpoint,
            "key": key,
            "secret": secret,
            "region": "us-east-1",
        }
        self.client = Session().create_client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )
        self._buckets: set[str] = set()
        self._numbers = itertools.count()

    def new_bucket(self) -> str:
        """The name of a new, empty bucket."""
        bucket = f"bucket{next(self._numbers)}"
        self._create(bucket)
        return bucket

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write one object."""
        self._create(bucket)
        self.client.put_object(Bucket=bucket, Key=key, Body=body)

    def delete(self, bucket: str, key: str) -> None:
        """Remove one object."""
        self.client.delete_object(Bucket=bucket, Key=key)

    def _create(self, bucket: str) -> None:
        if bucket not in self._buckets:
            self.client.create_bucket(Bucket=bucket)
            self._buckets.add(bucket)


@contextlib.contextmanager
def run_s3_server() -> Iterator[S3Server]:
    """moto's S3 server on a free port of 127.0.0.1, until the block ends; or another, empty one, that runs
    already: `LAKEQ_TEST_S3="http://127.0.0.1:7480 KEY SECRET" pytest tests/conformance`."""
    if other := os.environ.get("LAKEQ_TEST_S3"):
        yield S3Server(*other.split())
        return
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with run_server(command, port):
        yield S3Server(f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def run_latency_s3(root: Path, *options: str) -> Iterator[str]:
    """The endpoint of benchmarks/s3sim.py over the folders of `root`, until the block ends."""
    port = free_port()
    program = Path(__file__).parent.parent / "benchmarks" / "s3sim.py"
    command = [sys.executable, str(program), str(root), "--port", str(port), *options]
    with run_server(command, port):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def run_server(command: list[str], port: int, seconds: int = _START_SECONDS) -> Iterator[None]:
    """A server process that listens on `port` of 127.0.0.1 while the block runs, after `seconds` at most."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process, seconds)
        yield
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes], seconds: int) -> None:
    pause = threading.Event()
    for _ in range(seconds * 20):
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode} before it listened.")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        pause.wait(0.05)
    raise RuntimeError(f"The server does not listen on {port} after {seconds} s.")


Answer = Callable[[BaseHTTPRequestHandler], None]
"""Writes one HTTP answer, right or wrong."""


@dataclass
class ScriptedServer:
    """Answers the requests to each path by its script, step by step; the last step stays.

    A path without a script is answered 404. `requests` are the (method, path, headers) that came.
    """

    endpoint: str
    scripts: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        self.requests.append((request.command, path, dict(request.headers)))
        script = self.scripts.get(
            f"{request.command} {path}", [reply(404, b"<Error><Code>NoSuchKey</Code></Error>")]
        )
        (script.pop(0) if len(script) > 1 else script[0])(request)


def reply(
    status: int, body: bytes, sent: int | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """An answer that announces `body` and sends its first `sent` bytes (None: all)."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body[:sent])
        if sent is not None:
            request.close_connection = True

    return answer


def hang(until: threading.Event) -> Answer:
    """No answer before `until` is set."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        until.wait(60)
        request.close_connection = True

    return answer


@contextlib.contextmanager
def run_scripted_server() -> Iterator[ScriptedServer]:
    """A ScriptedServer on a free port, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            script.answer(self)

        def do_HEAD(self) -> None:
            script.answer(self)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            script.answer(self)

        def log_message(self, *_: Any) -> None:
            """Tests look at `requests` instead."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        script = ScriptedServer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
