"""Estimate: the bytes a plan will scan, how sure that is, and the dollars. Pure arithmetic over a
ScanPlan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from lakeq.html.markup import draw_card, draw_note, element, join
from lakeq.planner.archived import ArchivedCost, price_archived
from lakeq.planner.bill import describe_archived, describe_storage
from lakeq.planner.plan import ScanPlan
from lakeq.planner.pricing import ATHENA, Pricing
from lakeq.planner.requests import count_reads
from lakeq.planner.scan import (
    EXACT,
    SAMPLED,
    UPPER_BOUND,
    TableScan,
    scan_accuracy,
    scan_bytes,
    scan_range,
)
from lakeq.planner.scan_html import draw_notes, draw_scans
from lakeq.planner.storage_cost import StorageCost, price_reads
from lakeq.planner.storage_prices import S3_PRICES, StoragePrices
from lakeq.quantities import format_bytes, format_dollars, format_moment, format_share

_S3 = "s3://"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a query will scan. Bytes are stored (compressed) bytes; `low` and `high` bracket `bytes_scanned`,
    `cost_low` and `cost_high` the dollars.

    `accuracy` is `exact` (Parquet and ORC: the stored columns read; text: whole objects), `sampled` (a part
    of the footers told; `low` to `high` is a 95 % interval) or `upper_bound` (ORC of which not all footers
    could be read; a CTE that is billed as often as it is used). An exact estimate is the most that a query
    reads: its `low` is 0 where an engine may do with less (LIMIT, joins, conditions on data). Totals are
    those of the tables before pruning; None while a table was listed in parts only. `listed_at` is when the
    oldest listing in use was made (seconds since 1970). `shares_ctes` is that of the Pricing.

    `cost_usd` is the price of the scan alone. `storage` is what S3 asks beside it, with nothing cached; None
    where files lie in another cloud, whose prices are not known here. `archived` are files that are wanted
    and must be restored first: they are in no other figure.
    """

    bytes_scanned: int
    low: int
    high: int
    accuracy: str
    cost_usd: Decimal
    cost_low: Decimal
    cost_high: Decimal
    pricing: str
    files: int
    files_total: int | None
    partitions: int
    partitions_total: int | None
    scans: tuple[TableScan, ...]
    listed_at: float | None = None
    shares_ctes: bool = True
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

    @property
    def bill(self) -> tuple[str, ...]:
        """What S3 asks beside the price of the scan, a line each, and both sums; nothing for a local lake.
        Then what a restore of archived files would cost."""
        lines = () if self.storage is None else describe_storage(self.storage, self.total_usd, self.pricing)
        return (*lines, *(() if self.archived is None else (describe_archived(self.archived),)))

    def to_dict(self) -> dict[str, Any]:
        """The estimate as plain JSON values."""
        return {
            "bytes_scanned": self.bytes_scanned,
            "bytes_low": self.low,
            "bytes_high": self.high,
            "accuracy": self.accuracy,
            "cost_usd": float(self.cost_usd),
            "cost_low": float(self.cost_low),
            "cost_high": float(self.cost_high),
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
        return (
            f"{format_share(self.partitions, self.partitions_total)} partitions, "
            f"{format_share(self.files, self.files_total)} files, "
            f"{tell_scanned(self, describe_dollars(self))}"
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """For IPython in a terminal: what `print` shows."""
        printer.text(str(self))

    def _repr_html_(self) -> str:
        """For notebooks: bytes and dollars, what S3 asks beside them, what each scan reads of its table."""
        size = element("span", format_scanned(self), style="font-size: 1.25em")
        title = join([size, f" · {format_dollars(self.cost_usd)} ({self.pricing})"])
        listed = None if self.listed_at is None else f"listed {format_moment(self.listed_at)}"
        return draw_card(title, draw_notes(self.bill), draw_scans(self.scans), listed and draw_note(listed))


def format_scanned(estimate: Estimate) -> str:
    """The bytes scanned, with how sure that is."""
    size = format_bytes(estimate.bytes_scanned)
    if estimate.accuracy == SAMPLED:
        low, high = format_bytes(estimate.low), format_bytes(estimate.high)
        if low != high:
            return f"about {size} ({low} to {high})"
        off = max(estimate.high - estimate.bytes_scanned, estimate.bytes_scanned - estimate.low)
        return f"about {size} (± {off / estimate.bytes_scanned:.2%})"
    return size if estimate.accuracy == EXACT else f"at most {size}"


def tell_scanned(estimate: Estimate, dollars: str) -> str:
    """The bytes, and the dollars as told: `about 1.2 GB ($0.0059)`."""
    words = {EXACT: "", SAMPLED: "about ", UPPER_BOUND: "at most "}[estimate.accuracy]
    return f"{words}{format_bytes(estimate.bytes_scanned)} ({dollars})"


def describe_dollars(estimate: Estimate) -> str:
    """`$0.012`, the scan's price; where S3 asks for more, what running it here costs too."""
    price = format_dollars(estimate.cost_usd)
    if estimate.storage is None or not estimate.storage.lines:
        return price
    return f"{price}, run here {format_dollars(estimate.here_usd or Decimal(0))}"


def estimate_plan(
    plan: ScanPlan,
    pricing: Pricing = ATHENA,
    prices: StoragePrices = S3_PRICES,
    asked: Mapping[str, int] | None = None,
) -> Estimate:
    """The estimate of a plan for which S3 was `asked` so many requests by kind (`list`, `head`). No I/O."""
    scans = plan.scans
    lows, highs = zip((0, 0), *(scan_range(scan, plan.reads_all) for scan in scans), strict=True)
    sizes = (map(scan_bytes, scans), lows[1:], highs[1:])
    billed, low, high = (_bill(scans, each, pricing.shares_ctes).values() for each in sizes)
    met = {scan_accuracy(scan) for scan in scans}
    if any(scan.uses > 1 for scan in scans) and not pricing.shares_ctes:
        met.add(UPPER_BOUND)  # each use may prune more than all of them together
    return Estimate(
        bytes_scanned=sum(billed),
        low=sum(lows),
        high=sum(
            (size + _size_of_others(scan, scans)) * scan.uses
            for scan, size in zip(scans, highs[1:], strict=True)
        ),
        accuracy=next((accuracy for accuracy in (SAMPLED, UPPER_BOUND) if accuracy in met), EXACT),
        cost_usd=pricing.cost(*billed),
        cost_low=pricing.cost(*low),
        cost_high=pricing.cost(*high),
        pricing=pricing.name,
        shares_ctes=pricing.shares_ctes,
        files=sum(scan.files.count for scan in scans),
        files_total=sum_known([scan.table.files_total for scan in scans]),
        partitions=sum(scan.files.partitions for scan in scans),
        partitions_total=sum_known([scan.table.partitions_total for scan in scans]),
        scans=tuple(price_rewrites(scans, scan, pricing) for scan in scans),
        listed_at=min((s.table.listed_at for s in scans if s.table.listed_at is not None), default=None),
        storage=price_reads(count_reads(plan, _S3), asked or {}, prices) if _knows_prices(plan) else None,
        archived=price_archived(plan, prices),
    )


def _knows_prices(plan: ScanPlan) -> bool:
    """Whether all files lie in S3, or on this machine, where reading is free."""
    roots = {scan.table.store_root for scan in plan.scans}
    return all(root.startswith(_S3) or "://" not in root for root in roots)


def _size_of_others(scan: TableScan, scans: Sequence[TableScan]) -> int:
    """The files that other scans of the same table keep: they are shown to this one as well, and an engine
    that cannot tell that none of their rows meets its condition reads them."""
    if scan.sampled is not None:
        return 0  # an interval says how sure the figure is, not what an engine makes of it
    others = (s for s in scans if s is not scan and s.table.name == scan.table.name and not s.from_index)
    return sum(other.files.size for other in others)


def bytes_by_table(estimate: Estimate) -> dict[str, int]:
    """The bytes of an estimate by name of the table."""
    return _bill(estimate.scans, map(scan_bytes, estimate.scans), estimate.shares_ctes)


def _bill(scans: Sequence[TableScan], sizes: Iterable[int], shares_ctes: bool) -> dict[str, int]:
    """The bytes that a query is billed for of each of its tables, of the bytes of each scan."""
    totals: dict[str, int] = {}
    for scan, size in zip(scans, sizes, strict=True):
        name = scan.table.name
        totals[name] = totals.get(name, 0) + size * (1 if shares_ctes else scan.uses)
    return totals


def price_rewrites(scans: Sequence[TableScan], scan: TableScan, pricing: Pricing) -> TableScan:
    """One of `scans` with the dollars that each rewrite of a condition saves of the query's price."""
    if not scan.not_pruned_by:
        return scan
    sizes = [scan_bytes(s) for s in scans]
    now = pricing.cost(*_bill(scans, sizes, pricing.shares_ctes).values())
    number = next(i for i, other in enumerate(scans) if other is scan)

    def price(saved: int) -> Decimal:
        less = [size - saved if i == number else size for i, size in enumerate(sizes)]
        return now - pricing.cost(*_bill(scans, less, pricing.shares_ctes).values())

    missed = [
        m if m.saves_bytes is None else replace(m, saves_usd=price(m.saves_bytes)) for m in scan.not_pruned_by
    ]
    return replace(scan, not_pruned_by=tuple(missed))


def sum_known(counts: Sequence[int | None]) -> int | None:
    """The sum; None when one of them is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def scan_to_dict(scan: TableScan) -> dict[str, Any]:
    """One table reference of `Estimate.to_dict`."""
    return {
        "table": scan.table.name,
        "bytes_scanned": scan_bytes(scan),
        "uses": scan.uses,
        "footers": None if scan.sampled is None else scan.sampled.footers,
        "files": scan.files.count,
        "files_total": scan.table.files_total,
        "partitions": scan.files.partitions,
        "partitions_total": scan.table.partitions_total,
        "columns": [*scan.columns, *scan.partition_keys, *scan.hidden_columns],
        "row_groups": scan.row_groups,
        "row_groups_total": scan.row_groups_total,
        "predicate": scan.predicate,
        "declared_time": None if scan.time is None else str(scan.time),
        "not_pruned_by": [
            {
                "condition": missed.condition,
                "reason": missed.reason,
                "rewrite": missed.rewrite or None,
                "proviso": missed.proviso or None,
                "saves_bytes": missed.saves_bytes,
                "saves_usd": None if missed.saves_usd is None else float(missed.saves_usd),
            }
            for missed in scan.not_pruned_by
        ],
        "warnings": list(scan.warnings),
    }
