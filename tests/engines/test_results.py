"""A running query: it streams, it can be cancelled, and it never passes a part off as the whole."""

from __future__ import annotations

import gc
import gzip
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from lakeq.errors import CorruptFileError, ExecutionError, ObjectChangedError, QueryCancelledError
from lakeq.formats.base import Column, FileFacts, FileSchema
from tests.engines.lakes import Pinned, local_engine, make_table, open_folder, plan, run, scan

SLOW = "select count(*) from t x, t y where hash(x.a) % 7 = hash(y.a) % 11"


@pytest.fixture
def big(tmp_path: Path) -> Any:
    """An engine over a folder, and a reference to its table `t` of 400,000 rows in four files."""
    for i in range(4):
        pq.write_table(pa.table({"a": range(i * 100_000, (i + 1) * 100_000)}), tmp_path / f"{i}.parquet")
    store = open_folder(tmp_path)
    with local_engine(store, threads=2) as engine:
        yield engine, scan(make_table(store, "t", "parquet")), tmp_path


def test_rows_arrive_in_batches(big: Any) -> None:
    engine, t, _ = big
    result = engine.execute(plan("from t", t))
    batches = result.batches()
    first = next(batches)
    assert 0 < first.num_rows < 400_000
    assert result.stats().rows == first.num_rows
    assert first.num_rows + sum(batch.num_rows for batch in batches) == 400_000
    stats = result.stats()
    assert (stats.rows, stats.requests) == (400_000, 0)
    assert stats.seconds > 0


def test_the_schema_is_known_before_the_batches_and_after(big: Any) -> None:
    engine, t, _ = big
    result = engine.execute(plan("select a, a::varchar b from t", t))
    assert result.schema == pa.schema([("a", pa.int64()), ("b", pa.string())])
    assert sum(batch.num_rows for batch in result.batches()) == 400_000
    assert result.schema.names == ["a", "b"]


def test_rows_are_read_once(big: Any) -> None:
    engine, t, _ = big
    result = engine.execute(plan("select 1 from t limit 1", t))
    list(result.batches())
    with pytest.raises(ExecutionError, match="already"):
        result.batches()


def test_a_failure_on_the_way_ends_the_batches(big: Any) -> None:
    engine, t, _ = big
    sql = "select case when a = 399999 then error('the last row') else a end from t"
    result = engine.execute(plan(sql, t))
    with pytest.raises(ExecutionError, match="the last row"):
        list(result.batches())


def test_cancel_before_the_start(big: Any) -> None:
    engine, t, _ = big
    result = engine.execute(plan(SLOW, t))
    result.cancel()
    with pytest.raises(QueryCancelledError):
        list(result.batches())
    result.cancel()


def test_cancel_between_batches(big: Any) -> None:
    engine, t, _ = big
    result = engine.execute(plan("from t", t))
    batches = result.batches()
    next(batches)
    result.cancel()
    with pytest.raises(QueryCancelledError):
        list(batches)


def test_cancel_of_a_query_that_has_no_rows_yet(big: Any) -> None:
    engine, t, _ = big
    result = engine.execute(plan(SLOW, t))
    failed: list[BaseException] = []

    def read() -> None:
        try:
            list(result.batches())
        except QueryCancelledError as error:
            failed.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    while result.progress() is None and reader.is_alive():
        pass
    result.cancel()
    reader.join()
    assert len(failed) == 1
    assert result.progress() is None


def test_a_cancel_just_before_the_query_begins_is_not_lost(big: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, t, _ = big
    result = engine.execute(plan(SLOW, t))
    start = result._start

    def cancelled_meanwhile(relation: Any) -> Any:
        result.cancel()  # nothing runs yet that an interrupt could meet
        return start(relation)

    monkeypatch.setattr(result, "_start", cancelled_meanwhile)
    with pytest.raises(QueryCancelledError):
        list(result.batches())


def test_closing_the_engine_stops_what_runs(big: Any) -> None:
    engine, t, _ = big
    result = engine.execute(plan(SLOW, t))
    failed: list[BaseException] = []

    def read() -> None:
        try:
            list(result.batches())
        except QueryCancelledError as error:
            failed.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    while not result._step.locked():
        reader.join(0.01)
    engine.close()
    reader.join(10)
    assert len(failed) == 1


def test_ctrl_c_ends_a_query_that_runs(big: Any) -> None:
    engine, t, _ = big
    result = engine.execute(plan(SLOW, t))

    def press() -> None:
        while not result._step.locked():
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises((QueryCancelledError, KeyboardInterrupt)):
        list(result.batches())
    presser.join()


def test_progress_is_a_share(big: Any) -> None:
    engine, t, _ = big
    result = engine.execute(plan("from t", t))
    seen = []
    for _ in result.batches():
        seen.append(result.progress())
    assert all(share is None or 0 <= share <= 1 for share in seen)
    assert any(share is not None for share in seen)


def test_what_is_dropped_unread_lets_its_files_go(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")
    store = open_folder(tmp_path, remote=True)
    with local_engine(store) as engine:
        result = engine.execute(plan("from t", scan(make_table(store, "t", "parquet"))))
        assert engine._planned._published
        del result
        gc.collect()
        assert not engine._planned._published
        half = engine.execute(plan("from t", scan(make_table(store, "t", "parquet"))))
        next(half.batches())
        half.close()
        assert not engine._planned._published


@pytest.mark.parametrize("way", ["local", "planned", "arrow"])
@pytest.mark.parametrize("moment", ["before", "within"])
def test_a_file_replaced_after_planning_fails_the_query(tmp_path: Path, way: str, moment: str) -> None:
    for i in range(4):
        pq.write_table(pa.table({"a": range(i * 100_000, (i + 1) * 100_000)}), tmp_path / f"{i}.parquet")
    store = open_folder(tmp_path, way == "planned")
    with local_engine(store, threads=1, scanner="arrow" if way == "arrow" else "auto") as engine:
        result = engine.execute(plan("from t", scan(make_table(store, "t", "parquet"))))
        batches = result.batches() if moment == "before" else iter(result.batches())
        if moment == "within" and way != "planned":
            next(batches)
        pq.write_table(pa.table({"a": range(7)}), tmp_path / "new")
        os.replace(tmp_path / "new", tmp_path / "3.parquet")
        with pytest.raises(ObjectChangedError, match=r"3\.parquet"):
            list(batches)


def test_a_file_deleted_after_planning_fails_the_query(big: Any) -> None:
    engine, t, folder = big
    result = engine.execute(plan("select sum(a) from t", t))
    (folder / "2.parquet").unlink()
    with pytest.raises(ObjectChangedError, match=r"2\.parquet"):
        list(result.batches())


def write_then_break(path: Path, kind: str) -> None:
    """A file whose head is whole and whose end is not."""
    rows = 60_000
    if kind == "csv.gz":
        whole = gzip.compress("".join(["a,b\n", *(f"{i},x{i}\n" for i in range(rows))]).encode())
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "csv":
        path.write_text("".join(["a,b\n", *(f"{i},x{i}\n" for i in range(rows)), "1,2,3\n"]))
    elif kind == "json":
        path.write_text("".join([*(f'{{"a":{i},"b":"x{i}"}}\n' for i in range(rows)), '{"a":\n']))


@pytest.mark.parametrize("remote", [False, True], ids=["local", "planned"])
@pytest.mark.parametrize("kind", ["csv", "csv.gz", "json"])
def test_a_text_file_that_breaks_far_below_its_head_is_named(tmp_path: Path, kind: str, remote: bool) -> None:
    write_then_break(tmp_path / f"broken.{kind}", kind)
    store = open_folder(tmp_path, remote)
    table = make_table(store, "t", kind.split(".")[0])
    with local_engine(store) as engine:
        for sql in ("select sum(a) from t", "from t", "select count(*) from t"):
            with pytest.raises(CorruptFileError, match=rf"broken\.{kind}") as caught:
                run(engine, plan(sql, scan(table)))
            assert caught.value.path == str(tmp_path / f"broken.{kind}")
            assert "lake://" not in str(caught.value)
    if kind == "csv":
        assert "line 60002" in str(caught.value)


@pytest.mark.parametrize("remote", [False, True], ids=["local", "planned"])
@pytest.mark.parametrize("kind", ["parquet", "orc"])
@pytest.mark.parametrize("first", [True, False])
def test_a_damaged_binary_file_is_named(
    tmp_path: Path, kind: str, remote: bool, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that broke after their footers were read and cached."""
    write = pq.write_table if kind == "parquet" else pyarrow.orc.write_table
    schema = FileSchema((Column("a", pa.int64()),))
    for name in ("1", "2"):
        numbers = np.random.default_rng(1).integers(0, 1 << 60, 5000)
        write(pa.table({"a": numbers}), tmp_path / f"{name}.{kind}")
    broken = tmp_path / f"{'1' if first else '2'}.{kind}"
    broken.write_bytes(broken.read_bytes()[:30000])
    facts = FileFacts(schema, row_count=5000, has_rows=True)
    monkeypatch.setattr(f"lakeq.formats.{kind}.{kind.capitalize()}Format.inspect", lambda *_: facts)
    store = open_folder(tmp_path, remote)
    table = make_table(store, "t", kind)
    with local_engine(store) as engine, pytest.raises((CorruptFileError, ExecutionError)) as caught:
        run(engine, plan("select sum(a) from t", scan(table)))
    assert "lake://" not in str(caught.value)
    if kind == "parquet":
        assert isinstance(caught.value, CorruptFileError)
        assert caught.value.path == str(broken)


def test_a_source_is_read_as_pinned(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("abc")
    listed = open_folder(tmp_path).list()
    source = Pinned(open_folder(tmp_path), "x", 3, listed["etag"][0].as_py())
    assert source.read(1, 2) == b"bc"
