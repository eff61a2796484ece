"""A query that takes too much ends, with an error that says of what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lakeq
from lakeq import dbapi
from lakeq.engines.limits import RunLimits, find_run_limits
from lakeq.errors import ConfigError, ResourceLimitError
from lakeq.lake import Lake

ENDLESS = "SELECT count(*) FROM range(1000000000000) r(a), t WHERE hash(r.a) = 3"
LARGE = "SELECT max(b), max(n) FROM (SELECT md5(a::VARCHAR) AS b, row_number() OVER (ORDER BY hash(a)) AS n FROM range(5000000) r(a))"
MANY = "SELECT a FROM range(1000000000000) r(a), t"
"""More rows than can be made while a test waits for them."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lake/t").mkdir(parents=True)
    (tmp_path / "lake/t/f.csv").write_text("x,y\n1,2\n")
    return tmp_path / "lake"


def test_a_query_that_runs_too_long_ends(folder: Path) -> None:
    with lakeq.connect(folder, time_limit=0.2, history=False) as lake:
        with pytest.raises(ResourceLimitError, match="time_limit") as caught:
            lake.sql(ENDLESS).arrow()
        assert caught.value.resource == "time"
        assert lake.sql("SELECT x FROM t").fetchall() == [(1,)]


@pytest.mark.parametrize("temp", ["1MB", "0B"])
def test_a_query_that_fills_the_disk_ends(folder: Path, temp: str) -> None:
    with (
        lakeq.connect(folder, memory_limit="60MB", threads=1, temp_limit=temp, history=False) as lake,
        pytest.raises(ResourceLimitError, match="temp_limit") as caught,
    ):
        lake.sql(LARGE).arrow()
    assert caught.value.resource == "temporary files"


def test_memory_that_cannot_be_spilled_has_its_error(folder: Path) -> None:
    with (
        lakeq.connect(folder, memory_limit="60MB", threads=1, history=False) as lake,
        pytest.raises(ResourceLimitError, match="memory_limit") as caught,
    ):
        lake.sql("SELECT list(a) FROM range(50000000) r(a)").arrow()
    assert caught.value.resource == "memory"


def _fetch(lake: Lake, sql: str) -> Any:
    connection = dbapi.Connection(lake)
    return connection.cursor().execute(sql).fetchall()


ROWS: dict[str, Callable[[Lake, str], Any]] = {
    "arrow": lambda lake, sql: lake.sql(sql).arrow(),
    "fetchall": lambda lake, sql: lake.sql(sql).fetchall(),
    "pandas": lambda lake, sql: lake.sql(sql).df(),
    "batches": lambda lake, sql: list(lake.sql(sql).batches()),
    "a frame": lambda lake, sql: lake.sql(sql).lazy().collect(),
    "a database": _fetch,
}


@pytest.mark.parametrize("way", ROWS)
def test_a_query_that_gives_too_many_rows_ends(folder: Path, way: str) -> None:
    with lakeq.connect(folder, row_limit=3, history=False) as lake:
        for sql in (MANY, "SELECT a FROM range(4) r(a)"):
            with pytest.raises((ResourceLimitError, dbapi.Error), match="3 rows that row_limit") as caught:
                ROWS[way](lake, sql)
            limit = caught.value if way != "a database" else caught.value.__cause__
            assert isinstance(limit, ResourceLimitError)
            assert limit.resource == "rows"
        assert len(ROWS[way](lake, "SELECT a FROM range(3) r(a)")) in (1, 3)  # batches, or rows
        assert len(ROWS[way](lake, f"{MANY} LIMIT 3")) in (1, 3)


def test_a_row_over_the_limit_is_never_handed_out_of_a_stream(folder: Path) -> None:
    with lakeq.connect(folder, row_limit=200_000, history=False) as lake:
        batches, given = lake.sql(MANY).batches(), 0
        with pytest.raises(ResourceLimitError, match="200,000 rows"):
            for batch in batches:
                given += batch.num_rows
        assert 0 < given <= 200_000
        assert next(batches, None) is None


def test_rows_that_no_one_is_given_are_not_counted(folder: Path) -> None:
    with lakeq.connect(folder, row_limit=1, history=False) as lake:
        assert lake.sql("SELECT count(*) FROM range(1000000) r(a)").fetchall() == [(1_000_000,)]


def test_what_ran_over_a_limit_is_entered_as_failed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEQ_DATA_DIR", str(tmp_path / "data"))
    with lakeq.connect(folder, row_limit=3, history=True) as lake:
        with pytest.raises(ResourceLimitError):
            lake.sql(MANY).arrow()
        assert lake.history()["outcome"].to_pylist()[-1] == "failed"


def test_threads_and_memory_are_those_that_were_set(folder: Path) -> None:
    shown = "SELECT current_setting('threads')::INT, current_setting('memory_limit'), current_setting('max_temp_directory_size')"
    with lakeq.connect(folder, threads=3, memory_limit="1GB", temp_limit="2GB", history=False) as lake:
        connection = lake._engine._open_database(frozenset()).connection
        assert connection.execute(shown).fetchall() == [(3, "1.0 GiB", "2.0 GiB")]


def test_limits_come_from_where_all_settings_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_run_limits({}) == RunLimits()
    monkeypatch.setenv("LAKEQ_TIME_LIMIT", "2m")
    monkeypatch.setenv("LAKEQ_TEMP_LIMIT", "1GB")
    monkeypatch.setenv("LAKEQ_ROW_LIMIT", "1_000")
    monkeypatch.setenv("LAKEQ_THREADS", "2")
    monkeypatch.setenv("LAKEQ_MEMORY_LIMIT", "4GB")
    assert find_run_limits({}) == RunLimits(2, 4 * 2**30, 2**30, 120.0, 1000)
    declared = {"time_limit": "1m", "temp_limit": "2GB", "row_limit": 7, "threads": 1, "memory_limit": 2**20}
    assert find_run_limits(declared) == RunLimits(1, 2**20, 2 * 2**30, 60.0, 7)
    given = find_run_limits(declared, time_limit=1.5, temp_limit=7, row_limit=8)
    assert given == RunLimits(1, 2**20, 7, 1.5, 8)
    limits = "".join(f"{name} = {value!r}\n" for name, value in declared.items())
    (folder / "lakeq.toml").write_text(f"[limits]\n{limits}")
    with lakeq.connect(folder / "lakeq.toml", history=False) as lake:
        assert len(lake.sql(f"{MANY} LIMIT 7").arrow()) == 7
        with pytest.raises(ResourceLimitError, match="7 rows"):
            lake.sql(MANY).arrow()


@pytest.mark.parametrize("wrong", ["soon", "0", "-1", "nan", "inf", "1e12"])
def test_a_time_limit_is_above_zero(folder: Path, wrong: str) -> None:
    with pytest.raises(ConfigError, match="time"):
        lakeq.connect(folder, time_limit=wrong, history=False)


@pytest.mark.parametrize("name", ["row_limit", "threads"])
@pytest.mark.parametrize("wrong", ["many", "0", "-1", "1.5", "nan", True, 2**31])
def test_rows_and_threads_are_counted_from_one(folder: Path, name: str, wrong: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        lakeq.connect(folder, history=False, **{name: wrong})


def test_a_memory_limit_is_a_number_of_bytes(folder: Path) -> None:
    with pytest.raises(ConfigError, match="much"):
        lakeq.connect(folder, memory_limit="much", history=False)
