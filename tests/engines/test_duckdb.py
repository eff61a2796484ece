"""The engine as a whole: what it runs, refuses, validates, and how it ends."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.errors import (
    ColumnNotFoundError,
    EngineError,
    ExecutionError,
    LakeqError,
    QueryError,
    SqlSyntaxError,
    TableNotFoundError,
    UnsupportedSqlError,
)
from lakeq.formats.base import Column
from lakeq.planner.plan import InlineTable, View
from tests.engines.lakes import local_engine, make_table, open_folder, plan, run, scan


@pytest.fixture
def lake(tmp_path: Path) -> Any:
    """An engine over a folder with one table `t` of ten rows, and a reference to it."""
    pq.write_table(
        pa.table({"a": list(range(10)), "b": [f"s{i % 3}" for i in range(10)]}), tmp_path / "t.parquet"
    )
    store = open_folder(tmp_path)
    with local_engine(store) as engine:
        yield engine, scan(make_table(store, "t", "parquet"))


def test_parameters_by_place_and_by_name(lake: Any) -> None:
    engine, t = lake
    assert run(engine, plan("select a from t where a = ?", t, params=[3])) == [{"a": 3}]
    assert run(engine, plan("select a from t where a = $x", t, params={"x": 4})) == [{"a": 4}]
    assert run(engine, plan("select count(*) n from t", t, params=[])) == [{"n": 10}]
    with pytest.raises(QueryError, match="Parameters"):
        engine.execute(plan("select a from t where a = ?", t))


@pytest.mark.parametrize(
    "sql",
    [
        "from t where a = 1",
        "with x as (from t), y as (from x) select a, b from y where a = 1",
        "select * from t where a = (select min(a) + 1 from t)",
        "select distinct on (b) a, b from t where a = 1 order by b, a",
        "(select a, b from t where a = 1);",
        "select a, b from t where a = 1 -- said",
    ],
)
def test_the_users_own_text_runs(lake: Any, sql: str) -> None:
    engine, t = lake
    assert run(engine, plan(sql, t)) == [{"a": 1, "b": "s1"}]


@pytest.mark.parametrize("sql", ["pivot t on b using sum(a)", "with p as (pivot t on b using sum(a)) from p"])
def test_a_pivot_sees_the_values_of_every_file(tmp_path: Path, sql: str) -> None:
    for i in range(3):
        pq.write_table(pa.table({"b": [f"s{i}"], "a": [i]}), tmp_path / f"{i}.parquet")
    store = open_folder(tmp_path)
    with local_engine(store) as engine:
        result = engine.execute(plan(sql, scan(make_table(store, "t", "parquet"))))
        assert pa.Table.from_batches(list(result.batches())).column_names == ["s0", "s1", "s2"]


def test_inline_rows_stand_for_a_table(lake: Any) -> None:
    engine, t = lake
    files = InlineTable("t$files", pa.table({"path": ["x"]}))
    assert run(engine, plan('select path from "T$Files"', inline=(files,))) == [{"path": "x"}]
    answered = InlineTable("t", pa.table({"a": [1]}))
    known = replace(t, from_index=True)
    assert run(engine, plan("select count(*) n from t", known, inline=(answered,))) == [{"n": 1}]
    assert run(engine, plan("select count(*) n from t", known, t, inline=(answered,))) == [{"n": 10}]


def test_views_are_made_in_order(lake: Any) -> None:
    engine, t = lake
    views = (View("few", "select a from t where a < 3"), View("Fewer", "from few where a < 2;"))
    assert run(engine, plan("select count(*) n from fewer", t, views=views)) == [{"n": 2}]
    with pytest.raises(UnsupportedSqlError):
        engine.execute(plan("from bad", t, views=(View("bad", "with q as (copy t to 'x') select 1"),)))
    with pytest.raises(ColumnNotFoundError, match="nope"):
        engine.execute(plan("from bad", t, views=(View("bad", "select nope from t"),)))


REFUSED = [
    "copy t to '{root}/out.csv'",
    "with q as (copy t to '{root}/out.csv') select 1",
    "attach '{root}/out.db'",
    "install httpfs",
    "load httpfs",
    "set allowed_directories = ['/']",
    "select * from read_text('/etc/passwd')",
    "select * from read_csv('/etc/passwd')",
    "select * from '/etc/passwd'",
    "select * from '/etc/hostname.csv'",
    "select * from read_blob('{root}/../secret.txt')",
    "select * from glob('/*')",
    "select * from glob('{root}/../*')",
    "select * from secret",
    "select * from read_parquet('https://example.invalid/x.parquet')",
    "select * from read_parquet('lake://elsewhere')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from parquet_metadata('/etc/passwd')",
    "select * from query('copy t to ''{root}/out.csv''')",
    "select * from query('with q as (copy t to ''{root}/out.csv'') select 1')",
    "create table x as select 1",
    "delete from t",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_nothing_but_the_tables_is_read_and_nothing_is_written(tmp_path: Path, sql: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    secret = pa.table({"found": ["by its Python name"]})
    pq.write_table(pa.table({"a": [1]}), root / "t.parquet")
    store = open_folder(root)
    before = sorted(root.iterdir())
    with local_engine(store) as engine:
        table = make_table(store, "t", "parquet")
        with pytest.raises(LakeqError):
            run(engine, plan(sql.format(root=root), scan(table)))
    assert sorted(root.iterdir()) == before
    assert secret.num_rows == 1


def test_the_guard_cannot_be_taken_down_by_a_session(lake: Any) -> None:
    """Beneath the refusal of SET: DuckDB itself keeps the doors shut."""
    engine, t = lake
    run(engine, plan("from t", t))
    connection = engine._database.connection.cursor()
    for setting in (
        "enable_external_access=true",
        "allowed_directories=['/']",
        "allowed_paths=['/etc/passwd']",
    ):
        with pytest.raises(Exception, match="Cannot"):
            connection.execute(f"SET {setting}")
    connection.close()


def test_a_later_root_is_read_too(tmp_path: Path) -> None:
    stores = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        pq.write_table(pa.table({name: [1]}), tmp_path / name / "f.parquet")
        stores.append(open_folder(tmp_path / name))
    first, second = (scan(make_table(s, n, "parquet")) for s, n in zip(stores, ("one", "two"), strict=True))
    with local_engine(*stores) as engine:
        running = engine.execute(plan("from one", first))
        assert run(engine, plan("from two, one", second, first)) == [{"two": 1, "one": 1}]
        assert [b.to_pylist() for b in running.batches()] == [[{"one": 1}]]
        with engine.session(plan("from two", second)) as session:
            result = session.execute(plan("from one", first))
        assert [b.to_pylist() for b in result.batches()] == [[{"one": 1}]]


def test_a_session_reads_roots_it_did_not_know(lake: Any) -> None:
    engine, t = lake
    with engine.session(plan("select 1")) as session:
        result = session.execute(plan("select sum(a) s from t", t))
    assert [b.to_pylist() for b in result.batches()] == [[{"s": 45}]]


def test_the_clock_of_a_session_stands_still(lake: Any) -> None:
    engine, t = lake
    with engine.session(plan("from t", t)) as session:
        planned_at = session.now
        threading.Event().wait(0.01)
        result = session.execute(plan("select epoch_us(now()) us from t limit 1", t, clock=planned_at))
    (row,) = [row for batch in result.batches() for row in batch.to_pylist()]
    assert row["us"] == round(planned_at.timestamp() * 1_000_000)


def test_a_plan_with_another_clock_is_not_run(lake: Any) -> None:
    engine, t = lake
    with engine.session(plan("from t", t)) as session:
        stale = plan("select now() from t", t, clock=session.now - timedelta(microseconds=1))
        with pytest.raises(ExecutionError, match="another time"):
            session.execute(stale)
        with pytest.raises(ExecutionError, match="another time"):
            engine.execute(stale)


def test_a_session_runs_one_plan(lake: Any) -> None:
    engine, t = lake
    session = engine.session(plan("from t", t))
    result = session.execute(plan("from t", t))
    with pytest.raises(ExecutionError, match="Open another"):
        session.execute(plan("from t", t))
    result.close()


def test_validation_tells_the_columns_without_a_file(lake: Any) -> None:
    engine, _ = lake
    tables = {"t": [Column("a", pa.int64()), Column("d", pa.date32())], "u": [Column("x", pa.string())]}
    assert engine.validate("select a + 0.5 as h, d, x from t, u where a = ?", [1], tables) == ("h", "d", "x")
    assert engine.validate("from v", None, tables, [("v", "select d from t")]) == ("d",)
    assert engine.validate("from t", None, {"t": [Column("z", pa.int32())]}) == ("z",)
    assert engine.validate("pivot t on a using max(d)", None, tables) == ()
    assert engine.validate("pivot t on a in (1) using max(d)", None, tables)[-1] == "1"


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("selec 1", SqlSyntaxError),
        ("", SqlSyntaxError),
        ("select nope from t", ColumnNotFoundError),
        ("select * from u", TableNotFoundError),
        ("select nope(a) from t", UnsupportedSqlError),
        ("drop view t", UnsupportedSqlError),
        ("select a + b from t", QueryError),
        ("from read_csv('/etc/passwd')", UnsupportedSqlError),
    ],
)
def test_validation_fails_as_the_run_would(lake: Any, sql: str, kind: type[LakeqError]) -> None:
    engine, t = lake
    columns = [Column("a", pa.int64()), Column("b", pa.string())]
    with pytest.raises(kind):
        engine.validate(sql, None, {"t": columns})
    with pytest.raises(kind):
        engine.execute(plan(sql, t))


def test_many_threads_share_an_engine(lake: Any) -> None:
    engine, t = lake

    def ask(i: int) -> Any:
        return run(engine, plan("select sum(a) + ? s from t", t, params=[i]))

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(40))) == [[{"s": 45 + i}] for i in range(40)]


def test_too_little_memory_is_told_with_a_remedy(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": range(2_000_000)}), tmp_path / "t.parquet")
    store = open_folder(tmp_path)
    with local_engine(store, memory_limit="15MB", threads=1) as engine:
        table = make_table(store, "t", "parquet")
        with pytest.raises(ExecutionError, match="memory_limit"):
            run(engine, plan("select list(a order by hash(a)) from t", scan(table)))


def test_large_results_spill_into_the_directory_given(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    pq.write_table(pa.table({"a": range(4_000_000)}), tmp_path / "lake" / "t.parquet")
    store = open_folder(tmp_path / "lake")
    spill = tmp_path / "spill"
    with local_engine(store, memory_limit="60MB", threads=2, temp_directory=str(spill)) as engine:
        table = make_table(store, "t", "parquet")
        result = engine.execute(plan("select a from t order by hash(a)", scan(table)))
        assert sum(batch.num_rows for batch in result.batches()) == 4_000_000
        assert spill.exists()


def test_a_closed_engine_says_so(lake: Any) -> None:
    engine, t = lake
    waiting = engine.execute(plan("from t", t))
    engine.close()
    engine.close()
    with pytest.raises(LakeqError):
        list(waiting.batches())
    with pytest.raises(EngineError, match="closed"):
        engine.execute(plan("from t", t))
    with pytest.raises(EngineError, match="closed"):
        engine.validate("select 1", None, {})


@pytest.mark.parametrize("leave", ["unread", "half", "read", "session", "validated"])
def test_the_interpreter_ends_in_silence_with_everything_left_open(tmp_path: Path, leave: str) -> None:
    pq.write_table(pa.table({"a": range(300_000)}), tmp_path / "t.parquet")
    script = textwrap.dedent(
        f"""
        from pathlib import Path
        from tests.engines.lakes import *
        store = open_folder(Path({str(tmp_path)!r}))
        engine = local_engine(store)
        t = scan(make_table(store, "t", "parquet"))
        if {leave!r} == "session":
            session = engine.session(plan("from t", t))
        elif {leave!r} == "validated":
            engine.validate("from t", None, {{"t": t.table.columns}})
        else:
            result = engine.execute(plan("from t", t))
            if {leave!r} != "unread":
                batches = result.batches()
                first = next(batches)
            if {leave!r} == "read":
                rest = list(batches)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def daily(tmp_path: Path) -> Iterator[lakeq.Lake]:
    """A lake with a table `t` of twelve rows a day, by year, month and day."""
    for year in (2025, 2026):
        for month in (1, 11):
            for day in (1, 28):
                folder = tmp_path / "t" / f"year={year}" / f"month={month}" / f"day={day}"
                folder.mkdir(parents=True)
                times = [year * 10000 + month * 100 + day + n for n in range(12)]
                pq.write_table(pa.table({"ts": times, "x": times}), folder / "f.parquet", row_group_size=5)
    with lakeq.connect(tmp_path, history=False) as lake:
        yield lake


def test_a_limit_below_a_join_gives_the_rows_it_gives_alone(daily: lakeq.Lake) -> None:
    # DuckDB 2.0 by itself gives 24 rows of `b` here: more than its LIMIT leaves.
    sql = """WITH a AS (SELECT year AS y, x FROM t WHERE year = 2026 AND month = 11 AND x > 5),
        b AS (SELECT year AS y, ts FROM t WHERE month = 11 ORDER BY ts LIMIT 40)
        SELECT count(*), count(DISTINCT b.ts) FROM a JOIN b ON b.y = a.y"""
    assert daily.sql(sql).fetchall() == [(24 * 16, 16)]


def test_windows_over_two_choices_of_partitions_are_two_windows(daily: lakeq.Lake) -> None:
    # DuckDB 2.0 by itself takes the second for the first.
    step = "SELECT year AS y, month AS m, sum(x) OVER (PARTITION BY year) AS x FROM t"
    sql = f"""WITH a AS ({step} WHERE year = 2026), b AS ({step} WHERE month = 11)
        SELECT count(*) FROM a JOIN b ON a.m = b.m AND a.x = b.x"""
    assert daily.sql(sql).fetchall() == [(0,)]
