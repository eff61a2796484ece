#!/usr/bin/env python3
"""A read-only S3 endpoint with a latency model and faults, for benchmarks and tests on loopback.

    python s3sim.py ROOT --port 9900 --latency-ms 30            # each folder of ROOT is a bucket
    python s3sim.py ROOT --synthetic big=year=2023..2026/month=01..12/day=01..28/hour=00..23/part-0..2.csv
    python s3sim.py ROOT --fault 503=0.05 --fault reset=0.01 --fault truncate=0.01 --seed 7
    python s3sim.py ROOT --storage-class GLACIER=old/ --restored old/2023/ --deny secret/ --log
    python s3sim.py ROOT --storage-class INTELLIGENT_TIERING=t/ --archive-tier ARCHIVE_ACCESS=t/old/

Answers ListObjectsV2 (prefix, delimiter, start-after, continuation-token, max-keys, encoding-type), HEAD and
GET with ranges and If-Match, path style, any credentials. It is a model for requests, latency and faults, not
an S3 conformance server: for tags, versions, encryption headers and writes use moto's server.

Of archived objects (GLACIER, DEEP_ARCHIVE, the --archive-tier of INTELLIGENT_TIERING) HEAD, and a listing
that asks for RestoreStatus, tell whether they are --restored or --restoring; GET is refused unless they are
restored.

A bucket is what its folder holds when a listing begins: files added, changed and deleted are noticed, and an
ETag is made of size and modification time. A synthetic bucket holds every key of its pattern; each object is
text of --synthetic-size bytes that differs from key to key, and reads as CSV of one column.

`--fault KIND=RATE` hits that share of requests, the same ones for the same --seed and order of requests: 503
and 500 (no Retry-After), 503-retry-after, reset (before any byte), truncate (the full length is announced,
half is sent), slow (1 to 3 s late). Rules hit chosen requests; paths under `/_` control the server:

    GET  /_stats   {list, get, head, bytes, faults} since it was asked last; spoilt requests count as well
    POST /_rules   a JSON list of rules; they replace those before
    GET  /_log     with --log: [{method, path, query, range, if_match, status}]; path and query are decoded,
                   the query is an object; status is null for a request without an answer
    POST /_reset   forget rules and log

A rule is {"match": a regular expression over "METHOD path?query", as sent or decoded (default: all), "times":
how often it hits (default 1; -1: always), "skip": how many matches pass before, "fault": …}. Of several, the
first that matches hits. Faults and what they take besides:

    status        code (503), s3code, retry_after: an error
    reset         the connection is reset before any byte
    truncate      bytes (half): the full length is announced, so many bytes are sent
    hang          seconds (60): no answer, then the connection is closed
    delay         seconds (1): the right answer, late
    error_body    status 200 with the XML of an error
    corrupt       offset (the middle): one byte of the body is another
    stale_etag    the ETag of an object is another
    wrong_range   other bytes than asked for, under their own Content-Range
    ignore_range  status 200 with the whole body
    drop_keys     regex: a listing leaves out the keys that it matches
    dup_keys      a listing has its first key twice
    loop_token    a listing says that it goes on, with a token that leads to the same page
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import bisect
import contextlib
import functools
import hashlib
import itertools
import json
import math
import os
import random
import re
import socket
import stat
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from http.client import responses
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape

MODIFIED = 1_793_000_000
"""When synthetic objects were written: seconds since 1970."""
RESTORED_UNTIL = 4_000_000_000
"""Until when copies that were restored are there."""
AFTER_ALL_KEYS = "\U0010ffff"
XML = '<?xml version="1.0" encoding="UTF-8"?>'
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
PAGE_KEYS = 1000
ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")

_CACHED_FILE_BYTES, _CACHE_BYTES = 16 * 2**20, 512 * 2**20
_HEAD_BYTES = 64 * 1024
_LEVEL_TEXTS = 4096
_SETTLED_NS = 50_000_000
"""A folder changed so shortly before it was read may have changed after, at the same time on its clock."""

RATED: dict[str, dict[str, Any]] = {
    "503": {"fault": "status", "code": 503},
    "503-retry-after": {"fault": "status", "code": 503, "retry_after": 1},
    "500": {"fault": "status", "code": 500},
    "reset": {"fault": "reset"},
    "truncate": {"fault": "truncate"},
    "slow": {"fault": "delay"},
}
RULED = (
    *("status", "reset", "truncate", "hang", "delay", "error_body", "corrupt", "stale_etag"),
    *("wrong_range", "ignore_range", "drop_keys", "dup_keys", "loop_token"),
)
S3_CODES = {
    403: "AccessDenied",
    404: "NoSuchKey",
    429: "TooManyRequests",
    500: "InternalError",
    503: "SlowDown",
}

Buffer = bytes | memoryview
Fault = Mapping[str, Any]
NO_FAULT: Fault = {"fault": ""}


# What is stored


@dataclass(frozen=True, slots=True)
class Stored:
    """An object: `read(first, last)` gives its bytes from first to last, both included."""

    size: int
    etag: str
    modified: int
    read: Callable[[int, int], Buffer]


class Bucket(Protocol):
    """Sorted keys, and what is stored under them."""

    keys: Sequence[str]

    def refresh(self, prefix: str) -> None:
        """Let `keys` below `prefix` be what they are now."""

    def describe(self, at: int, key: str) -> tuple[int, str, int]:
        """Size, ETag and modification time of the key, which is at this place of `keys`."""

    def find(self, key: str) -> Stored | None:
        """The object, as it is now; None when there is none."""


class ProductKeys(Sequence[str]):
    """All keys of a pattern in order: every `a..b` in it counts from a to b, keeping zero padding.

    Keys are made when asked for, so a million of them take no memory.
    """

    def __init__(self, pattern: str) -> None:
        parts = re.split(r"(\d+\.\.\d+)", pattern)
        levels = (_count(part, after) for part, after in itertools.pairwise([*parts, ""]))
        self._levels = functools.reduce(_join_last, levels, [[""]])
        self._length = math.prod(len(level) for level in self._levels)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(self._length))]
        if not 0 <= at < self._length:
            raise IndexError(at)
        parts = []
        for level in reversed(self._levels):
            at, place = divmod(at, len(level))
            parts.append(level[place])
        return "".join(reversed(parts))


def _count(part: str, after: str) -> list[str]:
    """The texts of one part of a pattern, in the order of keys in which `after` follows."""
    if not re.fullmatch(r"\d+\.\.\d+", part):
        return [part]
    if after[:1].isdigit():
        raise SystemExit(f"A digit may not follow the range {part}.")
    low, high = part.split("..")
    texts = (str(i).zfill(len(low)) for i in range(int(low), int(high) + 1))
    return sorted(texts, key=lambda text: text + after)


def _join_last(levels: list[list[str]], level: list[str]) -> list[list[str]]:
    """The levels and one more, joined with the last where few texts come of it: fewer levels are faster."""
    if len(levels[-1]) * len(level) > _LEVEL_TEXTS:
        return [*levels, level]
    return [*levels[:-1], [head + tail for head in levels[-1] for tail in level]]


class SyntheticBucket:
    """The keys of a pattern, each with text of the same size."""

    def __init__(self, pattern: str, size: int) -> None:
        self.keys: Sequence[str] = ProductKeys(pattern)
        self._size = size

    def refresh(self, prefix: str) -> None:
        """Nothing ever changes."""

    def describe(self, at: int, key: str) -> tuple[int, str, int]:
        return self._size, _hash(key), MODIFIED

    def find(self, key: str) -> Stored | None:
        at = bisect.bisect_left(self.keys, key)
        if at == len(self.keys) or self.keys[at] != key:
            return None
        size, etag, modified = self.describe(at, key)
        return Stored(size, etag, modified, lambda first, last: make_text(etag, size)[first : last + 1])


def make_text(line: str, size: int) -> bytes:
    """`size` bytes of CSV: the column `value`, and the line again and again."""
    rows = f"{line}\n".encode()
    return (b"value\n" + rows * (size // len(rows) + 1))[:size]


class FolderBucket:
    """The files below a folder."""

    def __init__(self, folder: str, bodies: BodyCache) -> None:
        self.keys: Sequence[str] = []
        self._folder = folder
        self._bodies = bodies
        self._stamps: list[tuple[int, int]] = []
        self._folders: dict[str, int] = {}
        self._names: list[str] = []

    def refresh(self, prefix: str) -> None:
        if not self._is_current(prefix):
            self._scan()

    def describe(self, at: int, key: str) -> tuple[int, str, int]:
        size, changed = self._stamps[at]
        return size, make_etag(size, changed), changed // 10**9

    def find(self, key: str) -> Stored | None:
        if os.path.normpath(key) != key or key.startswith(("/", "..")):
            return None
        return self._bodies.open(os.path.join(self._folder, key))

    def _is_current(self, prefix: str) -> bool:
        """Whether folders and files that may hold keys of `prefix` are as they were."""
        if not self._folders:
            return False
        above = ["", *(prefix[: cut.end()] for cut in re.finditer("/", prefix))]
        below = self._names[bisect.bisect_left(self._names, prefix) :]
        inside = itertools.takewhile(lambda name: name.startswith(prefix), below)
        first = bisect.bisect_left(self.keys, prefix)
        last = bisect.bisect_left(self.keys, prefix + AFTER_ALL_KEYS)
        try:
            return all(
                os.stat(f"{self._folder}/{name}").st_mtime_ns == self._folders[name]
                for name in itertools.chain((name for name in above if name in self._folders), inside)
            ) and all(
                _stamp(os.stat(f"{self._folder}/{self.keys[at]}")) == self._stamps[at]
                for at in range(first, last)
            )
        except OSError:
            return False

    def _scan(self) -> None:
        settled = time.time_ns() - _SETTLED_NS
        found: list[tuple[str, tuple[int, int]]] = []
        self._folders = {}
        for name, changed, files in _walk(self._folder):
            self._folders[name] = changed if changed < settled else -1
            found += files
        found.sort()
        self.keys = [key for key, _ in found]
        self._stamps = [stamp for _, stamp in found]
        self._names = sorted(self._folders)


def _walk(base: str) -> Iterator[tuple[str, int, list[tuple[str, tuple[int, int]]]]]:
    """Each folder below `base` as `a/b/`, when it changed, and its files' keys with their stamps."""
    waiting = [""]
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(FileNotFoundError):  # it went since its parent was read
            changed = os.stat(f"{base}/{name}").st_mtime_ns
            files = []
            for entry in os.scandir(f"{base}/{name}"):
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{name}{entry.name}/")
                elif entry.is_file():
                    files.append((name + entry.name, _stamp(entry.stat())))
            yield name, changed, files


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


class BodyCache:
    """Files by path; the bytes of small ones stay in memory until the file changes."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[int, int], Stored]] = {}
        self._bytes = 0

    def open(self, path: str) -> Stored | None:
        """The file as it is now; None when it is none."""
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return None
        stamp = size, changed = _stamp(status)
        kept = self._kept.get(path)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        if not stat.S_ISREG(status.st_mode):
            return None
        etag, modified = make_etag(size, changed), changed // 10**9
        if size > _CACHED_FILE_BYTES:
            return Stored(size, etag, modified, functools.partial(_read_file, path))
        body = memoryview(_read_file(path, 0, size - 1))
        stored = Stored(size, etag, modified, lambda first, last: body[first : last + 1])
        if len(body) == size and changed < time.time_ns() - _SETTLED_NS:
            self._keep(path, stamp, stored)
        return stored

    def _keep(self, path: str, stamp: tuple[int, int], stored: Stored) -> None:
        self._drop(path)
        while self._kept and self._bytes + stored.size > _CACHE_BYTES:
            self._drop(next(iter(self._kept)))
        self._kept[path] = stamp, stored
        self._bytes += stored.size

    def _drop(self, path: str) -> None:
        if path in self._kept:
            self._bytes -= self._kept.pop(path)[1].size


def _read_file(path: str, first: int, last: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(first)
        return file.read(last - first + 1)


@functools.lru_cache(maxsize=1 << 17)
def make_etag(size: int, changed: int) -> str:
    """The version of a file of `size` bytes that was changed at `changed` (ns)."""
    return _hash(f"{size}:{changed}")


def _hash(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


# Listings


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to ListObjectsV2: keys with their places among a bucket's keys, common prefixes, and after
    which text the rest comes."""

    keys: Sequence[tuple[str, int]]
    prefixes: Sequence[str]
    last: str
    is_truncated: bool


def list_page(keys: Sequence[str], prefix: str, delimiter: str, after: str, limit: int) -> Page:
    """The first `limit` keys and common prefixes that start with `prefix` and come after `after`."""
    at = bisect.bisect_left(keys, prefix)
    if after:
        at = max(at, bisect.bisect_right(keys, after))
    found: list[tuple[str, int]] = []
    prefixes: list[str] = []
    last = ""
    if not limit:
        return Page(found, prefixes, last, False)
    while at < len(keys) and (key := keys[at]).startswith(prefix):
        if len(found) + len(prefixes) >= limit:
            return Page(found, prefixes, last, True)
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        if cut >= 0:
            prefixes.append(key[: cut + len(delimiter)])
            last = prefixes[-1] + AFTER_ALL_KEYS
            at = bisect.bisect_left(keys, last)
        else:
            found.append((key, at))
            last, at = key, at + 1
    return Page(found, prefixes, last, False)


def write_token(after: str) -> str:
    """The continuation token of a listing that goes on after `after`."""
    return "t" + base64.urlsafe_b64encode(after.encode("utf-8", "surrogateescape")).decode()


def read_token(token: str) -> str:
    """After which text a listing goes on; ValueError when the token is not one of write_token's."""
    if not token.startswith("t"):
        raise ValueError(token)
    return base64.urlsafe_b64decode(token[1:]).decode("utf-8", "surrogateescape")


def encode_key(key: str) -> str:
    """A key as encoding-type=url has it."""
    return key.replace("=", "%3D") if _PLAIN(key) else quote(key, errors="surrogateescape")


_PLAIN = re.compile(r"[A-Za-z0-9._~/=-]*").fullmatch


@functools.lru_cache(maxsize=1 << 12)
def write_time(seconds: int) -> str:
    """A time as listings have it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


write_http_date = functools.lru_cache(maxsize=1 << 12)(functools.partial(formatdate, usegmt=True))


# Requests and answers


class Request:
    """One request. `target` is as sent, `path` decoded; `entry` is its line of the log."""

    __slots__ = ("body", "bucket", "entry", "headers", "key", "method", "path", "target")

    def __init__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.path = unquote(target.partition("?")[0])
        self.bucket, _, self.key = self.path[1:].partition("/")
        self.entry: dict[str, Any] = {}

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def is_control(self) -> bool:
        return self.target.startswith("/_")

    @property
    def kind(self) -> str:
        """What it counts as: list, get or head."""
        if self.method == "HEAD":
            return "head"
        return "get" if self.key else "list"


@dataclass(slots=True)
class Answer:
    """What goes back: `size` is announced, `body` is sent."""

    status: int
    body: Buffer = b""
    headers: str = ""
    size: int = -1

    def head(self) -> bytes:
        """Status line and headers."""
        size = len(self.body) if self.size < 0 else self.size
        reason = responses.get(self.status, "Unknown")
        return f"HTTP/1.1 {self.status} {reason}\r\n{self.headers}Content-Length: {size}\r\n\r\n".encode(
            "latin-1"
        )


def answer_error(status: int, code: str, more: str = "") -> Answer:
    """An error as S3 writes it."""
    return answer_xml(status, f"{XML}<Error><Code>{code}</Code><Message>{code}</Message></Error>", more)


def answer_xml(status: int, text: str, more: str = "") -> Answer:
    body = text.encode("utf-8", "surrogateescape")
    return Answer(status, body, f"Content-Type: application/xml\r\n{more}")


def answer_json(value: object) -> Answer:
    return Answer(200, json.dumps(value).encode(), "Content-Type: application/json\r\n")


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte that a Range header asks of an object of `size` bytes; None: all of it.

    A first byte past the last one means that none is there.
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header)
    if not match or not any(match.groups()):
        return None
    low, high = match.groups()
    if not low:
        return (max(0, size - int(high)), size - 1) if int(high) else (size, size - 1)
    if high and int(high) < int(low):
        return None
    return int(low), min(int(high), size - 1) if high else size - 1


def shift_range(first: int, last: int, size: int) -> tuple[int, int]:
    """Another range than this one, of the same length where there is room."""
    if first:
        return first - 1, last - 1
    return min(1, size - 1), min(last + 1, size - 1)


class Faults:
    """Which request goes wrong, and how."""

    def __init__(self, rates: Mapping[str, float], seed: int) -> None:
        self.rules: list[dict[str, Any]] = []
        self._rates = rates
        self._random = random.Random(seed)

    def pick(self, request: Request) -> Fault:
        """The fault of this request; NO_FAULT for most."""
        if not self.rules and not self._rates:
            return NO_FAULT
        return self._pick_by_rule(request) or self._pick_by_rate(request) or NO_FAULT

    def _pick_by_rule(self, request: Request) -> Fault | None:
        line = f"{request.method} {request.target}"
        for rule in self.rules:
            match = rule.get("match", "")
            if not re.search(match, line) and not re.search(match, unquote(line)):
                continue
            if rule.get("skip", 0) > 0:
                rule["skip"] -= 1
            elif times := rule.setdefault("times", 1):
                rule["times"] = times - 1 if times > 0 else times
                return rule
        return None

    def _pick_by_rate(self, request: Request) -> Fault | None:
        for kind, rate in self._rates.items():
            if self._random.random() < rate and (kind != "truncate" or request.method != "HEAD"):
                if kind == "slow":
                    return {"fault": "delay", "seconds": self._random.uniform(1, 3)}
                return RATED[kind]
        return None


def check_rules(rules: Any) -> list[dict[str, Any]]:
    """The rules; ValueError with the reason when they are none."""
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise ValueError("Rules are a list of objects.")
    for rule in rules:
        if rule.get("fault") not in RULED:
            raise ValueError(f"No such fault: {rule.get('fault')!r}. There are {', '.join(RULED)}.")
        re.compile(rule.get("match", ""))
        re.compile(rule.get("regex", ""))
    return rules


class Simulator:
    """Answers requests over buckets, late and wrong where asked for."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.latency = options.latency_ms / 1000
        self.bandwidth = options.mb_per_s * 1e6
        self.faults = Faults(read_rates(options.fault), options.seed)
        self.stats = dict.fromkeys(("list", "get", "head", "bytes", "faults"), 0)
        self._root = options.root
        self._bodies = BodyCache()
        self._buckets: dict[str, Bucket] = {
            name: SyntheticBucket(pattern, options.synthetic_size)
            for name, pattern in (option.split("=", 1) for option in options.synthetic)
        }
        self._classes = [option.split("=", 1) for option in options.storage_class]
        self._tiers = [option.split("=", 1) for option in options.archive_tier]
        self._restored, self._restoring = tuple(options.restored), tuple(options.restoring)
        self._denied = tuple(options.deny)
        self._log: list[dict[str, Any]] | None = [] if options.log else None

    def begin(self, request: Request) -> Fault:
        """Count and log a request that came; the fault that it meets."""
        self.stats[request.kind] += 1
        if self._log is not None:
            names = ("range", "if-match")
            request.entry = {"method": request.method, "path": request.path, "query": request.query}
            request.entry |= {name.replace("-", "_"): request.headers.get(name) for name in names}
            request.entry["status"] = None
            self._log.append(request.entry)
        fault = self.faults.pick(request)
        self.stats["faults"] += fault is not NO_FAULT
        return fault

    def control(self, request: Request) -> Answer:
        """Answer a request about the server itself."""
        match request.method, request.path:
            case "GET", "/_stats":
                answer = answer_json(self.stats)
                self.stats = dict.fromkeys(self.stats, 0)
                return answer
            case "POST", "/_rules":
                try:
                    self.faults.rules = check_rules(json.loads(request.body))
                except (ValueError, re.error) as error:
                    return Answer(400, f"{error}\n".encode())
                return answer_json(len(self.faults.rules))
            case "GET", "/_log" if self._log is not None:
                return answer_json(self._log)
            case "POST", "/_reset":
                self.faults.rules = []
                if self._log is not None:
                    self._log.clear()
                return answer_json(None)
        return Answer(404, b"GET /_stats, POST /_rules, GET /_log (with --log), POST /_reset\n")

    def answer(self, request: Request, fault: Fault) -> Answer:
        """Answer a request for a bucket or an object, as `fault` spoils it."""
        kind = fault["fault"]
        if kind == "status":
            status, retry = fault.get("code", 503), fault.get("retry_after")
            more = "" if retry is None else f"Retry-After: {retry}\r\n"
            return answer_error(status, fault.get("s3code") or S3_CODES.get(status, "Error"), more)
        if kind == "error_body":
            return answer_error(200, "InternalError")
        answer = self._answer_truly(request, fault)
        if kind == "truncate":
            answer.size = len(answer.body)
            answer.body = answer.body[: fault.get("bytes", answer.size // 2)]
        elif kind == "corrupt" and answer.body:
            body = bytearray(answer.body)
            body[fault.get("offset", len(body) // 2) % len(body)] ^= 0xFF
            answer.body = bytes(body)
        if request.kind == "get" and answer.status in (200, 206):
            self.stats["bytes"] += len(answer.body)
        return answer

    def _answer_truly(self, request: Request, fault: Fault) -> Answer:
        bucket = self._find_bucket(request.bucket)
        if request.method not in ("GET", "HEAD"):
            return answer_error(501, "NotImplemented")
        if bucket is None:
            return answer_error(404, "NoSuchBucket")
        if request.key:
            return self._answer_object(bucket, request, fault)
        return self._answer_list(bucket, request, fault) if request.method == "GET" else Answer(200)

    def _find_bucket(self, name: str) -> Bucket | None:
        if name not in self._buckets:
            folder = os.path.join(self._root, name)
            if name in ("", ".", "..") or not os.path.isdir(folder):
                return None
            self._buckets[name] = FolderBucket(folder, self._bodies)
        return self._buckets[name]

    def _answer_list(self, bucket: Bucket, request: Request, fault: Fault) -> Answer:
        query = request.query
        prefix = query.get("prefix", "")
        if self._denied and prefix.startswith(self._denied):
            return answer_error(403, "AccessDenied")
        try:
            limit = min(int(query.get("max-keys", PAGE_KEYS)), PAGE_KEYS)
            token = query.get("continuation-token")
            after = query.get("start-after", "") if token is None else read_token(token)
        except ValueError:
            return answer_error(400, "InvalidArgument")
        if limit < 0:
            return answer_error(400, "InvalidArgument")
        if token is None:
            bucket.refresh(prefix)
        page = list_page(bucket.keys, prefix, query.get("delimiter", ""), after, limit)
        page = spoil_page(page, after, fault)
        return answer_xml(200, self._write_page(bucket, request, page, limit))

    def _write_page(self, bucket: Bucket, request: Request, page: Page, limit: int) -> str:
        name, query = request.bucket, request.query
        asks_restore = "RestoreStatus" in request.headers.get("x-amz-optional-object-attributes", "")
        is_url = query.get("encoding-type") == "url"
        encode = encode_key if is_url else escape
        out = [
            f'{XML}<ListBucketResult xmlns="{NAMESPACE}"><Name>{escape(name)}</Name>',
            f"<Prefix>{encode(query.get('prefix', ''))}</Prefix>",
            f"<KeyCount>{len(page.keys) + len(page.prefixes)}</KeyCount><MaxKeys>{limit}</MaxKeys>",
            f"<IsTruncated>{'true' if page.is_truncated else 'false'}</IsTruncated>",
        ]
        for tag, parameter in (("Delimiter", "delimiter"), ("StartAfter", "start-after")):
            if query.get(parameter):
                out.append(f"<{tag}>{encode(query[parameter])}</{tag}>")
        if is_url:
            out.append("<EncodingType>url</EncodingType>")
        if page.is_truncated:
            out.append(f"<NextContinuationToken>{write_token(page.last)}</NextContinuationToken>")
        for key, at in page.keys:
            size, etag, modified = bucket.describe(at, key)
            tier = self._find_class(key) if self._classes else "STANDARD"
            restore = self._write_restore(key) if asks_restore and tier in ARCHIVES else ""
            out.append(
                f"<Contents><Key>{encode(key)}</Key><LastModified>{write_time(modified)}</LastModified>"
                f"<ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size>"
                f"<StorageClass>{tier}</StorageClass>{restore}</Contents>"
            )
        out += [f"<CommonPrefixes><Prefix>{encode(p)}</Prefix></CommonPrefixes>" for p in page.prefixes]
        return "".join([*out, "</ListBucketResult>"])

    def _answer_object(self, bucket: Bucket, request: Request, fault: Fault) -> Answer:
        key = request.key
        if self._denied and key.startswith(self._denied):
            return answer_error(403, "AccessDenied")
        stored = bucket.find(key)
        if stored is None:
            return answer_error(404, "NoSuchKey")
        wanted = request.headers.get("if-match", "*")
        if wanted != "*" and stored.etag not in (text.strip().strip('"') for text in wanted.split(",")):
            return answer_error(412, "PreconditionFailed")
        tier = self._find_class(key) if self._classes else "STANDARD"
        archive = next((name for name, prefix in self._tiers if key.startswith(prefix)), "")
        is_archived = tier in ARCHIVES or (tier == "INTELLIGENT_TIERING" and archive)
        if is_archived and request.method == "GET" and not key.startswith(self._restored):
            return answer_error(403, "InvalidObjectState")
        kind = fault["fault"]
        etag = "0" * 32 if kind == "stale_etag" else stored.etag
        headers = (
            f'ETag: "{etag}"\r\nLast-Modified: {write_http_date(stored.modified)}\r\n'
            "Accept-Ranges: bytes\r\nContent-Type: application/octet-stream\r\n"
        )
        if tier != "STANDARD":
            headers += f"x-amz-storage-class: {tier}\r\n"
        if is_archived:
            headers += self._head_restore(key) + (f"x-amz-archive-status: {archive}\r\n" if archive else "")
        span = None if kind == "ignore_range" else parse_range(request.headers.get("range", ""), stored.size)
        if span is None:
            return _answer_bytes(request, stored, 200, headers, 0, stored.size - 1)
        first, last = shift_range(*span, stored.size) if kind == "wrong_range" else span
        if first >= stored.size:
            return answer_error(416, "InvalidRange", f"Content-Range: bytes */{stored.size}\r\n")
        headers += f"Content-Range: bytes {first}-{last}/{stored.size}\r\n"
        return _answer_bytes(request, stored, 206, headers, first, last)

    def _write_restore(self, key: str) -> str:
        if key.startswith(self._restored):
            until = f"<RestoreExpiryDate>{write_time(RESTORED_UNTIL)}</RestoreExpiryDate>"
            return f"<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>{until}</RestoreStatus>"
        if key.startswith(self._restoring):
            return "<RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress></RestoreStatus>"
        return ""

    def _head_restore(self, key: str) -> str:
        if key.startswith(self._restored):
            until = write_http_date(RESTORED_UNTIL)
            return f'x-amz-restore: ongoing-request="false", expiry-date="{until}"\r\n'
        return 'x-amz-restore: ongoing-request="true"\r\n' if key.startswith(self._restoring) else ""

    def _find_class(self, key: str) -> str:
        return next((name for name, prefix in self._classes if key.startswith(prefix)), "STANDARD")


def _answer_bytes(
    request: Request, stored: Stored, status: int, headers: str, first: int, last: int
) -> Answer:
    body = b"" if request.method == "HEAD" else stored.read(first, last)
    return Answer(status, body, headers, last - first + 1)


def spoil_page(page: Page, after: str, fault: Fault) -> Page:
    """The page as a fault of listings leaves it; any other fault leaves it as it is."""
    match fault["fault"]:
        case "drop_keys":
            is_dropped = re.compile(fault["regex"]).search
            kept = [(key, at) for key, at in page.keys if not is_dropped(key)]
            return Page(kept, page.prefixes, page.last, page.is_truncated)
        case "dup_keys":
            return Page([*page.keys[:1], *page.keys], page.prefixes, page.last, page.is_truncated)
        case "loop_token":
            return Page(page.keys, page.prefixes, after, True)
    return page


def read_rates(options: Sequence[str]) -> dict[str, float]:
    """What --fault asks for."""
    rates = {kind: float(rate) for kind, rate in (option.split("=") for option in options)}
    if unknown := rates.keys() - RATED.keys():
        raise SystemExit(f"No such fault: {', '.join(unknown)}. There are {', '.join(RATED)}.")
    return rates


class Connection(asyncio.Protocol):
    """One connection: requests are answered one after the other, in the order in which they came."""

    def __init__(self, simulator: Simulator, loop: asyncio.AbstractEventLoop) -> None:
        self._simulator = simulator
        self._loop = loop
        self._waiting = bytearray()
        self._is_busy = False
        self._is_ended = False
        self._is_closing = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self._is_closing = True

    def eof_received(self) -> bool:
        """Nothing more will come; what came is answered before the connection is closed."""
        self._is_ended = True
        if not self._is_busy:
            self._start_next()
        return not self._is_closing

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        if not self._is_busy:
            self._start_next()

    def _start_next(self) -> None:
        """Start on the next request, if a whole one waits."""
        if self._is_busy or self._is_closing:
            return
        try:
            request = self._take_request()
        except ValueError:
            self._is_closing = True
            self._transport.write(Answer(400, headers="Connection: close\r\n").head())
            self._transport.close()
            return
        if request is None:
            if self._is_ended:
                self._close()
            return
        self._is_busy = True
        if request.is_control:
            self._send(request, self._simulator.control(request))
            return
        fault = self._simulator.begin(request)
        seconds = self._simulator.latency
        if fault["fault"] in ("delay", "hang"):
            seconds += fault.get("seconds", 60 if fault["fault"] == "hang" else 1)
        self._do_after(seconds, self._answer, request, fault)

    def _take_request(self) -> Request | None:
        """The next whole request that came; ValueError when what came is none."""
        end = self._waiting.find(b"\r\n\r\n")
        if end < 0:
            if len(self._waiting) > _HEAD_BYTES:
                raise ValueError("endless head")
            return None
        first, *lines = self._waiting[:end].decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
        total = end + 4 + int(headers.get("content-length", 0))
        if len(self._waiting) < total:
            return None
        body = bytes(self._waiting[end + 4 : total])
        del self._waiting[:total]
        return Request(method, target, headers, body)

    def _answer(self, request: Request, fault: Fault) -> None:
        if self._is_closing:
            return
        kind = fault["fault"]
        if kind == "reset":
            self._reset()
        elif kind == "hang":
            self._close()
        else:
            answer = self._simulator.answer(request, fault)
            rate = self._simulator.bandwidth
            self._do_after(len(answer.body) / rate if rate else 0, self._send, request, answer)

    def _send(self, request: Request, answer: Answer) -> None:
        if self._is_closing:
            return
        request.entry["status"] = answer.status
        head, body = answer.head(), b"" if request.method == "HEAD" else answer.body
        self._transport.writelines((head, body) if body else (head,))
        is_cut = 0 <= len(body) < answer.size and request.method != "HEAD"
        if is_cut or request.headers.get("connection", "").lower() == "close":
            self._close()
            return
        self._is_busy = False
        if self._waiting or self._is_ended:
            self._loop.call_soon(self._start_next)

    def _do_after(self, seconds: float, run: Callable[..., None], *arguments: object) -> None:
        if seconds > 0:
            self._loop.call_later(seconds, run, *arguments)
        else:
            run(*arguments)

    def _close(self) -> None:
        """Close the connection when all that was written is sent."""
        self._is_closing = True
        self._transport.close()

    def _reset(self) -> None:
        """Drop the connection so that the other side gets a reset, no end."""
        self._is_closing = True
        number = self._transport.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(number)) as own:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


async def serve(simulator: Simulator, port: int) -> None:
    """Answer on 127.0.0.1 until cancelled."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(simulator, loop), "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's event loop where it is installed, else asyncio's."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root")
    parser.add_argument("--port", type=int, default=9900)
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--mb-per-s", type=float, default=0, help="bandwidth of one connection; 0: no limit")
    parser.add_argument("--synthetic", action="append", default=[], metavar="BUCKET=KEY_PATTERN")
    parser.add_argument("--synthetic-size", type=int, default=100_000, metavar="BYTES")
    parser.add_argument("--fault", action="append", default=[], metavar=f"{'|'.join(RATED)}=RATE")
    parser.add_argument("--storage-class", action="append", default=[], metavar="CLASS=KEY_PREFIX")
    parser.add_argument("--archive-tier", action="append", default=[], metavar="TIER=KEY_PREFIX")
    parser.add_argument("--restored", action="append", default=[], metavar="KEY_PREFIX")
    parser.add_argument("--restoring", action="append", default=[], metavar="KEY_PREFIX")
    parser.add_argument(
        "--deny", action="append", default=[], metavar="KEY_PREFIX", help="403 for keys and listings below it"
    )
    parser.add_argument("--log", action="store_true", help="keep requests for GET /_log")
    parser.add_argument("--seed", type=int, default=0, help="which requests --fault hits")
    return parser.parse_args(arguments)


def main() -> None:
    """Serve until interrupted."""
    options = read_options()
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve(Simulator(options), options.port))


if __name__ == "__main__":
    main()
