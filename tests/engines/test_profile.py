"""Bytes scanned are the stored bytes of what was read: the figure that an estimate is held against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakeq.engines.base import QueryStats
from lakeq.formats.base import Column
from tests.engines.lakes import local_engine, make_table, open_folder, plan, scan


def read(engine: Any, made: Any) -> QueryStats:
    result = engine.execute(made)
    list(result.batches())
    return result.stats()  # type: ignore[no-any-return]


def write_numbers(path: Path, rows: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = np.random.default_rng(1).integers(0, 1 << 60, rows)
    table = pa.table({"b": numbers[::-1], "a": numbers, "n": np.arange(rows)})
    pq.write_table(table, path, use_dictionary=False, row_group_size=5000)


def stored(path: Path, *columns: str, groups: slice = slice(None)) -> int:
    """Compressed bytes of columns, from the footer."""
    metadata = pq.read_metadata(path)
    every = [metadata.row_group(i) for i in range(metadata.num_row_groups)][groups]
    chunks = (group.column(i) for group in every for i in range(group.num_columns))
    return sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema in columns)


@pytest.mark.parametrize("remote", [False, True], ids=["local", "planned"])
@pytest.mark.parametrize("rows", [100, 1000, 20_000])
def test_parquet_counts_the_columns_read_and_no_footer(tmp_path: Path, rows: int, remote: bool) -> None:
    files = [tmp_path / f"k={i}/f.parquet" for i in range(3)]
    for file in files:
        write_numbers(file, rows)
    values = {f"k={i}/f.parquet": (i,) for i in range(3)}
    store = open_folder(tmp_path, remote)
    table = make_table(store, "t", "parquet", keys=[Column("k", pa.int64())], values=values)
    whole = sum(file.stat().st_size for file in files)
    with local_engine(store) as engine:
        one = read(engine, plan("select sum(a) from t", scan(table)))
        assert one.bytes_scanned == sum(stored(file, "a") for file in files)
        both = read(engine, plan("select sum(a), max(b) from t", scan(table)))
        assert both.bytes_scanned == sum(stored(file, "a", "b") for file in files)
        # The first file is opened for the schema, though not scanned.
        last = read(engine, plan("select sum(a) from t where k = 2", scan(table)))
        assert last.bytes_scanned == stored(files[2], "a")
        some = read(engine, plan("select sum(a) from t where n < 10", scan(table)))
        assert some.bytes_scanned == sum(stored(file, "a", "n", groups=slice(0, 1)) for file in files)
        none = read(engine, plan("select count(*) from t", scan(table)))
        assert none.bytes_scanned == 0
    if remote:
        assert one.bytes_transferred == whole
        assert one.requests == 3
    else:
        footers = sum(min(16384, file.stat().st_size) for file in files)
        assert one.bytes_transferred == one.bytes_scanned + footers
        assert one.requests == 0


@pytest.mark.parametrize("remote", [False, True], ids=["local", "planned"])
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_text_counts_whole_files(tmp_path: Path, kind: str, remote: bool) -> None:
    lines = {"csv": "a,b\n1,2\n3,4\n", "json": '{"a":1,"b":2}\n{"a":3,"b":4}\n'}
    for i in range(3):
        (tmp_path / f"k={i}").mkdir()
        (tmp_path / f"k={i}/f.{kind}").write_text(lines[kind] * (i + 1) if kind == "json" else lines[kind])
    values = {f"k={i}/f.{kind}": (i,) for i in range(3)}
    sizes = [(tmp_path / path).stat().st_size for path in values]
    store = open_folder(tmp_path, remote)
    table = make_table(store, "t", kind, keys=[Column("k", pa.int64())], values=values)
    with local_engine(store) as engine:
        stats = read(engine, plan("select sum(a) from t", scan(table)))
        assert stats.bytes_scanned == sum(sizes)
        twice = read(engine, plan("select sum(x.a + y.b) from t x, t y", scan(table), scan(table)))
        assert twice.bytes_scanned == 2 * sum(sizes)
    if remote:
        assert stats.bytes_transferred == sum(sizes)


def test_a_pivot_counts_although_it_ran_while_it_was_bound(tmp_path: Path) -> None:
    write_numbers(tmp_path / "f.parquet", 100)
    store = open_folder(tmp_path)
    with local_engine(store) as engine:
        table = scan(make_table(store, "t", "parquet"))
        stats = read(engine, plan("pivot (select n % 2 m, a from t) on m using sum(a)", table))
    assert stats.rows == 1
    footers = 2 * (tmp_path / "f.parquet").stat().st_size
    assert stored(tmp_path / "f.parquet", "a", "n") <= stats.bytes_scanned <= footers


def test_formats_in_one_query_add_up(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "c").mkdir()
    write_numbers(tmp_path / "p/f.parquet", 20_000)
    (tmp_path / "c/f.csv").write_text("x,y\n1,2\n")
    store = open_folder(tmp_path)
    tables = [scan(make_table(store, "p", "parquet", "p/")), scan(make_table(store, "c", "csv", "c/"))]
    with local_engine(store) as engine:
        stats = read(engine, plan("select sum(a + x) from p, c", *tables))
    assert stats.bytes_scanned == stored(tmp_path / "p/f.parquet", "a") + 8


def test_what_arrow_decodes_counts_whole(tmp_path: Path) -> None:
    write_numbers(tmp_path / "f.parquet", 1000)
    size = (tmp_path / "f.parquet").stat().st_size
    for remote in (False, True):
        store = open_folder(tmp_path, remote)
        with local_engine(store, scanner="arrow") as engine:
            stats = read(engine, plan("select sum(a) from t", scan(make_table(store, "t", "parquet"))))
        assert stats.bytes_scanned == size
        assert 0 < stats.bytes_transferred <= 2 * size
