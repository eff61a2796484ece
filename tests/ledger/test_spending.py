"""What a day has used is the sum over its queries: estimates, until they have ended."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.ledger.entries import Begun, Ended, TableShare, join_entries
from lakeq.ledger.journal import Journal
from lakeq.ledger.spending import Spending, count_query, share_bytes
from lakeq.planner.budget import NOTHING_SPENT, Spent
from tests.ledger.entries import DAY, begun, ended


@pytest.mark.parametrize(
    ("end", "counted"),
    [
        (None, 100),  # it runs, or was killed
        (ended("a", "done", 30), 30),
        (ended("a", "done", 300), 300),
        (ended("a", "done", 0), 0),
        (ended("a", "failed"), 100),
        (ended("a", "cancelled"), 100),
        (ended("a", "stopped", 250), 250),
        (ended("a", "stopped", 50), 100),
        (ended("a", "refused"), 0),
    ],
)
def test_a_query_counts_with_what_it_may_have_read(end: Ended | None, counted: int) -> None:
    assert count_query(begun("a"), end) == Spent(counted, Decimal(counted) / 100)


def test_only_this_lake_counts_and_tables_have_their_share() -> None:
    spending = Spending("/lake", DAY)
    shares = (TableShare("Events", 30), TableShare("days", 10))
    spending.add(begun("a", 40, tables=shares))
    spending.add(begun("b", 99, lake="/other"))
    spending.add(ended("b", scanned=99))
    assert (spending.used().bytes, spending.used("EVENTS").bytes, spending.used("days").bytes) == (40, 30, 10)
    spending.add(ended("a", scanned=80))
    spending.add(ended("a", scanned=80))
    assert (spending.used().bytes, spending.used("events").bytes, spending.used("days").bytes) == (80, 60, 20)
    assert spending.used("events").cost == Decimal("0.6")
    assert spending.used("nothing") == NOTHING_SPENT


def test_tables_of_no_bytes_share_evenly() -> None:
    assert share_bytes((TableShare("a", 0), TableShare("b", 0)), 10) == (5, 5)
    assert share_bytes((), 10) == ()


def test_it_follows_a_file_and_begins_anew_when_that_was_removed(tmp_path: Path) -> None:
    journal, spending = Journal(tmp_path), Spending("/lake", DAY)
    with journal.open_day(DAY) as file:
        file.append(begun("a", 5))
        spending.follow(file)
        file.append(begun("b", 6))
        file.append(ended("a", scanned=1))
        spending.follow(file)
    assert spending.used().bytes == 7
    next(tmp_path.glob("*.jsonl")).unlink()
    with journal.open_day(DAY) as file:
        spending.follow(file)
        assert spending.used() == NOTHING_SPENT
        file.append(begun("c", 8))
        spending.follow(file)
    assert spending.used().bytes == 8


_ends = st.tuples(
    st.sampled_from(["done", "failed", "cancelled", "stopped", "refused"]),
    st.one_of(st.none(), st.integers(0, 500)),
)


@given(st.lists(st.tuples(st.integers(0, 300), st.one_of(st.none(), _ends))), st.randoms())
def test_entries_in_any_order_of_ends_add_up(
    queries: list[tuple[int, tuple[str, int | None] | None]], random
) -> None:  # type: ignore[no-untyped-def]
    entries: list[Begun | Ended] = []
    late: list[Ended] = []
    for number, (size, end) in enumerate(queries):
        entries.append(begun(str(number), size))
        if end is not None:
            (entries if random.random() < 0.5 else late).append(ended(str(number), *end))
    random.shuffle(late)
    spending = Spending("/lake", DAY)
    for entry in [*entries, *late]:
        spending.add(entry)
    expected = sum(count_query(q.begun, q.ended).bytes for q in join_entries([*entries, *late]))
    assert spending.used().bytes == spending.used("t").bytes == expected
