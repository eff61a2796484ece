"""The pieces in which a planned file is fetched, and where the bytes of each are at the moment."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from lakeq.storage.base import Store
from lakeq.storage.block_cache import BlockCache
from lakeq.storage.cache_index import StoredBlock
from lakeq.storage.caching import CachingStore
from lakeq.storage.ranges import Span, plan_requests, subtract_spans, total_bytes

UNPLANNED_WHOLE_BYTES = 8 << 20
"""A remote file of which it is not known what an engine will ask is fetched whole up to this size."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One version of one object, shown to an engine as `lake://` + `shown` (taken literally).

    `needed` are the ranges (start and stop) that the engine will ask for, in that order; None: they are not
    known. Files of one `sequence` are read in the order in which they are published. `folder` is where a
    whole copy is to lie in the disk cache, below its own folder ("": anywhere); None: none is wanted.
    `data` are the ranges that count as scanned; None: every byte does.
    """

    shown: str
    store: Store
    path: str
    size: int
    etag: str | None
    needed: tuple[Span, ...] | None = None
    sequence: int = 0
    folder: str | None = None
    data: tuple[Span, ...] | None = None


class State(Enum):
    """Where a piece is on its way from the store to the engine."""

    ABSENT = auto()
    QUEUED = auto()
    COMING = auto()
    READY = auto()
    FAILED = auto()


class Piece:
    """Bytes `start` to `stop` of a file, fetched by one request. Guarded by the lock of its query's Prefetch.

    `taken` counts the bytes that the engine has read of it; `stored` is the block on disk that holds it;
    `is_held` says that the budget of memory was charged for it.
    """

    __slots__ = (
        "arrived",
        "block",
        "error",
        "file",
        "is_held",
        "position",
        "start",
        "state",
        "stop",
        "stored",
        "taken",
    )

    def __init__(self, file: FetchedFile, start: int, stop: int) -> None:
        self.file = file
        self.start = start
        self.stop = stop
        self.state = State.ABSENT
        self.block: bytes | None = None
        self.stored: StoredBlock | None = None
        self.error: BaseException | None = None
        self.arrived: threading.Event | None = None
        self.taken = 0
        self.is_held = False
        self.position = -1
        """Its place in its sequence; -1 for one that was not planned."""

    @property
    def size(self) -> int:
        return self.stop - self.start

    def data_bytes(self) -> int:
        """How much of it counts as scanned."""
        data = self.file.planned.data
        if data is None:
            return self.size
        return self.size - total_bytes(subtract_spans([(self.start, self.stop)], data))


class FetchedFile:
    """A published file of a remote store: which pieces of it are fetched ahead, and from where."""

    __slots__ = ("cache", "key", "number", "pieces", "planned", "starts", "store", "unread")

    def __init__(self, planned: PlannedFile, number: int, blocks: Sequence[StoredBlock], keeps: bool) -> None:
        """`number` is its place in its sequence, `blocks` what the disk cache has of it; `keeps` says that
        what comes of it is to be kept there."""
        self.planned = planned
        self.number = number
        store = planned.store
        caching = store if isinstance(store, CachingStore) and planned.etag is not None else None
        self.store = store.store if isinstance(store, CachingStore) else store
        self.key = caching.key(planned.path, planned.etag or "") if caching else ""
        self.cache: BlockCache | None = caching.cache if caching and (keeps or blocks) else None
        self.pieces = self._plan(caching, blocks)
        self.starts = [piece.start for piece in self.pieces]
        self.unread = len(self.pieces)

    def keep(self, piece: Piece, block: bytes) -> None:
        """Keep what was fetched of a piece in the disk cache, if there is one."""
        if self.cache is not None:
            is_whole = len(block) == self.planned.size
            piece.stored = self.cache.keep(
                self.key, piece.start, block, self.planned.folder if is_whole else None
            )

    def find(self, offset: int) -> Piece | None:
        """The piece that holds the byte at `offset`."""
        at = bisect_right(self.starts, offset) - 1
        return self.pieces[at] if at >= 0 and offset < self.pieces[at].stop else None

    def in_order(self) -> list[Piece]:
        """The pieces in the order in which the engine will ask for them."""
        needed = self.planned.needed
        if not needed or len(self.pieces) < 2:
            return self.pieces

        def first_need(piece: Piece) -> tuple[int, int]:
            spans = enumerate(needed)
            first = (i for i, (start, stop) in spans if start < piece.stop and piece.start < stop)
            return next(first, len(needed)), piece.start

        return sorted(self.pieces, key=first_need)

    def next_start(self, offset: int) -> int:
        """Where the first piece after `offset` begins; the file's end, if none does."""
        at = bisect_right(self.starts, offset)
        return self.starts[at] if at < len(self.starts) else self.planned.size

    def _plan(self, caching: CachingStore | None, blocks: Sequence[StoredBlock]) -> list[Piece]:
        size, needed = self.planned.size, self.planned.needed
        if needed is None:
            needed = ((0, size),) if size <= UNPLANNED_WHOLE_BYTES else ()
        whole = next((block for block in blocks if block.start == 0 and block.stop == size), None)
        if whole is not None:
            piece = Piece(self, 0, size)
            piece.stored = whole
            return [piece]
        held = [] if caching is None else self._find_in_memory(caching, [(0, size), *needed])
        if caching is not None and caching.cache is not None and self.planned.folder is None:
            for piece in held:  # what planning has read of the file, for the next process
                is_kept = any(b.start <= piece.start and piece.stop <= b.stop for b in blocks)
                if piece.block is not None and not is_kept:
                    piece.stored = caching.cache.keep(self.key, piece.start, piece.block)
        known = [(piece.start, piece.stop) for piece in held]
        for block in blocks:
            for start, stop in subtract_spans([(block.start, min(block.stop, size))], known):
                piece = Piece(self, start, stop)
                piece.stored = block
                held.append(piece)
                known.append((start, stop))
        asked = plan_requests(size, needed, known)
        # A request that closes a gap may bring bytes that are known: they are used as far as it leaves them.
        pieces = [Piece(self, start, stop) for start, stop in asked]
        for piece in held:
            for start, stop in subtract_spans([(piece.start, piece.stop)], asked):
                pieces.append(_narrow(piece, start, stop))
        return sorted(pieces, key=lambda piece: piece.start)

    def _find_in_memory(self, caching: CachingStore, spans: Sequence[Span]) -> list[Piece]:
        found: list[Piece] = []
        for span in spans:
            for start, stop in subtract_spans([span], [(piece.start, piece.stop) for piece in found]):
                block = caching.find_in_memory(self.key, start, stop - start)
                if block is not None:
                    piece = Piece(self, start, stop)
                    piece.state, piece.block = State.READY, block
                    found.append(piece)
        return found


def _narrow(piece: Piece, start: int, stop: int) -> Piece:
    if (start, stop) == (piece.start, piece.stop):
        return piece
    narrow = Piece(piece.file, start, stop)
    narrow.state, narrow.stored = piece.state, piece.stored
    if piece.block is not None:
        narrow.block = piece.block[start - piece.start : stop - piece.start]
    return narrow
