"""A server that speaks Trino's protocol from a script, for what a real one does seldom or not at will."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Page = Mapping[str, Any]


def rows(values: Sequence[Sequence[Any]], kinds: Sequence[str], **stats: Any) -> Page:
    """A page with rows whose columns have these types; `stats` are those of the query so far."""
    columns = [
        {"name": f"c{i}", "type": kind, "typeSignature": {"rawType": kind, "arguments": []}}
        for i, kind in enumerate(kinds)
    ]
    return {"data": values, "columns": columns, "stats": stats}


def failure(name: str, message: str, kind: str = "USER_ERROR") -> Page:
    """A page that ends the query with an error."""
    return {
        "error": {"errorName": name, "errorType": kind, "message": message, "errorCode": 1, "failureInfo": {}}
    }


@dataclass
class FakeTrino:
    """Answers every query with `pages`. `status` is sent instead, when it is not 200; `body` as it is, when
    given. `queries` are the SQL and the headers that came, `stopped` counts the queries that were ended."""

    url: str
    pages: Sequence[Page] = ()
    status: int = 200
    body: bytes | None = None
    queries: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    stopped: int = 0
    waits: threading.Event | None = None
    """What the last page waits for."""

    def page(self, number: int) -> bytes:
        if self.body is not None:
            return self.body
        last = number + 1 >= len(self.pages)
        if last and self.waits is not None:
            self.waits.wait(30)
        page = {"id": "q1", "infoUri": self.url, "stats": {}, **self.pages[number]}
        if not last:
            page["nextUri"] = f"{self.url}/v1/statement/{number + 1}"
        return json.dumps(page).encode()


@contextlib.contextmanager
def run_fake_trino(*pages: Page) -> Iterator[FakeTrino]:
    """One on a free port, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
            fake.queries.append((sql, dict(self.headers)))
            self._answer(fake.status, fake.page(0) if fake.status == 200 else b"no")

        def do_GET(self) -> None:
            self._answer(200, fake.page(int(self.path.rpartition("/")[2])))

        def do_DELETE(self) -> None:
            fake.stopped += 1
            self._answer(204, b"")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Tests look at `queries` instead."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        fake = FakeTrino(f"http://127.0.0.1:{server.server_port}", pages)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
