"""Files that a query would keep and that must be restored before they are read."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from lakeq.catalog.file_classes import ClassShare, share_classes
from lakeq.catalog.selection import unite_files
from lakeq.errors import ConfigError, ObjectArchivedError
from lakeq.planner.plan import ScanPlan
from lakeq.planner.scan import TableScan
from lakeq.planner.storage_prices import GIGABYTE, StoragePrices
from lakeq.quantities import format_bytes, format_dollars
from lakeq.settings import find_setting
from lakeq.storage.classes import TIERED, class_name, is_restoring

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


def find_archived(given: str | None) -> Archived:
    """What is to become of queries over archived files: as given, else of the environment (LAKEQ_ARCHIVED),
    else `error`."""
    return find_setting("archived", given).parse(check_archived) or "error"


def price_archived(plan: ScanPlan, prices: StoragePrices) -> ArchivedCost | None:
    """The archived files of a plan; None for none."""
    parts = list(_find_archived(plan).values())
    if not parts:
        return None
    classes = pa.concat_arrays([part.classes for part in parts])
    shares = share_classes(classes, np.concatenate([part.sizes for part in parts]))
    priced = [(share, prices.of(share.storage_class)) for share in shares]
    waiting = [(share, price) for share, price in priced if not is_restoring(share.storage_class)]
    return ArchivedCost(
        files=sum(share.files for share in shares),
        size=sum(share.size for share in shares),
        restore_usd=sum(
            (p.restore * s.size / GIGABYTE + p.restore_requests * s.files / 1000 for s, p in waiting),
            Decimal(0),
        ),
        restore_hours=max(price.restore_hours for _, price in priced),
        classes=shares,
    )


def note_archived(plan: ScanPlan, archived: Archived) -> ScanPlan:
    """The plan with a note for each table of which archived files are left out."""
    words = "left out" if archived == "skip" else "cannot be read before a restore"
    notes = [
        f"{name}: {_describe(share_classes(part.classes, part.sizes))} {words}"
        for name, part in _find_archived(plan).items()
    ]
    return replace(plan, notes=(*plan.notes, *notes)) if notes else plan


def refuse_archived(plan: ScanPlan, archived: Archived, prices: StoragePrices) -> None:
    """ObjectArchivedError for a plan with archived files, unless these are to be left out."""
    cost = None if archived == "skip" else price_archived(plan, prices)
    if cost is None:
        return
    found = _find_archived(plan)
    first = next(iter(found.values()))
    raise ObjectArchivedError(
        f"Query not run: {_describe(cost.classes)} of {', '.join(found)} cannot be read before a restore. "
        f'{_advise(plan, cost)}, or leave them out with archived="skip".',
        location=f"{first.root}/{first.paths()[0][0]}",
        files=cost.files,
        size=cost.size,
        restore_usd=cost.restore_usd,
        restore_hours=cost.restore_hours,
    )


@dataclass(frozen=True, slots=True)
class Restore:
    """An archived file that is not being restored yet. `days` are those that its copy is kept; None: for
    good."""

    bucket: str
    key: str
    storage_class: str
    days: int | None

    @property
    def command(self) -> str:
        """The command of AWS's command line that restores it."""
        days = "" if self.days is None else f'"Days":{self.days},'
        request = f'{{{days}"GlacierJobParameters":{{"Tier":"Standard"}}}}'
        return (
            f"aws s3api restore-object --bucket {shlex.quote(self.bucket)} --key {shlex.quote(self.key)} "
            f"--restore-request '{request}'"
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {**asdict(self), "command": self.command}


def find_restores(plan: ScanPlan) -> Iterator[Restore]:
    """The archived files of the plan that are not being restored yet."""
    for part in _find_archived(plan).values():
        bucket, _, prefix = part.root.partition("://")[2].partition("/")
        for path, told in part.paths():
            if not is_restoring(told):
                # INTELLIGENT_TIERING takes the object back for good; a copy of others is kept for some days.
                days = None if class_name(told) == TIERED else _RESTORE_DAYS
                yield Restore(bucket, f"{prefix}/{path}" if prefix else path, told, days)


@dataclass(frozen=True, slots=True)
class _Part:
    """The archived files of one table, each once."""

    root: str
    scans: tuple[TableScan, ...]
    classes: pa.Array
    sizes: np.ndarray[Any, Any]

    def paths(self) -> list[tuple[str, str]]:
        """The path and the class of each file."""
        rows = [scan.archived.to_table() for scan in self.scans if scan.archived is not None]
        pairs = [zip(r["path"].to_pylist(), r["storage_class"].to_pylist(), strict=True) for r in rows]
        return sorted({pair for part in pairs for pair in part})


def _find_archived(plan: ScanPlan) -> dict[str, _Part]:
    """The archived files by the name of their table."""
    tables: dict[str, list[TableScan]] = {}
    for scan in plan.scans:
        if scan.archived is not None:
            tables.setdefault(scan.table.name, []).append(scan)
    return {name: _unite(scans) for name, scans in tables.items()}


def _unite(scans: list[TableScan]) -> _Part:
    _, sizes, classes = unite_files([scan.archived for scan in scans if scan.archived is not None])
    return _Part(scans[0].table.store_root, tuple(scans), classes, sizes)


def _describe(shares: tuple[ClassShare, ...]) -> str:
    """`12 archived files (3.4 GB, GLACIER)`."""
    files = sum(share.files for share in shares)
    size = format_bytes(sum(share.size for share in shares))
    classes = ", ".join(str(share.storage_class) for share in shares)
    return f"{files:,} archived {'file' if files == 1 else 'files'} ({size}, {classes})"


def _advise(plan: ScanPlan, cost: ArchivedCost) -> str:
    first = next(find_restores(plan), None)
    if first is None:
        return "They are being restored: wait"
    more = " (`lakeq restore` writes the command of each)" if cost.files > 1 else ""
    return (
        f"Restore ({format_dollars(cost.restore_usd)}, up to {cost.restore_hours} h): {first.command}{more}"
    )
