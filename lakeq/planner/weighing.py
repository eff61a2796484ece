"""What is read of the files that a condition keeps, as their footers tell: of all, or of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lakeq.catalog.entry import TableEntry
from lakeq.catalog.file_sample import FileSample
from lakeq.catalog.row_group_index import RowGroupIndex
from lakeq.catalog.selection import FileSelection
from lakeq.catalog.table import Table
from lakeq.formats.base import GROUP_FOOTER
from lakeq.formats.detect import FORMATS
from lakeq.planner.extrapolation import SampledBytes, extrapolate
from lakeq.planner.pruning import Pruning
from lakeq.storage.caching import WHOLE_OBJECT_BYTES

_FEW_FILES = 20_000
"""Files of which an estimate finds out where the bytes lie: of more that takes longer than the rest of it."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """The files that footers leave, and what is read of them; see TableScan."""

    files: FileSelection
    row_groups: int | None = None
    row_groups_total: int | None = None
    column_bytes: int | None = None
    chunks: pa.Table | None = None
    group_footers: pa.Table | None = None
    sampled: SampledBytes | None = None


def find_stored(table: Table, groups: RowGroupIndex, paths: Sequence[str]) -> tuple[str, ...]:
    """The stored leaves that a scan of these dotted paths reads; of a format that reads structs whole, theirs
    as well."""
    if not FORMATS[table.format].reads_fields:
        paths = sorted({column.name for path in paths for column in table.columns_at(path)})
    return groups.find_leaves(paths)


def weigh_files(
    selection: FileSelection,
    entry: TableEntry,
    pruning: Pruning,
    data: Sequence[str],
    locates: bool,
) -> Weighed:
    """What is read of files that were all looked into, and where that lies if it `locates` many as well."""
    groups = entry.index.groups
    conditions = (pruning.row_groups, pruning.guarded_row_groups)
    leaves = find_stored(entry.table, groups, data)
    measure = groups.measure(selection, conditions, leaves, pruning.bounds)
    chunks = footers = None
    if locates or (measure.files.count <= _FEW_FILES and is_read_in_parts(entry, measure.files)):
        chunks = groups.read_chunks(measure.files, conditions, leaves, pruning.bounds)
    if groups.find_leaves([GROUP_FOOTER]):
        footers = groups.read_chunks(measure.files, conditions, (GROUP_FOOTER,), pruning.bounds)
    is_known = entry.is_whole and entry.index.inspected == entry.index.count
    total = measure.row_groups_total if is_known else None
    return Weighed(measure.files, measure.row_groups, total, measure.column_bytes, chunks, footers)


def is_read_in_parts(entry: TableEntry, files: FileSelection) -> bool:
    """Whether a store is asked for ranges of some of the files."""
    return entry.is_remote and files.largest > WHOLE_OBJECT_BYTES


def weigh_sample(
    selection: FileSelection, sample: FileSample, entry: TableEntry, pruning: Pruning, data: Sequence[str]
) -> Weighed:
    """What is read of files of which a sample was looked into."""
    index = entry.index
    conditions = (pruning.row_groups, pruning.guarded_row_groups)
    leaves = find_stored(entry.table, index.groups, data)
    rows = index.groups.measure_files(selection, conditions, leaves, pruning.bounds)
    ids, known = index.number(selection.ids), ~index.are_unknown(selection)
    places = np.searchsorted(ids, rows["file_id"].to_numpy())
    kept, read, stored = (np.zeros(len(ids), dtype=np.int64) for _ in range(3))
    for name, figures in (("kept", kept), ("read", read), ("stored", stored)):
        figures[places] = rows[name].to_numpy()
    sampled = extrapolate(index.read_sizes(selection.ids), known, read, stored, sample)
    return Weighed(index.take(ids[~known | (kept > 0)]), column_bytes=sampled.expected, sampled=sampled)
