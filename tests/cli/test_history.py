"""`lakeq history`: the queries so far, of one lake or of all, one by one or as sums."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run

YEAR = "SELECT sum(amount) FROM sales WHERE year = 2026"


@pytest.fixture(autouse=True)
def own_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAKEQ_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "data"


@pytest.fixture
def asked(run: Run, lake: str) -> str:
    """The lake, after a query that ran, one that was refused, and one that was left early."""
    assert run("query", lake, YEAR)[0] == 0
    assert run("query", lake, YEAR, "--max-bytes", "1")[0] == 3
    assert run("query", lake, "SELECT * FROM sales", "--rows", "1")[0] == 0
    return lake


def test_each_query_is_a_line_with_its_estimate_and_what_it_read(run: Run, asked: str) -> None:
    status, out, err = run("history", asked)
    assert (status, err) == (0, "")
    header, _, *lines, errors = out.splitlines()
    assert header.split()[:4] == ["time", "(UTC)", "outcome", "estimated"]
    assert [line.split()[2] for line in lines] == ["done", "refused", "cancelled"]
    assert YEAR in lines[0] and "0.0%" in lines[0] and "?" in lines[1]
    assert errors == "estimates: 1 exact, off by 0.0% in the median, 0.0% at worst"


def test_only_the_last_are_shown(run: Run, asked: str) -> None:
    out = run("history", asked, "--rows", "1")[1]
    assert "the last 1 of 3 queries" in out and YEAR not in out


def test_json_has_every_column_of_every_query(run: Run, asked: str) -> None:
    done, refused, left = json.loads(run("history", asked, "--json", "--rows", "1")[1])
    assert done["scanned_bytes"] == done["estimated_bytes"] > 0 and done["tables"] == ["sales"]
    assert refused["outcome"] == "refused" and refused["scanned_bytes"] is None
    assert left["lake"] == asked


def test_sums_by_table_day_and_user(run: Run, asked: str) -> None:
    for by, name in (("table", "sales"), ("day", None), ("user", None)):
        (one,) = json.loads(run("history", "--by", by, "--json")[1])
        assert (one["queries"], one["refused"]) == (3, 1) and one["bytes_scanned"] > 0
        assert name is None or one["name"] == name
        out = run("history", "--by", by)[1]
        assert out.split()[0] == by and one["name"] in out


def test_without_a_lake_all_are_shown_and_with_one_only_its_own(
    run: Run, asked: str, broken_lake: str
) -> None:
    run("query", broken_lake, "SELECT n FROM good")
    assert len(json.loads(run("history", "--json")[1])) == 4
    assert len(json.loads(run("history", broken_lake, "--json")[1])) == 1


def test_since_leaves_out_what_is_older(run: Run, asked: str) -> None:
    assert len(json.loads(run("history", "--since", "1h", "--json")[1])) == 3
    assert json.loads(run("history", "--since", "2999-01-01", "--json")[1]) == []
    status, _, err = run("history", "--since", "soon")
    assert status == 1 and "Not a moment: 'soon'" in err


def test_an_empty_history_says_so(run: Run) -> None:
    status, out, _ = run("history")
    assert status == 0 and "none of a query that was read to its end yet" in out


def test_a_budget_of_a_day_refuses_with_status_3(
    run: Run, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEQ_MAX_BYTES_PER_DAY", "1KB")
    status, out, err = run("query", asked, "SELECT * FROM sales")
    assert (status, out) == (3, "") and "today (UTC)" in err and "raise max_bytes_per_day" in err


def test_what_cannot_be_kept_is_told_in_a_line(own_history: Path, lake: str) -> None:
    own_history.write_text("a file where the folder would be")
    done = subprocess.run(
        [sys.executable, "-m", "lakeq", "query", lake, YEAR, "--format", "csv"],
        capture_output=True,
        text=True,
        env=dict(os.environ),  # that of the test
    )
    first = done.stderr.splitlines()[0]
    assert done.returncode == 0 and done.stdout.splitlines()[1] == "270"
    assert first.startswith("lakeq: note: The history of queries is not kept: ")


def test_ctrl_c_is_a_query_that_was_cancelled(own_history: Path, lake: str, run: Run) -> None:
    endless = "SELECT count(*) FROM sales, range(1_000_000_000) a, range(1_000_000_000) b WHERE amount > -1"
    command = [sys.executable, "-m", "lakeq", "query", lake, endless]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not list(own_history.glob("history/*.jsonl")):  # it has begun
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        process.kill()
        process.wait()
    (row,) = json.loads(run("history", "--json")[1])
    assert (row["outcome"], row["sql"]) == ("cancelled", endless)
