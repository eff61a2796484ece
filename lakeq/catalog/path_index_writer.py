"""Writing a PathIndex: sorted objects come a part at a time and are never all in memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakeq.catalog.known_objects import KeyRange
from lakeq.catalog.objects import EXAMPLES, judge_objects
from lakeq.catalog.partition_texts import split_directories
from lakeq.catalog.path_index import KEY, RUNS_SCHEMA, TOP, VERSION, count_levels
from lakeq.catalog.whole_files import digest_footer, replace_file, seal
from lakeq.storage.workers import begin

GROUP_ROWS = 32 * 1024
PART_GROUPS = 128
MOST_RUNS = 1_000_000
"""Beyond so many runs of objects in one folder, the deepest folders are no longer told apart by the top."""

_NEVER = np.iinfo(np.int64).min


class PathIndexWriter:
    """Writes the parts and gathers the top."""

    def __init__(self, folder: Path, most_runs: int = MOST_RUNS) -> None:
        self._folder = folder
        self._most_runs = most_runs
        self._written: Future[None] | None = None
        self._left: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None
        self._parts: list[tuple[str, int, str, int]] = []
        self._groups: list[tuple[str, int, int]] = []
        self._groups_here = self._objects_here = self._objects = 0
        self._runs: list[pa.Table] = []
        self._count_runs = 0
        self._levels: int | None = None
        self._ignored: dict[str, tuple[int, int, list[str]]] = {}

    def write(self, rows: pa.Table) -> None:
        """More objects (LISTING_SCHEMA), which come after all before."""
        self.wait()
        self._written = begin(partial(self._write_groups, rows))  # while these are judged
        self._add_runs(rows)
        self._objects += rows.num_rows

    def wait(self) -> None:
        """Return when all that was given is written. The error of the disk."""
        if self._written is not None:
            self._written.result()

    def finish(self, **content: Any) -> None:
        """Close the parts and write the top, with `content` in its metadata."""
        self.wait()
        for rows in self._left:
            if rows.num_rows:
                self._write_group(rows)
        self._close_part()
        top = self._join_runs()
        if top.num_rows > self._most_runs:
            self._coarsen()
            top = self._join_runs()
        content |= {
            "version": VERSION,
            "levels": self._levels,
            "parts": self._parts,
            "groups": self._groups,
            "ignored": [[reason, *told] for reason, told in sorted(self._ignored.items())],
        }
        sink = pa.BufferOutputStream()
        pq.write_table(
            top.replace_schema_metadata({KEY: json.dumps(content).encode()}), sink, compression="zstd"
        )
        replace_file(self._folder / TOP, seal(sink.getvalue().to_pybytes()))

    def _write_groups(self, rows: pa.Table) -> None:
        """Write as many whole groups as there are rows for."""
        rows = rows.set_column(2, "etag", pc.utf8_trim(rows["etag"], '"'))
        rows = pa.concat_tables([*self._left, rows])
        whole = rows.num_rows - rows.num_rows % GROUP_ROWS
        for first in range(0, whole, GROUP_ROWS):
            self._write_group(rows.slice(first, GROUP_ROWS).combine_chunks())
        self._left = [rows.slice(whole).combine_chunks()]

    def _write_group(self, rows: pa.Table) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._folder / f"part-{len(self._parts):05d}.parquet",
                rows.schema,
                compression="zstd",
                compression_level=3,
                use_dictionary=["storage_class"],
                column_encoding={
                    "path": "DELTA_BYTE_ARRAY",
                    "etag": "DELTA_LENGTH_BYTE_ARRAY",
                    "modified": "DELTA_BINARY_PACKED",
                    "size": "DELTA_BINARY_PACKED",
                },
                write_statistics=False,
                write_page_checksum=True,
            )
        self._groups.append((rows["path"][0].as_py(), len(self._parts), self._groups_here))
        self._writer.write_table(rows, row_group_size=GROUP_ROWS)
        self._groups_here += 1
        self._objects_here += rows.num_rows
        if self._groups_here == PART_GROUPS:
            self._close_part()

    def _close_part(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        path = self._folder / f"part-{len(self._parts):05d}.parquet"
        self._parts.append((path.name, path.stat().st_size, digest_footer(path), self._objects_here))
        self._groups_here = self._objects_here = 0

    def _add_runs(self, rows: pa.Table) -> None:
        """Sum these objects up by runs in one folder."""
        judged = judge_objects(rows)
        reasons = judged["reason"].combine_chunks()
        is_data = pc.is_null(reasons).to_numpy(zero_copy_only=False)
        self._count_ignored(judged)
        folders = split_directories(rows["path"].combine_chunks())
        codes = folders.indices.to_numpy()
        starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
        sizes = np.where(is_data, rows["size"].to_numpy(), 0)
        written = rows["modified"].combine_chunks().cast(pa.int64()).fill_null(_NEVER)
        newest = np.maximum.reduceat(np.where(is_data, written.to_numpy(), _NEVER), starts)
        runs = pa.table(
            [
                rows["path"].combine_chunks().take(pa.array(starts)),
                folders.dictionary.take(pa.array(codes[starts])),
                pa.array(starts + self._objects),
                pa.array(np.diff(np.append(starts, len(codes)))),
                pa.array(np.add.reduceat(is_data.astype(np.int64), starts)),
                pa.array(np.add.reduceat(sizes, starts)),
                pa.array(newest, mask=newest == _NEVER).cast(RUNS_SCHEMA.field("newest").type),
            ],
            schema=RUNS_SCHEMA,
        )
        self._keep_runs(runs)

    def _keep_runs(self, runs: pa.Table) -> None:
        self._runs.append(cut_folders(runs, self._levels) if self._levels is not None else runs)
        self._count_runs += self._runs[-1].num_rows
        while self._count_runs > 2 * self._most_runs:
            self._coarsen()

    def _coarsen(self) -> None:
        """Tell folders one level less deep apart."""
        top = self._join_runs()
        while top.num_rows > self._most_runs and self._levels != 0:
            deepest = int(count_levels(top["folder"].combine_chunks()).max(initial=0))
            self._levels = max(deepest - 1, 0)
            top = join_runs(cut_folders(top, self._levels))
        self._runs, self._count_runs = [top], top.num_rows

    def _join_runs(self) -> pa.Table:
        return join_runs(pa.concat_tables(self._runs or [RUNS_SCHEMA.empty_table()]).combine_chunks())

    def _count_ignored(self, judged: pa.Table) -> None:
        left_out = judged.filter(pc.is_valid(judged["reason"]))
        for reason, count in Counter(left_out["reason"].to_pylist()).items():
            rows = left_out.filter(pc.equal(left_out["reason"], reason))
            known, size, examples = self._ignored.get(reason, (0, 0, []))
            more = rows["path"].slice(0, EXAMPLES - len(examples)).to_pylist()
            self._ignored[reason] = (known + count, size + pc.sum(rows["size"]).as_py(), examples + more)


def cut_folders(runs: pa.Table, levels: int) -> pa.Table:
    """The runs with their folders told `levels` deep at most."""
    heads = pc.struct_field(pc.extract_regex(runs["folder"], rf"^(?P<head>(?:[^/]*/){{0,{levels}}})"), 0)
    return runs.set_column(1, "folder", heads.combine_chunks().cast(pa.string()))


def join_runs(runs: pa.Table) -> pa.Table:
    """Neighbouring runs in one folder as one."""
    if runs.num_rows < 2:
        return runs
    codes = runs["folder"].combine_chunks().dictionary_encode().indices.to_numpy()
    starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    if len(starts) == len(codes):
        return runs
    firsts = runs.take(pa.array(starts))
    for name in ("objects", "files", "bytes"):
        sums = pa.array(np.add.reduceat(runs[name].to_numpy(), starts))
        firsts = firsts.set_column(firsts.column_names.index(name), name, sums)
    moments = runs["newest"].combine_chunks().cast(pa.int64()).fill_null(_NEVER).to_numpy()
    newest = np.maximum.reduceat(moments, starts)
    return firsts.set_column(6, "newest", _to_moments(newest))


def _to_moments(written: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(written, mask=written == _NEVER).cast(RUNS_SCHEMA.field("newest").type)


def write_path_index(
    folder: Path,
    rows: Iterable[pa.Table],
    asked: KeyRange,
    at: float,
    origin: str,
    lacks: Sequence[str] = (),
    most_runs: int = MOST_RUNS,
) -> None:
    """Write an index of sorted `rows` into an empty folder. The top comes last: without it there is none."""
    writer = PathIndexWriter(folder, most_runs)
    try:
        for part in rows:
            writer.write(part)
    finally:  # whoever stops early removes what is still written
        writer.wait()
    writer.finish(range=[asked.start, asked.stop], at=at, origin=origin, lacks=list(lacks))
