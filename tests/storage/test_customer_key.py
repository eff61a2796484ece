"""SSE-C: the customer's key goes with what is asked of objects, and nowhere else."""

from __future__ import annotations

import base64
import traceback
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from lakeq.errors import AccessDeniedError, ConfigError, LakeqError
from lakeq.storage.options import parse_options
from lakeq.storage.stores import open_store
from tests.servers import S3Server, ScriptedServer, reply

RAW = b"CANARY-key-of-a-customer-32bytes"
KEY = base64.b64encode(RAW).decode()
HEADER = "x-amz-server-side-encryption-customer-key"
KEYS = ("a", "a//b")
"""The second is read by botocore."""
MISSING = (
    "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to "
    "retrieve the object."
)
TOO_MANY = "The encryption parameters are not applicable to this object."


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SSE_CUSTOMER_KEY_BASE64", raising=False)


def open_scripted(server: ScriptedServer, location: str = "s3://lake", **options: Any) -> Any:
    given = {"endpoint_url": server.endpoint, "key": "k", "secret": "s", "region": "us-east-1"}
    return open_store(location, **{**given, "retry_timeout": 0.2, **options})


def sent_keys(server: ScriptedServer) -> dict[str, str | None]:
    """The customer's key that came with each request for an object, by its path."""
    asked = {path: {name.lower(): value for name, value in h.items()} for _, path, h in server.requests}
    return {path: headers.get(HEADER) for path, headers in asked.items()}


@pytest.mark.parametrize("given", ["option", "environment", "neither"])
def test_each_way_to_read_an_object_sends_the_key(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    if given == "environment":
        monkeypatch.setenv("AWS_SSE_CUSTOMER_KEY_BASE64", KEY)
    body = reply(
        206,
        b"data",
        headers={
            "ETag": '"v1"',
            "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT",
            "Content-Range": "bytes 0-3/4",
        },
    )
    for key in KEYS:
        scripted_server.scripts[f"GET /lake/{key}"] = scripted_server.scripts[f"HEAD /lake/{key}"] = [body]
    scripted_server.scripts["GET /lake"] = [reply(200, b"<ListBucketResult></ListBucketResult>")]
    store = open_scripted(scripted_server, **({"sse_customer_key": KEY} if given == "option" else {}))
    store.list()
    assert sent_keys(scripted_server)["/lake"] is None
    expected = None if given == "neither" else KEY
    for key in KEYS:
        assert store.read(key, 0, 4, '"v1"') == b"data"
        assert sent_keys(scripted_server)[f"/lake/{key}"] == expected
    scripted_server.requests.clear()
    scripted_server.scripts["HEAD /lake/a"] = [reply(200, b"")]
    assert store.read_class("a") == "STANDARD"
    assert sent_keys(scripted_server) == {"/lake/a": expected}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (MISSING, "Pass sse_customer_key=, or set AWS_SSE_CUSTOMER_KEY_BASE64"),
        (TOO_MANY, "Leave sse_customer_key out"),
    ],
)
@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_is_missing_or_too_many_is_named(
    scripted_server: ScriptedServer, key: str, said: str, words: str
) -> None:
    body = f"<Error><Code>InvalidRequest</Code><Message>{said}</Message></Error>"
    scripted_server.scripts[f"GET /lake/{key}"] = [reply(400, body.encode())]
    with pytest.raises(AccessDeniedError, match=words):
        open_scripted(scripted_server).read(key, 0, 4, '"v1"')


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "said",
    [
        "User: arn:aws:iam::1:user/CANARY is not authorized to perform: kms:Decrypt on resource: "
        "arn:aws:kms:us-east-1:1:key/CANARY because no identity-based policy allows the kms:Decrypt action",
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you "
        "are not allowed to access.",
    ],
)
def test_a_key_of_kms_that_may_not_be_used_is_told_by_the_right(
    scripted_server: ScriptedServer, key: str, said: str
) -> None:
    body = f"<Error><Code>AccessDenied</Code><Message>{said}</Message></Error>"
    scripted_server.scripts[f"GET /lake/{key}"] = [reply(403, body.encode())]
    with pytest.raises(AccessDeniedError, match="needs the right kms:Decrypt on that key") as caught:
        open_scripted(scripted_server).read(key, 0, 4, '"v1"')
    assert "CANARY" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("status", "said"), [(400, MISSING), (400, ""), (403, ""), (404, ""), (412, ""), (301, "")]
)
def test_no_answer_brings_the_key_to_light(
    scripted_server: ScriptedServer, key: str, status: int, said: str
) -> None:
    def echo(request: BaseHTTPRequestHandler) -> None:
        body = f"<Error><Code>InvalidRequest</Code><Message>{said}{request.headers}</Message></Error>"
        reply(status, body.encode())(request)

    scripted_server.scripts[f"GET /lake/{key}"] = [echo]
    store = open_scripted(scripted_server, sse_customer_key=KEY)
    with pytest.raises(LakeqError) as caught:
        store.read(key, 0, 4, '"v1"')
    assert scripted_server.requests[-1][2]
    for text in (repr(store), repr(caught.value), *traceback.format_exception(caught.value)):
        assert KEY not in text
        assert "CANARY" not in text


def test_the_key_is_not_in_the_repr_of_options() -> None:
    assert KEY not in repr(parse_options({"sse_customer_key": KEY}))


@pytest.mark.parametrize("key", ["CANARY", base64.b64encode(b"CANARY").decode(), "ü" * 44, KEY + "CANARY"])
@pytest.mark.parametrize("given", ["option", "environment"])
def test_what_is_no_key_is_refused_and_not_repeated(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, key: str, given: str
) -> None:
    if given == "environment":
        monkeypatch.setenv("AWS_SSE_CUSTOMER_KEY_BASE64", key)
    named = "AWS_SSE_CUSTOMER_KEY_BASE64" if given == "environment" else "sse_customer_key"
    with pytest.raises(ConfigError, match=f"{named}.* must be 256 bits in base64") as caught:
        open_scripted(scripted_server, **({"sse_customer_key": key} if given == "option" else {}))
    assert key not in "".join(traceback.format_exception(caught.value))
    assert scripted_server.requests == []


def test_the_key_does_not_leave_the_machine_in_the_clear(scripted_server: ScriptedServer) -> None:
    with pytest.raises(ConfigError, match="not sent over http://"):
        open_scripted(scripted_server, endpoint_url="http://storage.invalid", sse_customer_key=KEY)


def test_other_clouds_take_no_key() -> None:
    with pytest.raises(ConfigError, match="for s3:// only"):
        open_store("gs://lake", sse_customer_key=KEY)


@pytest.mark.parametrize(
    "encryption",
    [
        {"ServerSideEncryption": "AES256"},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/lake"},
        {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": "alias/lake"},
    ],
)
def test_what_s3_encrypts_by_itself_is_read_as_it_is(s3_server: S3Server, encryption: dict[str, str]) -> None:
    bucket = s3_server.new_bucket()
    for key in KEYS:
        s3_server.client.put_object(Bucket=bucket, Key=key, Body=b"data", **encryption)
    store = open_store(f"s3://{bucket}", **s3_server.storage_options)
    listed = dict(zip(*(store.list()[name].to_pylist() for name in ("path", "etag")), strict=True))
    for key in KEYS:
        assert store.read(key, 0, 4, listed[key]) == b"data"
