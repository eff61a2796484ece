"""Build a ScanPlan from a bound query: prune each table reference on its index, read the footers that are
left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lakeq.catalog.entry import TableEntry
from lakeq.catalog.selection import FileSelection
from lakeq.catalog.table import HIDDEN_COLUMNS, Table
from lakeq.catalog.view import CatalogView
from lakeq.formats.detect import FORMATS
from lakeq.planner.bind import BoundQuery, Params, TableReference
from lakeq.planner.limits import stops_early
from lakeq.planner.metadata import metadata_rows, scan_rows
from lakeq.planner.plan import InlineTable, ScanPlan, TableScan, View
from lakeq.planner.pruning import plan_prefixes, plan_pruning
from lakeq.storage.caching import WHOLE_OBJECT_BYTES

_LARGEST_INDEX_ANSWER = 100_000
"""Files up to which rows from the index stand in for a scan."""


def build_plan(
    bound: BoundQuery,
    params: Params,
    catalog: CatalogView,
    views: Mapping[str, str],
    fetches_whole: bool = False,
) -> ScanPlan | None:
    """The plan of a bound query; None when what was listed or read on the way widened a table's schema: bind
    anew then.

    `fetches_whole`: the query is to run, so small remote files may be read whole, not only their footers.
    """
    early = stops_early(bound.sql)
    fetches_whole = fetches_whole and not early
    before = {reference.table: catalog.table(reference.table) for reference in bound.references}
    entries = {name: list_table(table, bound.references, catalog) for name, table in before.items()}
    scans = [
        scan_table(reference, entries[reference.table], catalog, fetches_whole)
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
    )


def list_table(table: Table, references: Sequence[TableReference], catalog: CatalogView) -> TableEntry:
    """The files that any of the references to a table may want."""
    filters = [plan_prefixes(table, r.predicate) for r in references if r.table == table.name]
    return catalog.entry(table.name, filters)


def scan_table(
    reference: TableReference, entry: TableEntry, catalog: CatalogView, fetches_whole: bool
) -> TableScan:
    """Prune one table reference."""
    table, index = entry.table, entry.index
    pruning = plan_pruning(table, reference.predicate, reference.missed)
    selection, archived = entry.split_archived(index.select(pruning.files, pruning.guarded_files))
    hidden = {c.name for c in HIDDEN_COLUMNS}
    keys = {c.name for c in table.partition_columns}
    data = tuple(c for c in reference.columns if c not in hidden and c not in keys)
    groups = total = column_bytes = chunks = None
    if FORMATS[table.format].has_footers:
        catalog.inspect(selection, fetches_whole)
        table = entry.table
        conditions = (pruning.row_groups, pruning.guarded_row_groups)
        leaves = index.find_leaves(data)
        measure = index.measure(selection, conditions, leaves, pruning.bounds)
        selection, column_bytes = measure.files, measure.column_bytes
        groups, total = measure.row_groups, measure.row_groups_total if entry.is_whole else None
        if entry.is_remote and selection.largest > WHOLE_OBJECT_BYTES:
            chunks = index.read_chunks(selection, conditions, leaves, pruning.bounds)
    return TableScan(
        table=table,
        alias=reference.alias,
        columns=data,
        partition_keys=tuple(c for c in reference.columns if c in keys),
        hidden_columns=tuple(c for c in reference.columns if c in hidden),
        files=selection,
        row_groups=groups,
        row_groups_total=total,
        column_bytes=column_bytes,
        predicate=pruning.predicate,
        not_pruned_by=pruning.missed,
        from_index=reference.once and not data and knows_rows(selection),
        chunks=chunks,
        footer_read=entry.known.tail,
        archived=archived,
    )


def knows_rows(selection: FileSelection) -> bool:
    """Whether it is known of every selected file if it holds a row."""
    if selection.count > _LARGEST_INDEX_ANSWER:
        return False
    return bool(selection.to_table().column("has_rows").null_count == 0)
