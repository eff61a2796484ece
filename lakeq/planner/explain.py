"""A ScanPlan as text: what will be read, what pruned it, and what could not."""

from __future__ import annotations

from collections.abc import Iterator

from lakeq.planner.estimate import Estimate, scan_accuracy, scan_bytes
from lakeq.planner.plan import ScanPlan, TableScan


def explain_plan(plan: ScanPlan, estimate: Estimate) -> str:
    """The plan in a few lines a table, the totals first."""
    return "\n".join([*_head(estimate), *(line for scan in plan.scans for line in _scan(scan)), *_tail(plan)])


def _head(estimate: Estimate) -> Iterator[str]:
    yield (
        f"scans {estimate.bytes_scanned:,} bytes ({estimate.accuracy.replace('_', ' ')}), "
        f"{estimate.files:,} of {estimate.files_total:,} files, "
        f"{estimate.partitions:,} of {estimate.partitions_total:,} partitions"
    )
    yield f"costs ${estimate.cost_usd:.6f} ({estimate.pricing})"


def _scan(scan: TableScan) -> Iterator[str]:
    name = (
        scan.table.name
        if scan.alias.casefold() == scan.table.name.casefold()
        else f"{scan.table.name} as {scan.alias}"
    )
    yield f"scan {name} ({scan.table.format}, {scan.table.layout.template or 'no partitions'})"
    if scan.from_index:
        yield "  answered by the index: no file is read"
    else:
        yield f"  bytes: {scan_bytes(scan):,} ({scan_accuracy(scan).replace('_', ' ')})"
    yield f"  files: {scan.files.count:,} of {scan.table.files_total:,}"
    yield f"  partitions: {scan.files.partitions:,} of {scan.table.partitions_total:,}"
    if scan.row_groups is not None:
        yield f"  row groups: {scan.row_groups:,} of {scan.row_groups_total:,}"
    columns = (*scan.columns, *scan.partition_keys, *scan.hidden_columns)
    yield f"  columns: {', '.join(columns) or 'none'}"
    if scan.predicate:
        yield f"  pruned by: {scan.predicate}"
    for missed in scan.not_pruned_by:
        yield f"  not pruned by: {missed.condition}: {missed.reason}"


def _tail(plan: ScanPlan) -> Iterator[str]:
    names = {scan.table.name for scan in plan.scans}
    for table in plan.inline:
        if table.name not in names:
            yield f"scan {table.name}: {table.rows.num_rows:,} rows from the index"
    yield from plan.notes
