"""Build a ScanPlan from a bound query: prune each table reference on its index, read the footers that are
left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lakeq.catalog.catalog import Catalog
from lakeq.catalog.index import FileSelection
from lakeq.catalog.table import HIDDEN_COLUMNS
from lakeq.formats.detect import FORMATS
from lakeq.planner.bind import BoundQuery, Params, TableReference
from lakeq.planner.metadata import metadata_rows, scan_rows
from lakeq.planner.plan import InlineTable, ScanPlan, TableScan, View
from lakeq.planner.pruning import plan_pruning

_LARGEST_INDEX_ANSWER = 100_000
"""Files up to which rows from the index stand in for a scan."""


def build_plan(
    bound: BoundQuery, params: Params, catalog: Catalog, views: Mapping[str, str]
) -> ScanPlan | None:
    """The plan of a bound query; None when footers read on the way widened a table's schema: bind anew
    then."""
    scans: list[TableScan] = []
    for reference in bound.references:
        scan = scan_table(reference, catalog)
        if scan is None:
            return None
        scans.append(scan)
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
        notes=bound.notes,
    )


def scan_table(reference: TableReference, catalog: Catalog) -> TableScan | None:
    """Prune one table reference. None when reading footers widened the table's schema."""
    table, index = catalog.table(reference.table), catalog.index(reference.table)
    pruning = plan_pruning(table, reference.predicate, reference.missed)
    selection = index.select(pruning.files, pruning.guarded_files)
    hidden = {c.name for c in HIDDEN_COLUMNS}
    keys = {c.name for c in table.partition_columns}
    data = tuple(c for c in reference.columns if c not in hidden and c not in keys)
    groups = total = column_bytes = None
    if FORMATS[table.format].has_footers:
        if catalog.inspect(table.name, selection):
            return None
        conditions = (pruning.row_groups, pruning.guarded_row_groups)
        measure = index.measure(selection, conditions, index.find_leaves(data), pruning.bounds)
        selection, column_bytes = measure.files, measure.column_bytes
        groups, total = measure.row_groups, measure.row_groups_total
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
    )


def knows_rows(selection: FileSelection) -> bool:
    """Whether it is known of every selected file if it holds a row."""
    if selection.count > _LARGEST_INDEX_ANSWER:
        return False
    return bool(selection.to_table().column("has_rows").null_count == 0)
