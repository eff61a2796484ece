"""What is typed at the prompt, from one session to the next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import lakeq
from lakeq.cli.repl.prompt import TypedLines, find_history_file

LINE = "SELECT * FROM t WHERE name = 'CANARY'\n  AND x = 1"


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LAKEQ_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.mark.parametrize("early", [True, False])
def test_lines_are_there_in_the_next_session_and_for_nobody_else(early: bool) -> None:
    lines = TypedLines()
    if early:  # typed before the lake was open
        lines.append_string(LINE)
        assert not find_history_file().exists()
    lines.keep(True)
    if not early:
        lines.append_string(LINE)
    assert list(TypedLines().load_history_strings()) == [LINE]
    assert os.stat(find_history_file()).st_mode & 0o077 == 0


@pytest.mark.parametrize(("history", "keeps"), [(True, True), (False, False), ("redact", False)])
def test_who_keeps_no_sql_keeps_no_lines(
    data: Path, tmp_path: Path, history: bool | str, keeps: bool
) -> None:
    (tmp_path / "lake").mkdir()
    lines = TypedLines()
    lines.append_string(LINE)
    with lakeq.connect(tmp_path / "lake", history=history) as lake:
        lines.keep(lake.keeps_sql)
    lines.append_string(LINE)
    assert lines.get_strings() == [LINE, LINE]
    assert find_history_file().exists() is keeps
    kept = "".join(path.read_text() for path in data.rglob("*") if path.is_file())
    assert ("CANARY" in kept) is keeps


def test_lines_that_cannot_be_kept_stay_in_the_session(data: Path) -> None:
    data.write_text("a file where the folder should be")
    lines = TypedLines()
    lines.keep(True)
    lines.append_string(LINE)
    assert lines.get_strings() == [LINE]
    assert list(TypedLines().load_history_strings()) == []
