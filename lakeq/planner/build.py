"""Build a ScanPlan from a bound query: prune each table reference on its index, read the footers that are
left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from lakeq.catalog.entry import TableEntry
from lakeq.catalog.file_sample import FileSample
from lakeq.catalog.selection import FileSelection
from lakeq.catalog.table import HIDDEN_COLUMNS, Table
from lakeq.catalog.view import CatalogView
from lakeq.formats.detect import FORMATS
from lakeq.planner.bind import BoundQuery, Params, TableReference
from lakeq.planner.extrapolation import SampledBytes, extrapolate
from lakeq.planner.limits import stops_early
from lakeq.planner.metadata import metadata_rows, scan_rows
from lakeq.planner.plan import InlineTable, ScanPlan, TableScan, View
from lakeq.planner.pruning import Pruning, plan_prefixes, plan_pruning
from lakeq.storage.caching import WHOLE_OBJECT_BYTES

_LARGEST_INDEX_ANSWER = 100_000
"""Files up to which rows from the index stand in for a scan."""


def build_plan(
    bound: BoundQuery,
    params: Params,
    catalog: CatalogView,
    views: Mapping[str, str],
    fetches_whole: bool = False,
    max_footers: int | None = None,
) -> ScanPlan | None:
    """The plan of a bound query; None when what was listed or read on the way widened a table's schema: bind
    anew then.

    `fetches_whole`: the query is to run, so small remote files may be read whole, not only their footers.
    Of a scan with more unread footers than `max_footers`, a sample of so many is read (None: all are).
    """
    early = stops_early(bound.sql)
    fetches_whole = fetches_whole and not early
    before = {reference.table: catalog.table(reference.table) for reference in bound.references}
    entries = {name: list_table(table, bound.references, catalog) for name, table in before.items()}
    scans = [
        scan_table(reference, entries[reference.table], catalog, fetches_whole, max_footers)
        for reference in bound.references
    ]
    if any(catalog.table(name).columns != table.columns for name, table in before.items()):
        return None
    inline = [InlineTable(name, metadata_rows(name, catalog)) for name in bound.metadata]
    by_table: dict[str, list[TableScan]] = {}
    for scan in scans:
        by_table.setdefault(scan.table.name, []).append(scan)
    answered = [name for name, group in by_table.items() if all(scan.from_index for scan in group)]
    inline += [InlineTable(name, scan_rows(by_table[name])) for name in answered]
    return ScanPlan(
        text=bound.sql,
        sql=bound.runnable,
        params=params,
        scans=tuple(replace(scan, from_index=scan.table.name in answered) for scan in scans),
        inline=tuple(inline),
        views=tuple(View(name, views[name]) for name in bound.views),
        clock=bound.clock,
        stops_early=early,
        notes=bound.notes,
        reads_all=bound.reads_all,
    )


def list_table(table: Table, references: Sequence[TableReference], catalog: CatalogView) -> TableEntry:
    """The files that any of the references to a table may want."""
    filters = [plan_prefixes(table, r.predicate) for r in references if r.table == table.name]
    return catalog.entry(table.name, filters)


def scan_table(
    reference: TableReference,
    entry: TableEntry,
    catalog: CatalogView,
    fetches_whole: bool,
    max_footers: int | None,
) -> TableScan:
    """Prune one table reference."""
    pruning = plan_pruning(entry.table, reference.predicate, reference.missed)
    selection = entry.index.select(pruning.files, pruning.guarded_files)
    hidden = {c.name for c in HIDDEN_COLUMNS}
    keys = {c.name for c in entry.table.partition_columns}
    data = tuple(c for c in reference.columns if c not in hidden and c not in keys)
    weighed = _Weighed(selection)
    if FORMATS[entry.table.format].has_footers:
        sample = None if max_footers is None else catalog.sample(selection, max_footers)
        if sample is None:
            catalog.inspect(selection, fetches_whole)
            weighed = weigh_files(selection, entry, pruning, data)
        else:
            weighed = weigh_sample(selection, sample, entry, pruning, data)
    return TableScan(
        table=entry.table,
        alias=reference.alias,
        columns=data,
        partition_keys=tuple(c for c in reference.columns if c in keys),
        hidden_columns=tuple(c for c in reference.columns if c in hidden),
        files=weighed.files,
        row_groups=weighed.row_groups,
        row_groups_total=weighed.row_groups_total,
        column_bytes=weighed.column_bytes,
        predicate=pruning.predicate,
        not_pruned_by=pruning.missed,
        from_index=reference.once and not data and knows_rows(weighed.files),
        chunks=weighed.chunks,
        sampled=weighed.sampled,
        uses=reference.uses,
    )


@dataclass(frozen=True, slots=True)
class _Weighed:
    """The files that footers leave, and what is read of them; see TableScan."""

    files: FileSelection
    row_groups: int | None = None
    row_groups_total: int | None = None
    column_bytes: int | None = None
    chunks: pa.Table | None = None
    sampled: SampledBytes | None = None


def weigh_files(
    selection: FileSelection, entry: TableEntry, pruning: Pruning, data: Sequence[str]
) -> _Weighed:
    """What is read of files that were all looked into."""
    index = entry.index
    conditions = (pruning.row_groups, pruning.guarded_row_groups)
    leaves = index.find_leaves(data)
    measure = index.measure(selection, conditions, leaves, pruning.bounds)
    chunks = None
    if entry.is_remote and measure.files.largest > WHOLE_OBJECT_BYTES:
        chunks = index.read_chunks(measure.files, conditions, leaves, pruning.bounds)
    total = measure.row_groups_total if entry.is_whole else None
    return _Weighed(measure.files, measure.row_groups, total, measure.column_bytes, chunks)


def weigh_sample(
    selection: FileSelection, sample: FileSample, entry: TableEntry, pruning: Pruning, data: Sequence[str]
) -> _Weighed:
    """What is read of files of which a sample was looked into."""
    index = entry.index
    conditions = (pruning.row_groups, pruning.guarded_row_groups)
    rows = index.measure_files(selection, conditions, index.find_leaves(data), pruning.bounds)
    ids, known = index.number(selection), ~index.are_unknown(selection)
    places = np.searchsorted(ids, rows["file_id"].to_numpy())
    kept, read, stored = (np.zeros(len(ids), dtype=np.int64) for _ in range(3))
    for name, figures in (("kept", kept), ("read", read), ("stored", stored)):
        figures[places] = rows[name].to_numpy()
    sampled = extrapolate(index.sizes(selection), known, read, stored, sample)
    return _Weighed(index.take(ids[~known | (kept > 0)]), column_bytes=sampled.expected, sampled=sampled)


def knows_rows(selection: FileSelection) -> bool:
    """Whether it is known of every selected file if it holds a row."""
    if selection.count > _LARGEST_INDEX_ANSWER:
        return False
    return bool(selection.to_table().column("has_rows").null_count == 0)
