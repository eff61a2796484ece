"""Estimate: the bytes a plan will scan, how sure that is, and the dollars. Pure arithmetic over a
ScanPlan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lakeq.planner.plan import ScanPlan, TableScan
from lakeq.planner.pricing import ATHENA, Pricing
from lakeq.quantities import format_bytes, format_dollars, format_moment, format_share

EXACT, UPPER_BOUND = "exact", "upper_bound"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a query will scan. Bytes are stored (compressed) bytes; `low` and `high` bracket `bytes_scanned`.

    `accuracy` is `exact` (Parquet: the column chunks read; text: whole objects) or `upper_bound` (ORC: whole
    objects, of which fewer bytes are read). Totals are those of the tables before pruning; None while a table
    was listed in parts only. `listed_at` is when the oldest listing in use was made (seconds since 1970).
    """

    bytes_scanned: int
    low: int
    high: int
    accuracy: str
    cost_usd: Decimal
    pricing: str
    files: int
    files_total: int | None
    partitions: int
    partitions_total: int | None
    scans: tuple[TableScan, ...]
    listed_at: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The estimate as plain JSON values."""
        return {
            "bytes_scanned": self.bytes_scanned,
            "bytes_low": self.low,
            "bytes_high": self.high,
            "accuracy": self.accuracy,
            "cost_usd": float(self.cost_usd),
            "files": self.files,
            "files_total": self.files_total,
            "partitions": self.partitions,
            "partitions_total": self.partitions_total,
            "listed_at": format_moment(self.listed_at),
            "tables": [scan_to_dict(scan) for scan in self.scans],
        }

    def __str__(self) -> str:
        accuracy = "" if self.accuracy == EXACT else "at most "
        return (
            f"{format_share(self.partitions, self.partitions_total)} partitions, "
            f"{format_share(self.files, self.files_total)} files, "
            f"{accuracy}{format_bytes(self.bytes_scanned)} ({format_dollars(self.cost_usd)})"
        )


def scan_bytes(scan: TableScan) -> int:
    """Bytes that one table reference scans: column chunks where footers tell, else whole objects."""
    if scan.from_index:
        return 0
    return scan.files.size if scan.column_bytes is None else scan.column_bytes


def scan_accuracy(scan: TableScan) -> str:
    """`upper_bound` where only parts of an object are read and nothing tells which."""
    return UPPER_BOUND if scan.table.format == "orc" and not scan.from_index and scan.files.count else EXACT


def estimate_plan(plan: ScanPlan, pricing: Pricing = ATHENA) -> Estimate:
    """The estimate of a plan. No I/O."""
    scanned = sum(scan_bytes(scan) for scan in plan.scans)
    certain = sum(scan_bytes(scan) for scan in plan.scans if scan_accuracy(scan) == EXACT)
    accuracy = EXACT if all(scan_accuracy(scan) == EXACT for scan in plan.scans) else UPPER_BOUND
    return Estimate(
        bytes_scanned=scanned,
        low=certain,
        high=scanned,
        accuracy=accuracy,
        cost_usd=pricing.cost(*bytes_by_table(plan.scans).values()),
        pricing=pricing.name,
        files=sum(scan.files.count for scan in plan.scans),
        files_total=sum_known([scan.table.files_total for scan in plan.scans]),
        partitions=sum(scan.files.partitions for scan in plan.scans),
        partitions_total=sum_known([scan.table.partitions_total for scan in plan.scans]),
        scans=plan.scans,
        listed_at=min((s.table.listed_at for s in plan.scans if s.table.listed_at is not None), default=None),
    )


def bytes_by_table(scans: Sequence[TableScan]) -> dict[str, int]:
    """The bytes that a query scans of each of its tables, by name."""
    sizes: dict[str, int] = {}
    for scan in scans:
        sizes[scan.table.name] = sizes.get(scan.table.name, 0) + scan_bytes(scan)
    return sizes


def sum_known(counts: Sequence[int | None]) -> int | None:
    """The sum; None when one of them is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def scan_to_dict(scan: TableScan) -> dict[str, Any]:
    """One table reference of `Estimate.to_dict`."""
    return {
        "table": scan.table.name,
        "bytes_scanned": scan_bytes(scan),
        "files": scan.files.count,
        "files_total": scan.table.files_total,
        "partitions": scan.files.partitions,
        "partitions_total": scan.table.partitions_total,
        "columns": [*scan.columns, *scan.partition_keys, *scan.hidden_columns],
        "row_groups": scan.row_groups,
        "row_groups_total": scan.row_groups_total,
        "predicate": scan.predicate,
        "not_pruned_by": [
            {"condition": missed.condition, "reason": missed.reason} for missed in scan.not_pruned_by
        ],
    }
