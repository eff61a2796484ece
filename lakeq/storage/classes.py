"""Storage classes of S3, as listings write them: which objects can be read as they are.

`storage_class` of a listing is S3's own name, and after it, where that is known, what became of the object:
`GLACIER restored` can be read, `GLACIER restoring` not yet, `INTELLIGENT_TIERING ARCHIVE_ACCESS` not at all.
"""

from __future__ import annotations

ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
"""Objects in these are read only while a restored copy is there. (GLACIER_IR is no archive.)"""
TIERED = "INTELLIGENT_TIERING"
ARCHIVE_TIERS = ("ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS")
"""Where INTELLIGENT_TIERING keeps what nobody asked for in 90 days or more, if the bucket says so. A listing
does not tell; HEAD does."""
RESTORED, RESTORING = "restored", "restoring"
LEAST_ARCHIVE_DAYS = 90
"""INTELLIGENT_TIERING archives nothing that was written later than that."""


def class_name(storage_class: str | None) -> str | None:
    """S3's own name of a class, without what became of the object; None where unknown."""
    return storage_class.partition(" ")[0] if storage_class else None


def is_archived(storage_class: str | None) -> bool:
    """Whether an object must be restored before it is read. What is unknown is taken for readable: the store
    itself then refuses."""
    name, *states = (storage_class or "").split(" ")
    if RESTORED in states:
        return False
    return name in ARCHIVES or any(state in ARCHIVE_TIERS for state in states)


def is_restoring(storage_class: str | None) -> bool:
    """Whether somebody has asked for an archived object, and it is not there yet."""
    return RESTORING in (storage_class or "").split(" ")


def tell_class(name: str | None, restore: str, tier: str = "") -> str | None:
    """`storage_class` from S3's `name` of it, what it says of a restored copy (`x-amz-restore`, or the
    RestoreStatus of a listing) and, for INTELLIGENT_TIERING, the archive `tier`."""
    if not name:
        return None
    words = [name, *([tier] if tier in ARCHIVE_TIERS else [])]
    # While the first restore goes on there is no date; a copy that is there has one.
    if "expiry-date" in restore or "<RestoreExpiryDate>" in restore:
        words.append(RESTORED)
    elif "true" in restore:
        words.append(RESTORING)
    return " ".join(words)
