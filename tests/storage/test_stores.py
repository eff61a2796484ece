"""The door: which location opens which store, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lakeq.errors import AccessDeniedError, ConfigError
from lakeq.storage.stores import open_store


def test_a_folder_has_an_absolute_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lake").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    root = str(tmp_path / "lake")
    for location in (
        "lake",
        "./lake/",
        root,
        root + "/",
        "~/lake",
        f"file://{root}",
        f"file://localhost{root}",
    ):
        store = open_store(location)
        assert store.root == root
        assert store.is_local
        assert store.url("a/b") == f"{root}/a/b"


def test_a_file_url_is_decoded_and_a_path_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()
    (tmp_path / "a%20b").mkdir()
    assert open_store(folder.as_uri()).root == str(folder)
    assert open_store(str(tmp_path / "a%20b")).root == str(tmp_path / "a%20b")


@pytest.mark.parametrize("location", ["", "  ", "a\0b", "s3://", "s3:///key", "nosuch://x", "gs://"])
def test_what_is_no_location_is_refused(location: str) -> None:
    with pytest.raises(ConfigError):
        open_store(location)


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'endpont_url'\. Did you mean 'endpoint_url'\?"):
        open_store("s3://bucket", endpont_url="http://localhost")
    with pytest.raises(ConfigError, match="Choose from endpoint_url, region"):
        open_store("s3://bucket", zzzz=1)


@pytest.mark.parametrize(
    "options",
    [
        {"anonymous": "yes"},
        {"timeout": 0},
        {"timeout": True},
        {"retry_timeout": "9"},
        {"region": 1},
        {"key": "only"},
        {"secret": "only-this-secret"},
        {"secret": 5},
    ],
)
def test_a_wrong_option_is_refused_without_its_value(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=min(options)) as caught:
        open_store("s3://bucket", **options)
    assert "only-this-secret" not in str(caught.value)


def test_options_mean_nothing_for_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'region' has no use"):
        open_store(str(tmp_path), region="eu-west-1")


def test_options_of_s3_are_refused_elsewhere() -> None:
    with pytest.raises(ConfigError, match="'region' is for s3:// only"):
        open_store("gs://bucket", region="eu-west-1")
    with pytest.raises(ConfigError, match="token="):
        open_store("gs://bucket", key="k", secret="s")


def test_an_azure_store_without_an_account_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(ConfigError, match="do not suffice"):
        open_store("az://container/x", anonymous=True)


def test_importing_the_door_loads_no_library() -> None:
    code = (
        "import sys, lakeq.storage.stores as s\n"
        "heavy = {'obstore', 'fsspec', 's3fs', 'botocore', 'boto3', 'aiobotocore'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "s.open_store('.')\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return config


def test_missing_credentials_say_what_was_tried(no_credentials: Path) -> None:
    with pytest.raises(AccessDeniedError, match=r"tried env, .*sso.*iam-role\)") as caught:
        open_store("s3://bucket/x")
    assert caught.value.location == "s3://bucket/x"
    assert "anonymous=true" in str(caught.value)


def test_an_unknown_profile_names_those_there_are(no_credentials: Path) -> None:
    no_credentials.write_text("[profile work]\nregion = eu-west-1\n")
    with pytest.raises(ConfigError, match=r"'wrok'\. Choose from: work"):
        open_store("s3://bucket", profile="wrok")


def test_an_expired_login_is_told_at_once(no_credentials: Path) -> None:
    no_credentials.write_text(
        "[profile sso]\nsso_start_url = https://example.invalid/start\nsso_region = eu-west-1\n"
        "sso_account_id = 123456789012\nsso_role_name = reader\nregion = eu-west-1\n"
    )
    with pytest.raises(AccessDeniedError, match="aws sso login"):
        open_store("s3://bucket", profile="sso")
