"""A proxy on loopback that spoils chosen requests on their way to an S3 server, and notes all of them.

The Host header goes through as it came, so signatures stay valid where the client signs for the proxy's own
host and port. Rules have the form of those of benchmarks/s3sim.py: {"match": a regular expression over
"METHOD target", "skip": matches that pass before, "times": how often it hits (-1: always), "fault": …}.
"""

from __future__ import annotations

import contextlib
import http.client
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

S3_CODES = {
    403: "AccessDenied",
    404: "NoSuchKey",
    429: "TooManyRequests",
    500: "InternalError",
    503: "SlowDown",
}
_HOP = ("connection", "transfer-encoding", "content-length", "keep-alive", "date", "server")
_ENTRY = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
_TRUNCATED = re.compile(rb"<IsTruncated>\w+</IsTruncated>")
_TOKEN = re.compile(rb"<NextContinuationToken>[^<]*</NextContinuationToken>")
_LOOP = "leads-nowhere"
_DRIP_SECONDS, _DRIP_STEPS = 1.5, 30
_PATIENCE = 60.0


@dataclass(slots=True)
class Exchange:
    """One request, how it was spoilt, and the bytes of body that were sent for it; status 0: none was."""

    method: str
    target: str
    headers: Mapping[str, str]
    fault: str = ""
    status: int = 0
    sent: int = 0

    @property
    def kind(self) -> str:
        """`list`, `get` or `head`, or the method of any other request."""
        if self.method != "GET":
            return self.method.lower()
        return "list" if "/" not in self.path.strip("/") else "get"

    @property
    def path(self) -> str:
        """`/bucket/key`, decoded."""
        return unquote(self.target.partition("?")[0])


@dataclass(slots=True)
class _Reply:
    """What goes back. `size` is announced, or None: the end of the connection is the end of the body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    size: int | None
    version: str = "HTTP/1.1"
    ends: str = ""
    """How the connection ends after the body: `close`, `reset`, or "" (it does not)."""


@dataclass
class FaultProxy:
    """A running proxy. `rules` are in force from the next request on; `log` has what came since `reset`.

    `before` is called with each request ahead of its being answered, and may change what is stored. With
    `in_turn`, one request is answered at a time.
    """

    endpoint: str
    upstream: tuple[str, int]
    in_turn: bool = False
    before: Callable[[Exchange], None] | None = None
    rules: list[dict[str, Any]] = field(default_factory=list)
    log: list[Exchange] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _page: bytes = b""

    def reset(self, *rules: dict[str, Any]) -> None:
        """Have just these rules, an empty log, and nothing done before a request."""
        with self._lock:
            self.rules, self.log, self.before = [dict(rule) for rule in rules], [], None

    def answer(self, exchange: Exchange, body: bytes) -> _Reply | None:
        """The reply to a request; None: there is none, and `fault` says how the connection ends."""
        with self._turn if self.in_turn else contextlib.nullcontext():
            if self.before is not None:
                self.before(exchange)
            with self._lock:
                rule = self._pick(f"{exchange.method} {exchange.target}")
                exchange.fault = rule["fault"]
                self.log.append(exchange)
            return self._spoil(exchange, body, rule)

    def _pick(self, line: str) -> Mapping[str, Any]:
        for rule in self.rules:
            if not re.search(rule.get("match", ""), line):
                continue
            if rule.get("skip", 0) > 0:
                rule["skip"] -= 1
            elif times := rule.setdefault("times", 1):
                rule["times"] = times - 1 if times > 0 else times
                return rule
        return {"fault": ""}

    def _spoil(self, exchange: Exchange, body: bytes, rule: Mapping[str, Any]) -> _Reply | None:
        kind = rule["fault"]
        if kind in ("reset", "close"):
            return None
        if kind == "hang":
            time.sleep(rule.get("seconds", 60))
            return None
        if kind == "delay":
            time.sleep(rule.get("seconds", 0.2))
        if kind in ("status", "error_body"):
            return _error(exchange, rule)
        if kind == "loop_token" and _LOOP in exchange.target:
            return _Reply(200, [("Content-Type", "application/xml")], self._page, len(self._page))
        reply = self._forward(exchange, body, leaves_out=("range",) if kind == "ignore_range" else ())
        spoil = _SPOILERS.get(kind)
        if spoil is not None:
            spoil(reply, rule)
        if kind == "loop_token":
            self._page = reply.body
        return reply

    def _forward(self, exchange: Exchange, body: bytes, leaves_out: tuple[str, ...]) -> _Reply:
        server = http.client.HTTPConnection(*self.upstream, timeout=_PATIENCE)
        try:
            server.putrequest(exchange.method, exchange.target, skip_host=True, skip_accept_encoding=True)
            for name, value in exchange.headers.items():
                if name not in ("connection", "expect", "transfer-encoding", *leaves_out):
                    server.putheader(name, value)
            server.endheaders(body or None)
            answer = server.getresponse()
            content = answer.read()
            told = answer.getheader("Content-Length")
        finally:
            server.close()
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
        size = int(told) if exchange.method == "HEAD" and told else len(content)
        return _Reply(answer.status, headers, content, size)


def _error(exchange: Exchange, rule: Mapping[str, Any]) -> _Reply:
    """An error as S3 writes it; of `error_body`, with status 200."""
    status = 200 if rule["fault"] == "error_body" else rule.get("code", 503)
    code = rule.get("s3code") or S3_CODES.get(status, "InternalError")
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>injected</Message></Error>'
    body = b"" if exchange.method == "HEAD" else text.encode()
    return _Reply(
        status, [("Content-Type", "application/xml"), *rule.get("headers", {}).items()], body, len(body)
    )


def _truncate(reply: _Reply, rule: Mapping[str, Any]) -> None:
    reply.body = reply.body[: rule.get("bytes", len(reply.body) // 2)]
    reply.ends = rule.get("ends", "close")


def _lie_about_length(reply: _Reply, rule: Mapping[str, Any]) -> None:
    reply.size = max(0, len(reply.body) + rule["delta"])
    reply.body = reply.body[: reply.size]
    reply.ends = "close"


def _flip(reply: _Reply, rule: Mapping[str, Any]) -> None:
    if reply.body and reply.status in (200, 206):
        body = bytearray(reply.body)
        body[rule.get("offset", len(body) // 2) % len(body)] ^= 0x01
        reply.body = bytes(body)


def _header(name: str, change: Callable[[str], str]) -> Callable[[_Reply, Mapping[str, Any]], None]:
    def spoil(reply: _Reply, _: Mapping[str, Any]) -> None:
        reply.headers = [(n, change(v) if n.lower() == name else v) for n, v in reply.headers]

    return spoil


def _shift_range(text: str) -> str:
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", text)
    return f"bytes {int(match[1]) + 1}-{int(match[2]) + 1}/{int(match[3]) + 1}" if match else text


def _edit_page(
    change: Callable[[bytes, Mapping[str, Any]], bytes],
) -> Callable[[Any, Mapping[str, Any]], None]:
    def spoil(reply: _Reply, rule: Mapping[str, Any]) -> None:
        if b"<ListBucketResult" in reply.body:
            reply.body = change(reply.body, rule)
            reply.size = len(reply.body)

    return spoil


def _drop_keys(page: bytes, rule: Mapping[str, Any]) -> bytes:
    asked = re.compile(rule["regex"].encode())
    return _ENTRY.sub(lambda found: b"" if asked.search(found[0]) else found[0], page)


def _shuffle_keys(page: bytes, rule: Mapping[str, Any]) -> bytes:
    entries = _ENTRY.findall(page)
    random.Random(rule.get("seed")).shuffle(entries)
    return _ENTRY.sub(lambda _: entries.pop(), page)


def _truncate_page(page: bytes, token: bytes) -> bytes:
    return _TRUNCATED.sub(b"<IsTruncated>true</IsTruncated>" + token, _TOKEN.sub(b"", page))


def _speak_http10(reply: _Reply, _: Mapping[str, Any]) -> None:
    reply.version, reply.size, reply.ends = "HTTP/1.0", None, "close"


_SPOILERS: Mapping[str, Callable[[_Reply, Mapping[str, Any]], None]] = {
    "truncate": _truncate,
    "wrong_length": _lie_about_length,
    "corrupt": _flip,
    "stale_etag": _header("etag", lambda _: f'"{"0" * 32}"'),
    "wrong_range": _header("content-range", _shift_range),
    "http10": _speak_http10,
    "drop_keys": _edit_page(_drop_keys),
    "dup_keys": _edit_page(lambda page, _: _ENTRY.sub(lambda found: found[0] * 2, page, count=1)),
    "shuffle_keys": _edit_page(_shuffle_keys),
    "no_token": _edit_page(lambda page, _: _truncate_page(page, b"")),
    "loop_token": _edit_page(
        lambda page, _: _truncate_page(
            page, f"<NextContinuationToken>{_LOOP}</NextContinuationToken>".encode()
        )
    ),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _PATIENCE
    proxy: FaultProxy

    def handle_one_request(self) -> None:
        with contextlib.suppress(OSError):  # the client went away
            super().handle_one_request()
            return
        self.close_connection = True

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        exchange = Exchange(self.command, self.path, headers)
        reply = self.proxy.answer(exchange, body)
        if reply is None:
            self._end("reset" if exchange.fault == "reset" else "close")
            return
        lines = [f"{reply.version} {reply.status} {responses.get(reply.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in reply.headers]
        lines += [] if reply.size is None else [f"Content-Length: {reply.size}"]
        # What was sent is noted first: the client may ask for the log as soon as it has the last byte.
        exchange.status, exchange.sent = reply.status, len(reply.body)
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        if exchange.fault == "drip":
            step = max(1, len(reply.body) // _DRIP_STEPS)
            for start in range(0, len(reply.body), step):
                self.wfile.write(reply.body[start : start + step])
                time.sleep(_DRIP_SECONDS / _DRIP_STEPS)
        else:
            self.wfile.write(reply.body)
        if reply.ends:
            self._end(reply.ends)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the names that http.server asks for

    def log_message(self, *_: Any) -> None:
        """`FaultProxy.log` has it all."""

    def _end(self, how: str) -> None:
        self.close_connection = True
        if how == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, *_: Any) -> None:
        """A client that gave up in the middle of an answer is what is tested here."""


@contextlib.contextmanager
def run_proxy(endpoint: str, in_turn: bool = False) -> Iterator[FaultProxy]:
    """A proxy in front of the server at `endpoint` (`http://host:port`), until the block ends."""
    host, _, port = endpoint.removeprefix("http://").partition(":")
    with _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {})) as server:
        proxy = FaultProxy(f"http://127.0.0.1:{server.server_port}", (host, int(port)), in_turn)
        server.RequestHandlerClass.proxy = proxy  # type: ignore[attr-defined]  # a class of this server alone
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
