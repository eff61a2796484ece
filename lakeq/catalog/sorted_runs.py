"""Sorting more objects than memory holds: runs of them are sorted and written, then merged."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

RUN_ROWS = 1_000_000
_BLOCK_ROWS = 16 * 1024
_MOST_RUNS = 128
"""So many are merged at once: a block of each is in memory."""


def sort_rows(parts: Iterable[pa.Table], folder: Path, run_rows: int = RUN_ROWS) -> Iterator[pa.Table]:
    """The rows of all parts, sorted by `path`, each path once, some at a time. `folder` takes the runs; they
    are removed as they are read."""
    runs: list[Path] = []
    held: list[pa.Table] = []
    count = 0
    for part in parts:
        held.append(part)
        count += part.num_rows
        if sum(rows.num_rows for rows in held) >= run_rows:
            runs.append(_write_run(_sort(held), folder / f"run-{count}"))
            held = []
            if len(runs) == _MOST_RUNS:
                runs = [_merge_runs(runs, folder / f"run-{count}-merged")]
    if not runs:
        yield from _drop_repeats(iter([_sort(held)] if held else []))
        return
    if held:
        runs.append(_write_run(_sort(held), folder / "run-last"))
    del held
    yield from _drop_repeats(_merge(runs))


def _sort(parts: list[pa.Table]) -> pa.Table:
    rows = pa.concat_tables(parts).combine_chunks()
    paths = rows["path"]
    is_sorted = pc.all(pc.less_equal(paths[:-1], paths[1:]), min_count=0).as_py()
    return rows if is_sorted else rows.take(pc.sort_indices(paths))


def _write_run(rows: pa.Table, path: Path) -> Path:
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
