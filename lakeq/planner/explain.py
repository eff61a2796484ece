"""A ScanPlan as text: what will be read, what pruned it, and what could not."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from lakeq.planner.estimate import (
    SAMPLED,
    UPPER_BOUND,
    Estimate,
    format_scanned,
    scan_accuracy,
    scan_bytes,
)
from lakeq.planner.plan import InlineTable, Missed, ScanPlan, TableScan
from lakeq.quantities import format_bytes, format_dollars, format_share


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
    yield from describe_bill(estimate)


def describe_bill(estimate: Estimate) -> Iterator[str]:
    """What S3 asks beside the price of the scan, a line each, and both sums; nothing for a local lake. Then
    what a restore of archived files would cost."""
    lines = () if estimate.storage is None else estimate.storage.lines
    for line in lines:
        about = "" if line.is_exact else "about "
        amount = f"{line.quantity:,}" if line.unit == "requests" else format_bytes(line.quantity)
        of = "" if line.storage_class is None else f" ({line.storage_class})"
        yield f"  {line.name}: {about}{amount}{of}, {format_dollars(line.usd)}"
    if lines:
        here = format_dollars(estimate.here_usd or Decimal(0))
        yield f"  in all {format_dollars(estimate.total_usd)} ({estimate.pricing}), {here} run here"
    cost = estimate.archived
    if cost is not None:
        classes = ", ".join(str(share.storage_class) for share in cost.classes)
        yield (
            f"  archived, not counted: {format_files(cost.files)}, {format_bytes(cost.size)} ({classes}): "
            f"restore {format_dollars(cost.restore_usd)}, up to {cost.restore_hours} h"
        )


def format_files(count: int) -> str:
    """`1 file`, `1,440 files`."""
    return f"{count:,} file" if count == 1 else f"{count:,} files"


_WORDS = {UPPER_BOUND: "at most ", SAMPLED: "about "}


def _scan(scan: TableScan) -> Iterator[str]:
    table = scan.table
    name = table.name if scan.alias.casefold() == table.name.casefold() else f"{table.name} as {scan.alias}"
    yield f"scan {name} ({table.format}, {table.layout.template or 'no partitions'})"
    if scan.from_index:
        yield "  answered by the index: no file is read"
    else:
        yield f"  bytes: {_WORDS.get(scan_accuracy(scan), '')}{format_bytes(scan_bytes(scan))}"
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
        yield f"  pruned by: {scan.predicate}{f' ({scan.time})' if scan.time is not None else ''}"
    for missed in scan.not_pruned_by:
        yield from (f"  {line}" for line in explain_missed(missed))
    for warning in scan.warnings:
        yield f"  warning: {warning}"


def explain_missed(missed: Missed) -> Iterator[str]:
    """A condition that did not prune and why; below it what to write instead, and what that saves."""
    yield f"not pruned by: {missed.condition}: {missed.reason}"
    if missed.rewrite:
        told = [missed.proviso or "the same rows"]
        if missed.saves_bytes is not None:
            dollars = "" if missed.saves_usd is None else f", {format_dollars(missed.saves_usd)}"
            told.insert(0, f"saves {format_bytes(missed.saves_bytes)}{dollars}")
        yield f"  instead: {missed.rewrite} ({'; '.join(told)})"


def _tail(plan: ScanPlan) -> Iterator[str]:
    for table in _find_inline(plan):
        yield f"scan {table.name}: {table.rows.num_rows:,} rows from the index"
    yield from plan.notes


def _find_inline(plan: ScanPlan) -> list[InlineTable]:
    names = {scan.table.name for scan in plan.scans}
    return [table for table in plan.inline if table.name not in names]
