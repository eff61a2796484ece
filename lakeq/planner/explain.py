"""A ScanPlan as text: what will be read, what pruned it, and what could not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lakeq.planner.estimate import Estimate, format_scanned
from lakeq.planner.plan import InlineTable, ScanPlan
from lakeq.planner.scan import (
    Missed,
    TableScan,
    scan_accuracy,
    tell_bytes,
    tell_name,
    tell_predicate,
    tell_saving,
)
from lakeq.quantities import format_dollars, format_share


def explain_plan(plan: ScanPlan, estimate: Estimate) -> str:
    """The plan in a few lines a table, the totals first."""
    return "\n".join(
        [*_head(estimate), *(line for scan in estimate.scans for line in _scan(scan)), *_tail(plan)]
    )


def plan_to_dict(plan: ScanPlan, estimate: Estimate) -> dict[str, Any]:
    """What `explain_plan` says, as plain JSON values: those of `Estimate.to_dict`, and of each table its
    alias, format, layout and accuracy; `from_index` are tables that the index answers."""
    told = estimate.to_dict()
    tables = [
        {
            **table,
            "alias": scan.alias,
            "format": scan.table.format,
            "layout": scan.table.layout.template or None,
            "accuracy": scan_accuracy(scan),
            "answered_by_index": scan.from_index,
        }
        for scan, table in zip(estimate.scans, told["tables"], strict=True)
    ]
    return {
        **told,
        "pricing": estimate.pricing,
        "dialect": plan.dialect,
        "sql": plan.sql,
        "tables": tables,
        "from_index": [{"table": table.name, "rows": table.rows.num_rows} for table in _find_inline(plan)],
        "notes": list(plan.notes),
    }


def _head(estimate: Estimate) -> Iterator[str]:
    yield (
        f"scans {format_scanned(estimate)}, "
        f"{format_share(estimate.files, estimate.files_total)} files, "
        f"{format_share(estimate.partitions, estimate.partitions_total)} partitions"
    )
    yield f"costs {format_dollars(estimate.cost_usd)} ({estimate.pricing})"
    yield from (f"  {line}" for line in estimate.bill)


def _scan(scan: TableScan) -> Iterator[str]:
    table = scan.table
    yield f"scan {tell_name(scan)} ({table.format}, {table.layout.template or 'no partitions'})"
    if scan.from_index:
        yield "  answered by the index: no file is read"
    else:
        yield f"  bytes: {tell_bytes(scan)}"
    if scan.uses > 1:
        yield f"  used {scan.uses} times: Athena, which shares no results, reads it each time"
    yield f"  files: {format_share(scan.files.count, table.files_total)}"
    yield f"  partitions: {format_share(scan.files.partitions, table.partitions_total)}"
    if scan.sampled is not None:
        yield f"  footers read: {format_share(scan.sampled.footers, scan.sampled.files)}"
    if scan.row_groups is not None:
        yield f"  row groups: {format_share(scan.row_groups, scan.row_groups_total)}"
    columns = (*scan.columns, *scan.partition_keys, *scan.hidden_columns)
    yield f"  columns: {', '.join(columns) or 'none'}"
    if scan.predicate:
        yield f"  pruned by: {tell_predicate(scan)}"
    for missed in scan.not_pruned_by:
        yield from (f"  {line}" for line in explain_missed(missed))
    for warning in scan.warnings:
        yield f"  warning: {warning}"


def explain_missed(missed: Missed) -> Iterator[str]:
    """A condition that did not prune and why; below it what to write instead, and what that saves."""
    yield f"not pruned by: {missed.condition}: {missed.reason}"
    if missed.rewrite:
        yield f"  instead: {missed.rewrite} ({tell_saving(missed)})"


def _tail(plan: ScanPlan) -> Iterator[str]:
    for table in _find_inline(plan):
        yield f"scan {table.name}: {table.rows.num_rows:,} rows from the index"
    yield from plan.notes


def _find_inline(plan: ScanPlan) -> list[InlineTable]:
    names = {scan.table.name for scan in plan.scans}
    return [table for table in plan.inline if table.name not in names]
