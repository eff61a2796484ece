"""The S3 of benchmarks and fault tests lists, reads and fails as it says."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.s3sim import ProductKeys, list_page, parse_range
from tests.servers import run_latency_s3

BODY = bytes(random.Random(0).randbytes(1000))
KEYS = ("a/1", "a/2", "a/sub/x=1 ü&<>+%41", "b", "secret/1")


class Answer:
    """Status, headers with lower-case names, and body."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): text for name, text in response.getheaders()}
        self.body = response.read()

    def texts(self, tag: str) -> list[str]:
        """What the elements of this name hold."""
        return [
            element.text or "" for element in ET.fromstring(self.body).iter() if element.tag.endswith(tag)
        ]


class Client:
    """Asks a server, over one connection as long as it lasts."""

    def __init__(self, endpoint: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=20)

    def ask(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> Answer:
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body), names)
            return Answer(self._connection.getresponse())
        except (http.client.HTTPException, OSError):
            self._connection.close()
            raise

    def list(self, bucket: str = "lake", **query: Any) -> Answer:
        given = {name.replace("_", "-"): value for name, value in query.items()}
        return self.ask(f"/{bucket}?{urlencode({'list-type': 2, **given})}")

    def list_keys(self, bucket: str = "lake", **query: Any) -> list[str]:
        return self.list(bucket, **query).texts("Key")

    def rule(self, *rules: dict[str, Any]) -> None:
        assert self.ask("/_rules", "POST", rules).status == 200

    def json(self, path: str) -> Any:
        return json.loads(self.ask(path).body)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("buckets")
    for key in KEYS:
        path = root / "lake" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(BODY)
    (root / "lake" / "nothing").mkdir()
    return root


@pytest.fixture(scope="module")
def endpoint(root: Path) -> Iterator[str]:
    options = ["--latency-ms", "0", "--log", "--deny", "secret/", "--synthetic-size", "100"]
    options += ["--synthetic", "big=y=1..12/p-00..99", "--storage-class", "GLACIER=y=3/"]
    with run_latency_s3(root, *options) as endpoint:
        yield endpoint


@pytest.fixture
def client(endpoint: str) -> Iterator[Client]:
    client = Client(endpoint)
    client.ask("/_reset", "POST")
    client.json("/_stats")
    yield client
    client.ask("/_reset", "POST")
    client.close()


def list_plainly(keys: Sequence[str], prefix: str, delimiter: str, after: str) -> tuple[list[str], list[str]]:
    """Keys and common prefixes of a whole listing, by the definition."""
    names, prefixes = [], set()
    for key in keys:
        if key.startswith(prefix) and key > after:
            head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if found:
                prefixes.add(prefix + head + delimiter)
            else:
                names.append(key)
    return names, sorted(prefixes)


texts = st.text("ab/-é", max_size=6)


@given(st.sets(texts.filter(bool)), texts, st.sampled_from(["", "/", "-", "ab"]), texts, st.integers(1, 5))
def test_pages_hold_what_a_plain_listing_holds(
    keys: set[str], prefix: str, delimiter: str, start: str, limit: int
) -> None:
    ordered = sorted(keys)
    names: list[str] = []
    prefixes: list[str] = []
    after = start
    for _ in range(len(keys) + 1):
        page = list_page(ordered, prefix, delimiter, after, limit)
        assert len(page.keys) + len(page.prefixes) <= limit
        names += [key for key, _ in page.keys]
        prefixes += page.prefixes
        assert all(ordered[at] == key for key, at in page.keys)
        if not page.is_truncated:
            break
        after = page.last
    assert not page.is_truncated
    assert (names, prefixes) == list_plainly(ordered, prefix, delimiter, start)


@given(st.integers(0, 12), st.integers(0, 120), st.sampled_from(["/", "-", "", "/x"]))
def test_the_keys_of_a_pattern_are_all_there_and_sorted(low: int, high: int, end: str) -> None:
    keys = list(ProductKeys(f"n={low}..{low + 3}/m={low:03}..{max(low, high):03}{end}"))
    pairs = [(n, m) for n in range(low, low + 4) for m in range(low, max(low, high) + 1)]
    assert keys == sorted(f"n={n}/m={m:03}{end}" for n, m in pairs)


def test_a_million_keys_are_sorted() -> None:
    keys = ProductKeys("y=2023..2026/m=1..12/d=01..28/h=00..23/part-0..31")
    assert len(keys) == 4 * 12 * 28 * 24 * 32
    places = random.Random(1).sample(range(len(keys) - 1), 1000)
    assert all(keys[at] < keys[at + 1] for at in places)


@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 60))
def test_ranges_are_those_of_slices(size: int, first: int, length: int) -> None:
    body = bytes(range(size))
    span = parse_range(f"bytes={first}-{first + length}", size)
    assert span is not None
    assert body[span[0] : span[1] + 1] == body[first : first + length + 1]
    tail = parse_range(f"bytes=-{length + 1}", size)
    assert tail is not None
    assert body[tail[0] : tail[1] + 1] == body[-length - 1 :]
    assert parse_range(f"bytes={first}-", size) == (first, size - 1)


@pytest.mark.parametrize("header", ["", "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,3-4", "lines=1-2"])
def test_a_range_that_is_none_means_all(header: str) -> None:
    assert parse_range(header, 10) is None


def test_a_listing_spells_each_key(client: Client) -> None:
    assert client.list_keys() == sorted(KEYS)
    encoded = client.list(encoding_type="url").texts("Key")
    assert [unquote(key) for key in encoded] == sorted(KEYS)
    assert client.list(delimiter="/").texts("Prefix") == ["", "a/", "secret/"]
    assert client.list_keys(prefix="a/", start_after="a/1", max_keys=1) == ["a/2"]


def test_a_listing_goes_on_where_its_page_ended(client: Client) -> None:
    found, token = [], {}
    for _ in range(10):
        answer = client.list("big", prefix="y=", **token)
        found += answer.texts("Key")
        if answer.texts("IsTruncated") == ["false"]:
            break
        token = {"continuation_token": answer.texts("NextContinuationToken")[0]}
    assert found == list(ProductKeys("y=1..12/p-00..99"))
    assert client.list("big", delimiter="/").texts("KeyCount") == ["12"]


def test_synthetic_objects_are_read(client: Client) -> None:
    first, second = (client.ask(f"/big/y=1/p-0{n}") for n in (1, 2))
    assert len(first.body) == len(second.body) == 100
    assert first.body != second.body
    assert first.headers["etag"] != second.headers["etag"]
    assert client.ask("/big/y=1/p-01", Range="bytes=-7").body == first.body[-7:]
    assert client.ask("/big/y=1/p-01", "HEAD").headers["content-length"] == "100"
    assert client.ask("/big/y=1/p-1").status == 404


def test_objects_are_read_by_range_and_version(client: Client) -> None:
    whole = client.ask("/lake/a/1")
    assert (whole.status, whole.body) == (200, BODY)
    part = client.ask("/lake/a/1", Range="bytes=10-19")
    assert (part.status, part.body) == (206, BODY[10:20])
    assert part.headers["content-range"] == "bytes 10-19/1000"
    assert client.ask("/lake/a/1", Range="bytes=990-2000").body == BODY[990:]
    assert client.ask("/lake/a/1", Range="bytes=-5").body == BODY[-5:]
    assert client.ask("/lake/a/1", Range="bytes=1000-").status == 416
    etag = whole.headers["etag"]
    assert client.list(prefix="a/1").texts("ETag") == [etag]
    assert client.ask("/lake/a/1", If_Match=etag).status == 200
    assert client.ask("/lake/a/1", If_Match='"another"').status == 412
    head = client.ask("/lake/a/1", "HEAD")
    assert (head.headers["content-length"], head.headers["etag"], head.body) == ("1000", etag, b"")


def test_every_key_listed_is_read(client: Client) -> None:
    for key in KEYS[:-1]:
        assert client.ask(f"/lake/{quote(key)}").body == BODY


@pytest.mark.parametrize(
    "path", ["/lake/no", "/lake/a//1", "/lake/../lake/b", "/lake/a", "/lake/./b", "/no/x"]
)
def test_what_is_not_there_is_not_found(client: Client, path: str) -> None:
    assert client.ask(path).status == 404


def test_a_missing_bucket_is_not_empty(client: Client) -> None:
    answer = client.list("nowhere")
    assert (answer.status, answer.texts("Code")) == (404, ["NoSuchBucket"])


def test_archived_and_denied_objects_are_refused(client: Client) -> None:
    assert client.ask("/big/y=3/p-01").texts("Code") == ["InvalidObjectState"]
    assert client.ask("/big/y=3/p-01", "HEAD").headers["x-amz-storage-class"] == "GLACIER"
    assert set(client.list("big", prefix="y=3/").texts("StorageClass")) == {"GLACIER"}
    assert client.ask("/lake/secret/1").texts("Code") == ["AccessDenied"]
    assert client.list(prefix="secret/").status == 403
    assert client.list(prefix="secret/1").status == 403
    assert client.list(prefix="secret").status == 200


def test_changed_files_are_noticed(client: Client, root: Path) -> None:
    folder = root / "changing"
    (folder / "x").mkdir(parents=True)
    (folder / "x" / "1").write_bytes(b"first")
    (folder / "old").write_bytes(b"old")
    os.utime(folder / "x" / "1", ns=(1, 1))
    assert client.list_keys("changing") == ["old", "x/1"]
    etag = client.ask("/changing/x/1").headers["etag"]
    (folder / "x" / "1").write_bytes(b"other")
    changed = client.ask("/changing/x/1")
    assert changed.body == b"other"
    assert client.list("changing", prefix="x/").texts("ETag") == [changed.headers["etag"]] != [etag]
    assert client.ask("/changing/x/1", If_Match=etag).status == 412
    (folder / "x" / "sub").mkdir()
    (folder / "x" / "sub" / "2").write_bytes(b"added")
    assert client.list_keys("changing", prefix="x/s") == ["x/sub/2"]
    (folder / "x" / "1").unlink()
    (folder / "old").unlink()
    assert client.list_keys("changing", prefix="x/") == ["x/sub/2"]
    assert client.list_keys("changing") == ["x/sub/2"]


def test_requests_sent_at_once_are_answered_in_order(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    asked = b"".join(f"GET /lake/a/1 HTTP/1.1\r\nRange: bytes={n}-{n}\r\n\r\n".encode() for n in range(20))
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        connection.sendall(asked[:333])
        connection.sendall(asked[333:] + b"GET /lake/b HTTP/1.1\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        got = b"".join(iter(lambda: connection.recv(65536), b""))
    ranges = [line.split()[2] for line in got.split(b"\r\n") if line.startswith(b"Content-Range")]
    assert ranges == [f"{n}-{n}/1000".encode() for n in range(20)]
    assert got.endswith(BODY)


def test_requests_are_counted_and_logged(client: Client) -> None:
    client.list(prefix="a/")
    client.ask("/lake/a%2F1", Range="bytes=0-9", If_Match='"no"')
    client.ask("/lake/a/1", "HEAD")
    client.ask("/lake/a/1", Range="bytes=0-9")
    assert client.json("/_stats") == {"list": 1, "get": 2, "head": 1, "bytes": 10, "faults": 0}
    assert client.json("/_stats")["get"] == 0
    log = client.json("/_log")
    assert [entry["status"] for entry in log] == [200, 412, 200, 206]
    assert log[0]["query"] == {"list-type": "2", "prefix": "a/"}
    assert log[1] == {
        "method": "GET",
        "path": "/lake/a/1",
        "query": {},
        "range": "bytes=0-9",
        "if_match": '"no"',
        "status": 412,
    }


def test_a_status_comes_as_often_as_its_rule_says(client: Client) -> None:
    client.rule({"match": r"^GET /lake/a/1", "skip": 1, "times": 2, "fault": "status", "retry_after": 3})
    answers = [client.ask("/lake/a/1") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 503, 503, 200]
    assert answers[1].texts("Code") == ["SlowDown"]
    assert answers[1].headers["retry-after"] == "3"
    client.rule({"fault": "status", "code": 400, "s3code": "ExpiredToken", "times": -1, "match": "a/sub/x=1"})
    assert client.ask("/lake/a/sub/x%3D1").texts("Code") == ["ExpiredToken"]
    assert "retry-after" not in client.ask("/lake/a/sub/x%3D1").headers


def test_a_reset_comes_before_any_byte(client: Client) -> None:
    client.rule({"fault": "reset"})
    with pytest.raises(ConnectionResetError):
        client.ask("/lake/a/1")
    assert client.ask("/lake/a/1").body == BODY
    assert [entry["status"] for entry in client.json("/_log")] == [None, 200]


@pytest.mark.parametrize(("more", "sent"), [({}, 500), ({"bytes": 100}, 100), ({"bytes": 0}, 0)])
def test_a_truncated_body_is_announced_whole(client: Client, more: dict[str, int], sent: int) -> None:
    client.rule({"fault": "truncate", **more})
    with pytest.raises(http.client.IncompleteRead) as caught:
        client.ask("/lake/a/1")
    assert caught.value.partial == BODY[:sent]
    assert caught.value.expected == 1000 - sent
    assert client.json("/_stats")["bytes"] == sent


def test_a_hang_ends_without_an_answer(client: Client) -> None:
    client.rule({"fault": "hang", "seconds": 0.01})
    with pytest.raises(http.client.RemoteDisconnected):
        client.ask("/lake/a/1")


@pytest.mark.parametrize("path", ["/lake/a/1", "/lake?list-type=2"])
def test_an_error_may_come_as_a_success(client: Client, path: str) -> None:
    client.rule({"fault": "error_body"}, {"fault": "delay", "seconds": 0.01})
    answer = client.ask(path)
    assert (answer.status, answer.texts("Code")) == (200, ["InternalError"])
    assert client.ask(path).status == 200


def test_bodies_ranges_and_etags_may_be_wrong(client: Client) -> None:
    etag = client.ask("/lake/a/1").headers["etag"]
    client.rule(*({"fault": kind} for kind in ("corrupt", "stale_etag", "wrong_range", "ignore_range")))
    corrupt, stale, wrong, whole = (client.ask("/lake/a/1", Range="bytes=10-19") for _ in range(4))
    assert sum(a != b for a, b in zip(corrupt.body, BODY[10:20], strict=True)) == 1
    assert (stale.body, stale.headers["etag"] == etag) == (BODY[10:20], False)
    assert (wrong.body, wrong.headers["content-range"]) == (BODY[9:19], "bytes 9-18/1000")
    assert (whole.status, whole.body) == (200, BODY)


def test_listings_may_be_wrong(client: Client) -> None:
    client.rule({"fault": "drop_keys", "regex": "^a/"}, {"fault": "dup_keys"})
    assert client.list_keys() == ["b", "secret/1"]
    assert client.list_keys() == ["a/1", *sorted(KEYS)]


def test_a_listing_may_never_end(client: Client) -> None:
    client.rule({"fault": "loop_token", "times": -1})
    first = client.list("big", max_keys=2)
    (token,) = first.texts("NextContinuationToken")
    again = client.list("big", max_keys=2, continuation_token=token)
    assert again.texts("Key") == first.texts("Key")
    assert again.texts("NextContinuationToken") == [token]


def test_a_rule_that_is_none_is_refused(client: Client) -> None:
    assert b"No such fault: 'typo'" in client.ask("/_rules", "POST", [{"fault": "typo"}]).body
    assert client.ask("/_rules", "POST", {"fault": "reset"}).status == 400
    assert client.ask("/_rules", "POST", [{"fault": "reset", "match": "("}]).status == 400


def test_rates_hit_the_same_requests_for_the_same_seed(root: Path) -> None:
    kinds = {"503": "503", "503-retry-after": "503+", "500": "500", "reset": "reset", "truncate": "cut"}
    rates = [f"--fault={kind}=0.15" for kind in kinds]
    runs = []
    for seed in (1, 1, 2):
        with run_latency_s3(root, "--latency-ms", "0", *rates, f"--seed={seed}") as endpoint:
            client = Client(endpoint)
            runs.append([ask_for_fault(client) for _ in range(60)])
            assert client.json("/_stats")["faults"] == sum(kind != "200" for kind in runs[-1])
            client.close()
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {"200", *kinds.values()}


def ask_for_fault(client: Client) -> str:
    """What becomes of a request."""
    try:
        answer = client.ask("/lake/a/1")
    except ConnectionResetError:
        return "reset"
    except http.client.IncompleteRead as error:
        assert len(error.partial) == 500
        return "cut"
    return f"{answer.status}{'+' if 'retry-after' in answer.headers else ''}"
