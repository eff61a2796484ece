"""A query with a limit reads no more than that: it is stopped before the read that would pass it."""

from __future__ import annotations

import gzip
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.engines.base import QueryStats
from lakeq.errors import BudgetExceededError, ObjectChangedError
from lakeq.planner.plan import ScanPlan
from lakeq.storage.block_cache import BlockCache
from lakeq.storage.caching import CachingStore
from tests.engines.lakes import Remote, local_engine, make_table, open_folder, plan, scan

MIB = 1 << 20
READ_BYTES = 8 * MIB
"""How far what comes from a store may be over the limit: one read."""
ROWS = 6_000
REPEAT = (
    "WITH RECURSIVE r AS (SELECT 1::BIGINT AS i UNION ALL SELECT i + 1 FROM r, (SELECT max({}) AS m FROM {}) "
    "WHERE i < 20 AND i <> m) SELECT count(*) FROM r"
)


class Counting(Remote):
    """A folder as if it were a bucket, which counts the bytes that are read of it."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.sent = 0
        self._lock = threading.Lock()

    def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        block = super().read(path, start, length, etag)
        with self._lock:
            self.sent += len(block)
        return block


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`hive` is opened by DuckDB itself, `placed` is not; both are Parquet with lists. And text tables."""
    folder = tmp_path_factory.mktemp("lake")
    random = np.random.default_rng(1)
    for i in range(2):
        numbers = {name: random.integers(0, 1 << 60, ROWS) for name in "abc"}
        rows = pa.table({**numbers, "l": [[1, 2, 3]] * ROWS})
        text = "".join(f"{n},{n * 7}\n" for n in range(ROWS))
        json = "".join(f'{{"a":{n},"b":"text"}}\n' for n in range(ROWS))
        files: dict[str, Any] = {
            f"hive/k={i}/f.parquet": rows,
            f"placed/{i}/f.parquet": rows,
            f"orc/{i}/f.orc": rows,
            f"csv/{i}/f.csv": f"a,b\n{text}".encode(),
            f"zipped/{i}/f.csv.gz": gzip.compress(f"a,b\n{text}".encode()),
            f"json/{i}/f.json": json.encode(),
        }
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True)
            if isinstance(content, bytes):
                (folder / name).write_bytes(content)
            elif name.startswith("orc"):
                orc.write_table(content, folder / name)
            else:
                pq.write_table(content, folder / name, row_group_size=2_000)
    return folder


SUM, ALL = "SELECT sum(a) FROM {}", "SELECT *, now() FROM {}"


@pytest.mark.parametrize(
    ("sql", "scanner"),
    [
        (SUM, "auto"),
        (SUM, "arrow"),
        (ALL, "auto"),
        (ALL, "arrow"),
        ("SELECT sum(a), max(b) FROM {} WHERE a > 10", "auto"),
        ("SELECT count(*) FROM {}", "auto"),
        ("SELECT * FROM {} WHERE a % 1000 = 0 LIMIT 3", "auto"),
        ("SELECT sum(x.a) FROM {} x JOIN {} y USING (a)", "auto"),
        ("SUMMARIZE {}", "auto"),
    ],
)
def test_a_query_may_read_all_that_it_was_estimated_to(root: Path, sql: str, scanner: Any) -> None:
    with lakeq.connect(root, scanner=scanner, history=False) as lake:
        for table in ("hive", "placed", "orc", "csv", "zipped", "json"):
            text = sql.format(table, table)
            free = lake.sql(text).arrow()
            limited = lake.sql(text, max_bytes=lake.estimate(text).bytes_scanned).arrow()
            assert limited.num_rows == free.num_rows
            if sql not in (ALL, "SUMMARIZE {}") and "LIMIT" not in sql:
                assert limited.equals(free)


def test_reading_ahead_of_a_list_is_no_scanning(root: Path) -> None:
    with lakeq.connect(root, history=False) as lake:
        sql = "SELECT sum(len(l)) FROM placed"
        result = lake.sql(sql, max_bytes=lake.estimate(sql).bytes_scanned)
        assert result.fetchall() == [(2 * ROWS * 3,)]
        assert result.stats.bytes_transferred > 2 * result.estimate.bytes_scanned


@pytest.mark.parametrize("table", ["hive", "placed", "csv", "zipped", "json"])
def test_a_query_that_reads_again_and_again_is_stopped_at_its_limit(root: Path, table: str) -> None:
    sql = REPEAT.format("a", table)
    with lakeq.connect(root, history=False) as lake:
        estimate = lake.estimate(sql).bytes_scanned
        free = lake.sql(sql)
        assert free.fetchall() == [(20,)] and free.stats.bytes_scanned > 5 * estimate
        for limit in (estimate, 3 * estimate + 1):
            result = lake.sql(sql, max_bytes=limit)
            with pytest.raises(BudgetExceededError, match="Query stopped") as caught:
                result.fetchall()
            assert caught.value.limit == limit
            assert estimate / 2 < result.stats.bytes_scanned <= limit
            footers = 20 * 4 * 16384
            assert result.stats.bytes_transferred <= limit + footers
        assert lake.sql(sql, max_bytes=50 * estimate).fetchall() == [(20,)]


def test_a_pivot_that_reads_twice_is_counted_although_it_runs_while_it_is_bound(root: Path) -> None:
    sql = "PIVOT (SELECT k, a FROM hive) ON k USING sum(a)"
    with lakeq.connect(root, history=False) as lake:
        lake.sql(sql, max_bytes=lake.estimate(sql).bytes_scanned).fetchall()
        made = lake.plan(sql)
        with local_engine(open_folder(root)) as engine, pytest.raises(BudgetExceededError):
            engine.execute(made, max_bytes=1000)


def test_the_first_rows_of_an_order_are_read_once(root: Path) -> None:
    """Left to itself, DuckDB reads the column of the order, and then it again with the rows that it has found."""
    sql = "SELECT * FROM hive ORDER BY a LIMIT 40"
    with lakeq.connect(root, history=False) as lake:
        estimate = lake.estimate(sql).bytes_scanned
        assert lake.sql(sql, max_bytes=estimate).fetchall() == lake.sql(sql).fetchall()


def test_generous_limits_leave_the_files_to_duckdb(root: Path) -> None:
    with lakeq.connect(root, history=False) as lake:
        for sql in ("SELECT sum(a) FROM hive", "SELECT * FROM hive ORDER BY a LIMIT 5"):
            result = lake.sql(sql, max_bytes="1GB")
            result.fetchall()
            assert result.stats.requests == 0 and result._running._files.are_counted is False  # type: ignore[union-attr]


def test_columns_that_no_plan_has_count_as_well(root: Path) -> None:
    """As if it had not been foreseen that DuckDB keeps whole rows here."""
    sql = "SELECT count(*) FROM hive WHERE (SELECT a + 1) = 3"
    with lakeq.connect(root, history=False) as lake:
        estimate = lake.estimate("SELECT sum(a), max(k) FROM hive").bytes_scanned
        foreseen = lake.estimate(sql).bytes_scanned
        made = replace(lake.sql("SELECT sum(a), max(k) FROM hive", max_bytes="1GB").plan, sql=sql)
        assert foreseen > 3 * estimate
        with local_engine(open_folder(root)) as engine:
            with pytest.raises(BudgetExceededError):
                list(engine.execute(made, max_bytes=2 * estimate).batches())
            assert len(list(engine.execute(made, max_bytes=10 * foreseen).batches())) == 1


@pytest.mark.parametrize(
    "condition", ["TRUE", "now() > DATE '2000-01-01'"], ids=["at any time", "by the clock"]
)
def test_a_file_that_is_gone_when_the_limit_is_proved_is_told(tmp_path: Path, condition: str) -> None:
    for name in "ab":
        (tmp_path / "t").mkdir(exist_ok=True)
        (tmp_path / "t" / f"{name}.csv").write_text("x\n1\n2\n")
    with lakeq.connect(tmp_path, history=False) as lake:
        result = lake.sql(f"SELECT x FROM t WHERE {condition}", max_bytes="1GB")
        (tmp_path / "t" / "b.csv").unlink()
        with pytest.raises(ObjectChangedError, match=r"b\.csv"):
            result.fetchall()


def write_large(folder: Path, rows: int) -> None:
    numbers = np.random.default_rng(2)
    columns = {name: numbers.integers(0, 1 << 60, rows) for name in "abcd"}
    for i in range(3):
        pq.write_table(pa.table(columns), folder / f"f{i}.parquet", use_dictionary=False, compression="none")


def run_stopped(store: Counting, made: ScanPlan, limit: int, cache: BlockCache | None = None) -> QueryStats:
    with local_engine(store if cache is None else CachingStore(store, cache), cache=cache) as engine:
        result = engine.execute(made, limit)
        with pytest.raises(BudgetExceededError):
            list(result.batches())
        return result.stats()


@pytest.mark.parametrize("limit", [MIB, 10 * MIB, 30 * MIB])
@pytest.mark.parametrize("is_cached", [False, True], ids=["fetched", "copied"])
def test_nothing_is_fetched_ahead_beyond_the_limit(tmp_path: Path, limit: int, is_cached: bool) -> None:
    """The plan is to read 48 MB, more than its limit: as if its estimate had been much too low."""
    (tmp_path / "data").mkdir()
    write_large(tmp_path / "data", 500_000)
    store = Counting(str(tmp_path / "data"))
    made = plan("SELECT sum(a), sum(b), sum(c), sum(d) FROM t", scan(make_table(store, "t", "parquet")))
    assert sum(one.files.size for one in made.scans) > 45 * MIB
    store.sent = 0
    cache = BlockCache(str(tmp_path / "cache"), 1 << 30) if is_cached else None
    stats = run_stopped(store, made, limit, cache)
    assert stats.bytes_scanned <= limit
    assert store.sent <= limit + READ_BYTES
    if cache is not None:
        cache.close()


@pytest.mark.parametrize("limit", [1, 20_000, 100_000])
def test_text_is_stopped_before_the_file_that_is_too_much(tmp_path: Path, limit: int) -> None:
    for i in range(20):
        (tmp_path / f"f{i}.csv").write_text("a,b\n" + "1,2\n" * 3000)
    store = Counting(str(tmp_path))
    made = plan("SELECT sum(a) FROM t", scan(make_table(store, "t", "csv")))
    store.sent = 0
    stats = run_stopped(store, made, limit)
    assert stats.bytes_scanned <= limit and store.sent <= limit + READ_BYTES
