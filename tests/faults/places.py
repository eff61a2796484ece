"""Endpoints at which no store answers: each is one error, and soon."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lakeq
from lakeq.errors import LakeqError
from tests.servers import free_port

SOON_SECONDS = 40.0
"""The first question is tried for about 10 s (docs/storage.md); looking for a name may take as long again."""


def find_places(endpoint: str) -> dict[str, str]:
    """Endpoints that are none, by what is wrong with them; `endpoint` is a server that speaks HTTP."""
    return {
        "a host that no name server knows": "http://no-such-host.invalid",
        "a port that nobody listens at": f"http://127.0.0.1:{free_port()}",
        "TLS asked of a server without": endpoint.replace("http://", "https://"),
    }


def check_place(endpoint: str, options: Mapping[str, Any], cache: Path) -> str:
    """What is wrong with what comes of a query at `endpoint`; "" where it is one error of ours in time."""
    began = time.monotonic()
    try:
        where = {**options, "endpoint_url": endpoint, "timeout": 2.0, "retry_timeout": 2.0}
        with lakeq.connect("s3://bucket", cache_dir=cache, history=False, **where) as lake:
            return f"an answer: {lake.sql('SELECT 1 FROM csv').fetchall()}"
    except LakeqError as error:
        failure = f"more than a line: {error}" if "\n" in str(error) else ""
    except Exception as error:  # noqa: BLE001 - anything else is what is looked for
        failure = repr(error)
    seconds = time.monotonic() - began
    return failure or (f"it took {seconds:.0f} s" if seconds > SOON_SECONDS else "")
