"""Google's and Azure's stores: which options they take, where they are asked, and what is missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lakeq.errors import AccessDeniedError, ConfigError
from lakeq.storage.clouds import _find_azure_url
from lakeq.storage.stores import open_store
from tests.servers import ScriptedServer, free_port, reply

KEY = "a2V5"
"""An account's key is base64."""


@pytest.fixture(autouse=True)
def no_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AZURE_", "GOOGLE_")):
            monkeypatch.delenv(name)


def asked(server: ScriptedServer, location: str, **options: Any) -> dict[str, str]:
    """The headers of the first request for `location`, whose path must be /lake/t."""
    open_store(location, endpoint_url=server.endpoint, **options)
    method, path, headers = server.requests[0]
    assert (method, path) == ("HEAD", "/lake/t")
    return {name.lower(): value for name, value in headers.items()}


def test_azure_takes_the_account_and_its_key(scripted_server: ScriptedServer) -> None:
    headers = asked(scripted_server, "az://lake/t", key="account", secret=KEY)
    assert headers["authorization"].startswith("SharedKey account:")


@pytest.mark.parametrize("location", ["abfs://lake@account.dfs.core.windows.net/t", "abfss://lake@account/t"])
def test_azure_takes_the_account_from_the_location(scripted_server: ScriptedServer, location: str) -> None:
    headers = asked(scripted_server, location, secret=KEY)
    assert headers["authorization"].startswith("SharedKey account:")


@pytest.mark.parametrize("name", ["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"])
def test_azure_takes_the_account_from_the_environment(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "account")
    headers = asked(scripted_server, "az://lake/t", secret=KEY)
    assert headers["authorization"].startswith("SharedKey account:")


@pytest.mark.parametrize("options", [{"anonymous": True}, {"token": "?sv=1&sig=x"}])
def test_azure_needs_no_key_beside_an_account(
    scripted_server: ScriptedServer, options: dict[str, Any]
) -> None:
    assert "authorization" not in asked(scripted_server, "az://lake/t", key="account", **options)


@pytest.mark.parametrize(
    ("account", "domain", "url"),
    [
        ("a", "", None),
        ("a", "dfs.core.windows.net", None),
        ("a", "dfs.fabric.microsoft.com", None),
        ("a", "dfs.core.chinacloudapi.cn", "https://a.blob.core.chinacloudapi.cn"),
        ("a", "blob.core.usgovcloudapi.net", "https://a.blob.core.usgovcloudapi.net"),
    ],
)
def test_azures_national_clouds_have_their_own_endpoints(account: str, domain: str, url: str | None) -> None:
    assert _find_azure_url(account, domain) == url


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"anonymous": True}, "no storage account.*AZURE_STORAGE_ACCOUNT_NAME"),
        ({"key": "account", "secret": "not base64"}, "not base64"),
        ({"key": "account", "token": "nonsense"}, "SAS token"),
        ({"key": "account", "region": "x"}, "'region' is for s3://"),
        ({"key": "account", "addressing_style": "path"}, "'addressing_style' is for s3://"),
    ],
)
def test_what_azure_lacks_is_said(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        open_store("az://lake/t", **options)


def test_azure_without_credentials_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_IDENTITY_ENDPOINT", f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(AccessDeniedError, match=r"could not be had.*anonymous=true"):
        open_store("az://lake/t", key="account")


def test_google_takes_an_access_token(scripted_server: ScriptedServer) -> None:
    assert asked(scripted_server, "gs://lake/t", token="x")["authorization"] == "Bearer x"


def test_google_takes_anonymous(scripted_server: ScriptedServer) -> None:
    assert "authorization" not in asked(scripted_server, "gcs://lake/t", anonymous=True)


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read. Check token="), ("{}", "is not one. Check token=")]
)
def test_a_service_account_that_cannot_be_used_is_told(
    tmp_path: Path, content: str | None, words: str
) -> None:
    file = tmp_path / "account.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=words):
        open_store("gs://lake/t", token=str(file))


def test_a_location_that_is_one_object_is_a_store_of_it(scripted_server: ScriptedServer) -> None:
    head = {"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "ETag": '"v1"'}
    scripted_server.scripts["HEAD /lake/t"] = [reply(200, b"body", headers=head)]
    for location, options in (("az://lake/t", {"key": "account"}), ("gs://lake/t", {})):
        store = open_store(location, endpoint_url=scripted_server.endpoint, anonymous=True, **options)
        assert store.list()["path"].to_pylist() == ["t"]
