"""What a storage class means for reading."""

from __future__ import annotations

import pytest

from lakeq.storage.classes import class_name, is_archived, tell_class

UNTIL = 'ongoing-request="false", expiry-date="Wed, 07 Nov 2026 00:00:00 GMT"'
LISTED_UNTIL = "<IsRestoreInProgress>false</IsRestoreInProgress><RestoreExpiryDate>2026</RestoreExpiryDate>"


@pytest.mark.parametrize(
    ("name", "restore", "tier", "told", "archived"),
    [
        ("STANDARD", "", "", "STANDARD", False),
        ("GLACIER_IR", "", "", "GLACIER_IR", False),
        ("GLACIER", "", "", "GLACIER", True),
        ("DEEP_ARCHIVE", "", "", "DEEP_ARCHIVE", True),
        ("GLACIER", 'ongoing-request="true"', "", "GLACIER restoring", True),
        ("GLACIER", "<IsRestoreInProgress>true</IsRestoreInProgress>", "", "GLACIER restoring", True),
        ("GLACIER", UNTIL, "", "GLACIER restored", False),
        ("DEEP_ARCHIVE", LISTED_UNTIL, "", "DEEP_ARCHIVE restored", False),
        # While a copy that is there is kept for longer, it can be read.
        ("GLACIER", 'ongoing-request="true", expiry-date="Wed"', "", "GLACIER restored", False),
        ("INTELLIGENT_TIERING", "", "", "INTELLIGENT_TIERING", False),
        ("INTELLIGENT_TIERING", "", "ARCHIVE_ACCESS", "INTELLIGENT_TIERING ARCHIVE_ACCESS", True),
        ("INTELLIGENT_TIERING", "", "DEEP_ARCHIVE_ACCESS", "INTELLIGENT_TIERING DEEP_ARCHIVE_ACCESS", True),
        ("INTELLIGENT_TIERING", "", "SOMETHING", "INTELLIGENT_TIERING", False),
        ("", "", "", None, False),
        ("A_CLASS_TO_COME", "", "", "A_CLASS_TO_COME", False),
    ],
)
def test_only_what_has_no_copy_is_archived(
    name: str, restore: str, tier: str, told: str | None, archived: bool
) -> None:
    assert tell_class(name, restore, tier) == told
    assert is_archived(told) is archived
    assert class_name(told) == (name or None)
