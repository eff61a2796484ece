"""Which engine is asked for, and where those outside are."""

from __future__ import annotations

import pytest

from lakeq.engines.names import EngineSettings, check_name, find_engine_settings
from lakeq.errors import ConfigError
from lakeq.quantities import parse_bytes


def test_what_is_given_comes_before_what_is_declared_and_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAKEQ_ENGINE", "athena")
    assert find_engine_settings("Spark", None, "trino").name == "spark"
    assert find_engine_settings(None, None, "trino").name == "trino"
    assert find_engine_settings(None, None).name == "athena"
    monkeypatch.delenv("LAKEQ_ENGINE")
    assert find_engine_settings(None, None) == EngineSettings()


def test_targets_given_and_declared_are_merged() -> None:
    declared = {"spark": "spark://a:1", "trino": "http://b", "auto_above": "1GB"}
    found = find_engine_settings(None, {"spark": "local[2]"}, None, declared)
    assert found.targets == {"spark": "local[2]", "trino": "http://b"}
    assert found.auto_above == parse_bytes("1GB")


def test_an_unknown_engine_is_told_with_the_nearest() -> None:
    with pytest.raises(
        ConfigError, match=r"Did you mean 'spark'\? There are: duckdb, spark, trino, athena, auto"
    ):
        check_name("sparc")


@pytest.mark.parametrize("targets", [{"duckdb": "x"}, {"auto": 1}, {"presto": "x"}, {"auto_above": "much"}])
def test_settings_of_engines_that_have_none_are_refused(targets: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        find_engine_settings(None, targets)
