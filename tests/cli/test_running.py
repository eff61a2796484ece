"""Ctrl-C while the engine works, and what is left of a query that it stops."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from lakeq.cli.running import fetch_rows
from lakeq.errors import QueryCancelledError
from tests.cli.conftest import Run

ROWS = pa.record_batch({"n": [1, 2]})


class Result:
    """A query that gives one batch; the second does not come before it is cancelled."""

    schema = ROWS.schema

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def batches(self) -> Iterator[pa.RecordBatch]:
        yield ROWS
        os.kill(os.getpid(), signal.SIGINT)
        if not self.cancelled.wait(60):
            raise AssertionError("the query was not cancelled")
        raise QueryCancelledError("cancelled")

    def cancel(self) -> None:
        self.cancelled.set()


def test_ctrl_c_cancels_the_query_that_is_waited_for() -> None:
    result = Result()
    seen = []
    with pytest.raises(KeyboardInterrupt), fetch_rows(result) as (schema, batches):  # type: ignore[arg-type]
        seen += [schema, *batches]
    assert result.cancelled.is_set()
    assert seen == []


@pytest.mark.parametrize("kind", ["csv", "json", "ndjson", "parquet", "arrow"])
def test_no_file_is_left_of_too_many_rows(
    lake: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("LAKEQ_ROW_LIMIT", "100_000")
    target = tmp_path / f"rows.{kind}"
    status, out, err = run("query", lake, "SELECT a FROM range(1000000000000) r(a), sales", "-o", str(target))
    assert (status, out) == (1, "")
    assert "the 100,000 rows that row_limit allows" in err
    assert list(tmp_path.iterdir()) == []
