"""%lakeq and %%lakeq in a shell."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import lakeq
from lakeq.engines.base import QueryResult
from lakeq.errors import BudgetExceededError, ConfigError, QueryCancelledError, QueryError
from lakeq.notebook import magic
from lakeq.planner.estimate import Estimate
from lakeq.result import Result
from lakeq.storage.workers import wait_for
from tests.html.pages import parse_output
from tests.notebook.conftest import Shell


def outcomes(folder: Path) -> list[str]:
    """How the queries over the lake have ended, as its history has it."""
    with lakeq.connect(folder) as lake:
        found: list[str] = lake.history()["outcome"].to_pylist()
    return found


@pytest.fixture
def connected(shell: Shell, folder: Path) -> Shell:
    shell.get(f"lake = %lakeq {folder}")
    return shell


def test_the_estimate_is_shown_before_the_query_runs(
    connected: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    start = Result._start

    def spy(result: Result) -> QueryResult:
        shown.append(len(connected.ipython.display_pub.outputs))  # type: ignore[attr-defined]  # of the captured
        return start(result)

    monkeypatch.setattr(Result, "_start", spy)
    connected.get("%%lakeq\nSELECT n FROM t WHERE day = 1")
    assert shown[0] == 1
    estimate, outcome = connected.texts()
    assert estimate.startswith("scans ") and "1 of 2 partitions" in estimate
    assert "scanned" in outcome


def test_what_is_displayed_is_html_with_text_beside_it(connected: Shell) -> None:
    connected.get("%%lakeq\nSELECT n FROM t WHERE day = 1")
    for output in connected.outputs:
        parse_output(output["data"]["text/html"])
    assert "<svg" in connected.outputs[0]["data"]["text/html"]


@pytest.mark.parametrize("option", ["--max-cost 0.000000001", "--max-bytes 1"])
def test_over_a_limit_nothing_is_read_and_the_cell_fails_with_the_message(
    connected: Shell, folder: Path, option: str
) -> None:
    error = connected.fail(f"%%lakeq {option} -o kept\nSELECT * FROM t")
    assert isinstance(error, BudgetExceededError)
    assert connected.printed.strip() == f"BudgetExceededError: {error}"
    (estimate,) = connected.texts()
    assert estimate.startswith("scans ")
    assert "kept" not in connected.names
    assert outcomes(folder) == ["refused"]


def test_an_error_has_a_caret_below_its_place_and_no_traceback(connected: Shell) -> None:
    connected.fail("%%lakeq\nSELECT n\nFROM t WHERE dayy = 1")
    first, line, caret = connected.printed.rstrip().splitlines()
    assert first.startswith("ColumnNotFoundError: Column not found: 'dayy'")
    assert (line, caret.index("^")) == ("  FROM t WHERE dayy = 1", line.index("dayy"))


def test_an_error_that_was_shown_still_travels(connected: Shell) -> None:
    error = connected.fail("%lakeq SELECT dayy FROM t")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))


def test_the_answer_is_a_result_that_was_read(connected: Shell) -> None:
    result = connected.get("%%lakeq --rows 3\nSELECT n FROM t WHERE day = 1")
    assert isinstance(result, Result)
    assert result.stats.rows == 30
    assert "30 rows, the first 3 shown" in result._repr_html_()
    assert "(30 rows, the first 3 shown)" in connected.printed


@pytest.mark.parametrize(
    ("form", "kind"), [("arrow", pa.Table), ("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)
def test_the_answer_comes_in_the_form_that_is_asked_for(connected: Shell, form: str, kind: type) -> None:
    assert isinstance(connected.get(f"%lakeq --as {form} SELECT n FROM t"), kind)


def test_the_answer_goes_to_the_variable_that_is_named(connected: Shell) -> None:
    assert connected.get("%%lakeq -o answer --as arrow\nSELECT count(*) AS n FROM t") is None
    assert connected.names["answer"].to_pydict() == {"n": [60]}
    assert connected.get("rows = %lakeq SELECT s FROM t LIMIT 1\nrows.fetchall()") == [("a  b",)]


def test_only_the_estimate_is_made_when_asked_for(connected: Shell, folder: Path) -> None:
    estimate = connected.get("%%lakeq --estimate\nSELECT n FROM t WHERE day = 1")
    assert isinstance(estimate, Estimate)
    assert estimate.files == 1
    assert connected.get("%lakeq --estimate -o kept SELECT n FROM t") is None
    assert connected.names["kept"].files == 2
    assert outcomes(folder) == []


def test_the_plan_is_printed_when_asked_for(connected: Shell, folder: Path) -> None:
    connected.get("%%lakeq --explain\nSELECT n FROM t WHERE day = 1")
    assert "pruned by: day = 1" in connected.printed
    assert outcomes(folder) == []


@pytest.mark.parametrize(
    "value", [2, np.int64(2), np.float64(2), "2"], ids=["int", "numpy int", "numpy float", "text"]
)
def test_parameters_are_variables_and_prune(connected: Shell, value: Any) -> None:
    connected.names.update(d=value, unused=object())
    assert connected.get("%%lakeq --estimate\nSELECT n FROM t WHERE day = $d").files == 1


def test_a_moment_of_numpy_is_a_moment(connected: Shell) -> None:
    connected.names["d"] = np.datetime64("2026-11-03T10:00:00", "ns")
    result = connected.get("%lakeq SELECT year($d) AS y")
    assert result.fetchall() == [(2026,)]


def test_a_parameter_without_a_variable_is_named(connected: Shell) -> None:
    error = connected.fail("%lakeq SELECT n FROM t WHERE day = $nobody")
    assert isinstance(error, QueryError)
    assert "$nobody" in str(error) and "no variable nobody" in str(error)


def test_a_dollar_in_a_text_is_no_parameter(connected: Shell) -> None:
    connected.names["HOME"] = 1
    assert connected.get("%lakeq SELECT '$HOME {1 + 1}' AS s").fetchall() == [("$HOME {1 + 1}",)]


def test_other_dialects_are_taken(connected: Shell) -> None:
    sql = "SELECT date_format(DATE '2026-11-03', '%Y/%m')"
    assert connected.get(f"%lakeq --dialect athena {sql}").fetchall() == [("2026/11",)]


def test_the_only_lake_among_the_variables_is_used(shell: Shell, folder: Path) -> None:
    error = shell.fail("%lakeq SELECT 1")
    assert isinstance(error, ConfigError) and "%lakeq s3://bucket/prefix" in str(error)
    with lakeq.connect(folder) as one, lakeq.connect(folder.parent) as other:
        shell.names.update(one=one, same=one)
        assert shell.get("%lakeq SELECT count(*) FROM t").fetchall() == [(60,)]
        shell.names["other"] = other
        error = shell.fail("%lakeq SELECT count(*) FROM t")
        assert "one, same, other" in str(error)
        assert shell.get("%%lakeq one --max-bytes 1MB\nSELECT count(*) FROM t").fetchall() == [(60,)]
        assert shell.get("%lakeq same") is one
        assert shell.get("%lakeq SELECT count(*) FROM t").fetchall() == [(60,)]


def test_a_lake_that_is_connected_to_is_remembered_and_closed_with_the_extension(
    shell: Shell, folder: Path
) -> None:
    lake = shell.get(f"%lakeq '{folder}'")
    assert isinstance(lake, lakeq.Lake)
    assert shell.get("%lakeq") is lake
    shell.get("%reload_ext lakeq")
    with pytest.raises(lakeq.LakeqError, match="closed"):
        lake.tables()
    assert isinstance(shell.fail("%lakeq SELECT 1"), ConfigError)


def test_options_of_the_store_reach_it(shell: Shell, s3_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = s3_server.new_bucket()
    s3_server.put(bucket, "t/day=1/a.csv", b"n\n7\n")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing-secret")
    options = f"--endpoint-url {s3_server.endpoint} --region us-east-1"
    assert shell.get(f"%%lakeq s3://{bucket} {options}\nSELECT n FROM t").fetchall() == [(7,)]


def test_a_folder_that_is_not_there_is_an_error_in_one_line(shell: Shell) -> None:
    shell.fail("%lakeq /nowhere/at/all")
    assert (
        shell.printed.strip() == "ObjectNotFoundError: Folder not found: '/nowhere/at/all'. Check the path."
    )


def test_wrong_usage_is_told_and_fails(connected: Shell) -> None:
    connected.fail("%lakeq --nothing SELECT 1")
    assert "UsageError: unrecognized arguments: --nothing" in connected.printed


def test_the_help_of_the_magic_tells_its_options(shell: Shell) -> None:
    known = shell.ipython.find_line_magic("lakeq")
    assert "--max-cost" in (known.__doc__ or "") and shell.ipython.find_cell_magic("lakeq") is known


def test_an_interrupt_cancels_the_query(
    connected: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Result.arrow
    cancelled = threading.Event()

    def interrupted(result: Result) -> pa.Table:
        assert result.schema.names == ["n"]  # it has begun
        os.kill(os.getpid(), signal.SIGINT)
        assert cancelled.wait(60)
        return read(result)

    def cancel(result: Result) -> None:
        stop(result)
        cancelled.set()

    stop = Result.cancel
    monkeypatch.setattr(Result, "cancel", cancel)
    monkeypatch.setitem(magic._READERS, None, interrupted)
    error = connected.fail("%%lakeq\nSELECT n FROM t")
    assert isinstance(error, KeyboardInterrupt)
    assert "KeyboardInterrupt: the query was cancelled" in connected.printed
    assert outcomes(folder) == ["cancelled"]


def test_an_interrupt_while_planning_stops_it(connected: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: Future[type[BaseException]] = Future()

    def plan(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        try:
            wait_for([Future()])  # as for a listing that never comes
        except QueryCancelledError as error:
            ended.set_result(type(error))
            raise

    monkeypatch.setattr(lakeq.Lake, "sql", plan)
    assert isinstance(connected.fail("%lakeq SELECT 1"), KeyboardInterrupt)
    assert ended.result(60) is QueryCancelledError
