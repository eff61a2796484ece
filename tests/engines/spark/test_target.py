"""Where Spark is: what is taken for a session or a URL, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakeq.engines.spark.starting import find_java, start_session
from lakeq.engines.spark.target import LOCAL, SparkTarget, read_target
from lakeq.errors import ConfigError, EngineError
from tests.engines.spark.sessions import needs_spark
from tests.servers import free_port


def test_without_a_target_spark_is_local() -> None:
    assert read_target(None) == SparkTarget(LOCAL)


@pytest.mark.parametrize(
    "url", ["local", "local[2]", "local[*]", "spark://host:7077", "spark://a:1,b:2", "sc://h:15002/;x=y"]
)
def test_urls_of_spark_are_taken(url: str) -> None:
    assert read_target(url).url == url


@pytest.mark.parametrize("url", ["yarn", "http://host", "local[", "spark://", "k8s://host", ""])
def test_other_urls_are_refused_with_those_there_are(url: str) -> None:
    with pytest.raises(ConfigError, match=r"spark://host:7077.*start the session yourself"):
        read_target(url)


def test_a_mapping_gives_url_packages_and_settings() -> None:
    target = read_target(
        {"url": "local[1]", "packages": "a:b:1,c:d:2", "conf": {"spark.x": True, "spark.y": 2}}
    )
    assert target.packages == ("a:b:1", "c:d:2")
    assert target.conf == {"spark.x": "true", "spark.y": "2"}


@pytest.mark.parametrize("given", [{"uri": "local"}, {"conf": "x"}, 7])
def test_what_is_no_target_is_refused(given: object) -> None:
    with pytest.raises(ConfigError):
        read_target(given)


@pytest.mark.parametrize("scheme", ["spark", "sc"])
def test_a_server_that_does_not_answer_is_told_at_once(scheme: str) -> None:
    with pytest.raises(EngineError, match=r"answers at 127.0.0.1:.*Start it, or correct the URL"):
        start_session(read_target(f"{scheme}://127.0.0.1:{free_port()}"), needs_s3=False)


@pytest.mark.parametrize("home", [True, False])
def test_without_java_the_error_says_what_to_install(
    home: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if home:
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    else:
        monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EngineError, match=r"Spark needs Java: .*Install Java 17 or later") as raised:
        find_java()
    assert raised.value.engine == "spark"


@needs_spark
def test_the_package_of_s3a_has_the_version_of_pysparks_hadoop() -> None:
    import pyspark

    from lakeq.engines.spark.starting import hadoop_package

    name, version = hadoop_package().rsplit(":", 1)
    assert name == "org.apache.hadoop:hadoop-aws"
    assert (Path(pyspark.__file__).parent / "jars" / f"hadoop-client-api-{version}.jar").exists()
