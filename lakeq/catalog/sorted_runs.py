"""Sorting more objects than memory holds: runs of them are sorted and written, then merged."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakeq.storage.workers import begin

T = TypeVar("T")

RUN_ROWS = 500_000
_BLOCK_ROWS = 8 * 1024
_MOST_RUNS = 256
"""So many are merged at once: a block of each is in memory."""


def sort_rows(parts: Iterable[pa.Table], folder: Path, run_rows: int = RUN_ROWS) -> Iterator[pa.Table]:
    """The rows of all parts, sorted by `path`, each path once, some at a time. `folder` takes the runs; they
    are removed as they are read."""
    runs: list[Path] = []
    written: Future[Path] | None = None  # one run is written while the next is gathered
    try:
        for number, held in enumerate(_gather(work_ahead(parts), run_rows)):
            if written is not None:
                runs.append(written.result())
            if len(runs) == _MOST_RUNS:
                runs = [_merge_runs(runs, folder / f"merged-{number}")]
            written = begin(partial(_write_run, held, folder / f"run-{number}"))
            del held
    finally:
        if written is not None:
            wait([written])
    if written is not None:
        runs.append(written.result())
    yield from _drop_repeats(work_ahead(_merge(runs)))


def work_ahead(parts: Iterable[T]) -> Iterator[T]:
    """The parts, each made while what came before it is used."""
    items = iter(parts)
    coming = begin(partial(next, items, None))
    try:
        while (item := coming.result()) is not None:
            coming = begin(partial(next, items, None))
            yield item
    finally:  # whoever stops early removes the files that are still written
        wait([coming])


def _gather(parts: Iterable[pa.Table], run_rows: int) -> Iterator[list[pa.Table]]:
    """Parts of about so many rows together."""
    held: list[pa.Table] = []
    for part in parts:
        if part.num_rows:
            held.append(part)
        if sum(rows.num_rows for rows in held) >= run_rows:
            yield held
            held = []
    if held:
        yield held


def _sort(parts: list[pa.Table]) -> pa.Table:
    rows = pa.concat_tables(parts).combine_chunks()
    paths = rows["path"]
    is_sorted = pc.all(pc.less_equal(paths[:-1], paths[1:]), min_count=0).as_py()
    return rows if is_sorted else rows.take(pc.sort_indices(paths))


def _write_run(parts: list[pa.Table], path: Path) -> Path:
    rows = _sort(parts)
    parts.clear()
    with pq.ParquetWriter(path, rows.schema, **_HOW) as writer:
        writer.write_table(rows, row_group_size=_BLOCK_ROWS)
    return path


_HOW = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": ["storage_class"],
    "column_encoding": {"path": "DELTA_BYTE_ARRAY", "etag": "DELTA_LENGTH_BYTE_ARRAY"},
    "write_statistics": False,
}


def _merge_runs(runs: list[Path], path: Path) -> Path:
    writer: pq.ParquetWriter | None = None
    for rows in _merge(runs):
        writer = writer or pq.ParquetWriter(path, rows.schema, **_HOW)
        writer.write_table(rows, row_group_size=_BLOCK_ROWS)
    assert writer is not None
    writer.close()
    return path


def _merge(runs: list[Path]) -> Iterator[pa.Table]:
    """The rows of sorted runs, sorted. Of each run a block is held; all rows up to the least of their last
    paths can be told."""
    streams = [_read_run(run) for run in runs]
    heads: list[tuple[pa.Table, Iterator[pa.Table]]] = []
    for stream in streams:
        first = next(stream, None)
        if first is not None:
            heads.append((first, stream))
    while heads:
        bound = min(block["path"][-1].as_py() for block, _ in heads)
        taken, rest = [], []
        for block, stream in heads:
            cut = _find_end(block["path"], bound)
            if cut:
                taken.append(block.slice(0, cut))
            left: pa.Table | None = block.slice(cut)
            if left is not None and not left.num_rows:
                left = next(stream, None)
            if left is not None:
                rest.append((left, stream))
        heads = rest
        yield _sort(taken)


def _find_end(paths: pa.ChunkedArray, bound: str) -> int:
    """How many of the sorted paths come up to `bound`."""
    return bisect_right(range(len(paths)), bound, key=lambda row: paths[row].as_py())


def _read_run(run: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(run) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, use_threads=False).combine_chunks()
    run.unlink()


def _drop_repeats(parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Each path once: an inventory is a rolling snapshot, and its files are no part of one."""
    last = None
    for rows in parts:
        paths = rows["path"].combine_chunks()
        if not len(paths):
            continue
        is_new = pc.not_equal(paths[1:], paths[:-1])
        if paths[0].as_py() == last or not pc.all(is_new, min_count=0).as_py():
            first = pa.array([paths[0].as_py() != last])
            rows = rows.filter(pa.concat_arrays([first, is_new]))
        last = paths[-1].as_py()
        if rows.num_rows:
            yield rows
