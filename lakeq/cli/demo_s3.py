"""An S3 server on this machine for `lakeq demo --s3`: moto's, in a process of its own."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from lakeq.errors import ConfigError

BUCKET = "lakeq-demo"
_START_SECONDS = 30.0

STORAGE = """\

[storage]
endpoint_url = "{endpoint}"
region = "us-east-1"
key = "demo"
secret = "demo"
"""
"""What a lakeq.toml says to reach the server; it takes any key."""


@contextmanager
def serve_s3() -> Iterator[str]:
    """Run the server while the block runs; yields its URL on 127.0.0.1. ConfigError when moto is missing."""
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        raise ConfigError("The S3 demo needs moto's server. Install it: pip install 'lakeq[demo]'")
    port = _find_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_port(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def upload_folder(folder: Path, endpoint: str) -> None:
    """Put every file below `folder` into a new bucket, under its relative path."""
    import boto3  # comes with moto

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="demo",
        aws_secret_access_key="demo",
    )
    client.create_bucket(Bucket=BUCKET)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda f: client.put_object(
                    Bucket=BUCKET, Key=str(f.relative_to(folder)), Body=f.read_bytes()
                ),
                files,
            )
        )


def _find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise ConfigError("moto's server did not start. Try again, or run the demo without --s3.")
