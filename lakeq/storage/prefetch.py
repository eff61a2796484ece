"""Fetching the pieces of planned files before the engine asks for them, within a budget of memory.

Pieces are fetched in the order in which the engine will ask. How far ahead is a window that grows as the
engine reads; how much at once, what the store bears; how much is held, the budget. A piece that the engine
asks for goes before all others, whatever the budget. Nobody waits for a request that is no longer wanted.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial

from lakeq.errors import StorageUnavailableError
from lakeq.storage.blocks import MemoryBlocks
from lakeq.storage.pieces import FetchedFile, Piece, State
from lakeq.storage.read_counter import ReadCounter
from lakeq.storage.tally import count_into
from lakeq.storage.workers import Workers
from lakeq.storage.write_behind import WriteBehind

_MOST_AT_ONCE = 256
_FIRST_WINDOW, _SLOW_WINDOW, _WIDEST_WINDOW = 192, 4, 1_024
_WINDOW_GROWTH, _SLOW_GROWTH = 2, 1
_KEPT_BYTES, _KEPT_SHARE = 256 << 20, 4
"""What was read already is held for another look: so much at most, and at most a fourth of the budget."""
_SMALL_BYTES = 1 << 20
"""Larger ranges that were not planned are column chunks or blocks of text, which an engine reads once."""
_ABREAST = 16
"""Files that an engine may have open side by side: what lies further back is not asked for any more."""
_MISSES = 3
"""After so many pieces that were read and dropped are asked for again, the engine reads all anew."""
_EAR_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class ReadPolicy:
    """How a query's files are read.

    At most about `memory_bytes` are held. `starts_slowly`: the query may end long before it has read all.
    `keeps`: what is fetched is worth keeping on disk. `max_bytes`: the query is stopped when it reads more
    data, and no more is fetched ahead; None: there is no limit.
    """

    memory_bytes: int = 1 << 30
    starts_slowly: bool = False
    keeps: bool = True
    max_bytes: int | None = None


class _Sequence:
    """Pieces that are read in order: `next` is to be fetched, `ahead` are charged for and not read yet."""

    __slots__ = ("ahead", "misses", "next", "pieces", "unread", "window")

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.unread: deque[Piece] = deque()
        self.next = self.ahead = self.window = self.misses = 0

    def leave_out(self, shown: Collection[str]) -> None:
        """Forget the pieces of these files: nothing was fetched yet but what was read."""
        if not shown:
            return
        kept: list[Piece] = []
        for piece in self.pieces:
            piece.position = len(kept)
            if piece.file.planned.shown not in shown or piece.is_held:
                kept.append(piece)
            else:
                piece.position = -1
        self.pieces = kept


class Prefetch:
    """The pieces of one query on their way. Safe to read from several threads."""

    def __init__(self, policy: ReadPolicy, urgent: Workers) -> None:
        """`urgent` are the threads that fetch what the engine waits for."""
        kept = min(policy.memory_bytes // _KEPT_SHARE, _KEPT_BYTES)
        self._budget = policy.memory_bytes - kept
        self._kept = MemoryBlocks(kept)
        self._keeps = policy.keeps
        self._left = policy.max_bytes
        self._starts_slowly = policy.starts_slowly
        self._growth = _SLOW_GROWTH if policy.starts_slowly else _WINDOW_GROWTH
        self._urgent = urgent
        self._writes = WriteBehind()
        self._lock = threading.Lock()
        self._waited_for: set[Piece] = set()
        self._held = self._running = 0
        self._started = self._closed = False
        self.counter = ReadCounter()
        with count_into(self.counter.tally):
            self._context: Context = copy_context()
        self._sequences: dict[int, _Sequence] = {}

    @property
    def held_bytes(self) -> int:
        """What is fetched or being fetched and not read yet."""
        return self._held

    def add(self, files: Iterable[FetchedFile]) -> None:
        """Arrange for these files as well, which the engine asks for after those of the same sequence that
        were added before. To be called before `start`."""
        with self._lock:
            for file in files:
                self._arrange(file)

    def start(self, left_out: Collection[str] = ()) -> None:
        """Begin to fetch, of all files but those shown as `left_out`; these are fetched if they are read."""
        with self._lock:
            for sequence in self._sequences.values():
                sequence.leave_out(left_out)
                share = max(_SLOW_WINDOW, _FIRST_WINDOW // len(self._sequences))
                sequence.window = _SLOW_WINDOW if self._starts_slowly else share
            self._started = True
            queued = self._advance()
        self._submit(queued)

    def read(self, file: FetchedFile, start: int, stop: int, ahead: int = 0) -> bytes:
        """The bytes of a file, from where they are; `ahead`: fetch so many, if any that were not planned."""
        parts: list[bytes] = []
        at = start
        while at < stop:
            piece = file.find(at)
            if piece is None:
                end = min(stop, file.next_start(at))
                parts.append(self._read_unplanned(file, at, end, min(ahead, file.next_start(at) - at)))
            else:
                end = min(stop, piece.stop)
                parts.append(self._read_piece(piece, at, end))
            at = end
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def finish(self, file: FetchedFile) -> None:
        """The engine has closed the file: what it has read of it counts as read whole."""
        with self._lock:
            for piece in file.pieces:
                if piece.taken and piece.state is State.READY:
                    self._release(piece)
            queued = self._advance()
        self._submit(queued)

    def settle(self) -> None:
        """Wait until what was fetched is kept."""
        self._writes.settle()

    def close(self) -> None:
        """Drop what is on its way, wake who waits for it, and free the memory."""
        with self._lock:
            self._closed = True
            for piece in self._waited_for:
                assert piece.arrived is not None
                piece.arrived.set()
            for sequence in self._sequences.values():
                for piece in sequence.pieces:
                    piece.block = None
        self._kept.clear()
        self._writes.close()

    def _arrange(self, file: FetchedFile) -> None:
        sequence = self._sequences.setdefault(file.planned.sequence, _Sequence())
        for piece in file.in_order():
            piece.position = len(sequence.pieces)
            sequence.pieces.append(piece)
        self.counter.expect(sum(piece.size for piece in file.pieces), bool(file.pieces))
        for piece in file.pieces:
            if piece.state is State.READY:
                self._arrive(piece)

    def _read_piece(self, piece: Piece, start: int, stop: int) -> bytes:
        while True:
            queued: list[Piece] = []
            with self._lock:
                self._check(piece)
                self._keep_pace(piece)
                block = self._find(piece)
                stored = piece.stored if block is None else None
                mine = block is None and stored is None and self._claim(piece)
                if block is not None:
                    self._use(piece, stop - start)
                    queued = self._advance()
            self._submit(queued)
            if block is not None:
                return _cut(block, start - piece.start, stop - start)
            if stored is None:
                if mine:
                    self._urgent.submit(partial(self._fetch, piece))
                self._await(piece)
            elif (part := self._read_stored(piece, start, stop)) is not None:
                return part

    def _read_unplanned(self, file: FetchedFile, start: int, stop: int, ahead: int) -> bytes:
        name = file.planned.shown
        found = self._kept.find(name, start, stop - start)
        if found is not None:
            return found
        piece = Piece(file, start, max(stop, start + ahead))
        with self._lock:
            self._check(piece)
            self._claim(piece)
        self._urgent.submit(partial(self._fetch, piece))
        self._await(piece)
        with self._lock:
            self._check(piece)
        block = piece.block
        assert block is not None
        if piece.stop > stop or len(block) <= _SMALL_BYTES:
            self._kept.keep(name, start, block)
        return _cut(block, 0, stop - start)

    def _read_stored(self, piece: Piece, start: int, stop: int) -> bytes | None:
        """Bytes from the block on disk; None when that is lost."""
        stored, cache = piece.stored, piece.file.cache
        part = cache.read(stored, start, stop - start) if stored is not None and cache is not None else None
        with self._lock:
            if part is None:
                piece.stored = None
            elif not piece.taken:
                self._arrive(piece)
            piece.taken += 0 if part is None else len(part)
        if part is not None:
            self.counter.add_cached(len(part))
        return part

    def _check(self, piece: Piece) -> None:
        if self._closed:
            url = piece.file.planned.store.url(piece.file.planned.path)
            raise StorageUnavailableError(f"The query is over: '{url}' is not read any more.", url)
        if piece.error is not None:
            raise piece.error

    def _find(self, piece: Piece) -> bytes | None:
        if piece.state is State.ABSENT and piece.taken:
            return self._kept.find(piece.file.planned.shown, piece.start, piece.size)
        return piece.block

    def _claim(self, piece: Piece) -> bool:
        """Wait for the piece; whether the caller is to have it fetched, since nobody does yet."""
        mine = piece.state in (State.ABSENT, State.QUEUED)
        if piece.state is State.ABSENT:
            self._charge(piece)
            if self._left is not None:
                self._left -= piece.data_bytes()
        if mine:
            piece.state = State.COMING
        if piece.arrived is None:
            piece.arrived = threading.Event()
        self._waited_for.add(piece)
        return mine

    @staticmethod
    def _await(piece: Piece) -> None:
        arrived = piece.arrived
        while arrived is not None and not arrived.wait(_EAR_SECONDS):
            pass  # a thread that waits without end may not hear Ctrl-C

    def _fetch_queued(self, piece: Piece) -> None:
        with self._lock:
            if self._closed or piece.state is not State.QUEUED:
                return  # it is not wanted any more, or the engine was in a hurry
            piece.state = State.COMING
        self._fetch(piece)

    def _fetch(self, piece: Piece) -> None:
        file, block, error = piece.file, None, None
        try:
            block = self._context.copy().run(
                file.store.read, file.planned.path, piece.start, piece.size, file.planned.etag
            )
            self.counter.add(len(block))
        except BaseException as caught:  # noqa: BLE001 - it belongs to the thread that reads the piece
            error = caught
        with self._lock:
            self._running -= 1
            if not self._closed:
                self._receive(piece, block, error)
            queued = self._advance()
        self._submit(queued)
        if block is not None and self._keeps:
            self._writes.submit(len(block), partial(piece.file.keep, piece, block))

    def _receive(self, piece: Piece, block: bytes | None, error: BaseException | None) -> None:
        piece.block, piece.error = block, error
        piece.state = State.READY if error is None else State.FAILED
        if piece.arrived is not None:
            piece.arrived.set()
            piece.arrived = None
            self._waited_for.discard(piece)
        if error is not None or piece.position < 0:
            self._discharge(piece)
        else:
            self._arrive(piece)
            if piece.taken >= piece.size:
                self._release(piece)

    def _arrive(self, piece: Piece) -> None:
        file = piece.file
        file.unread -= 1
        self.counter.arrive(piece.size, file.unread == 0)

    def _use(self, piece: Piece, size: int) -> None:
        piece.taken += size
        if piece.taken >= piece.size and piece.state is State.READY:
            self._release(piece)

    def _release(self, piece: Piece) -> None:
        """Let a piece go that was read, or will not be. It is held for another look while there is room."""
        assert piece.block is not None
        self._kept.keep(piece.file.planned.shown, piece.start, piece.block)
        piece.block, piece.state = None, State.ABSENT
        piece.taken = max(piece.taken, 1)
        if self._discharge(piece):
            sequence = self._sequences[piece.file.planned.sequence]
            sequence.window = min(sequence.window + self._growth, _WIDEST_WINDOW)

    def _charge(self, piece: Piece) -> None:
        self._running += 1
        piece.taken = 0
        if piece.position >= 0:
            piece.is_held = True
            self._held += piece.size
            sequence = self._sequences[piece.file.planned.sequence]
            sequence.ahead += 1
            sequence.unread.append(piece)

    def _discharge(self, piece: Piece) -> bool:
        was_held, piece.is_held = piece.is_held, False
        if was_held:
            self._held -= piece.size
            self._sequences[piece.file.planned.sequence].ahead -= 1
        return was_held

    def _keep_pace(self, piece: Piece) -> None:
        """Follow the engine, which reads `piece`: past what it left out, or back to where it begins again."""
        if piece.position < 0:
            return
        sequence = self._sequences[piece.file.planned.sequence]
        passed = piece.file.number - _ABREAST
        unread = sequence.unread
        while unread and (unread[0].file.number < passed or not unread[0].is_held):
            self._pass_over(unread.popleft())
        if piece.position >= sequence.next:
            if sequence.pieces[sequence.next].file.number < passed:
                sequence.next = piece.position
        elif piece.state is State.ABSENT and piece.taken and piece.stored is None:
            sequence.misses += self._find(piece) is None
            if sequence.misses >= _MISSES:
                sequence.next, sequence.misses = piece.position, 0

    def _pass_over(self, piece: Piece) -> None:
        if piece.state is State.READY:
            self._release(piece)
        elif piece.state is State.QUEUED:
            piece.state = State.ABSENT
            self._running -= 1
            self._discharge(piece)
        elif piece.state is State.COMING:
            piece.taken = piece.size  # it is let go when it comes

    def _advance(self) -> list[Piece]:
        """The pieces to be fetched now, which are then as good as submitted."""
        queued: list[Piece] = []
        if self._closed or not self._started:
            return queued
        for sequence in self._sequences.values():
            while (
                sequence.next < len(sequence.pieces)
                and sequence.ahead < sequence.window
                and self._running < _MOST_AT_ONCE
            ):
                piece = sequence.pieces[sequence.next]
                if piece.state is State.ABSENT and piece.stored is None and self._find(piece) is None:
                    if self._held and self._held + piece.size > self._budget:
                        break
                    if self._left is not None:
                        if (data := piece.data_bytes()) > self._left:
                            break
                        self._left -= data
                    self._charge(piece)
                    piece.state = State.QUEUED
                    queued.append(piece)
                sequence.next += 1
        return queued

    def _submit(self, queued: Sequence[Piece]) -> None:
        for piece in queued:
            piece.file.store.workers.submit(partial(self._fetch_queued, piece))


def _cut(block: bytes, start: int, length: int) -> bytes:
    return block if length == len(block) else block[start : start + length]
