"""Files that a query would keep and that must be restored before they are read."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from lakeq.catalog.file_classes import ClassShare, share_classes
from lakeq.errors import ConfigError, ObjectArchivedError
from lakeq.planner.plan import ScanPlan, TableScan
from lakeq.planner.storage_prices import GIGABYTE, StoragePrices
from lakeq.quantities import format_bytes, format_dollars
from lakeq.storage.classes import RESTORING, TIERED, class_name

Archived = Literal["error", "skip"]
_RESTORE_DAYS = 7


@dataclass(frozen=True, slots=True)
class ArchivedCost:
    """Archived files of a query: how many, their bytes, what a standard restore of those costs that are not
    being restored yet, and the hours that it takes at most. `classes` has each storage class."""

    files: int
    size: int
    restore_usd: Decimal
    restore_hours: int
    classes: tuple[ClassShare, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {
            "files": self.files,
            "bytes": self.size,
            "restore_usd": float(self.restore_usd),
            "restore_hours": self.restore_hours,
            "classes": [
                {"storage_class": share.storage_class, "files": share.files, "bytes": share.size}
                for share in self.classes
            ],
        }


def check_archived(text: str) -> Archived:
    """What is to become of queries over archived files. ConfigError for anything but `error` and `skip`."""
    if text not in ("error", "skip"):
        raise ConfigError(f"archived must be 'error' or 'skip', not {text!r}.")
    return "skip" if text == "skip" else "error"


def price_archived(plan: ScanPlan, prices: StoragePrices) -> ArchivedCost | None:
    """The archived files of a plan, each table's once; None for none."""
    shares: dict[str | None, ClassShare] = {}
    for scan in _archived_scans(plan):
        for share in _shares(scan):
            known = shares.get(share.storage_class, ClassShare(share.storage_class, 0, 0))
            shares[share.storage_class] = replace(
                known, files=known.files + share.files, size=known.size + share.size
            )
    if not shares:
        return None
    priced = [(share, prices.of(share.storage_class)) for share in shares.values()]
    return ArchivedCost(
        files=sum(share.files for share, _ in priced),
        size=sum(share.size for share, _ in priced),
        restore_usd=sum(
            (
                p.restore * s.size / GIGABYTE + p.restore_requests * s.files / 1000
                for s, p in priced
                if _waits(s)
            ),
            Decimal(0),
        ),
        restore_hours=max(price.restore_hours for _, price in priced),
        classes=tuple(shares.values()),
    )


def note_archived(plan: ScanPlan, archived: Archived) -> ScanPlan:
    """The plan with a note for each table of which archived files are left out."""
    words = "left out" if archived == "skip" else "cannot be read before a restore"
    notes = [f"{scan.table.name}: {_describe(_shares(scan))} {words}" for scan in _archived_scans(plan)]
    return replace(plan, notes=(*plan.notes, *notes)) if notes else plan


def refuse_archived(plan: ScanPlan, archived: Archived, prices: StoragePrices) -> None:
    """ObjectArchivedError for a plan with archived files, unless these are to be left out."""
    cost = None if archived == "skip" else price_archived(plan, prices)
    if cost is None:
        return
    names = ", ".join(dict.fromkeys(scan.table.name for scan in _archived_scans(plan)))
    raise ObjectArchivedError(
        f"Query not run: {_describe(cost.classes)} of {names} cannot be read before a restore. "
        f'{_advise(plan, cost)}, or leave them out with archived="skip".',
        location=_first_location(plan),
        files=cost.files,
        size=cost.size,
        restore_usd=cost.restore_usd,
        restore_hours=cost.restore_hours,
    )


def write_restores(plan: ScanPlan) -> Iterator[str]:
    """A command of AWS's command line for each archived file of the plan that is not being restored yet."""
    for scan in _archived_scans(plan):
        assert scan.archived is not None
        rows = scan.archived.to_table()
        bucket, _, prefix = scan.table.store_root.partition("://")[2].partition("/")
        for path, told in zip(rows["path"].to_pylist(), rows["storage_class"].to_pylist(), strict=True):
            if RESTORING not in told.split(" "):
                # INTELLIGENT_TIERING takes the object back for good; a copy of others is kept for some days.
                days = "" if class_name(told) == TIERED else f'"Days":{_RESTORE_DAYS},'
                request = f'{{{days}"GlacierJobParameters":{{"Tier":"Standard"}}}}'
                key = shlex.quote(f"{prefix}/{path}" if prefix else path)
                yield (
                    f"aws s3api restore-object --bucket {shlex.quote(bucket)} --key {key} "
                    f"--restore-request '{request}'"
                )


def _waits(share: ClassShare) -> bool:
    """Whether nobody has asked for these files yet."""
    return RESTORING not in (share.storage_class or "").split(" ")


def _archived_scans(plan: ScanPlan) -> Iterator[TableScan]:
    """The scans with archived files; of equal ones of a table the first."""
    seen = set()
    for scan in plan.scans:
        if scan.archived is not None:
            key = (scan.table.name, tuple(scan.archived.ids_or_all.tolist()))
            if key not in seen:
                seen.add(key)
                yield scan


def _shares(scan: TableScan) -> tuple[ClassShare, ...]:
    assert scan.archived is not None
    return share_classes(scan.archived.classes, scan.archived.sizes)


def _describe(shares: tuple[ClassShare, ...]) -> str:
    """`12 archived files (3.4 GB, GLACIER)`."""
    files = sum(share.files for share in shares)
    size = format_bytes(sum(share.size for share in shares))
    classes = ", ".join(str(share.storage_class) for share in shares)
    return f"{files:,} archived {'file' if files == 1 else 'files'} ({size}, {classes})"


def _advise(plan: ScanPlan, cost: ArchivedCost) -> str:
    command = next(write_restores(plan), None)
    if command is None:
        return "They are being restored: wait"
    more = " (`lakeq restore` writes the command of each)" if cost.files > 1 else ""
    return f"Restore ({format_dollars(cost.restore_usd)}, up to {cost.restore_hours} h): {command}{more}"


def _first_location(plan: ScanPlan) -> str:
    scan = next(_archived_scans(plan))
    assert scan.archived is not None
    return f"{scan.table.store_root}/{scan.archived.to_table()['path'][0]}"
