"""No credential is in what lakeq raises, logs or shows, whatever a server answers."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

import lakeq
from lakeq import dbapi
from lakeq.catalog.definitions import load_definition
from lakeq.cli.app import main
from lakeq.errors import LakeqError
from lakeq.storage import throttle
from lakeq.storage.options import check_location, parse_options
from lakeq.storage.stores import open_store
from tests.servers import ScriptedServer, free_port, reply

KEY, SECRET, TOKEN = "CANARYKEY", "CANARYSECRET", "CANARYTOKEN"
OPTIONS = {"key": KEY, "secret": SECRET, "token": TOKEN}
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
ALL_KEYS = ("a", "a//b")
"""The second is read by botocore."""
PACKAGE = Path(lakeq.__file__).parent


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setattr(throttle, "_FIRST_PAUSE", 0.0005)  # a request is made again, but soon


def echo(status: int, code: str, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """The worst of servers: its answer repeats the whole request, as S3's do in their CanonicalRequest."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked = f"{request.requestline}\n{request.headers}\n{KEY} {SECRET} {TOKEN}"
        body = f"<Error><Code>{code}</Code><Message>{asked}</Message><StringToSign>{asked}</StringToSign></Error>"
        reply(status, body.encode(), headers=headers)(request)

    return answer


def hang_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


FAULTS = {
    "denied": echo(403, "AccessDenied"),
    "signature": echo(403, "SignatureDoesNotMatch"),
    "malformed": echo(400, "AuthorizationHeaderMalformed"),
    "expired": echo(400, "ExpiredToken"),
    "no code": echo(400, f"<{TOKEN}>"),
    "missing": echo(404, "NoSuchBucket"),
    "replaced": echo(412, "PreconditionFailed"),
    "range": echo(416, "InvalidRange"),
    "broken": echo(500, "InternalError"),
    "busy": echo(503, "SlowDown"),
    "elsewhere": echo(301, "PermanentRedirect"),
    "redirect": echo(307, "TemporaryRedirect", Location=f"http://127.0.0.1:{free_port()}/?sig={SECRET}"),
    "archived": echo(403, "InvalidObjectState"),
    "no listing": reply(200, f"<ListBucketResult><{KEY}>{TOKEN}</x>".encode()),
    "wrong entry": reply(
        200,
        f"<ListBucketResult><Contents><Key>t/a</Key><Size>{SECRET}</Size></Contents></ListBucketResult>".encode(),
    ),
    "reset": hang_up,
}


def collect(work: Callable[[], Any], shown: list[str]) -> Any:
    """What `work` gives; if it raises, all that a log or another process may hold of the error."""
    try:
        return work()
    except (LakeqError, dbapi.Error) as error:
        shown += [str(error), repr(error), repr(pickle.dumps(error)), *traceback.format_exception(error)]
        shown += tell_chain(error, [])
        return None


def tell_chain(error: BaseException | None, seen: list[BaseException]) -> Iterator[str]:
    """What an error and those behind it hold, also those that it was not raised from."""
    if error is None or error in seen:
        return
    seen.append(error)
    yield from (str(error), repr(error), repr(vars(error)), *getattr(error, "__notes__", ()))
    yield from tell_chain(error.__cause__, seen)
    yield from tell_chain(error.__context__, seen)


def try_all(location: str, options: dict[str, Any]) -> list[str]:
    """Open, list and read, and what each showed."""
    shown: list[str] = []
    store = collect(lambda: open_store(location, retry_timeout=0.02, timeout=5, **options), shown)
    if store is not None:
        shown += [repr(store), str(store), store.root, store.url("a")]
        collect(store.list, shown)
        collect(lambda: store.list("a//b/"), shown)
        for key in ALL_KEYS:
            collect(lambda key=key: store.read(key, 0, 4, '"v1"'), shown)
    return shown


def check(shown: list[str], caplog: pytest.LogCaptureFixture) -> None:
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("lakeq")]
    assert shown
    for text in [*shown, *ours]:
        assert "CANARY" not in text


@pytest.mark.parametrize("given", ["options", "environment"])
def test_no_answer_of_s3_brings_a_secret_to_light(
    scripted_server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    given: str,
) -> None:
    caplog.set_level(logging.DEBUG, logger="lakeq")
    options: dict[str, Any] = {"endpoint_url": scripted_server.endpoint}
    if given == "options":
        options |= OPTIONS
    else:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
    paths = ["/lake", "/lake/t", *(f"/lake/t/{key}" for key in ALL_KEYS)]
    for fault, answer in FAULTS.items():
        methods = ("GET", "HEAD") if fault in ("reset", "elsewhere", "malformed") else ("GET",)
        scripted_server.scripts = {f"{method} {path}": [answer] for method in methods for path in paths}
        check(try_all("s3://lake/t", options), caplog)
    assert len(scripted_server.requests) > 4 * len(FAULTS)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:PORT",
        "https://127.0.0.1:PORT",
        "http://nowhere.invalid",
        f"http://{KEY}:{SECRET}@127.0.0.1:1",
        f"{SECRET}",
    ],
)
def test_no_wrong_endpoint_brings_a_secret_to_light(caplog: pytest.LogCaptureFixture, endpoint: str) -> None:
    caplog.set_level(logging.DEBUG, logger="lakeq")
    endpoint = endpoint.replace("PORT", str(free_port()))
    check(try_all("s3://lake/t", OPTIONS | {"endpoint_url": endpoint}), caplog)


@pytest.mark.parametrize(
    "location", [f"s3://{KEY}:{SECRET}@lake/t", f"az://c:{SECRET}@x/t", f"gs://{KEY}@lake"]
)
def test_credentials_in_a_location_are_refused_without_repeating_them(
    caplog: pytest.LogCaptureFixture, location: str
) -> None:
    check(try_all(location, {}), caplog)


@pytest.mark.parametrize(
    ("location", "options"),
    [
        ("az://lake/t", {"key": "account", "token": f"sv=1&sig={SECRET}"}),
        ("az://lake/t", {"key": "account", "secret": "Q0FOQVJZU0VDUkVU"}),
        ("gs://lake/t", {"token": TOKEN}),
    ],
)
def test_no_answer_of_google_or_azure_brings_a_secret_to_light(
    scripted_server: ScriptedServer,
    caplog: pytest.LogCaptureFixture,
    location: str,
    options: dict[str, str],
) -> None:
    caplog.set_level(logging.DEBUG, logger="lakeq")
    paths = ["/lake", "/", "/lake/t", *(f"/lake/t/{key}" for key in ALL_KEYS)]
    for answer in FAULTS.values():
        scripted_server.scripts = {
            f"{method} {path}": [answer] for method in ("GET", "HEAD") for path in paths
        }
        shown = try_all(location, {"endpoint_url": scripted_server.endpoint, **options})
        check(shown, caplog)
        assert not any("Q0FOQVJZU0VDUkVU" in text for text in shown)
    assert len(scripted_server.requests) > len(FAULTS)


@pytest.mark.parametrize(
    ("location", "options"),
    [
        ("az://c/x", {"key": "account", "secret": f"{SECRET}!"}),
        ("az://c/x", {"key": "account", "token": SECRET}),
        ("s3://b/x", {"key": KEY}),
        ("s3://b/x", {"secret": SECRET}),
        ("s3://b/x", {"token": TOKEN}),
        ("gs://b/x", {"key": KEY, "secret": SECRET}),
        ("s3://b/x", OPTIONS | {"timeout": SECRET}),
        ("s3://b/x", OPTIONS | {"addressing_style": SECRET}),
    ],
)
def test_no_refused_option_is_repeated(
    caplog: pytest.LogCaptureFixture, location: str, options: dict[str, Any]
) -> None:
    shown: list[str] = []
    collect(lambda: open_store(location, **options), shown)
    check(shown, caplog)


def test_a_service_account_that_cannot_be_used_is_not_repeated(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    file = tmp_path / "account.json"
    for content in (f'{{"private_key": {SECRET}', json.dumps({"private_key": SECRET, "client_email": 1})):
        file.write_text(content)
        shown: list[str] = []
        collect(lambda: open_store("gs://b/x", token=str(file)), shown)
        check(shown, caplog)


URLS = (
    "sftp://u:{}@h/x",
    "https://u:{}/a@h/x/",
    "memory://:{}@h/x",
    "simplecache::https://u:{}@127.0.0.1:1/x",
    "https://h/x/?{}",
    "simplecache::https://h/x?v={}",
    "s3://b/x?X-Amz-Security-Token={}",
    "az://c/x?sv=1&sig={}",
    "gs://b/x?a=1&X-Goog-Signature={}",
    "hf://x?ACCESS_TOKEN={}",
)


@pytest.mark.parametrize("url", URLS)
def test_no_url_with_a_password_is_repeated_by_a_lake_or_kept_by_it(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], tmp_path: Path, url: str
) -> None:
    location = url.format(SECRET)
    shown: list[str] = []
    definition = tmp_path / "lakeq.toml"
    definition.write_text(f'location = "memory://x"\n[tables.t]\nlocation = "{location}"\n')
    for work in (
        lambda: lakeq.connect(location, cache_dir=tmp_path / "cache"),
        lambda: lakeq.connect(definition, cache_dir=tmp_path / "cache"),
        lambda: lakeq.connect(tmp_path, history=False).register("t", location),
        lambda: dbapi.connect(location),
        lambda: open_store(location),
    ):
        before = len(shown)
        collect(work, shown)
        assert "holds a password" in shown[before] or "may be a key" in shown[before]
    for command in (["tables"], ["estimate", "SELECT 1"], ["describe", "t"], ["config"]):
        main([command[0], location, *command[1:]])
    printed = capsys.readouterr()
    kept = [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    check([*shown, printed.out, printed.err, *(text for text in kept if "[tables.t]" not in text)], caplog)


def test_a_colon_an_at_sign_and_a_question_mark_in_a_path_are_no_secret() -> None:
    for location in (
        "s3://bucket/why?/x",
        "s3://bucket/a?b=c",
        "/data/a?token=x",
        "file:///data/a?b",
        "s3://bucket/a:b@c",
        "hdfs://host:8020/a@b",
        "abfs://container@account/x",
        "sftp://u@h/x",
        "a:b@c",
    ):
        check_location(location, "x")


def test_no_noun_of_a_lake_shows_its_storage_options(
    scripted_server: ScriptedServer, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    file = tmp_path / "lakeq.toml"
    file.write_text(
        f'location = "s3://b"\n[storage]\nkey = "{KEY}"\nsecret = "{SECRET}"\ntoken = "{TOKEN}"\n'
        f'endpoint_url = "{scripted_server.endpoint}"\n'
    )
    definition = load_definition(file)
    assert definition.storage["secret"] == SECRET
    with lakeq.connect(file, cache=False, history=False) as lake, dbapi.Connection(lake) as connection:
        shown = [
            repr(noun)
            for noun in (definition, parse_options(definition.storage), lake, connection, connection.cursor())
        ]
        shown += [
            repr(vars(lake)),
            repr(vars(lake._catalog)),
            repr(definition.storage),
            str(definition.storage),
        ]
    check(shown, caplog)


def test_nothing_that_is_made_of_a_lake_holds_its_secrets(
    scripted_server: ScriptedServer, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Plans travel, estimates are shown in notebooks, catalogs lie on a disk."""
    body = b"a,b\n1,x\n"
    listed = (
        b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>t/f.csv</Key><Size>8</Size>"
        b'<ETag>"v1"</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents></ListBucketResult>'
    )
    scripted_server.scripts = {
        "GET /lake": [reply(200, listed)],
        "GET /lake/t/f.csv": [reply(200, body, headers={"ETag": '"v1"'})],
    }
    options = OPTIONS | {
        "endpoint_url": scripted_server.endpoint,
        "region": "us-east-1",
        "retry_timeout": 0.2,
    }
    shown: list[str] = []
    with lakeq.connect("s3://lake", cache_dir=tmp_path, history=False, **options) as lake:

        def look() -> None:
            plan = lake.plan("SELECT a FROM t")
            frame = lake.table("t")
            for noun in (plan, lake.estimate("SELECT a FROM t"), frame, lake):
                shown.extend([repr(noun), noun._repr_html_()])
            shown.extend([repr(pickle.dumps(plan)), lake.explain("SELECT a FROM t")])

        collect(look, shown)
    shown += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    check(shown, caplog)
    assert any("t/f.csv" in text for text in shown)


def test_lakeq_turns_on_the_log_of_no_library(
    scripted_server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG botocore logs what it signs, session tokens among it: that is for who asks for it."""
    names = ("botocore", "botocore.auth", "urllib3", "obstore", "fsspec", "sqlglot", "lakeq", "")
    before = {name: (logging.getLogger(name).level, logging.getLogger(name).propagate) for name in names}
    check(try_all("s3://lake/t", OPTIONS | {"endpoint_url": scripted_server.endpoint}), caplog)
    after = {name: (logging.getLogger(name).level, logging.getLogger(name).propagate) for name in names}
    assert before == after
    assert not any("CANARY" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("given", ["options", "environment"])
def test_a_traceback_told_with_the_variables_of_lakeq_holds_no_secret(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """As some tools tell them of a program that failed."""
    options: dict[str, Any] = OPTIONS if given == "options" else {}
    for name, value in ENVIRONMENT.items() if given == "environment" else ():
        monkeypatch.setenv(name, value)
    denied = reply(403, b"<Error><Code>AccessDenied</Code></Error>")
    scripted_server.scripts = {"GET /lake": [denied], "GET /lake/a//b": [denied], "GET /lake/a": [denied]}
    for endpoint in (scripted_server.endpoint, "nowhere"):
        for work in (
            lambda lake: lake.tables(),
            lambda lake: lake._catalog.root.read("a//b", 0, 4, None),
            lambda lake: lake._catalog.root.read("a", 0, 4, None),
        ):
            with pytest.raises(LakeqError) as caught:
                work(
                    lakeq.connect(
                        "s3://lake", endpoint_url=endpoint, retry_timeout=0.2, history=False, **options
                    )
                )
            told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
            frames = [frame for frame in told.stack if PACKAGE in Path(frame.filename).parents]
            assert frames
            for frame in frames:
                assert "CANARY" not in str(frame.locals), frame
