#!/usr/bin/env python3
"""A read-only S3 endpoint with a latency model, for benchmarks and fault tests on loopback.

    python s3sim.py ROOT --port 9900 --latency-ms 30            # each folder of ROOT is a bucket
    python s3sim.py ROOT --synthetic big=year=2023..2026/month=01..12/day=01..28/hour=00..23/part-0..2.parquet
    python s3sim.py ROOT --fault 503=0.05 --fault reset=0.01 --fault truncate=0.01
    python s3sim.py ROOT --storage-class GLACIER=old/ --storage-class STANDARD_IA=year=2024/

Answers ListObjectsV2 (prefix, delimiter, start-after, continuation), HEAD and GET with ranges and
If-Match, path style, any credentials. GET /_stats returns the counters {list, get, head, bytes, faults}
and sets them to zero. It is a model for measuring request counts and latency, not an S3 conformance
server: for tags, versions, encryption headers and writes use moto's server.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import hashlib
import itertools
import os
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from aiohttp import web

MODIFIED = 1_793_000_000
SYNTHETIC_SIZE = 100_000
AFTER_ALL_KEYS = "\U0010ffff"
XML = '<?xml version="1.0" encoding="UTF-8"?>'
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def expand_ranges(pattern: str) -> list[str]:
    """All keys of a pattern: every `a..b` in it counts from a to b, keeping zero padding."""
    choices = []
    for part in re.split(r"(\d+\.\.\d+)", pattern):
        if re.fullmatch(r"\d+\.\.\d+", part):
            low, high = part.split("..")
            choices.append([str(i).zfill(len(low)) for i in range(int(low), int(high) + 1)])
        else:
            choices.append([part])
    return ["".join(choice) for choice in itertools.product(*choices)]


class Buckets:
    """Sorted (key, size) listings of folders, read once, and of synthetic buckets."""

    def __init__(self, root: str, synthetic: Mapping[str, str]) -> None:
        self.root = root
        self._keys = {
            name: sorted((key, SYNTHETIC_SIZE) for key in expand_ranges(pattern))
            for name, pattern in synthetic.items()
        }

    def keys(self, bucket: str) -> list[tuple[str, int]]:
        """The sorted keys of a bucket with their sizes in bytes."""
        if bucket not in self._keys:
            base = os.path.join(self.root, bucket)
            found = [os.path.join(folder, name) for folder, _, names in os.walk(base) for name in names]
            sized = ((os.path.relpath(path, base), os.path.getsize(path)) for path in found)
            self._keys[bucket] = sorted(sized)
        return self._keys[bucket]


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to ListObjectsV2."""

    items: Sequence[tuple[str, int]]
    prefixes: Sequence[str]
    last: str
    is_truncated: bool


def list_page(keys: Sequence[tuple[str, int]], prefix: str, delimiter: str, after: str, limit: int) -> Page:
    """The first `limit` keys and common prefixes that start with `prefix` and come after `after`."""
    at = bisect.bisect_left(keys, (prefix, -1))
    if after:
        at = max(at, bisect.bisect_right(keys, (after, 1 << 62)))
    items: list[tuple[str, int]] = []
    prefixes: list[str] = []
    last = ""
    while at < len(keys) and keys[at][0].startswith(prefix):
        if len(items) + len(prefixes) >= limit:
            return Page(items, prefixes, last, True)
        key, size = keys[at]
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        if cut >= 0:
            prefixes.append(key[: cut + len(delimiter)])
            last = prefixes[-1] + AFTER_ALL_KEYS
            at = bisect.bisect_left(keys, (last, -1))
        else:
            items.append((key, size))
            last, at = key, at + 1
    return Page(items, prefixes, last, False)


def make_etag(key: str, size: int) -> str:
    """The version of an object: it changes with its size only."""
    return '"' + hashlib.md5(f"{key}:{size}".encode(), usedforsecurity=False).hexdigest() + '"'


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte that a Range header asks of an object of `size` bytes; None: all of it."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header)
    if not match:
        return None
    low, high = match.groups()
    if not low:
        return max(0, size - int(high)), size - 1
    return int(low), min(int(high), size - 1) if high else size - 1


class Simulator:
    """Answers requests over `buckets`, after the latency and with the faults asked for."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.buckets = Buckets(args.root, dict(s.split("=", 1) for s in args.synthetic))
        self.latency = args.latency_ms / 1000
        self.bandwidth = args.mb_per_s * 1e6
        self.faults = {kind: float(rate) for kind, rate in (f.split("=") for f in args.fault)}
        self.classes = [(name, prefix) for name, prefix in (c.split("=", 1) for c in args.storage_class)]
        self.random = random.Random(args.seed)
        self.stats = self._zero()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        path = unquote(request.rel_url.raw_path)
        if path == "/_stats":
            stats, self.stats = self.stats, self._zero()
            return web.json_response(stats)
        await asyncio.sleep(self.latency)
        if self._is_hit("503"):
            return self._error(503, "SlowDown")
        if self._is_hit("reset"):
            self._hang_up(request)
            return web.Response()
        bucket, _, key = path.lstrip("/").partition("/")
        if not key:
            return self._list(bucket, request)
        return await self._object(bucket, key, request)

    def _list(self, bucket: str, request: web.Request) -> web.Response:
        if request.method == "HEAD":
            return web.Response()
        self.stats["list"] += 1
        query = request.rel_url.query
        prefix, limit = query.get("prefix", ""), int(query.get("max-keys", "1000"))
        after = query.get("continuation-token", query.get("start-after", ""))
        page = list_page(self.buckets.keys(bucket), prefix, query.get("delimiter", ""), after, limit)
        is_url = query.get("encoding-type") == "url"
        encode = quote if is_url else escape
        out = [
            f'{XML}<ListBucketResult xmlns="{NAMESPACE}"><Name>{bucket}</Name>',
            f"<Prefix>{encode(prefix)}</Prefix><KeyCount>{len(page.items) + len(page.prefixes)}</KeyCount>",
            f"<MaxKeys>{limit}</MaxKeys><IsTruncated>{str(page.is_truncated).lower()}</IsTruncated>",
        ]
        if is_url:
            out.append("<EncodingType>url</EncodingType>")
        if page.is_truncated:
            out.append(f"<NextContinuationToken>{escape(page.last)}</NextContinuationToken>")
        for key, size in page.items:
            out.append(
                f"<Contents><Key>{encode(key)}</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified>"
                f"<ETag>{make_etag(key, size)}</ETag><Size>{size}</Size>"
                f"<StorageClass>{self._storage_class(key)}</StorageClass></Contents>"
            )
        out += [f"<CommonPrefixes><Prefix>{encode(p)}</Prefix></CommonPrefixes>" for p in page.prefixes]
        return web.Response(text="".join([*out, "</ListBucketResult>"]), content_type="application/xml")

    async def _object(self, bucket: str, key: str, request: web.Request) -> web.StreamResponse:
        self.stats["head" if request.method == "HEAD" else "get"] += 1
        path = os.path.join(self.buckets.root, bucket, key)
        if not os.path.isfile(path):
            return self._error(404, "NoSuchKey")
        size = os.path.getsize(path)
        etag, tier = make_etag(key, size), self._storage_class(key)
        if request.headers.get("If-Match", etag).strip('"') != etag.strip('"'):
            return self._error(412, "PreconditionFailed")
        headers = {"ETag": etag, "Last-Modified": formatdate(MODIFIED, usegmt=True), "Accept-Ranges": "bytes"}
        if tier != "STANDARD":
            headers["x-amz-storage-class"] = tier
        if request.method == "HEAD":
            return web.Response(headers={**headers, "Content-Length": str(size)})
        if tier in ("GLACIER", "DEEP_ARCHIVE"):
            return self._error(403, "InvalidObjectState")
        status, first, last = 200, 0, size - 1
        span = parse_range(request.headers.get("Range", ""), size)
        if span:
            status, (first, last) = 206, span
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        if first >= size > 0:
            return self._error(416, "InvalidRange")
        with open(path, "rb") as file:
            file.seek(first)
            data = file.read(last - first + 1)
        return await self._send(request, status, headers, data)

    async def _send(
        self, request: web.Request, status: int, headers: dict[str, str], data: bytes
    ) -> web.StreamResponse:
        self.stats["bytes"] += len(data)
        if self.bandwidth:
            await asyncio.sleep(len(data) / self.bandwidth)
        if not self._is_hit("truncate"):
            return web.Response(status=status, body=data, headers=headers)
        response = web.StreamResponse(status=status, headers={**headers, "Content-Length": str(len(data))})
        await response.prepare(request)
        await response.write(data[: len(data) // 2])
        self._hang_up(request)
        return response

    def _storage_class(self, key: str) -> str:
        return next((name for name, prefix in self.classes if key.startswith(prefix)), "STANDARD")

    def _is_hit(self, kind: str) -> bool:
        hit = self.random.random() < self.faults.get(kind, 0)
        self.stats["faults"] += hit
        return hit

    @staticmethod
    def _hang_up(request: web.Request) -> None:
        if isinstance(request.transport, asyncio.WriteTransport):
            request.transport.abort()

    @staticmethod
    def _zero() -> dict[str, int]:
        return {"list": 0, "get": 0, "head": 0, "bytes": 0, "faults": 0}

    @staticmethod
    def _error(status: int, code: str) -> web.Response:
        body = f"{XML}<Error><Code>{code}</Code><Message>{code}</Message></Error>"
        return web.Response(status=status, text=body, content_type="application/xml")


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root")
    parser.add_argument("--port", type=int, default=9900)
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--mb-per-s", type=float, default=0, help="bandwidth of one connection; 0: no limit")
    parser.add_argument("--synthetic", action="append", default=[], metavar="BUCKET=KEY_PATTERN")
    parser.add_argument("--fault", action="append", default=[], metavar="503|reset|truncate=RATE")
    parser.add_argument("--storage-class", action="append", default=[], metavar="CLASS=KEY_PREFIX")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", Simulator(args).handle)
    web.run_app(app, host="127.0.0.1", port=args.port, access_log=None, print=None)


if __name__ == "__main__":
    main()
