"""Which bytes of a file to ask a store for, so that an engine finds what it needs in few requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lakeq.storage.caching import WHOLE_OBJECT_BYTES

Span = tuple[int, int]
"""Where bytes of a file begin, and where they end."""

_WHOLE_SHARE = 0.9
_FREE_GAP = 16 * 1024
"""Engines read over gaps of this size themselves."""
_WIDEST_GAP = 1 << 20
_EXTRA_SHARE = 0.08
PIECE_BYTES = 8 << 20
"""What one request brings at most: large ranges come faster in parts."""


def is_fetched_whole(size: int, needed: Iterable[Span]) -> bool:
    """Whether a file of `size` bytes is fetched whole for these ranges of it."""
    return size <= WHOLE_OBJECT_BYTES or total_bytes(unite_spans(needed)) >= _WHOLE_SHARE * size


def plan_requests(size: int, needed: Iterable[Span], known: Sequence[Span] = ()) -> list[Span]:
    """The spans to ask for, sorted and apart, so that `needed` is covered by them and `known`.

    Neighbours are one span where the gap costs less than a request, as long as all gaps together stay within
    8 % of what is needed; a small file, or one of which nearly all is needed, is one span. Spans longer
    than PIECE_BYTES are cut.
    """
    spans = unite_spans(needed)
    missing = subtract_spans(spans, known)
    if missing and is_fetched_whole(size, spans):
        missing = subtract_spans([(0, size)], known)
    return [piece for span in _merge_neighbours(missing) for piece in _cut(span)]


def unite_spans(spans: Iterable[Span]) -> list[Span]:
    """The same bytes as sorted spans that do not touch."""
    united: list[Span] = []
    for start, stop in sorted(span for span in spans if span[0] < span[1]):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], stop))
        else:
            united.append((start, stop))
    return united


def subtract_spans(spans: Sequence[Span], known: Iterable[Span]) -> list[Span]:
    """What of `spans`, which are sorted and apart, is not in `known`."""
    left: list[Span] = []
    gaps = unite_spans(known)
    for start, stop in spans:
        for low, high in gaps:
            if high <= start or low >= stop:
                continue
            if low > start:
                left.append((start, low))
            start = max(start, high)
        if start < stop:
            left.append((start, stop))
    return left


def total_bytes(spans: Iterable[Span]) -> int:
    """The length of spans together."""
    return sum(stop - start for start, stop in spans)


def _merge_neighbours(spans: Sequence[Span]) -> list[Span]:
    allowed = _EXTRA_SHARE * total_bytes(spans)
    gaps = sorted((spans[i + 1][0] - spans[i][1], i) for i in range(len(spans) - 1))
    closed = set()
    for gap, position in gaps:
        allowed -= gap
        if gap <= _FREE_GAP or (gap <= _WIDEST_GAP and allowed >= 0):
            closed.add(position)
    merged: list[Span] = []
    for position, span in enumerate(spans):
        if position and position - 1 in closed:
            merged[-1] = (merged[-1][0], span[1])
        else:
            merged.append(span)
    return merged


def _cut(span: Span) -> list[Span]:
    start, stop = span
    return [(at, min(at + PIECE_BYTES, stop)) for at in range(start, stop, PIECE_BYTES)]
