"""S3A asks as whom and where lakeq asks, and the hadoop-aws of a session is that of its Hadoop."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lakeq.engines.spark.s3a import find_bucket_options
from lakeq.engines.spark.versions import check_s3a
from lakeq.errors import AccessDeniedError, ConfigError

PLACE = {"endpoint_url": "http://127.0.0.1:9000", "region": "eu-west-1"}
PROVIDER = "aws.credentials.provider"


def find(given: dict[str, Any]) -> dict[str, str]:
    told = find_bucket_options("s3://my-bucket/lake", given)
    assert all(name.startswith("fs.s3a.bucket.my-bucket.") for name in told)
    return {name.removeprefix("fs.s3a.bucket.my-bucket."): value for name, value in told.items()}


def test_keys_and_endpoint_are_those_of_the_lake() -> None:
    told = find({**PLACE, "key": "me", "secret": "hush", "requester_pays": True})
    assert told == {
        "endpoint": "http://127.0.0.1:9000",
        "endpoint.region": "eu-west-1",
        "path.style.access": "true",
        "requester.pays.enabled": "true",
        PROVIDER: "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
        "access.key": "me",
        "secret.key": "hush",
    }


def test_a_session_token_goes_with_its_keys() -> None:
    told = find({**PLACE, "key": "me", "secret": "hush", "token": "until-noon"})
    assert told["session.token"] == "until-noon" and "Temporary" in told[PROVIDER]


def test_botocores_chain_is_asked_where_no_key_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-env")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    assert find(PLACE)["access.key"] == "from-env"


def test_without_credentials_it_is_an_error_and_anonymous_asks_unsigned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(AccessDeniedError):
        find(PLACE)
    told = find({**PLACE, "anonymous": True})
    assert "Anonymous" in told[PROVIDER] and "access.key" not in told


def test_addressing_and_customer_keys_are_passed_on() -> None:
    told = find(
        {
            **PLACE,
            "key": "k",
            "secret": "s",
            "addressing_style": "virtual",
            "sse_customer_key": "a" * 43 + "=",
        }
    )
    assert told["path.style.access"] == "false" and told["encryption.algorithm"] == "SSE-C"


def test_a_folder_has_no_options() -> None:
    assert find_bucket_options("/data/lake", {}) == {}


def fake_session(hadoop: str, location: str | None) -> Any:
    """A session whose JVM has this Hadoop, and S3A from there."""

    def find_class(*_: object) -> Any:
        if location is None:
            raise LookupError("ClassNotFoundException")
        source = SimpleNamespace(getLocation=lambda: location)
        return SimpleNamespace(getProtectionDomain=lambda: SimpleNamespace(getCodeSource=lambda: source))

    thread = SimpleNamespace(currentThread=lambda: SimpleNamespace(getContextClassLoader=lambda: None))
    lang = SimpleNamespace(Thread=thread, Class=SimpleNamespace(forName=find_class))
    version = SimpleNamespace(VersionInfo=SimpleNamespace(getVersion=lambda: hadoop))
    org = SimpleNamespace(apache=SimpleNamespace(hadoop=SimpleNamespace(util=version)))
    return SimpleNamespace(
        sparkContext=SimpleNamespace(_jvm=SimpleNamespace(java=SimpleNamespace(lang=lang), org=org))
    )


def test_a_session_without_s3a_or_with_another_is_told_the_line_to_set() -> None:
    check_s3a(fake_session("3.5.0", "file:/jars/hadoop-aws-3.5.0.jar"))
    with pytest.raises(ConfigError, match=r"no hadoop-aws.*org\.apache\.hadoop:hadoop-aws:3\.5\.0"):
        check_s3a(fake_session("3.5.0", None))
    with pytest.raises(ConfigError, match=r"hadoop-aws 3\.4\.1 beside Hadoop 3\.5\.0.*hadoop-aws:3\.5\.0"):
        check_s3a(fake_session("3.5.0", "file:/jars/org.apache.hadoop_hadoop-aws-3.4.1.jar"))
