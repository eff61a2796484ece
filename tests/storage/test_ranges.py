"""What is asked for covers what is needed, in few requests, with little besides."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.storage.caching import WHOLE_OBJECT_BYTES
from lakeq.storage.ranges import (
    PIECE_BYTES,
    Span,
    count_requests,
    is_fetched_whole,
    plan_requests,
    subtract_spans,
    total_bytes,
    unite_spans,
)

KIB, MIB = 1 << 10, 1 << 20
SPANS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=8)


def bytes_of(spans: list[Span]) -> set[int]:
    return {at for start, stop in spans for at in range(start, stop)}


@given(SPANS)
def test_united_spans_are_the_same_bytes_sorted_and_apart(spans: list[Span]) -> None:
    united = unite_spans(spans)
    assert bytes_of(united) == bytes_of(spans)
    assert all(a[1] < b[0] for a, b in pairwise(united))
    assert total_bytes(united) == len(bytes_of(spans))


@given(SPANS, SPANS)
def test_subtracted_spans_are_the_bytes_left(spans: list[Span], known: list[Span]) -> None:
    assert bytes_of(subtract_spans(unite_spans(spans), known)) == bytes_of(spans) - bytes_of(known)


@given(st.data())
def test_what_is_needed_is_known_or_asked_for(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 40 * MIB))
    edge = st.integers(0, size)
    spans = st.lists(st.tuples(edge, edge).map(lambda pair: (min(pair), max(pair))), max_size=6)
    needed, known = data.draw(spans), data.draw(spans)
    asked = plan_requests(size, needed, known)
    assert subtract_spans(subtract_spans(unite_spans(needed), known), asked) == []
    assert all(a[1] <= b[0] for a, b in pairwise(asked))
    assert all(0 <= start < stop <= min(size, start + PIECE_BYTES) for start, stop in asked)
    if not is_fetched_whole(size, needed):
        missing = total_bytes(subtract_spans(unite_spans(needed), known))
        assert total_bytes(asked) <= missing * 1.08 + 12 * 16 * KIB


def test_a_small_file_is_asked_for_whole() -> None:
    assert plan_requests(WHOLE_OBJECT_BYTES, [(10, 20)]) == [(0, WHOLE_OBJECT_BYTES)]
    assert plan_requests(WHOLE_OBJECT_BYTES + 1, [(10, 20)]) == [(10, 20)]


def test_a_file_of_which_nearly_all_is_needed_is_asked_for_whole() -> None:
    assert plan_requests(4 * MIB, [(0, 3 * MIB), (3 * MIB + 300 * KIB, 4 * MIB)]) == [(0, 4 * MIB)]


def test_what_is_known_is_not_asked_for() -> None:
    assert plan_requests(1000, [(900, 1000), (0, 50)], [(890, 1000), (0, 60)]) == []
    assert plan_requests(1000, [(0, 1000)], [(900, 1000)]) == [(0, 900)]


@pytest.mark.parametrize(
    ("gap", "merged"),
    [(16 * KIB, True), (300 * KIB, True), (900 * KIB, False)],
    ids=["free", "cheap", "dear"],
)
def test_neighbours_are_one_request_where_the_gap_costs_less(gap: int, merged: bool) -> None:
    needed = [(0, 2 * MIB), (2 * MIB + gap, 4 * MIB + gap)]
    assert (len(plan_requests(100 * MIB, needed)) == 1) is merged


def test_no_gap_over_a_mebibyte_is_closed() -> None:
    needed = [(0, 50 * MIB), (51 * MIB + 1, 100 * MIB)]
    assert (50 * MIB, 51 * MIB + 1) not in plan_requests(200 * MIB, needed)
    assert total_bytes(plan_requests(200 * MIB, needed)) == total_bytes(needed)


def test_an_empty_file_asks_nothing() -> None:
    assert plan_requests(0, [(0, 0)]) == []


@st.composite
def files_with_needs(draw: st.DrawFn) -> tuple[int, list[Span], int]:
    """A file's size, what is needed of it, and from where on it is known."""
    size = draw(st.integers(1, 40 << 20))
    edges = st.integers(0, size)
    spans = draw(st.lists(st.tuples(edges, edges).map(lambda ends: (min(ends), max(ends))), max_size=8))
    near = draw(st.lists(st.integers(0, 40_000), max_size=6))
    at = draw(edges)
    for gap in near:  # spans with small gaps between them
        spans.append((min(at, size), min(at + 100_000, size)))
        at += 100_000 + gap
    return size, spans, draw(edges)


@given(st.lists(files_with_needs(), min_size=1, max_size=6))
def test_requests_of_many_files_are_counted_as_they_are_planned(
    files: list[tuple[int, list[Span], int]],
) -> None:
    planned = [plan_requests(size, spans, [(known, size)]) for size, spans, known in files]
    rows = [(i, *span) for i, (_, spans, _) in enumerate(files) for span in spans if span[0] < span[1]]
    arrays = tuple(np.array([row[i] for row in rows], dtype=np.int64) for i in range(3))
    sizes, known = (np.array([file[i] for file in files], dtype=np.int64) for i in (0, 2))
    counts, asked = count_requests(sizes, arrays, known)
    assert counts.tolist() == [len(requests) for requests in planned]
    assert asked.tolist() == [total_bytes(requests) for requests in planned]
