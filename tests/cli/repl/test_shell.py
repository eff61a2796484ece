"""What is asked before a query runs: by its preview, and by its plan where that says more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.catalog import entry
from lakeq.cli.repl.settings import ReplSettings
from lakeq.cli.repl.shell import Shell
from lakeq.lake import Lake
from lakeq.planner.budget import AskAbove

SUM = "SELECT sum(amount) AS total FROM sales"
ABOVE = AskAbove(bytes=100)


@pytest.fixture
def opened(lake: str) -> Iterator[Lake]:
    with lakeq.connect(lake, history=False) as opened_lake:
        yield opened_lake


def test_a_large_query_is_asked_about_once(opened: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    questions: list[str] = []
    Shell(opened, ReplSettings(ABOVE), lambda question: not questions.append(question)).run_sql(SUM)
    assert len(questions) == 1
    assert questions[0].startswith("This would scan ")
    assert "total" in capsys.readouterr().out


def test_a_query_that_is_not_wanted_is_not_run(opened: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    Shell(opened, ReplSettings(ABOVE), lambda question: False).run_sql(SUM)
    assert capsys.readouterr() == ("", "")


def test_what_the_plan_finds_above_an_older_preview_is_asked_about(
    opened: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    preview = opened.preview(SUM)
    older = replace(preview, estimate=replace(preview.estimate, bytes_scanned=1))
    Shell(opened, ReplSettings(ABOVE), lambda question: False, lambda sql: older).run_sql(SUM)
    assert capsys.readouterr() == ("", "")


def test_a_column_of_a_file_that_was_not_looked_into_is_no_reason_to_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(entry, "LOCAL_SAMPLES", 2)
    for month in range(1, 10):
        columns = {"id": [month], **({"channel": ["web"]} if month == 5 else {})}
        folder = tmp_path / "events" / f"month={month}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table(columns), folder / "a.parquet")
    with lakeq.connect(tmp_path, history=False) as lake:
        with pytest.raises(lakeq.LakeqError, match="channel"):
            lake.preview("SELECT channel FROM events")
        Shell(lake, ReplSettings(ABOVE)).run_sql("SELECT max(channel) AS c FROM events WHERE month = 5")
    assert "web" in capsys.readouterr().out
