"""What the footer of a stripe tells of its columns: how many bytes each takes, and where they lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lakeq.formats.orc_tail import Reader, Stripe, Tail, TailFaultError
from lakeq.formats.protobuf import read_last, read_message
from lakeq.storage.workers import Workers

_STREAMS, _ZONE = 0x0A, 0x1A
_KIND, _COLUMN, _LENGTH = 0x08, 0x10, 0x18
_DATA_KINDS = range(6)
"""The streams of values: where they are NULL, data, lengths, a dictionary and its size, nanoseconds. The
others are indexes, which a reader of whole stripes leaves alone."""
_UTC = (b"UTC", b"GMT", b"Etc/UTC")

_GAP_BYTES = 256 * 1024
"""Footers that lie so close together are read in one stroke: a request takes longer than these bytes."""
_MOST_TOGETHER = 8 << 20
_FEW = 3

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ColumnData:
    """The stored bytes of one column in one stripe; `start` is None where they do not lie together."""

    bytes: int
    start: int | None


@dataclass(frozen=True, slots=True)
class StripeFooter:
    """The data of columns by their number; whether the writer's clock showed UTC."""

    columns: dict[int, ColumnData]
    is_utc: bool


def read_stripe_footers(
    read: Reader, tail: Tail, stripes: Sequence[Stripe], workers: Workers
) -> list[StripeFooter]:
    """The footers of these stripes. Footers far apart are read side by side by `workers`.

    TailFaultError, LookupError, OSError, other ValueErrors and zlib.error for what is damaged.
    """
    spans = [(stripe.footer_start, stripe.footer_start + stripe.footer_bytes) for stripe in stripes]
    stored = {span: tail.find(span[0], span[1] - span[0]) for span in spans}
    runs = _join_near([span for span in spans if stored[span] is None])

    def read_run(run: list[Span]) -> bytes:
        return read(run[0][0], run[-1][1] - run[0][0])

    parallel: Callable[..., list[bytes]] = workers.map if len(runs) > _FEW else lambda *a: list(map(*a))
    for run, data in zip(runs, parallel(read_run, runs), strict=True):
        for start, stop in run:
            stored[start, stop] = data[start - run[0][0] : stop - run[0][0]]
    return [
        _read_footer(tail.unpack(stored[span] or b""), stripe)
        for span, stripe in zip(spans, stripes, strict=True)
    ]


def _join_near(spans: Sequence[Span]) -> list[list[Span]]:
    runs: list[list[Span]] = []
    for span in sorted(spans):
        run = runs[-1] if runs else None
        if run and span[0] - run[-1][1] <= _GAP_BYTES and span[1] - run[0][0] <= _MOST_TOGETHER:
            run.append(span)
        else:
            runs.append([span])
    return runs


def _read_footer(encoded: bytes, stripe: Stripe) -> StripeFooter:
    fields = read_message(encoded)
    columns: dict[int, ColumnData] = {}
    at = stripe.offset
    for stream in fields.get(_STREAMS, ()):
        told = read_message(stream)
        length = read_last(told, _LENGTH, 0)
        if length and read_last(told, _KIND, 0) in _DATA_KINDS:
            number = read_last(told, _COLUMN, 0)
            columns[number] = _add_stream(columns.get(number), at, length)
        at += length
    if at > stripe.footer_start:
        raise TailFaultError(f"the streams of the stripe at byte {stripe.offset:,} do not fit in it")
    return StripeFooter(columns, read_last(fields, _ZONE) in _UTC)


def _add_stream(known: ColumnData | None, start: int, length: int) -> ColumnData:
    if known is None:
        return ColumnData(length, start)
    is_next = known.start is not None and known.start + known.bytes == start
    return ColumnData(known.bytes + length, known.start if is_next else None)
