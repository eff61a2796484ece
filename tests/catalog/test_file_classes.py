"""The classes of a table's files."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lakeq.catalog.file_classes import ClassShare, FileClasses, share_classes

LISTED = pa.chunked_array([["STANDARD", "GLACIER", None], ["GLACIER restored", "STANDARD"]])
ALL = np.arange(5)


def test_archived_files_are_told_from_restored_and_unknown_ones() -> None:
    classes = FileClasses(LISTED)
    assert classes.column(ALL).to_pylist() == LISTED.to_pylist()
    archived = classes.are_archived(ALL)
    assert archived is not None and archived.tolist() == [False, True, False, False, False]
    assert FileClasses(pa.chunked_array([["STANDARD", None]])).are_archived(np.arange(2)) is None


def test_what_the_store_tells_later_counts() -> None:
    classes = FileClasses(LISTED)
    assert classes.among(ALL, ["GLACIER", "NONE"]).tolist() == [1]
    classes.tell(np.array([1, 4]), ["GLACIER restored", "NEW"])
    assert classes.column(ALL).to_pylist() == [
        "STANDARD",
        "GLACIER restored",
        None,
        "GLACIER restored",
        "NEW",
    ]
    archived = classes.are_archived(ALL)
    assert archived is not None and not archived.any()


def test_shares_have_every_file_and_byte_once() -> None:
    shares = share_classes(pa.array(["B", None, "A", "B"]), np.array([1, 2, 4, 8]))
    assert shares == (ClassShare("A", 1, 4), ClassShare("B", 2, 9), ClassShare(None, 1, 2))
    assert share_classes(pa.array([], pa.string()), np.array([], dtype=np.int64)) == ()
