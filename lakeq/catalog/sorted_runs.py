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
_BLOCK_ROWS = 4 * 1024
_MOST_RUNS = 256
"""So many are merged at once: at least a block of each is in memory."""
_HELD_ROWS = 1_500_000
_TOLD_ROWS = 128 * 1024


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
    """The rows of sorted runs, sorted.

    Of the run whose rows in memory end first, more are read, until enough are held. Then all rows up to the
    least of these ends can be told: of runs that overlap about half of what is held, at once.
    """
    heads = [_Head(_read_run(run)) for run in runs]
    while heads:
        held = sum(head.count for head in heads)
        while held < _HELD_ROWS or any(not (head.count or head.is_done) for head in heads):
            behind = min((head for head in heads if not head.is_done), key=_Head.last, default=None)
            if behind is None:
                break
            held += behind.load()
        heads = [head for head in heads if head.count]
        bound = min((head.last() for head in heads if not head.is_done), default=None)
        taken = [part for head in heads for part in head.take(bound)]
        if taken:
            rows = _sort(taken)
            for first in range(0, rows.num_rows, _TOLD_ROWS):
                yield rows.slice(first, _TOLD_ROWS)


class _Head:
    """The rows of a run that are in memory, which come before all others of it."""

    def __init__(self, blocks: Iterator[pa.Table]) -> None:
        self._blocks = blocks
        self._held: list[pa.Table] = []
        self.count = 0
        self.is_done = False

    def last(self) -> str:
        """The last path in memory; before all paths where there is none."""
        return str(self._held[-1]["path"][-1]) if self._held else ""

    def load(self) -> int:
        """Read a block more; its rows."""
        block = next(self._blocks, None)
        if block is None:
            self.is_done = True
            return 0
        self._held.append(block)
        self.count += block.num_rows
        return int(block.num_rows)

    def take(self, bound: str | None) -> list[pa.Table]:
        """The rows up to a path (None: all), which are no longer held."""
        taken: list[pa.Table] = []
        while self._held:
            block = self._held[0]
            cut = block.num_rows if bound is None else _find_end(block["path"], bound)
            taken.append(block.slice(0, cut))
            self.count -= cut
            if cut < block.num_rows:
                self._held[0] = block.slice(cut)
                break
            del self._held[0]
        return [part for part in taken if part.num_rows]


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
