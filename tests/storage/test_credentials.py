"""Who asks S3: the options first, then each link of botocore's chain."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lakeq.errors import AccessDeniedError, ConfigError
from lakeq.storage.credentials import find_s3_access
from lakeq.storage.options import parse_options
from tests.servers import ScriptedServer, free_port, reply

ROLE = "arn:aws:iam::123456789012:role/reader"
CANARY = "CANARY"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An AWS configuration with nothing in it: the path of its config file."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    return tmp_path / "config"


@pytest.fixture
def key_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")


@pytest.fixture
def service() -> Iterator[ScriptedServer]:
    """A service that gives credentials: a ScriptedServer that takes POST and PUT too."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            script.answer(self)

        do_POST = do_PUT = do_GET  # noqa: N815 the names that http.server looks for

        def log_message(self, *_: Any) -> None:
            """Tests look at `requests` instead."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        script = ScriptedServer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield script
        server.shutdown()
        thread.join()


def credential_of(**options: object) -> dict[str, Any]:
    access = find_s3_access("s3://b", parse_options(options))
    assert access.provider is not None
    return access.provider()


def key_of(**options: object) -> str:
    return str(credential_of(**options)["access_key_id"])


def end(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def sts_answer(action: str, key: str) -> Any:
    body = (
        f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>'
        f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>hush</SecretAccessKey>"
        f"<SessionToken>token</SessionToken><Expiration>{end(60)}</Expiration>"
        f"</Credentials></{action}Result></{action}Response>"
    )
    return reply(200, body.encode(), headers={"Content-Type": "text/xml"})


def json_answer(key: str, minutes: float = 60, **more: str) -> Any:
    content = {"AccessKeyId": key, "SecretAccessKey": "hush", "Token": "token", "Expiration": end(minutes)}
    return reply(200, json.dumps(content | more).encode(), headers={"Content-Type": "application/json"})


@pytest.mark.usefixtures("key_in_environment")
def test_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    access = find_s3_access("s3://b", parse_options({}))
    assert access.provider is not None
    credential = access.provider()
    assert credential["access_key_id"] == "from-environment"
    assert credential["secret_access_key"] == "hush"
    assert credential["token"] == "token"
    assert access.settings.region == "eu-north-1"
    assert access.settings.endpoint_url is None


@pytest.mark.usefixtures("key_in_environment")
def test_options_come_before_the_environment() -> None:
    assert key_of(key="given", secret="s") == "given"
    settings = find_s3_access(
        "s3://b", parse_options({"region": "us-west-2", "endpoint_url": "http://here"})
    ).settings
    assert (settings.region, settings.endpoint_url) == ("us-west-2", "http://here")


@pytest.mark.usefixtures("key_in_environment")
def test_anonymous_asks_for_no_credentials() -> None:
    assert find_s3_access("s3://b", parse_options({"anonymous": True})).provider is None


def test_the_shared_credentials_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = from-default\naws_secret_access_key = hush\n"
        "[lake]\naws_access_key_id = from-lake\naws_secret_access_key = hush\naws_session_token = token\n"
    )
    assert key_of() == "from-default"
    assert credential_of(profile="lake")["token"] == "token"
    monkeypatch.setenv("AWS_PROFILE", "lake")
    assert key_of() == "from-lake"


@pytest.mark.usefixtures("key_in_environment")
def test_a_profile_that_is_named_comes_before_the_environment(
    aws: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    aws.write_text(
        "[profile lake]\naws_access_key_id = from-profile\naws_secret_access_key = hush\nregion = sa-east-1\n"
    )
    assert key_of(profile="lake") == "from-profile"
    assert find_s3_access("s3://b", parse_options({"profile": "lake"})).settings.region == "sa-east-1"


def test_a_role_is_assumed_from_its_source_profile(
    aws: Path, service: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.write_text(
        f"[profile role]\nrole_arn = {ROLE}\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = base-key\naws_secret_access_key = hush\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service.endpoint)
    service.scripts["POST /"] = [sts_answer("AssumeRole", "from-role")]
    assert key_of(profile="role") == "from-role"
    assert "base-key" in service.requests[0][2]["Authorization"]


def test_a_web_identity_is_exchanged(
    service: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "identity").write_text("web-token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "identity"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service.endpoint)
    service.scripts["POST /"] = [sts_answer("AssumeRoleWithWebIdentity", "from-web")]
    assert key_of() == "from-web"
    assert "Authorization" not in service.requests[0][2]


@pytest.mark.parametrize("modern", [True, False])
def test_a_cached_sso_login_is_used(aws: Path, service: ScriptedServer, tmp_path: Path, modern: bool) -> None:
    start = "https://example.invalid/start"
    where = f"sso_start_url = {start}\nsso_region = eu-north-1\n"
    role = "sso_account_id = 123456789012\nsso_role_name = reader\n"
    session = f"sso_session = work\n{role}[sso-session work]\n{where}" if modern else role + where
    aws.write_text(f"[profile sso]\n{session}")
    cache = tmp_path / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    name = hashlib.sha1(("work" if modern else start).encode()).hexdigest()
    login = {"startUrl": start, "region": "eu-north-1", "accessToken": "sso-token", "expiresAt": end(60)}
    (cache / f"{name}.json").write_text(json.dumps(login))
    content = {"accessKeyId": "from-sso", "secretAccessKey": "hush", "sessionToken": "t", "expiration": 4e12}
    body = json.dumps({"roleCredentials": content}).encode()
    service.scripts["GET /federation/credentials"] = [reply(200, body)]
    # botocore looks for the home when it is imported.
    code = (
        "from lakeq.storage.credentials import *\n"
        "access = find_s3_access('s3://b', StorageOptions(profile='sso'))\n"
        "print(access.provider()['access_key_id'])"
    )
    environment = os.environ | {"HOME": str(tmp_path), "AWS_ENDPOINT_URL_SSO": service.endpoint}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (ran.stdout, ran.returncode) == ("from-sso\n", 0), ran.stderr
    assert service.requests[0][2]["x-amz-sso_bearer_token"] == "sso-token"


def test_a_credential_process_is_run(aws: Path, tmp_path: Path) -> None:
    content = {"Version": 1, "AccessKeyId": "from-process", "SecretAccessKey": "hush"}
    (tmp_path / "answer").write_text(json.dumps(content))
    aws.write_text(f"[profile process]\ncredential_process = cat {tmp_path}/answer\n")
    assert key_of(profile="process") == "from-process"


def test_a_container_is_asked(service: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{service.endpoint}/creds")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-token")
    service.scripts["GET /creds"] = [json_answer("from-container")]
    assert key_of() == "from-container"
    assert service.requests[0][2]["Authorization"] == "container-token"


def script_instance(service: ScriptedServer) -> None:
    roles = "/latest/meta-data/iam/security-credentials/"
    service.scripts["PUT /latest/api/token"] = [reply(200, b"metadata-token")]
    service.scripts[f"GET {roles}"] = [reply(200, b"reader")]
    service.scripts[f"GET {roles}reader"] = [json_answer("from-instance", Code="Success")]


def test_the_instance_is_asked(service: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.endpoint)
    script_instance(service)
    assert key_of() == "from-instance"
    assert service.requests[-1][2]["x-aws-ec2-metadata-token"] == "metadata-token"


def test_the_instance_is_not_asked_where_that_is_switched_off(
    service: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.endpoint)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    script_instance(service)
    with pytest.raises(AccessDeniedError, match=r"tried env, .*iam-role\)"):
        key_of()
    assert service.requests == []


def test_an_instance_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(AccessDeniedError, match="No AWS credentials found"):
        key_of()


@pytest.mark.usefixtures("key_in_environment")
def test_what_the_chain_gave_is_asked_for_again_in_time() -> None:
    left = credential_of()["expires_at"] - datetime.now(UTC)
    assert timedelta(minutes=5) < left <= timedelta(minutes=10)


def test_credentials_that_end_are_renewed(service: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{service.endpoint}/creds")
    service.scripts["GET /creds"] = [
        json_answer("first", 2),
        json_answer("second", 2),
        json_answer("third", 60),
    ]
    access = find_s3_access("s3://b", parse_options({}))  # has asked once, to tell an expired login
    assert access.provider is not None
    given = [access.provider() for _ in range(3)]
    assert [credential["access_key_id"] for credential in given] == ["third"] * 3
    service.scripts["GET /creds"] = [json_answer("fourth", 1), json_answer("fifth", 3)]
    brief = find_s3_access("s3://b", parse_options({}))
    assert brief.provider is not None
    now = brief.provider()
    assert now["access_key_id"] == "fifth"
    assert now["expires_at"] - datetime.now(UTC) < timedelta(minutes=4)  # obstore must not keep it longer


def test_asking_again_reads_the_chain_anew(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    for key in ("old", "new"):
        file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = hush\n")
        assert key_of() == key


def shown(error: BaseException) -> str:
    """All that a log may show of an error, causes included."""
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("credential_process = false", "credential_process of the profile failed"),
        (
            f"credential_process = sh -c 'echo {CANARY}$$ >&2; exit 1'",
            "credential_process of the profile failed",
        ),
        (f"credential_process = echo {CANARY}junk", "could not be had"),
        ("credential_process = /nonexistent/program", "cannot read or run '/nonexistent/program'"),
        (f"role_arn = {ROLE}\nweb_identity_token_file = /nonexistent/token", "cannot read or run"),
        (
            "sso_start_url = https://x.invalid\nsso_region = r\nsso_account_id = 1\nsso_role_name = x",
            "aws sso login",
        ),
    ],
)
def test_credentials_that_cannot_be_had_are_told_without_foreign_text(
    aws: Path, monkeypatch: pytest.MonkeyPatch, config: str, words: str
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    aws.write_text(f"[profile p]\n{config}\n")
    with pytest.raises(AccessDeniedError, match=words) as caught:
        key_of(profile="p")
    foreign = shown(caught.value).replace(config, "")
    assert CANARY not in foreign


def test_a_role_that_is_refused_is_told_without_the_servers_text(
    aws: Path, service: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.write_text(
        f"[profile role]\nrole_arn = {ROLE}\nsource_profile = base\n"
        f"[profile base]\naws_access_key_id = {CANARY}KEY\naws_secret_access_key = {CANARY}SECRET\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service.endpoint)
    body = (
        f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{CANARY}</Message></Error></ErrorResponse>"
    )
    service.scripts["POST /"] = [reply(403, body.encode())]
    with pytest.raises(AccessDeniedError, match="AWS answered AccessDenied") as caught:
        key_of(profile="role")
    assert CANARY not in shown(caught.value)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (f"[profile p]\nrole_arn = {ROLE}\nsource_profile = nowhere\n", "nowhere"),
        ("[profile p]\naws_access_key_id = half\n", "[Pp]artial credentials"),
        (f"[profile p]\naws_secret_access_key {CANARY}\n", "parse config file"),
    ],
)
def test_a_profile_that_cannot_be_used_is_told(
    aws: Path, monkeypatch: pytest.MonkeyPatch, config: str, words: str
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    aws.write_text(config)
    with pytest.raises(ConfigError, match=words) as caught:
        key_of(profile="p")
    assert CANARY not in shown(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"key": "k"},
        {"token": "hush"},
        {"anonymous": True, "key": "k", "secret": "hush"},
        {"anonymous": True, "requester_pays": True},
    ],
)
def test_options_that_contradict_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"'{max(set(options) - {'secret'})}'") as caught:
        find_s3_access("s3://b", parse_options(options))
    assert "hush" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    options = parse_options({"key": CANARY, "secret": CANARY, "token": CANARY})
    assert CANARY not in repr(options)
    assert CANARY not in str(options)
    assert CANARY not in repr(find_s3_access("s3://b", options))


def test_complete_options_need_no_botocore() -> None:
    code = (
        "import sys\nfrom lakeq.storage.credentials import *\n"
        "o = StorageOptions(key='k', secret='s', region='r', endpoint_url='http://here')\n"
        "assert find_s3_access('s3://b', o).settings.region == 'r'\n"
        "assert 'botocore' not in sys.modules"
    )
    with contextlib.chdir("/"):
        subprocess.run([sys.executable, "-c", code], check=True)
