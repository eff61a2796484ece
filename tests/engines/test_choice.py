"""Which engine runs a query, and where that is told and kept."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import lakeq
from lakeq.engines.choice import Room, tell_excess
from lakeq.errors import ConfigError, EngineError, EngineNotInstalledError, UnsupportedSqlError
from tests.cli.conftest import Run
from tests.engines.fake import ROWS, FakeEngines
from tests.engines.spark.sessions import write_days
from tests.notebook.conftest import Shell

SUM = "SELECT sum(id) FROM t"
HERE = [(sum(range(10, 40)),)]
THERE = [(41,), (42,)]


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> FakeEngines:
    """Engines outside that answer ROWS, whatever they are asked."""
    fakes = FakeEngines()
    monkeypatch.setattr("lakeq.engines.choice.open_engine", fakes.open)
    return fakes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_days(tmp_path / "lake")


def connect(root: Path, **options: Any) -> lakeq.Lake:
    return lakeq.connect(str(root), **options)


def test_duckdb_runs_what_does_not_say(root: Path, outside: FakeEngines) -> None:
    with connect(root, engines={"spark": "local"}) as lake:
        result = lake.sql(SUM)
        assert (result.engine, result.fetchall(), result.notes) == ("duckdb", HERE, ())
    assert outside.opened == {}


def test_an_engine_is_asked_for_by_name_once_opened_and_closed_with_the_lake(
    root: Path, outside: FakeEngines
) -> None:
    with connect(root, engines={"spark": "spark://host:1"}) as lake:
        for _ in range(2):
            result = lake.sql(SUM, engine="Spark")
            assert (result.engine, result.fetchall(), result.notes) == ("spark", THERE, ())
        spark = outside.opened["spark"]
        assert spark.target == "spark://host:1" and spark.context is not None
        assert [plan.sql for plan in spark.ran] == [SUM, SUM] and not spark.closed
        assert spark.ran[0].scans[0].files.to_table()["schema_id"].null_count == 0, (
            "files are looked into before"
        )
        assert result.stats.bytes_scanned == 7
    assert spark.closed


def test_the_engine_of_the_lake_runs_what_does_not_say(root: Path, outside: FakeEngines) -> None:
    (root / "lakeq.toml").write_text('location = "."\nengine = "trino"\n[engines]\ntrino = "http://host"\n')
    with lakeq.connect(str(root / "lakeq.toml")) as lake:
        assert lake.sql(SUM).engine == "trino" and outside.opened["trino"].target == "http://host"
        assert lake.sql(SUM, engine="duckdb").fetchall() == HERE
        assert lake.table("t").collect(engine="duckdb").num_rows == 30
        assert lake.table("t").collect() == ROWS


def test_an_unknown_engine_is_refused_before_anything_is_asked(root: Path, outside: FakeEngines) -> None:
    with connect(root) as lake, pytest.raises(ConfigError, match="Did you mean 'athena'"):
        lake.sql(SUM, engine="athenaa")


def test_what_an_engine_cannot_be_told_is_refused_when_it_was_asked_for(
    root: Path, outside: FakeEngines
) -> None:
    outside.refusing["spark"] = UnsupportedSqlError("no such construct")
    with connect(root) as lake, pytest.raises(UnsupportedSqlError, match="no such construct"):
        lake.sql(SUM, engine="spark")


def test_auto_stays_here_for_what_is_small_and_says_so(root: Path, outside: FakeEngines) -> None:
    with connect(root, engine="auto", engines={"spark": "local"}) as lake:
        result = lake.sql(SUM)
        assert result.engine == "duckdb" and result.fetchall() == HERE
        assert result.notes[0].startswith("Run by DuckDB: the query scans ")
    with connect(root, engine="auto") as lake:
        assert lake.sql(SUM).notes == ()


def test_auto_takes_the_first_that_can_be_told_a_large_query(root: Path, outside: FakeEngines) -> None:
    outside.refusing["trino"] = UnsupportedSqlError("Trino has no PIVOT.")
    targets = {"trino": "http://host", "spark": "local", "auto_above": 1}
    with connect(root, engine="auto", engines=targets) as lake:
        result = lake.sql(SUM)
        assert result.engine == "spark" and result.fetchall() == THERE
        (note,) = result.notes
        assert note.startswith("Run by Spark, because it scans ") and ", over auto_above = 1 byte" in note
        assert "Trino: Trino has no PIVOT" in note


def test_auto_spends_no_money_without_a_budget(root: Path, outside: FakeEngines) -> None:
    with connect(root, engine="auto", engines={"athena": {}, "auto_above": 1}) as lake:
        result = lake.sql(SUM)
        assert result.engine == "duckdb" and "Athena costs money: give max_cost" in result.notes[0]
        assert lake.sql(SUM, max_cost=Decimal(1)).engine == "athena"
        assert lake.sql(SUM, engine="athena").engine == "athena", "who asks for it by name has it"


def test_auto_stays_here_where_the_others_cannot_be_opened(root: Path, outside: FakeEngines) -> None:
    outside.broken["spark"] = EngineError("Spark needs Java.", "spark")
    with connect(root, engine="auto", engines={"spark": "local", "auto_above": 1}) as lake:
        result = lake.sql(SUM)
        assert result.engine == "duckdb" and "Spark: Spark needs Java" in result.notes[0]


@pytest.mark.parametrize(
    ("sql", "room", "told"),
    [
        ("SELECT * FROM t", Room(0, 0), False),
        ("SELECT x FROM t ORDER BY x", Room(0, 0), True),
        ("SELECT x FROM t ORDER BY x", Room(10**9, 0), False),
        ("SELECT x FROM t ORDER BY x", Room(0, 10**9), False),
    ],
)
def test_rows_that_do_not_fit_here_are_a_reason(root: Path, sql: str, room: Room, told: bool) -> None:
    with connect(root) as lake:
        assert (tell_excess(sql, lake.estimate(sql), 10**12, room) is not None) == told


def test_an_engine_that_is_not_installed_is_told_with_the_line_that_installs_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakeq.engines.opening.find_spec", lambda name: None)
    with (
        connect(root) as lake,
        pytest.raises(EngineNotInstalledError, match=r"pip install 'lakeq\[spark\]'") as raised,
    ):
        lake.sql(SUM, engine="spark")
    assert raised.value.extra == "spark"


def test_the_history_has_the_engine(root: Path, outside: FakeEngines) -> None:
    with connect(root) as lake:
        lake.sql(SUM, engine="spark").fetchall()
        lake.sql(SUM).fetchall()
        assert lake.history()["engine"].to_pylist() == ["spark", "duckdb"]


def test_the_command_line_takes_an_engine(root: Path, outside: FakeEngines, run: Run) -> None:
    assert run("query", str(root), SUM, "--engine", "spark", "--format", "csv")[:2] == (0, "n\n41\n42\n")
    status, _, told = run("query", str(root), SUM, "--engine", "sparc")
    assert status != 0 and "Did you mean 'spark'" in told
    assert "engine" in run("config", str(root), "--engine", "spark")[1]


def test_the_prompt_takes_an_engine(
    root: Path, outside: FakeEngines, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = root.parent / "script.sql"
    script.write_text(f".engine spark\n{SUM};\n.engine off\n{SUM};\n.engine sparc\n")
    with script.open() as lines:
        monkeypatch.setattr("sys.stdin", lines)
        _, shown, told = run("repl", str(root))
    assert "42" in shown and str(HERE[0][0]) in shown
    assert "Did you mean 'spark'" in told


def test_a_notebook_takes_an_engine(root: Path, outside: FakeEngines, shell: Shell) -> None:
    shell.get(f"lake = %lakeq {root}")
    shell.get(f"%%lakeq --engine spark -o found\n{SUM}")
    assert outside.opened["spark"].ran[0].text.strip() == SUM
