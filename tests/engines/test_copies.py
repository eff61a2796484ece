"""DuckDB reads copies of remote files as it reads the files: the same rows, whatever becomes of the copies."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from lakeq.catalog.hive_names import hive_folder
from lakeq.engines.base import QueryStats
from lakeq.engines.duckdb import DuckDBEngine
from lakeq.errors import CorruptFileError, ObjectChangedError, QueryCancelledError
from lakeq.formats.base import Column
from lakeq.planner.plan import ScanPlan
from lakeq.storage.block_cache import BlockCache
from lakeq.storage.caching import CachingStore
from lakeq.storage.local import LocalStore
from tests.engines.lakes import Remote, local_engine, make_table, open_folder, plan, scan

K = Column("k", pa.string())
ODD = [
    "",
    " ",
    "a b",
    "a=b",
    "50%",
    "%41",
    "x/y",
    "a\\b",
    "*",
    "[a]",
    "?",
    "'",
    '"',
    "ünï",
    "NULL",
    "..",
    ".",
    "a\nb",
]
WRITERS: dict[str, Callable[[Path, int], Any]] = {
    "parquet": lambda path, i: pq.write_table(pa.table({"id": [i, i + 100], "t": ["x", None]}), path),
    "csv": lambda path, i: path.write_text(f"id,t\n{i},x\n{i + 100},\n"),
    "csv.gz": lambda path, i: path.write_bytes(gzip.compress(f"id,t\n{i},x\n{i + 100},\n".encode())),
    "json": lambda path, i: path.write_text(f'{{"id": {i}, "t": "x"}}\n{{"id": {i + 100}, "t": null}}\n'),
    "orc": lambda path, i: orc.write_table(pa.table({"id": [i, i + 100], "t": ["x", None]}), path),
}


class Counted(Remote):
    """A folder as if it were a bucket; `reads` are the paths that were asked for, `hold` is waited for."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.reads: list[str] = []
        self.hold: threading.Event | None = None

    def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        self.reads.append(path)
        if self.hold is not None:
            self.hold.wait(30)
        return super().read(path, start, length, etag)


def write_files(root: Path, kind: str, values: Sequence[str | None]) -> dict[str, tuple[str | None]]:
    """One file a partition value; the value of each path."""
    root.mkdir(exist_ok=True)
    for i in range(len(values)):
        path = root / f"f{i:02}.{kind}"
        if not path.exists():
            WRITERS[kind](path, i)
    return {f"f{i:02}.{kind}": (value,) for i, value in enumerate(values)}


def make(root: Path, kind: str, store: LocalStore, values: Sequence[str | None] = ("a", "b", None)) -> Any:
    texts = write_files(root, kind, values)
    template = "{k}" if kind else ""
    return make_table(store, "t", kind.partition(".")[0], keys=[K], values=texts, template=template)


def run(engine: DuckDBEngine, made: ScanPlan) -> tuple[list[tuple[Any, ...]], QueryStats]:
    result = engine.execute(made)
    rows = [tuple(row.values()) for batch in result.batches() for row in batch.to_pylist()]
    return rows, result.stats()


ALL = "select * from t order by id"
HIDDEN = 'select id, k, "$path", "$file_size", "$partition" from t order by id'
HIDDEN_COLUMNS = ["$path", "$file_size", "$partition"]


@pytest.mark.parametrize("kind", WRITERS)
def test_copies_give_the_rows_of_the_files(tmp_path: Path, kind: str) -> None:
    values = [*ODD, None, "__HIVE_DEFAULT_PARTITION__", "z" * 300]
    local, store = open_folder(tmp_path / "lake"), Counted(str(tmp_path / "lake"))
    wanted_from = make(tmp_path / "lake", kind, local, values)
    made = make(tmp_path / "lake", kind, store, values)
    cache = BlockCache(str(tmp_path / "cache"), 1 << 24)
    size = made[1].size
    for sql, hidden in ((ALL, []), (HIDDEN, HIDDEN_COLUMNS)):
        with local_engine(local) as engine:
            wanted, _ = run(engine, plan(sql, scan(wanted_from, hidden=hidden)))
        with local_engine(store) as engine:
            assert run(engine, plan(sql, scan(made, hidden=hidden)))[0] == wanted
        for scanner in ("auto", "arrow", "auto"):
            store.reads.clear()
            with local_engine(store, cache=cache, scanner=scanner) as engine:
                cold, first = run(engine, plan(sql, scan(made, hidden=hidden)))
                warm, second = run(engine, plan(sql, scan(made, hidden=hidden)))
            assert cold == warm == wanted
            assert first.bytes_transferred in (0, size)
            assert second.bytes_transferred == second.requests == 0
            assert second.bytes_cached >= size
            assert len(store.reads) in (0, len(values))


def test_duckdb_opens_copies_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Counted(str(tmp_path / "lake"))
    made = make(tmp_path / "lake", "parquet", store)
    with local_engine(store, cache=BlockCache(str(tmp_path / "cache"), 1 << 24)) as engine:
        wanted, _ = run(engine, plan(ALL, scan(made)))
        result = engine.execute(plan(ALL, scan(made)))
        monkeypatch.setattr("lakeq.storage.reads.PlannedFileSystem._open", None)
        assert [tuple(r.values()) for b in result.batches() for r in b.to_pylist()] == wanted
        assert result.read_progress() == (made[1].size, made[1].size, 3, 3)


@pytest.mark.parametrize("folder", ["a=1", "st*r", "[x]", "k=7"])
def test_a_cache_in_an_odd_place_lends_no_copies(tmp_path: Path, folder: str) -> None:
    store = Counted(str(tmp_path / "lake"))
    made = make(tmp_path / "lake", "parquet", store)
    cache = BlockCache(str(tmp_path / folder), 1 << 24)
    with local_engine(store) as engine:
        wanted, _ = run(engine, plan(ALL, scan(made)))
    with local_engine(store, cache=cache) as engine:
        assert run(engine, plan(ALL, scan(made)))[0] == wanted
        rows, stats = run(engine, plan(ALL, scan(made)))
    assert rows == wanted
    assert stats.requests == 0


def test_files_of_one_object_serve_tables_that_spell_it_differently(tmp_path: Path) -> None:
    store = Counted(str(tmp_path / "lake"))
    texts = write_files(tmp_path / "lake", "parquet", ["2026-01-01", "2026-01-02"])
    typed = {path: (date.fromisoformat(str(value)),) for path, (value,) in texts.items()}
    made = make_table(store, "t", "parquet", keys=[K], values={p: (f"on {v}",) for p, (v,) in texts.items()})
    again = make_table(store, "t", "parquet", keys=[Column("d", pa.date32())], values=typed, raws=texts)
    with local_engine(store, cache=BlockCache(str(tmp_path / "cache"), 1 << 24)) as engine:
        rows, _ = run(engine, plan("select k from t order by id limit 1", scan(made)))
        assert rows == [("on 2026-01-01",)]
        rows, stats = run(engine, plan("select d, count(*) from t group by d order by d", scan(again)))
        assert rows == [(date(2026, 1, 1), 2), (date(2026, 1, 2), 2)]
        assert stats.requests == 0


@pytest.mark.parametrize("warm", [False, True])
def test_a_file_that_was_replaced_fails_the_query_though_its_old_version_is_cached(
    tmp_path: Path, warm: bool
) -> None:
    root = tmp_path / "lake"
    store = Counted(str(root))
    made = make(root, "parquet", store)
    with local_engine(store, cache=BlockCache(str(tmp_path / "cache"), 1 << 24)) as engine:
        wanted, _ = run(engine, plan(ALL, scan(made)))
        WRITERS["parquet"](root / "f01.parquet", 7)
        # A plan is a snapshot: the versions that it names are all there, in the cache.
        assert run(engine, plan(ALL, scan(made)))[0] == wanted
        listed = make_table(
            store, "t", "parquet", keys=[K], values={f"f{i:02}.parquet": ("a",) for i in range(3)}
        )
        if warm:
            run(engine, plan(ALL, scan(listed)))
        WRITERS["parquet"](root / "f01.parquet", 8)
        if warm:
            assert run(engine, plan(ALL, scan(listed)))[1].requests == 0
        else:
            with pytest.raises(ObjectChangedError, match="f01"):
                run(engine, plan(ALL, scan(listed)))


@pytest.mark.parametrize("harm", ["flip", "gone", "short"])
def test_damaged_copies_are_fetched_anew(tmp_path: Path, harm: str) -> None:
    store = Counted(str(tmp_path / "lake"))
    made = make(tmp_path / "lake", "parquet", store)
    cache = BlockCache(str(tmp_path / "cache"), 1 << 24)
    with local_engine(store, cache=cache) as engine:
        wanted, _ = run(engine, plan(ALL, scan(made)))
        copies = [path for path in Path(cache.folder, "copies").rglob("*") if path.is_file()]
        assert len(copies) == 3
        for path in copies[:2]:
            body = path.read_bytes()
            if harm == "gone":
                path.unlink()
            else:
                path.write_bytes(body[:-1] if harm == "short" else bytes([body[0] ^ 1]) + body[1:])
        rows, stats = run(engine, plan(ALL, scan(made)))
        assert rows == wanted
        assert stats.requests == 2


def test_a_copy_lost_while_it_is_read_is_not_called_a_broken_file(tmp_path: Path) -> None:
    store = Counted(str(tmp_path / "lake"))
    made = make(tmp_path / "lake", "parquet", store)
    cache = BlockCache(str(tmp_path / "cache"), 1 << 24)
    with local_engine(store, cache=cache) as engine:
        run(engine, plan(ALL, scan(made)))
        result = engine.execute(plan(ALL, scan(made)))
        files = result._files
        files.start()
        for copy in Path(cache.folder, "copies").rglob("*"):
            if copy.is_file():
                copy.unlink()
        opened = files.tables[0].groups[0].paths[0]
        cause = files.find_cause(f"IO Error: Cannot open file {opened!r}: No such file")
        assert "Run the query again" in str(cause)
        result.close()


def test_a_broken_file_is_told_by_its_own_name(tmp_path: Path) -> None:
    store = Counted(str(tmp_path / "lake"))
    made = make(tmp_path / "lake", "csv", store)
    (tmp_path / "lake/f01.csv").write_text("id,t\nno,x\n")
    broken = make_table(
        store,
        "t",
        "csv",
        keys=[K],
        values={f"f{i:02}.csv": ("a",) for i in range(3)},
        columns=made[0].columns[:2],
    )
    with local_engine(store, cache=BlockCache(str(tmp_path / "cache"), 1 << 24)) as engine:
        for _ in range(2):
            with pytest.raises(CorruptFileError, match=r"lake/f01\.csv") as caught:
                run(engine, plan("select sum(id::bigint) from t", scan(broken)))
            assert "cache/" not in str(caught.value)


def test_a_cache_without_room_changes_no_answer(tmp_path: Path) -> None:
    store = Counted(str(tmp_path / "lake"))
    made = make(tmp_path / "lake", "parquet", store, [str(i) for i in range(30)])
    size = made[1].size
    with local_engine(store) as engine:
        wanted, _ = run(engine, plan(ALL, scan(made)))
    for limit in (1, size // 10, size, 3 * size):
        with local_engine(store, cache=BlockCache(str(tmp_path / f"cache{limit}"), limit)) as engine:
            for _ in range(2):
                assert run(engine, plan(ALL, scan(made)))[0] == wanted


def test_a_cancelled_query_waits_for_no_store(tmp_path: Path) -> None:
    store = Counted(str(tmp_path / "lake"))
    made = make(tmp_path / "lake", "parquet", store)
    for options in ({}, {"cache": BlockCache(str(tmp_path / "cache"), 1 << 24)}):
        store.hold = None
        with local_engine(store, **options) as engine:
            result = engine.execute(plan(ALL, scan(made)))
            store.hold = threading.Event()
            threading.Timer(0.1, result.cancel).start()
            with pytest.raises(QueryCancelledError):
                list(result.batches())
            store.hold.set()


def test_a_limit_does_not_fetch_the_table(tmp_path: Path) -> None:
    store = Counted(str(tmp_path / "lake"))
    made = make(tmp_path / "lake", "parquet", store, [str(i) for i in range(200)])
    cache = BlockCache(str(tmp_path / "cache"), 1 << 24)
    with local_engine(store, cache=cache, threads=1) as engine:
        store.reads.clear()
        rows, _ = run(engine, plan("select id from t limit 1", scan(made), stops_early=True))
    assert len(rows) == 1
    assert len(set(store.reads)) < 100  # DuckDB itself opens some twenty


def test_memory_of_planning_is_used_and_kept(tmp_path: Path) -> None:
    inner = Counted(str(tmp_path / "lake"))
    cache = BlockCache(str(tmp_path / "cache"), 1 << 24)
    made = make(tmp_path / "lake", "parquet", inner)
    store = CachingStore(inner, cache, realm="here")
    for row in made[1].all.to_table().to_pylist():
        store.read(row["path"], 0, row["size"], row["etag"])
    inner.reads.clear()
    with DuckDBEngine(lambda _: store, cache=cache) as engine:
        _, stats = run(engine, plan(ALL, scan(made)))
    assert inner.reads == []
    assert stats.requests == 0
    with DuckDBEngine(lambda _: CachingStore(inner, cache, realm="here"), cache=cache) as engine:
        run(engine, plan(ALL, scan(made)))
        assert inner.reads == []
    with DuckDBEngine(lambda _: CachingStore(inner, cache, realm="elsewhere"), cache=cache) as engine:
        run(engine, plan(ALL, scan(made)))
        assert len(inner.reads) == 3


def test_only_the_chunks_of_a_large_file_are_fetched(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    path = tmp_path / "lake" / "f.parquet"
    noise = pa.array([os.urandom(200) for _ in range(20_000)], pa.binary())
    table = pa.table({"id": range(20_000), "noise": noise, "n": range(20_000)})
    pq.write_table(table, path, row_group_size=5_000, use_dictionary=False, compression="none")
    store = Counted(str(tmp_path / "lake"))
    made = make_table(store, "t", "parquet")
    scanned = scan(made)
    chunks = made[1].groups.read_chunks(made[1].all, [None], ("id", "n"), ())
    assert chunks.num_rows == 8
    planned = replace(scanned, columns=("id", "n"), chunks=chunks)
    cache = BlockCache(str(tmp_path / "cache"), 1 << 26)
    for cached in (None, cache, cache):
        with local_engine(store, cache=cached) as engine:
            store.reads.clear()
            rows, stats = run(engine, plan("select sum(id), max(n) from t", planned))
            assert rows == [(sum(range(20_000)), 19_999)]
            assert stats.bytes_transferred <= stats.bytes_scanned * 1.1 + 16384
    assert store.reads == []
    assert stats.bytes_cached >= stats.bytes_scanned


def test_partition_values_are_spelled_as_the_catalog_spells_them() -> None:
    assert hive_folder("lakeq_p0", "a/b") == "lakeq_p0=a%2Fb"
