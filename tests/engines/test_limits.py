"""A query that takes too much ends, with an error that says of what."""

from __future__ import annotations

from pathlib import Path

import pytest

import lakeq
from lakeq.engines.limits import RunLimits, find_run_limits
from lakeq.errors import ConfigError, ResourceLimitError

ENDLESS = "SELECT count(*) FROM range(1000000000000) r(a), t WHERE hash(r.a) = 3"
LARGE = "SELECT max(b), max(n) FROM (SELECT md5(a::VARCHAR) AS b, row_number() OVER (ORDER BY hash(a)) AS n FROM range(5000000) r(a))"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lake/t").mkdir(parents=True)
    (tmp_path / "lake/t/f.csv").write_text("x,y\n1,2\n")
    return tmp_path / "lake"


def test_a_query_that_runs_too_long_ends(folder: Path) -> None:
    with lakeq.connect(folder, time_limit=0.2, history=False) as lake:
        with pytest.raises(ResourceLimitError, match="time") as caught:
            lake.sql(ENDLESS).arrow()
        assert caught.value.resource == "time"
        assert lake.sql("SELECT x FROM t").fetchall() == [(1,)]


@pytest.mark.parametrize(("temp", "resource"), [("1MB", "temporary files"), ("0B", "temporary files")])
def test_a_query_that_fills_the_disk_ends(folder: Path, temp: str, resource: str) -> None:
    with (
        lakeq.connect(folder, memory_limit="60MB", threads=1, temp_limit=temp, history=False) as lake,
        pytest.raises(ResourceLimitError, match="temp_limit") as caught,
    ):
        lake.sql(LARGE).arrow()
    assert caught.value.resource == resource


def test_memory_that_cannot_be_spilled_has_its_error(folder: Path) -> None:
    with (
        lakeq.connect(folder, memory_limit="60MB", threads=1, history=False) as lake,
        pytest.raises(ResourceLimitError, match="memory_limit") as caught,
    ):
        lake.sql("SELECT list(a) FROM range(50000000) r(a)").arrow()
    assert caught.value.resource == "memory"


def test_limits_come_from_where_all_settings_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_run_limits(None, None, {}) == RunLimits()
    monkeypatch.setenv("LAKEQ_TIME_LIMIT", "2m")
    monkeypatch.setenv("LAKEQ_TEMP_LIMIT", "1GB")
    assert find_run_limits(None, None, {}) == RunLimits(120.0, 2**30)
    assert find_run_limits(None, None, {"time_limit": "1m", "temp_limit": "2GB"}) == RunLimits(
        60.0, 2 * 2**30
    )
    assert find_run_limits(1.5, 7, {"time_limit": "1m"}) == RunLimits(1.5, 7)


@pytest.mark.parametrize("wrong", ["soon", "0", "-1", "nan", "inf", "1e12"])
def test_a_time_limit_is_above_zero(folder: Path, wrong: str) -> None:
    with pytest.raises(ConfigError, match="time"):
        lakeq.connect(folder, time_limit=wrong, history=False)
