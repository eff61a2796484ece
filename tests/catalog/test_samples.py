"""Whether files belong together."""

from __future__ import annotations

import pytest

from lakeq.catalog.objects import stored_files
from lakeq.catalog.samples import SAMPLE_LIMIT, Comparison, compare_files
from tests.catalog.memory_store import MemoryStore, make_store


def compare(bodies: list[bytes]) -> tuple[Comparison, MemoryStore]:
    store = make_store({f"f{number:04d}.csv": body for number, body in enumerate(bodies)})
    return compare_files(stored_files(store.list(), store), "csv"), store


@pytest.mark.parametrize(
    ("left", "right", "agrees"),
    [
        (b"id,price\n1,2.5\n", b"id,price\n1,2\n", True),
        (b"id,price\n1,2.5\n", b"PRICE,ID\n2,1\n", True),
        (b"id,price\n1,2.5\n", b"id,price\n", True),
        (b"id,day\n1,2026-11-05\n", b"id,day\n1,2026-11-05 10:00:00\n", True),
        (b"id,name\n1,x\n", b"id,name\n2,y\n", True),
        (b"id,price\n1,2.5\n", b"id,price\n1,much\n", False),
        (b"id,price\n1,2.5\n", b"id,amount\n1,2.5\n", False),
        (b"id,price\n1,2.5\n", b"id,price,tax\n1,2.5,1\n", False),
    ],
)
def test_files_agree_when_names_and_kinds_do(left: bytes, right: bytes, agrees: bool) -> None:
    assert compare([left, right])[0].agrees is agrees
    assert compare([right, left])[0].agrees is agrees


def test_strangers_are_told_apart_by_two_files() -> None:
    found, store = compare([b"a,b\n1,2\n"] * 30 + [b"c,d\n1,2\n"])
    assert found == Comparison(False, "columns differ between 'f0000.csv' and 'f0030.csv'")
    assert set(store.opened) == {"f0000.csv", "f0030.csv"}


def test_no_more_than_the_limit_are_opened() -> None:
    found, store = compare([b"a,b\n1,2\n"] * 1000)
    assert found == Comparison(True, f"csv with columns a, b in {SAMPLE_LIMIT} of 1,000 files compared")
    assert len(set(store.opened)) == SAMPLE_LIMIT


def test_a_file_that_cannot_be_read_proves_nothing() -> None:
    broken = b"a,b\n1\n1,2,3\n"
    assert compare([b"a,b\n1,2\n", broken, b"a,b\n3,4\n"])[0].agrees
    assert compare([broken, b"a,b\n1,2\n"])[0] == Comparison(
        False, "columns could not be compared: fewer than two of 2 files were readable"
    )
