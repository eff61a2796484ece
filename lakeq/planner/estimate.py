"""Estimate: the bytes a plan will scan, how sure that is, and the dollars. Pure arithmetic over a
ScanPlan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lakeq.planner.archived import ArchivedCost, price_archived
from lakeq.planner.plan import ScanPlan, TableScan
from lakeq.planner.pricing import ATHENA, Pricing
from lakeq.planner.requests import count_reads
from lakeq.planner.storage_cost import StorageCost, price_reads
from lakeq.planner.storage_prices import S3_PRICES, StoragePrices
from lakeq.quantities import format_bytes, format_dollars, format_moment, format_share

EXACT, UPPER_BOUND = "exact", "upper_bound"
_S3 = "s3://"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a query will scan. Bytes are stored (compressed) bytes; `low` and `high` bracket `bytes_scanned`.

    `accuracy` is `exact` (Parquet: the column chunks read; text: whole objects) or `upper_bound` (ORC: whole
    objects, of which fewer bytes are read). Totals are those of the tables before pruning; None while a table
    was listed in parts only. `listed_at` is when the oldest listing in use was made (seconds since 1970).

    `cost_usd` is the price of the scan alone. `storage` is what S3 asks beside it, with nothing cached; None
    where files lie in another cloud, whose prices are not known here. `archived` are files that are wanted
    and must be restored first: they are in no other figure.
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
    storage: StorageCost | None = None
    archived: ArchivedCost | None = None

    @property
    def total_usd(self) -> Decimal:
        """As the pricing's service would bill it: the scan, and S3's requests and retrieval for it."""
        return self.cost_usd + (self.storage.usd if self.storage is not None else 0)

    @property
    def here_usd(self) -> Decimal | None:
        """What running it here costs: requests, retrieval and egress. None where that is not known."""
        return None if self.storage is None else self.storage.usd + self.storage.egress_usd

    @property
    def dearest_usd(self) -> Decimal:
        """What `max_cost` limits: the higher of both sums."""
        return max(self.total_usd, self.here_usd or Decimal(0))

    def to_dict(self) -> dict[str, Any]:
        """The estimate as plain JSON values."""
        return {
            "bytes_scanned": self.bytes_scanned,
            "bytes_low": self.low,
            "bytes_high": self.high,
            "accuracy": self.accuracy,
            "cost_usd": float(self.cost_usd),
            "total_usd": float(self.total_usd),
            "here_usd": None if self.here_usd is None else float(self.here_usd),
            "storage": None if self.storage is None else [line.to_dict() for line in self.storage.lines],
            "archived": None if self.archived is None else self.archived.to_dict(),
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
            f"{accuracy}{format_bytes(self.bytes_scanned)} ({describe_dollars(self)})"
        )


def describe_dollars(estimate: Estimate) -> str:
    """`$0.012`, the scan's price; where S3 asks for more, what running it here costs too."""
    price = format_dollars(estimate.cost_usd)
    if estimate.storage is None or not estimate.storage.lines:
        return price
    return f"{price}, run here {format_dollars(estimate.here_usd or Decimal(0))}"


def scan_bytes(scan: TableScan) -> int:
    """Bytes that one table reference scans: column chunks where footers tell, else whole objects."""
    if scan.from_index:
        return 0
    return scan.files.size if scan.column_bytes is None else scan.column_bytes


def scan_accuracy(scan: TableScan) -> str:
    """`upper_bound` where only parts of an object are read and nothing tells which."""
    return UPPER_BOUND if scan.table.format == "orc" and not scan.from_index and scan.files.count else EXACT


def estimate_plan(
    plan: ScanPlan,
    pricing: Pricing = ATHENA,
    prices: StoragePrices = S3_PRICES,
    asked: Mapping[str, int] | None = None,
) -> Estimate:
    """The estimate of a plan for which S3 was `asked` so many requests by kind (`list`, `head`). No I/O."""
    scanned = sum(scan_bytes(scan) for scan in plan.scans)
    certain = sum(scan_bytes(scan) for scan in plan.scans if scan_accuracy(scan) == EXACT)
    accuracy = EXACT if all(scan_accuracy(scan) == EXACT for scan in plan.scans) else UPPER_BOUND
    return Estimate(
        bytes_scanned=scanned,
        low=certain,
        high=scanned,
        accuracy=accuracy,
        cost_usd=pricing.cost(*_by_table(plan.scans)),
        pricing=pricing.name,
        files=sum(scan.files.count for scan in plan.scans),
        files_total=sum_known([scan.table.files_total for scan in plan.scans]),
        partitions=sum(scan.files.partitions for scan in plan.scans),
        partitions_total=sum_known([scan.table.partitions_total for scan in plan.scans]),
        scans=plan.scans,
        listed_at=min((s.table.listed_at for s in plan.scans if s.table.listed_at is not None), default=None),
        storage=price_reads(count_reads(plan, _S3), asked or {}, prices) if _knows_prices(plan) else None,
        archived=price_archived(plan, prices),
    )


def _knows_prices(plan: ScanPlan) -> bool:
    """Whether all files lie in S3, or on this machine, where reading is free."""
    roots = {scan.table.store_root for scan in plan.scans}
    return all(root.startswith(_S3) or "://" not in root for root in roots)


def _by_table(scans: Sequence[TableScan]) -> list[int]:
    """The bytes that a query scans of each of its tables."""
    sizes: dict[str, int] = {}
    for scan in scans:
        name = scan.table.name.casefold()
        sizes[name] = sizes.get(name, 0) + scan_bytes(scan)
    return list(sizes.values())


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
