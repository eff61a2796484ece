"""Pages of a listing: every key as it is, the class of each object, whatever the server's way of writing."""

from __future__ import annotations

from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.errors import AccessDeniedError, StorageError, StorageUnavailableError
from lakeq.storage.base import ClassStore
from lakeq.storage.credentials import S3Access
from lakeq.storage.endpoints import S3Settings
from lakeq.storage.s3_listing import read_entries
from lakeq.storage.stores import open_store
from tests.servers import ScriptedServer, free_port, reply, run_latency_s3

OPTIONS: dict[str, Any] = {"key": "k", "secret": "s", "region": "us-east-1", "retry_timeout": 0.5}
HEAD = '<?xml version="1.0"?><ListBucketResult>'
TIME = "2026-11-01T10:20:30.000Z"


def write_entry(key: str, storage_class: str = "STANDARD", more: str = "") -> str:
    return (
        f"<Contents><Key>{escape(key)}</Key><LastModified>{TIME}</LastModified><ETag>&quot;v1&quot;</ETag>"
        f"<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
        f"<Size>7</Size><StorageClass>{storage_class}</StorageClass>{more}</Contents>"
    )


def write_otherwise(key: str, storage_class: str) -> str:
    """An object as another server writes it: indented, with an owner, in another order."""
    return (
        f"\n  <Contents>\n    <Size>7</Size>\n    <StorageClass>{storage_class}</StorageClass>\n"
        f"    <Owner>\n<ID>0</ID>\n</Owner><ETag>&quot;v1&quot;</ETag>\n"
        f"    <LastModified>{TIME}</LastModified>\n    <Key>{escape(key)}</Key>\n  </Contents>"
    )


def page(*entries: str, token: str | None = None) -> bytes:
    more = "false" if token is None else "true"
    next_token = "" if token is None else f"<NextContinuationToken>{token}</NextContinuationToken>"
    text = f"{HEAD}<IsTruncated>{more}</IsTruncated>{next_token}{''.join(entries)}</ListBucketResult>"
    return text.encode()


def open_at(server: ScriptedServer, *steps: Any) -> Any:
    server.scripts["GET /b"] = list(steps)
    return open_store("s3://b", endpoint_url=server.endpoint, **OPTIONS)


KEYS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)


@given(st.lists(st.tuples(KEYS, st.sampled_from(("STANDARD", "GLACIER"))), max_size=5))
def test_both_ways_of_reading_a_page_say_the_same(objects: list[tuple[str, str]]) -> None:
    quick = read_entries("".join(write_entry(*each) for each in objects))
    slow = read_entries("".join(write_otherwise(*each) for each in objects))
    assert quick == slow
    assert [entry[0] for entry in quick] == [escape(key) for key, _ in objects]


def test_a_page_that_is_cut_is_no_page() -> None:
    with pytest.raises(ValueError, match="cut"):
        read_entries(write_entry("a") + "<Contents><Key>b</Key>")


@pytest.mark.parametrize("write", [write_entry, write_otherwise])
def test_keys_and_classes_are_listed_as_they_are(scripted_server: ScriptedServer, write: Any) -> None:
    keys = ["a&b", "a//b", "a<b>", "folder/", "q'\"", "x &amp; y", "ü"]
    store = open_at(scripted_server, reply(200, page(*(write(key, "STANDARD_IA") for key in keys))))
    listed = store.list()
    assert listed["path"].to_pylist() == sorted(keys)
    assert set(listed["storage_class"].to_pylist()) == {"STANDARD_IA"}
    assert set(listed["etag"].to_pylist()) == {'"v1"'}
    assert listed["modified"][0].as_py().isoformat() == "2026-11-01T10:20:30+00:00"


def test_characters_that_are_spelled_as_numbers_are_read(scripted_server: ScriptedServer) -> None:
    entry = write_entry("K").replace("K</Key>", "a&#x1;b&#10;&#233;</Key>")
    assert open_at(scripted_server, reply(200, page(entry))).list()["path"].to_pylist() == ["a\x01b\né"]


def test_a_server_without_classes_tells_none(scripted_server: ScriptedServer) -> None:
    entry = write_entry("a").replace("<StorageClass>STANDARD</StorageClass>", "")
    assert open_at(scripted_server, reply(200, page(entry))).list()["storage_class"].to_pylist() == [None]


def test_short_pages_are_followed_to_the_last(scripted_server: ScriptedServer) -> None:
    pages = [page(write_entry("a"), token="1"), page(token="2"), page(write_entry("b"))]
    store = open_at(scripted_server, *(reply(200, body) for body in pages))
    listed, is_whole = store.list_page()
    assert is_whole and listed["path"].to_pylist() == ["a", "b"]


def test_a_token_that_leads_in_a_circle_is_an_error(scripted_server: ScriptedServer) -> None:
    with pytest.raises(StorageError, match="repeats itself"):
        open_at(scripted_server, reply(200, page(token="again"))).list()


@pytest.mark.parametrize(
    ("status", "code"), [(400, "InvalidArgument"), (501, "NotImplemented"), (403, "AccessDenied")]
)
def test_who_refuses_the_attributes_is_asked_without(
    scripted_server: ScriptedServer, status: int, code: str
) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        refused = request.headers.get("x-amz-optional-object-attributes") is not None
        body = (
            f"<Error><Code>{code}</Code></Error>".encode() if refused else page(write_entry("a", "GLACIER"))
        )
        reply(status if refused else 200, body)(request)

    store = open_at(scripted_server, answer)
    for _ in range(2):
        assert store.list()["storage_class"].to_pylist() == ["GLACIER"]
    asked = [h for method, path, h in scripted_server.requests if (method, path) == ("GET", "/b")]
    assert len(asked) == 3  # the refusal is remembered
    assert isinstance(store, ClassStore) and not store.tells_restores


def test_who_refuses_all_is_an_error(scripted_server: ScriptedServer) -> None:
    with pytest.raises(AccessDeniedError):
        open_at(scripted_server, reply(403, b"<Error><Code>AccessDenied</Code></Error>")).list()


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", page(write_entry("a"))[:-30], HEAD.encode(), page(write_entry("a"), token="")],
)
def test_what_is_no_listing_is_an_error(scripted_server: ScriptedServer, body: bytes) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        open_at(scripted_server, reply(200, body)).list()


def test_an_error_with_status_200_is_waited_out(scripted_server: ScriptedServer) -> None:
    broken = reply(200, b"<Error><Code>InternalError</Code></Error>")
    assert open_at(scripted_server, broken, reply(200, page(write_entry("a")))).list().num_rows == 1
    with pytest.raises(StorageUnavailableError, match="InternalError"):
        open_at(scripted_server, broken).list()


def test_restored_copies_are_told_by_listing_and_by_head(tmp_path: Path) -> None:
    names = ("old/1", "old/back/1", "old/soon/1", "new/1", "tiered/1", "tiered/deep/1")
    for name in names:
        (tmp_path / "b" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "b" / name).write_bytes(b"x")
    options = ["--storage-class", "GLACIER=old/", "--restored", "old/back/", "--restoring", "old/soon/"]
    options += ["--storage-class", "INTELLIGENT_TIERING=tiered/"]
    options += ["--archive-tier", "DEEP_ARCHIVE_ACCESS=tiered/deep/"]
    with run_latency_s3(tmp_path, "--latency-ms", "0", *options) as endpoint:
        store = open_store("s3://b", endpoint_url=endpoint, **OPTIONS)
        listed = store.list()
        told = dict(zip(listed["path"].to_pylist(), listed["storage_class"].to_pylist(), strict=True))
        assert isinstance(store, ClassStore) and store.tells_classes and store.tells_restores
        asked = {name: store.read_class(name) for name in names}
        assert store.read_class("nowhere") is None
        (folder,) = [store.list_folder("old/")]
    assert told == {
        "new/1": "STANDARD",
        "old/1": "GLACIER",
        "old/back/1": "GLACIER restored",
        "old/soon/1": "GLACIER restoring",
        "tiered/1": "INTELLIGENT_TIERING",
        "tiered/deep/1": "INTELLIGENT_TIERING",
    }
    assert asked == {**told, "tiered/deep/1": "INTELLIGENT_TIERING DEEP_ARCHIVE_ACCESS"}
    assert folder.folders == ("old/back/", "old/soon/")
    assert folder.objects["storage_class"].to_pylist() == ["GLACIER"]


def test_credentials_that_cannot_be_had_anew_are_an_error(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import CredentialRetrievalError

    def fail() -> None:
        raise CredentialRetrievalError(provider="canary", error_msg="canary")

    store = open_at(scripted_server, reply(200, page(write_entry("a"))))
    monkeypatch.setattr(store._listing(), "_access", S3Access(fail, S3Settings()))
    with pytest.raises(AccessDeniedError, match="could not be had anew") as caught:
        store.list()
    assert "canary" not in str(caught.value) and caught.value.__cause__ is None


def test_a_server_that_went_away_is_unavailable(scripted_server: ScriptedServer) -> None:
    store = open_at(scripted_server, reply(200, page(write_entry("a"))))
    place = replace(store._listing()._endpoint, service_url=f"http://127.0.0.1:{free_port()}")
    store._listing()._endpoint = place
    with pytest.raises(StorageUnavailableError, match="no answer in time"):
        store.list()


def test_credentials_that_expire_while_listing_are_renewed(
    scripted_server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = AKIDOLD\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    expired = reply(400, b"<Error><Code>ExpiredToken</Code></Error>")
    good = reply(200, page(write_entry("a")))
    scripted_server.scripts["GET /b"] = [good, expired, good]
    store = open_store("s3://b", endpoint_url=scripted_server.endpoint, region="us-east-1")
    assert store.list().num_rows == 1
    file.write_text("[default]\naws_access_key_id = AKIDNEW\naws_secret_access_key = s\n")
    assert store.list().num_rows == 1
    signed = [h["Authorization"] for method, _, h in scripted_server.requests if method == "GET"]
    assert ["AKIDNEW" in text for text in signed] == [False, False, True]
