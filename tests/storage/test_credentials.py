"""Who asks S3: the options first, then botocore's chain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakeq.storage.credentials import find_s3_access
from lakeq.storage.options import parse_options


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path / "config"


def key_of(**options: object) -> str | None:
    access = find_s3_access("s3://b", parse_options(options))
    return None if access.provider is None else str(access.provider()["access_key_id"])


def test_the_environment_is_asked() -> None:
    access = find_s3_access("s3://b", parse_options({}))
    assert access.provider is not None
    credential = access.provider()
    assert credential["access_key_id"] == "from-environment"
    assert credential["secret_access_key"] == "hush"
    assert access.region == "eu-north-1"
    assert access.endpoint_url is None


def test_options_come_before_the_environment() -> None:
    assert key_of(key="given", secret="s") == "given"
    access = find_s3_access("s3://b", parse_options({"region": "us-west-2", "endpoint_url": "http://here"}))
    assert (access.region, access.endpoint_url) == ("us-west-2", "http://here")


def test_anonymous_asks_for_no_credentials() -> None:
    assert key_of(anonymous=True) is None


def test_a_profile_brings_its_key_and_region(aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    aws.write_text(
        "[profile lake]\naws_access_key_id = from-profile\naws_secret_access_key = hush\nregion = sa-east-1\n"
    )
    access = find_s3_access("s3://b", parse_options({"profile": "lake"}))
    assert key_of(profile="lake") == "from-profile"
    assert access.region == "sa-east-1"


def test_what_the_chain_gave_is_asked_for_again_in_time() -> None:
    access = find_s3_access("s3://b", parse_options({}))
    assert access.provider is not None
    left = access.provider()["expires_at"] - datetime.now(UTC)
    assert timedelta(minutes=5) < left <= timedelta(minutes=10)


def test_secrets_are_not_shown() -> None:
    options = parse_options({"key": "k", "secret": "hush", "token": "hush too"})
    assert "hush" not in repr(options)
    assert "hush" not in repr(find_s3_access("s3://b", options))
