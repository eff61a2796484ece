"""Buckets over a real protocol: listing, pinned reads and what each refusal means."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from lakeq.errors import (
    AccessDeniedError,
    ConfigError,
    LakeqError,
    ObjectArchivedError,
    ObjectChangedError,
    ObjectNotFoundError,
    StorageUnavailableError,
)
from lakeq.storage.base import LISTING_SCHEMA, Store
from lakeq.storage.stores import open_store
from tests.servers import S3Server, ScriptedServer, free_port, hang, reply, run_latency_s3

ODD_KEYS = (
    "a b.csv",
    "a+b",
    "a%20b",
    "a%2Fb/c",
    "ü/é",
    "e\u0301",
    "emoji😀",
    "#h?q&x=1",
    "q\"uote'<>&",
    "[g]*{x}",
    "back\\slash",
    "b:c",
    "~t",
    "year=2026/month=%C3%BC/f",
)
KEYS_OBSTORE_CANNOT_SPELL = ("double//slash", "./dot", "x/./dot", "tab\tkey", "marker/")


def open_bucket(server: S3Server, path: str, **options: Any) -> Store:
    return open_store(f"s3://{path}", **{**server.storage_options, **options})


def rows_of(store: Store, prefix: str = "") -> dict[str, dict[str, Any]]:
    return {row["path"]: row for row in store.list(prefix).to_pylist()}


def test_list_and_read(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    s3_server.put(bucket, "lake/b", b"second")
    s3_server.put(bucket, "lake/a/x", b"first")
    s3_server.put(bucket, "lakeside/c", b"not below")
    store = open_bucket(s3_server, f"{bucket}/lake/")
    listed = store.list()
    assert listed.schema == LISTING_SCHEMA
    assert listed["path"].to_pylist() == ["a/x", "b"]
    assert listed["size"].to_pylist() == [5, 6]
    assert listed["modified"].null_count == listed["etag"].null_count == 0
    assert store.root == f"s3://{bucket}/lake"
    assert not store.is_local
    assert store.url("a/x") == f"s3://{bucket}/lake/a/x"
    assert store.read("b", 1, 3, listed["etag"][1].as_py()) == b"eco"
    assert store.read("b", 0, 0, None) == b""
    assert list(rows_of(store, "a/")) == ["a/x"]
    assert store.list("nothing/").num_rows == 0


def test_a_whole_bucket_is_a_store(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    store = open_bucket(s3_server, bucket)
    assert store.root == f"s3://{bucket}"
    assert store.list().num_rows == 0
    s3_server.put(bucket, "a", b"1")
    assert list(rows_of(store)) == ["a"]
    assert store.url("a") == f"s3://{bucket}/a"


@pytest.mark.parametrize("root", ["", "/lake", "/odd ü%20+"])
def test_odd_keys_round_trip(s3_server: S3Server, root: str) -> None:
    bucket = s3_server.new_bucket()
    for key in ODD_KEYS:
        s3_server.put(bucket, f"{root}/{key}".lstrip("/"), key.encode())
    store = open_bucket(s3_server, bucket + root)
    rows = rows_of(store)
    assert set(rows) == set(ODD_KEYS)
    for key, row in rows.items():
        assert store.read(key, 0, row["size"], row["etag"]).decode() == key
    assert set(rows_of(store, "year=2026/month=%C3%BC/")) == {"year=2026/month=%C3%BC/f"}


@pytest.mark.parametrize("odd", KEYS_OBSTORE_CANNOT_SPELL)
def test_keys_that_obstore_cannot_spell_round_trip(s3_server: S3Server, odd: str) -> None:
    bucket = s3_server.new_bucket()
    keys = {odd, "plain", "marker"}
    for key in keys:
        s3_server.put(bucket, f"lake/{key}", key.encode())
    store = open_bucket(s3_server, f"{bucket}/lake")
    rows = rows_of(store)
    assert set(rows) == keys
    for key, row in rows.items():
        assert store.read(key, 0, row["size"], row["etag"]).decode() == key
    s3_server.put(bucket, f"lake/{odd}", b"another version")
    with pytest.raises(ObjectChangedError):
        store.read(odd, 0, 3, rows[odd]["etag"])
    s3_server.delete(bucket, f"lake/{odd}")
    with pytest.raises(ObjectChangedError, match="gone"):
        store.read(odd, 0, 3, rows[odd]["etag"])
    with pytest.raises(ObjectNotFoundError):
        store.read(odd, 0, 3, None)


def test_a_root_with_an_empty_part_is_listed(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    s3_server.put(bucket, "a//b/c", b"x")
    assert list(rows_of(open_bucket(s3_server, f"{bucket}/a//b"))) == ["c"]
    assert list(rows_of(open_bucket(s3_server, f"{bucket}/a"), "/b/")) == ["/b/c"]


def test_the_marker_of_the_root_is_not_listed(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    s3_server.put(bucket, "lake/", b"")
    store = open_bucket(s3_server, f"{bucket}/lake")
    assert store.list().num_rows == 0
    s3_server.put(bucket, "lake/a", b"1")
    s3_server.put(bucket, "lake/sub/", b"")
    assert set(rows_of(store)) == {"a", "sub/"}
    assert rows_of(store, "sub/") == {}


def test_listings_of_many_pages_are_whole(tmp_path: Path) -> None:
    pattern = "big=t/part=00..24/file=000..099"
    with run_latency_s3(tmp_path, "--synthetic", pattern, "--latency-ms", "0") as endpoint:
        store = open_store("s3://big/t", endpoint_url=endpoint, key="k", secret="s")
        listed = store.list()["path"].to_pylist()
    assert listed == [f"part={part:02}/file={file:03}" for part in range(25) for file in range(100)]


def test_one_object_is_a_store_of_its_folder(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    s3_server.put(bucket, "lake/a", b"12")
    s3_server.put(bucket, "lake/ab", b"34")
    store = open_bucket(s3_server, f"{bucket}/lake/a")
    assert store.root == f"s3://{bucket}/lake"
    row = rows_of(store)["a"]
    assert store.list().num_rows == 1
    assert store.list().schema == LISTING_SCHEMA
    assert store.list("b/").num_rows == 0
    assert store.read("a", 0, 2, row["etag"]) == b"12"
    s3_server.delete(bucket, "lake/a")
    with pytest.raises(ObjectNotFoundError):
        store.list()


def test_a_replaced_object_is_not_read(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    s3_server.put(bucket, "a", b"first")
    store = open_bucket(s3_server, bucket)
    etag = rows_of(store)["a"]["etag"]
    s3_server.put(bucket, "a", b"other")
    with pytest.raises(ObjectChangedError, match="was replaced") as caught:
        store.read("a", 0, 5, etag)
    assert caught.value.location == f"s3://{bucket}/a"
    assert store.read("a", 0, 5, None) == b"other"


def test_a_deleted_object_was_changed(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    s3_server.put(bucket, "a", b"first")
    store = open_bucket(s3_server, bucket)
    etag = rows_of(store)["a"]["etag"]
    s3_server.delete(bucket, "a")
    with pytest.raises(ObjectChangedError, match="gone"):
        store.read("a", 0, 5, etag)
    with pytest.raises(ObjectNotFoundError):
        store.read("a", 0, 5, None)


def test_an_object_that_ends_early_is_never_read_short(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    s3_server.put(bucket, "a", b"first")
    store = open_bucket(s3_server, bucket)
    with pytest.raises(StorageUnavailableError, match="gave 5 bytes from byte 0; 9 were asked for"):
        store.read("a", 0, 9, None)


@pytest.mark.parametrize("prefix", ["", "year=1/"])
def test_a_missing_bucket_is_not_found(s3_server: S3Server, prefix: str) -> None:
    store = open_bucket(s3_server, "no-such-bucket/lake")
    with pytest.raises(ObjectNotFoundError, match="Bucket not found: 's3://no-such-bucket/lake/"):
        store.list(prefix)


def test_a_missing_prefix_is_not_found(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    store = open_bucket(s3_server, f"{bucket}/nope")
    with pytest.raises(ObjectNotFoundError, match=f"Nothing is stored under 's3://{bucket}/nope/'"):
        store.list()
    assert store.list("year=1/").num_rows == 0


def test_an_archived_object_says_so(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    s3_server.client.put_object(Bucket=bucket, Key="old", Body=b"x", StorageClass="GLACIER")
    store = open_bucket(s3_server, bucket)
    with pytest.raises(ObjectArchivedError, match="Restore it"):
        store.read("old", 0, 1, rows_of(store)["old"]["etag"])


def test_anonymous_requests_are_not_signed(scripted_server: ScriptedServer) -> None:
    scripted_server.scripts["GET /open/a"] = [
        reply(206, b"x", headers={"Content-Range": "bytes 0-0/1", **META})
    ]
    where: dict[str, Any] = {"endpoint_url": scripted_server.endpoint}
    assert open_store("s3://open", anonymous=True, **where).read("a", 0, 1, None) == b"x"
    assert open_store("s3://open", key="k", secret="s", **where).read("a", 0, 1, None) == b"x"
    anonymous, signed = (
        headers for method, path, headers in scripted_server.requests if (method, path) == ("GET", "/open/a")
    )
    assert "authorization" not in {name.lower() for name in anonymous}
    assert "authorization" in {name.lower() for name in signed}


def test_anonymous_reads_an_open_bucket(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    for key in ("a", "x//b"):
        s3_server.client.put_object(Bucket=bucket, Key=key, Body=b"1", ACL="public-read")
    s3_server.client.put_bucket_acl(Bucket=bucket, ACL="public-read")
    store = open_store(f"s3://{bucket}", endpoint_url=s3_server.endpoint, anonymous=True)
    for key, row in rows_of(store).items():
        assert store.read(key, 0, 1, row["etag"]) == b"1"


def test_the_credentials_of_a_profile_are_used(
    scripted_server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text(
        f"[profile lake]\nregion = eu-west-3\nendpoint_url = {scripted_server.endpoint}\n"
        "aws_access_key_id = AKIDPROFILE\naws_secret_access_key = hush\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    scripted_server.scripts["GET /b/a"] = [reply(206, b"x", headers={"Content-Range": "bytes 0-0/1", **META})]
    assert open_store("s3://b", profile="lake").read("a", 0, 1, None) == b"x"
    authorization = {k.lower(): v for k, v in scripted_server.requests[-1][2].items()}["authorization"]
    assert "AKIDPROFILE" in authorization
    assert "eu-west-3" in authorization


META = {"ETag": '"v1"', "Last-Modified": "Sun, 01 Nov 2026 00:00:00 GMT"}
PATIENCE = {"timeout": 0.3, "retry_timeout": 2.0}


def faulty(server: ScriptedServer, *steps: Any) -> Store:
    server.scripts["GET /b/a"] = list(steps)
    return open_store("s3://b", endpoint_url=server.endpoint, key="AKID", secret="s3cr3t", **PATIENCE)


def part(body: bytes, sent: int | None = None, etag: str = '"v1"') -> Any:
    return reply(206, body, sent, {**META, "Content-Range": f"bytes 0-{len(body) - 1}/10", "ETag": etag})


def error(status: int, code: str, more: str = "") -> Any:
    return reply(
        status, f"<Error><Code>{code}</Code><Message>m</Message>{more}</Error>".encode(), headers=META
    )


GOOD = b"0123456789"


def test_throttling_is_waited_out(scripted_server: ScriptedServer) -> None:
    store = faulty(scripted_server, error(503, "SlowDown"), error(500, "InternalError"), part(GOOD))
    assert store.read("a", 0, 10, '"v1"') == GOOD


def test_a_body_cut_off_is_read_again(scripted_server: ScriptedServer) -> None:
    store = faulty(
        scripted_server,
        part(GOOD, sent=4),
        part(GOOD),
    )
    assert store.read("a", 0, 10, '"v1"') == GOOD


def test_a_body_always_cut_off_is_unavailable(scripted_server: ScriptedServer) -> None:
    store = faulty(scripted_server, part(GOOD, sent=4))
    with pytest.raises(StorageUnavailableError):
        store.read("a", 0, 10, '"v1"')


def test_a_short_body_said_to_be_whole_is_unavailable(scripted_server: ScriptedServer) -> None:
    store = faulty(scripted_server, part(GOOD[:4]))
    with pytest.raises(StorageUnavailableError):
        store.read("a", 0, 10, '"v1"')


def test_a_server_that_knows_no_ranges_is_never_misread(scripted_server: ScriptedServer) -> None:
    store = faulty(scripted_server, reply(200, GOOD, headers=META))
    with pytest.raises(LakeqError):
        store.read("a", 2, 3, '"v1"')


def test_a_server_that_hangs_is_unavailable(scripted_server: ScriptedServer) -> None:
    done = threading.Event()
    store = faulty(scripted_server, hang(done))
    with pytest.raises(StorageUnavailableError, match="no answer in time") as caught:
        store.read("a", 0, 10, '"v1"')
    done.set()
    assert caught.value.location == "s3://b/a"


def test_a_server_that_forgets_if_match_is_noticed(scripted_server: ScriptedServer) -> None:
    store = faulty(scripted_server, part(GOOD, etag='"v2"'))
    with pytest.raises(ObjectChangedError):
        store.read("a", 0, 10, '"v1"')


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (403, "AccessDenied", AccessDeniedError, "may not read it"),
        (403, "InvalidAccessKeyId", AccessDeniedError, "access key is not known"),
        (403, "SignatureDoesNotMatch", AccessDeniedError, "does not fit"),
        (403, "RequestTimeTooSkewed", AccessDeniedError, "clock"),
        (403, "SomethingNew", AccessDeniedError, "SomethingNew"),
        (400, "ExpiredToken", AccessDeniedError, "expired"),
        (403, "InvalidObjectState", ObjectArchivedError, "Restore"),
        (301, "PermanentRedirect", ConfigError, "region="),
        (400, "AuthorizationHeaderMalformed", ConfigError, "region="),
        (412, "PreconditionFailed", ObjectChangedError, "replaced"),
        (416, "InvalidRange", ObjectChangedError, "replaced"),
        (404, "NoSuchBucket", ObjectNotFoundError, "Bucket"),
        (400, "Nonsense", StorageUnavailableError, "400 Nonsense"),
    ],
)
def test_each_refusal_has_its_error(
    scripted_server: ScriptedServer, status: int, code: str, kind: type[LakeqError], words: str
) -> None:
    secrets = "<AWSAccessKeyId>AKID</AWSAccessKeyId><StringToSign>s3cr3t</StringToSign>"
    store = faulty(scripted_server, error(status, code, secrets))
    with pytest.raises(kind, match=words) as caught:
        store.read("a", 0, 10, '"v1"')
    assert "AKID" not in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("location", ["s3://b", "s3://b/lake"])
def test_nobody_listening_is_told_when_the_store_is_opened(location: str) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(StorageUnavailableError, match="no answer in time"):
        open_store(location, endpoint_url=endpoint, key="k", secret="s")


def test_a_silent_server_is_told_when_the_store_is_opened(scripted_server: ScriptedServer) -> None:
    done = threading.Event()
    scripted_server.scripts["HEAD /b/lake"] = [hang(done)]
    with pytest.raises(StorageUnavailableError, match="no answer in time"):
        open_store("s3://b/lake", endpoint_url=scripted_server.endpoint, key="k", secret="s", timeout=0.2)
    done.set()


def test_the_requester_pays_when_told_to(scripted_server: ScriptedServer) -> None:
    scripted_server.scripts["GET /b/a"] = [part(GOOD)]
    options: dict[str, Any] = {"endpoint_url": scripted_server.endpoint, "key": "k", "secret": "s"}
    for requester_pays in (False, True):
        open_store("s3://b", requester_pays=requester_pays, **options).read("a", 0, 10, None)
        names = {name.lower() for name in scripted_server.requests[-1][2]}
        assert ("x-amz-request-payer" in names) == requester_pays


def test_a_session_token_is_sent(scripted_server: ScriptedServer) -> None:
    scripted_server.scripts["GET /b/a"] = [part(GOOD)]
    where = scripted_server.endpoint
    open_store("s3://b", endpoint_url=where, key="k", secret="s", token="t0k").read("a", 0, 10, None)
    headers = {name.lower(): value for name, value in scripted_server.requests[-1][2].items()}
    assert headers["x-amz-security-token"] == "t0k"


def test_every_read_names_the_version(scripted_server: ScriptedServer) -> None:
    faulty(scripted_server, part(GOOD)).read("a", 0, 10, '"v1"')
    headers = {name.lower(): value for name, value in scripted_server.requests[-1][2].items()}
    assert headers["if-match"] == '"v1"'
    assert headers["range"] == "bytes=0-9"


def listing(*items: tuple[str, str, int]) -> Any:
    contents = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified>"
        f"<ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size></Contents>"
        for key, etag, size in items
    )
    body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
    return reply(200, body.encode(), headers={"Content-Type": "application/xml"})


def test_a_key_listed_twice_is_listed_once(scripted_server: ScriptedServer) -> None:
    scripted_server.scripts["GET /b"] = [listing(("a", "v1", 1), ("a", "v1", 1), ("c", "v1", 1))]
    store = open_store("s3://b", endpoint_url=scripted_server.endpoint, key="k", secret="s")
    assert store.list()["path"].to_pylist() == ["a", "c"]


def test_a_key_listed_at_two_versions_is_an_error(scripted_server: ScriptedServer) -> None:
    scripted_server.scripts["GET /b"] = [listing(("a", "v1", 1), ("a", "v2", 1))]
    store = open_store("s3://b", endpoint_url=scripted_server.endpoint, key="k", secret="s")
    with pytest.raises(ObjectChangedError, match="while it was listed"):
        store.list()


def test_google_lists_and_reads_pinned(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    public = {"Bucket": bucket, "ACL": "public-read"}
    s3_server.client.put_bucket_acl(**public)
    s3_server.client.put_object(Key="lake/a b", Body=b"12345", **public)
    store = open_store(f"gs://{bucket}/lake", endpoint_url=s3_server.endpoint, anonymous=True)
    row = rows_of(store)["a b"]
    assert store.root == f"gs://{bucket}/lake"
    assert store.read("a b", 1, 2, row["etag"]) == b"23"
    s3_server.client.put_object(Key="lake/a b", Body=b"54321", **public)
    with pytest.raises(ObjectChangedError):
        store.read("a b", 1, 2, row["etag"])


def test_azure_asks_the_account_for_the_container(scripted_server: ScriptedServer) -> None:
    scripted_server.scripts["GET /lake/t/a"] = [part(GOOD)]
    store = open_store(
        "abfs://lake@account.dfs.core.windows.net/t",
        endpoint_url=scripted_server.endpoint,
        token="sv=2024&sig=hidden",
    )
    assert store.read("a", 0, 10, '"v1"') == GOOD
    assert store.url("a") == "abfs://lake@account.dfs.core.windows.net/t/a"
    with pytest.raises(ObjectNotFoundError) as caught:
        store.read("b", 0, 1, None)
    assert "hidden" not in str(caught.value)


def test_credentials_that_expire_are_renewed_once(
    scripted_server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = AKIDOLD\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    store = open_store("s3://b", endpoint_url=scripted_server.endpoint, region="us-east-1", **PATIENCE)
    file.write_text("[default]\naws_access_key_id = AKIDNEW\naws_secret_access_key = s\n")
    scripted_server.scripts["GET /b/a"] = [error(400, "ExpiredToken"), part(GOOD)]
    assert store.read("a", 0, 10, '"v1"') == GOOD
    authorization = {k.lower(): v for k, v in scripted_server.requests[-1][2].items()}["authorization"]
    assert "AKIDNEW" in authorization
    scripted_server.scripts["GET /b/a"] = [error(400, "ExpiredToken")]
    with pytest.raises(AccessDeniedError, match="expired"):
        store.read("a", 0, 10, '"v1"')


def test_a_refusal_that_will_not_pass_is_not_repeated(scripted_server: ScriptedServer) -> None:
    store = faulty(scripted_server, error(400, "Nonsense"))
    before = len(scripted_server.requests)
    with pytest.raises(StorageUnavailableError):
        store.read("a", 0, 10, '"v1"')
    assert len(scripted_server.requests) == before + 1
