"""Which bytes of a file to ask a store for, so that an engine finds what it needs in few requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lakeq.storage.caching import WHOLE_OBJECT_BYTES

Span = tuple[int, int]
"""Where bytes of a file begin, and where they end."""

Numbers = npt.NDArray[Any]
SpanArrays = tuple[Numbers, Numbers, Numbers]
"""Spans of many files: the position of the file, where each begins, and where it ends."""

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


def count_requests(sizes: Numbers, spans: SpanArrays, known_from: Numbers) -> tuple[Numbers, Numbers]:
    """How many requests `plan_requests` plans for each of many files, and their bytes.

    Of files of these `sizes` the `spans` are needed, and what lies from `known_from` on is known. No step of
    Python is made for a file."""
    file, starts, stops = _unite_arrays(*spans)
    count = len(sizes)
    needed = np.bincount(file, stops - starts, count)
    stops = np.minimum(stops, known_from[file])
    is_missing = starts < stops
    file, starts, stops = file[is_missing], starts[is_missing], stops[is_missing]
    missing = np.bincount(file, stops - starts, count)
    whole = (missing > 0) & ((sizes <= WHOLE_OBJECT_BYTES) | (needed >= _WHOLE_SHARE * sizes))
    in_parts = ~whole[file]
    file, starts, stops = file[in_parts], starts[in_parts], stops[in_parts]
    opens = np.append(True, ~_are_closed(file, starts, stops, missing))[: len(file)]
    at = np.flatnonzero(opens)
    lengths = stops[np.append(at[1:], len(file)) - 1] - starts[at] if len(at) else starts
    pieces = np.bincount(file[at], -(-lengths // PIECE_BYTES), count)
    asked = np.bincount(file[at], lengths, count)
    pieces[whole] = -(-known_from[whole] // PIECE_BYTES)
    asked[whole] = known_from[whole]
    return pieces.astype(np.int64), asked.astype(np.int64)


def _unite_arrays(file: Numbers, starts: Numbers, stops: Numbers) -> SpanArrays:
    """`unite_spans` of each file: where a united span begins, the file's other spans end before."""
    order = np.lexsort((starts, file))
    file, starts, stops = file[order], starts[order], stops[order]
    shift = file * (int(stops.max(initial=0)) + 1)  # as if the files lay one behind the other
    reach = np.maximum.accumulate(stops + shift)
    at = np.flatnonzero(np.append(True, (starts + shift)[1:] > reach[:-1])[: len(file)])
    ends = np.append(at[1:], len(file))[: len(at)] - 1
    return file[at], starts[at], (reach - shift)[ends]


def _are_closed(file: Numbers, starts: Numbers, stops: Numbers, missing: Numbers) -> Numbers:
    """Whether `_merge_neighbours` closes the gap after each span but the last."""
    gaps = starts[1:] - stops[:-1]
    inside = np.flatnonzero(file[1:] == file[:-1])
    order = inside[np.lexsort((inside, gaps[inside], file[inside]))]
    used = np.cumsum(gaps[order])
    first = np.flatnonzero(np.append(True, np.diff(file[order]) != 0)[: len(order)])
    before = np.repeat((used - gaps[order])[first], np.diff(np.append(first, len(order))))
    allowed = _EXTRA_SHARE * missing[file[order]] - (used - before)
    closed = np.zeros(len(gaps), dtype=bool)
    closed[order] = (gaps[order] <= _FREE_GAP) | ((gaps[order] <= _WIDEST_GAP) & (allowed >= 0))
    return closed


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
