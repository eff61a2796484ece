"""Processes that are forked, spawned and sent to: what belongs to one process is not used in another."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.errors import ForkedProcessError
from lakeq.ledger.journal import Journal
from lakeq.storage.locks import locked
from tests.ledger.entries import DAY, begun
from tests.servers import run_latency_s3

SQL = "SELECT count(*) AS c FROM t WHERE day = 2"
PAIRS = "SELECT a.n FROM t a, t b, t c"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forks") / "lake"
    for day in (1, 2):
        (folder / f"t/day={day}").mkdir(parents=True)
        pq.write_table(pa.table({"n": range(1000)}), folder / f"t/day={day}/f.parquet")
    return folder


def in_child(work: Callable[[], object]) -> str:
    """What becomes of `work` in a child, which then ends at once; "" when that went well."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        try:
            work()
        except BaseException:  # noqa: BLE001 - it is told
            os.write(write, traceback.format_exc()[-900:].encode())
        os.close(write)
        os._exit(0)
    os.close(write)
    with open(read) as told:
        text = told.read()
    _, status = os.waitpid(child, 0)
    return text or ("" if status == 0 else f"status {status}")


@pytest.mark.parametrize(
    "use",
    [
        lambda lake: lake.sql(SQL).fetchall(),
        lambda lake: lake.estimate(SQL),
        lambda lake: lake.preview(SQL),
        lambda lake: lake.refresh(),
        lambda lake: lake.functions(),
        lambda lake: lake.table("t"),
        lambda lake: lake.register("u", "t"),
    ],
)
def test_a_child_is_told_that_its_parents_lake_is_not_its_own(
    root: Path, use: Callable[[lakeq.Lake], object]
) -> None:
    with lakeq.connect(root) as lake:
        assert lake.sql(SQL).fetchall() == [(1000,)]
        told = in_child(lambda: use(lake))
        assert "ForkedProcessError: The lake at" in told or "ForkedProcessError: This engine" in told
        assert lake.sql(SQL).fetchall() == [(1000,)]


def test_a_childs_copy_of_a_running_query_neither_goes_on_nor_ends_it(root: Path) -> None:
    with lakeq.connect(root) as lake:
        running, waiting = lake.sql(PAIRS), lake.sql(SQL)
        batches = running.batches()
        next(batches)

        def go_on() -> None:
            for _ in range(100):
                next(batches)

        for use in (go_on, running.cancel, waiting.fetchall):
            assert "ForkedProcessError: This query belongs to process" in in_child(use)

        def let_go() -> None:
            nonlocal running
            running.close()
            lake.close()

        assert in_child(let_go) == ""
        assert next(batches).num_rows > 0
        running.close()
        assert waiting.fetchall() == [(1000,)]
        outcomes = lake.history().filter(pa.compute.field("sql") == PAIRS)["outcome"].to_pylist()
        assert outcomes == ["cancelled"]


def test_a_child_opens_a_folder_anew(root: Path) -> None:
    with lakeq.connect(root) as lake:
        lake.sql(SQL).fetchall()

        def ask() -> None:
            with lakeq.connect(root) as own:
                assert own.sql(SQL).fetchall() == [(1000,)]

        assert in_child(ask) == ""


def open_and_ask(location: str, options: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What workers do: they open the lake themselves."""
    with lakeq.connect(location, **options) as lake:
        return lake.sql(SQL).fetchall()


@pytest.fixture
def bucket(root: Path, tmp_path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with run_latency_s3(root.parent, "--latency-ms", "0") as endpoint:
        options = {"endpoint_url": endpoint, "key": "k", "secret": "s", "region": "us-east-1"}
        yield "s3://lake", {**options, "cache_dir": tmp_path}


def test_a_child_of_a_reader_of_clouds_is_told_to_be_spawned_and_a_spawned_one_reads(
    bucket: tuple[str, dict[str, Any]],
) -> None:
    assert open_and_ask(*bucket) == [(1000,)]
    told = in_child(lambda: open_and_ask(*bucket))
    assert "ForkedProcessError: 's3://lake' cannot be read in this process" in told
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as pool:
        assert pool.submit(open_and_ask, *bucket).result() == [(1000,)]


def test_lakes_and_results_are_not_sent_to_other_processes_but_plans_are(root: Path) -> None:
    with lakeq.connect(root) as lake:
        result = lake.sql(SQL)
        for one in (lake, result, lake.table("t")):
            with pytest.raises(ForkedProcessError, match="cannot be sent to another process"):
                pickle.dumps(one)
        for sent in (result.plan, result.estimate, lake.describe("t"), result.arrow()):
            assert repr(pickle.loads(pickle.dumps(sent))) == repr(sent)


def test_a_child_that_is_forked_while_a_lock_is_held_does_not_keep_it(tmp_path: Path) -> None:
    for hold in (lambda: Journal(tmp_path).open_day(DAY), lambda: locked(tmp_path / "lock")):
        read, write = os.pipe()
        with hold():
            child = os.fork()
            if not child:
                os.close(write)
                os.read(read, 1)  # until the parent is done
                os._exit(0)
        os.close(read)
        try:
            with Journal(tmp_path).open_day(DAY) as file, locked(tmp_path / "lock"):
                file.append(begun("a"))
        finally:
            os.close(write)
            os.waitpid(child, 0)
