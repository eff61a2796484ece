"""Bytes of data are counted once an opening, and the read that would pass the limit is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.errors import BudgetExceededError
from lakeq.storage.ranges import Span
from lakeq.storage.read_limit import ReadData, ReadLimit

FOOTERS = (16,)
spans = st.lists(
    st.tuples(st.integers(0, 99), st.integers(1, 40)).map(lambda s: (s[0], min(100, s[0] + s[1])))
)


def test_the_limit_itself_may_be_read_and_not_a_byte_more() -> None:
    limit = ReadLimit(10)
    limit.admit(4)
    limit.admit(6)
    limit.admit(0)
    with pytest.raises(BudgetExceededError, match="10 bytes") as caught:
        limit.admit(1)
    assert (limit.scanned, caught.value.limit) == (10, 10)


@given(spans, spans)
def test_bytes_of_data_count_once(data: list[Span], reads: list[Span]) -> None:
    file = ReadData(200, data, FOOTERS)
    wanted = {byte for start, stop in data for byte in range(start, stop)}
    seen: set[int] = set()
    for start, stop in reads:
        read = set(range(start, stop))
        fresh = (read & wanted or read) - seen
        assert file.take(start, stop) == len(fresh)
        seen |= fresh


@given(spans)
def test_without_known_data_every_byte_counts_once(reads: list[Span]) -> None:
    file = ReadData(200, None, FOOTERS)
    assert sum(file.take(*read) for read in reads) == len(
        {b for start, stop in reads for b in range(start, stop)}
    )


def test_footers_do_not_count() -> None:
    file = ReadData(100, [(4, 50), (60, 90)], FOOTERS)
    assert file.take(84, 100) == 0  # the footer, with data before it
    assert file.take(92, 100) == 0  # a longer one, once more
    assert file.take(0, 100) == 0  # a small file, whole
    assert file.take(55, 100) == 30  # read ahead from data on
