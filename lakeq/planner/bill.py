"""The bill of an estimate in lines: what S3 asks beside the price of the scan, what a restore would cost."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from lakeq.planner.archived import ArchivedCost
from lakeq.planner.storage_cost import StorageCost
from lakeq.quantities import format_bytes, format_dollars


def describe_storage(cost: StorageCost, total_usd: Decimal, pricing: str) -> Iterator[str]:
    """A line for each kind of request and of retrieval, and both sums: `total_usd` is the bill of `pricing`.
    Nothing where S3 asks for nothing."""
    for line in cost.lines:
        about = "" if line.is_exact else "about "
        amount = f"{line.quantity:,}" if line.unit == "requests" else format_bytes(line.quantity)
        of = "" if line.storage_class is None else f" ({line.storage_class})"
        yield f"{line.name}: {about}{amount}{of}, {format_dollars(line.usd)}"
    if cost.lines:
        here = format_dollars(cost.usd + cost.egress_usd)
        yield f"in all {format_dollars(total_usd)} ({pricing}), {here} run here"


def describe_archived(cost: ArchivedCost) -> str:
    """What is archived, and what its restore costs and takes."""
    classes = ", ".join(str(share.storage_class) for share in cost.classes)
    return (
        f"archived, not counted: {format_files(cost.files)}, {format_bytes(cost.size)} ({classes}): "
        f"restore {format_dollars(cost.restore_usd)}, up to {cost.restore_hours} h"
    )


def format_files(count: int) -> str:
    """`1 file`, `1,440 files`."""
    return f"{count:,} file" if count == 1 else f"{count:,} files"
