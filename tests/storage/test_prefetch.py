"""What is fetched ahead: in which order, how much at once, within which memory, and how it ends."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.errors import AccessDeniedError, LakeqError, ObjectChangedError, StorageUnavailableError
from lakeq.storage.block_cache import BlockCache
from lakeq.storage.caching import CachingStore
from lakeq.storage.pieces import PlannedFile
from lakeq.storage.prefetch import ReadPolicy
from lakeq.storage.ranges import PIECE_BYTES, Span
from lakeq.storage.reads import PlannedFiles, PlannedFileSystem
from lakeq.storage.workers import Workers

KIB, MIB = 1 << 10, 1 << 20


class SlowStore:
    """Objects in memory whose reads wait until they are let go, if `holds`; `asked` is what was read."""

    root = "slow://lake"
    is_local = False

    def __init__(self, objects: dict[str, bytes], holds: bool = False) -> None:
        self.objects = objects
        self.workers = Workers(256)
        self.asked: list[tuple[str, int, int]] = []
        self.errors: dict[str, LakeqError] = {}
        self._changed = threading.Condition()
        self._open = not holds
        self._let: set[str] = set()

    def list(self, prefix: str = "") -> pa.Table:
        raise AssertionError("planned reads never list")

    def url(self, path: str) -> str:
        return f"{self.root}/{path}"

    def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        with self._changed:
            self.asked.append((path, start, length))
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._open or path in self._let, 30)
        if path in self.errors:
            raise self.errors[path]
        return self.objects[path][start : start + length]

    def let(self, *paths: str) -> None:
        """Answer reads of these paths; of all, if none is given."""
        with self._changed:
            self._let |= set(paths)
            self._open = self._open or not paths
            self._changed.notify_all()

    def await_asked(self, count: int) -> list[str]:
        """The paths of what was asked, once it is `count` requests."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.asked) >= count, 30)
            return [path for path, _, _ in self.asked]


@pytest.fixture
def filesystem() -> PlannedFileSystem:
    return PlannedFileSystem()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def objects(count: int, size: int = KIB) -> dict[str, bytes]:
    return {f"f{i:04}": random.Random(i).randbytes(size) for i in range(count)}


def plan(store: SlowStore, needed: dict[str, tuple[Span, ...]] | None = None) -> list[PlannedFile]:
    whole = {path: ((0, len(body)),) for path, body in store.objects.items()}
    spans = whole if needed is None else needed
    return [PlannedFile(f"q/{p}", store, p, len(b), "v1", spans.get(p)) for p, b in store.objects.items()]


def read(filesystem: PlannedFileSystem, path: str, start: int = 0, length: int = -1) -> bytes:
    with filesystem.open(f"lake://q/{path}") as file:
        file.seek(start)
        return bytes(file.read(length))


def await_files(query: PlannedFiles, count: int) -> None:
    pause = threading.Event()
    for _ in range(3000):
        if query.counter.progress[2] >= count:
            return
        pause.wait(0.01)
    raise AssertionError(query.counter.progress)


def test_nothing_is_fetched_before_the_start(filesystem: PlannedFileSystem) -> None:
    store = SlowStore(objects(5))
    with filesystem.publish(plan(store)):
        assert read(filesystem, "f0000") == store.objects["f0000"]
        assert store.asked == [("f0000", 0, KIB)]


def test_files_are_fetched_ahead_once_and_read_without_asking(filesystem: PlannedFileSystem) -> None:
    store = SlowStore(objects(50))
    with filesystem.publish(plan(store)) as query:
        query.start()
        await_files(query, 50)
        asked = list(store.asked)
        assert sorted(asked) == [(path, 0, KIB) for path in store.objects]
        for path, body in store.objects.items():
            assert read(filesystem, path) == body
        assert store.asked == asked
        assert query.counter.progress == (50 * KIB, 50 * KIB, 50, 50)
        assert query.counter.requests_by_kind == {"get": 50}
        assert query.prefetch.held_bytes == 0


def test_many_requests_are_under_way_at_once(filesystem: PlannedFileSystem) -> None:
    store = SlowStore(objects(300), holds=True)
    with filesystem.publish(plan(store)) as query:
        query.start()
        asked = store.await_asked(192)
        assert set(asked) == {f"f{i:04}" for i in range(192)}
        store.let()


def test_a_query_that_may_end_early_fetches_little_until_it_reads(filesystem: PlannedFileSystem) -> None:
    store = SlowStore(objects(100))
    with filesystem.publish(plan(store), ReadPolicy(starts_slowly=True)) as query:
        query.start()
        await_files(query, 4)
        assert {path for path, _, _ in store.asked} == {f"f{i:04}" for i in range(4)}
        read(filesystem, "f0000")
        await_files(query, 6)
        assert len(store.asked) == 6
        for i in range(1, 30):
            read(filesystem, f"f{i:04}")
        await_files(query, 64)
        assert len(store.asked) == 64


def test_memory_bounds_what_is_fetched_ahead(filesystem: PlannedFileSystem) -> None:
    store = SlowStore(objects(40, 100 * KIB))
    policy = ReadPolicy(memory_bytes=1000 * KIB)  # a fourth of it is for what was read
    with filesystem.publish(plan(store), policy) as query:
        query.start()
        await_files(query, 7)
        assert len(store.asked) == 7
        for number, (path, body) in enumerate(store.objects.items()):
            assert read(filesystem, path) == body
            assert query.prefetch.held_bytes <= 750 * KIB
            await_files(query, min(40, number + 8))
        assert len(store.asked) == 40


def test_what_the_engine_asks_for_goes_first_whatever_the_memory(
    filesystem: PlannedFileSystem, threads: ThreadPoolExecutor
) -> None:
    store = SlowStore(objects(40, 100 * KIB), holds=True)
    with filesystem.publish(plan(store), ReadPolicy(memory_bytes=400 * KIB)) as query:
        query.start()
        store.await_asked(3)
        reading = threads.submit(read, filesystem, "f0030")
        assert store.await_asked(4)[3] == "f0030"
        store.let("f0030")
        assert reading.result() == store.objects["f0030"]
        store.let()


def test_a_read_waits_for_what_is_under_way(
    filesystem: PlannedFileSystem, threads: ThreadPoolExecutor
) -> None:
    store = SlowStore(objects(3), holds=True)
    with filesystem.publish(plan(store)) as query:
        query.start()
        store.await_asked(3)
        reading = [threads.submit(read, filesystem, "f0001") for _ in range(4)]
        store.let()
        assert {one.result() for one in reading} == {store.objects["f0001"]}
        assert len(store.asked) == 3


def test_a_queued_piece_that_is_asked_for_is_not_left_in_the_queue(
    filesystem: PlannedFileSystem, threads: ThreadPoolExecutor
) -> None:
    store = SlowStore(objects(20), holds=True)
    store.workers = Workers(2)
    with filesystem.publish(plan(store)) as query:
        query.start()
        store.await_asked(2)
        reading = threads.submit(read, filesystem, "f0015")
        assert store.await_asked(3)[2] == "f0015"
        store.let("f0015")
        assert reading.result() == store.objects["f0015"]
        store.let()


def test_an_engine_that_skips_files_is_followed(filesystem: PlannedFileSystem) -> None:
    store = SlowStore(objects(400, 10 * KIB))
    with filesystem.publish(plan(store), ReadPolicy(memory_bytes=400 * KIB)) as query:
        query.start()
        await_files(query, 30)
        for i in range(200, 400):
            assert read(filesystem, f"f{i:04}") == store.objects[f"f{i:04}"]
        assert not {f"f{i:04}" for i in range(60, 200)} & {path for path, _, _ in store.asked}


def test_an_engine_that_reads_all_again_is_followed(filesystem: PlannedFileSystem) -> None:
    store = SlowStore(objects(300, 10 * KIB))
    with filesystem.publish(plan(store), ReadPolicy(memory_bytes=400 * KIB)) as query:
        query.start()
        for _ in range(2):
            for path, body in store.objects.items():
                assert read(filesystem, path) == body
        assert len(store.asked) <= 620, len(store.asked)


def test_sequences_are_fetched_side_by_side(filesystem: PlannedFileSystem) -> None:
    store = SlowStore(objects(300))
    files = [
        PlannedFile(f"q/{path}", store, path, KIB, "v1", ((0, KIB),), int(path > "f0149"))
        for path in store.objects
    ]
    with filesystem.publish(files) as query:
        query.start()
        await_files(query, 192)
        asked = {path for path, _, _ in store.asked}
        assert asked == {f"f{i:04}" for i in (*range(96), *range(150, 246))}
        for i in reversed(range(150, 300)):
            assert read(filesystem, f"f{i:04}") == store.objects[f"f{i:04}"]


def test_only_the_needed_ranges_are_fetched_the_first_needed_first(filesystem: PlannedFileSystem) -> None:
    size = 20 * MIB
    store = SlowStore({"f": random.Random(1).randbytes(size)})
    store.workers = Workers(1)
    needed = ((size - 16 * KIB, size), (5 * MIB, 6 * MIB), (10 * MIB, 11 * MIB))
    with filesystem.publish(plan(store, {"f": needed})) as query:
        query.start()
        await_files(query, 1)
        assert store.asked == [("f", start, stop - start) for start, stop in needed]
        assert (
            read(filesystem, "f", 5 * MIB + 10, MIB - 20) == store.objects["f"][5 * MIB + 10 : 6 * MIB - 10]
        )
        assert len(store.asked) == 3
        assert read(filesystem, "f", 6 * MIB - 10, 20) == store.objects["f"][6 * MIB - 10 : 6 * MIB + 10]
        assert store.asked[3:] == [("f", 6 * MIB, 10)]


def test_a_large_file_is_fetched_in_pieces_side_by_side(filesystem: PlannedFileSystem) -> None:
    size = 3 * PIECE_BYTES + 5
    store = SlowStore({"f": random.Random(1).randbytes(size)}, holds=True)
    with filesystem.publish(plan(store)) as query:
        query.start()
        store.await_asked(4)
        assert max(length for _, _, length in store.asked) == PIECE_BYTES
        store.let()
        assert read(filesystem, "f") == store.objects["f"]


def test_an_error_is_told_to_the_read_that_needs_it(filesystem: PlannedFileSystem) -> None:
    store = SlowStore(objects(10))
    store.errors["f0005"] = AccessDeniedError("denied", "f0005")
    with filesystem.publish(plan(store)) as query:
        query.start()
        await_files(query, 9)
        assert read(filesystem, "f0004") == store.objects["f0004"]
        assert query.error is None
        for _ in range(2):
            with pytest.raises(AccessDeniedError):
                read(filesystem, "f0005")
        assert query.error is store.errors["f0005"]
        assert read(filesystem, "f0006") == store.objects["f0006"]


def test_an_error_that_is_not_ours_is_told_too(filesystem: PlannedFileSystem) -> None:
    store = SlowStore({"f": bytes(KIB)})
    store.read = lambda *_: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    with filesystem.publish(plan(store)) as query:
        query.start()
        with pytest.raises(ZeroDivisionError):
            read(filesystem, "f")


def test_closing_wakes_who_waits_and_waits_for_nobody(
    filesystem: PlannedFileSystem, threads: ThreadPoolExecutor
) -> None:
    store = SlowStore(objects(300), holds=True)
    query = filesystem.publish(plan(store))
    query.start()
    store.await_asked(192)
    with filesystem.open("lake://q/f0000") as planned, filesystem.open("lake://q/f0299") as urgent:
        reading: list[Future[bytes]] = [threads.submit(file.read) for file in (planned, urgent)]
        store.await_asked(193)
        query.close()
        for one in reading:
            with pytest.raises(StorageUnavailableError, match="over"):
                one.result()
        planned.seek(0)
        with pytest.raises(StorageUnavailableError):
            planned.read()
    store.let()
    assert len(store.asked) == 193


# The caches beneath.


def test_what_was_kept_on_disk_is_not_asked_for_again(filesystem: PlannedFileSystem, tmp_path: Path) -> None:
    size = 30 * MIB
    store = SlowStore({"f": random.Random(1).randbytes(size), **objects(5)})
    spans = {"f": ((size - KIB, size), (MIB, 2 * MIB), (5 * MIB, 25 * MIB))}
    for turn in range(2):
        cache = BlockCache(str(tmp_path), 1 << 30)
        caching = CachingStore(store, cache, memory_bytes=0)
        files = [
            PlannedFile(f"q/{p}", caching, p, len(b), "v1", spans.get(p)) for p, b in store.objects.items()
        ]
        with filesystem.publish(files) as query:
            query.start()
            for start, stop in spans["f"]:
                assert read(filesystem, "f", start, stop - start) == store.objects["f"][start:stop]
            for i in range(5):
                assert read(filesystem, f"f{i:04}") == store.objects[f"f{i:04}"]
            query.prefetch.settle()
            if turn:
                assert query.counter.requests == 0
                assert query.counter.bytes_cached == 21 * MIB + 6 * KIB
            else:
                assert query.counter.bytes_transferred == 21 * MIB + 6 * KIB
        cache.close()


def test_a_damaged_block_is_asked_for_again(filesystem: PlannedFileSystem, tmp_path: Path) -> None:
    store = SlowStore(objects(5))
    cache = BlockCache(str(tmp_path), 1 << 30)
    for turn in range(2):
        caching = CachingStore(store, cache, memory_bytes=0)
        files = [PlannedFile(f"q/{p}", caching, p, KIB, "v1", ((0, KIB),)) for p in store.objects]
        with filesystem.publish(files) as query:
            if turn:
                for path in Path(cache.folder, "plain").rglob("*"):
                    if path.is_file():
                        path.write_bytes(bytes(KIB))
            query.start()
            for path, body in store.objects.items():
                assert read(filesystem, path) == body
            query.prefetch.settle()
            assert query.counter.requests == 5


def test_another_version_is_asked_for(filesystem: PlannedFileSystem, tmp_path: Path) -> None:
    store = SlowStore(objects(1))
    caching = CachingStore(store, BlockCache(str(tmp_path), 1 << 30))
    assert caching.read("f0000", 0, KIB, "v1") == caching.read("f0000", 0, KIB, "v1")
    assert len(store.asked) == 1
    store.errors["f0000"] = ObjectChangedError("changed", "f0000")
    with pytest.raises(ObjectChangedError):
        caching.read("f0000", 0, KIB, "v2")
    with pytest.raises(ObjectChangedError):
        caching.read("f0000", 0, KIB, None)
    changed = PlannedFile("q/f", caching, "f0000", KIB, "v2")
    with filesystem.publish([changed]), pytest.raises(ObjectChangedError):
        read(filesystem, "f")


def test_what_planning_has_read_is_not_asked_for_again(filesystem: PlannedFileSystem) -> None:
    size = 2 * MIB
    store = SlowStore({"f": random.Random(1).randbytes(size), **objects(1)})
    caching = CachingStore(store)
    caching.read("f", size - 64 * KIB, 64 * KIB, "v1")
    caching.read("f0000", 0, KIB, "v1")
    needed = {"f": ((size - 16 * KIB, size), (0, 100 * KIB)), "f0000": ((0, KIB),)}
    files = [PlannedFile(f"q/{p}", caching, p, len(b), "v1", needed[p]) for p, b in store.objects.items()]
    with filesystem.publish(files) as query:
        query.start()
        await_files(query, 2)
        assert store.asked[2:] == [("f", 0, 100 * KIB)]
        assert read(filesystem, "f", size - KIB) == store.objects["f"][-KIB:]
        assert read(filesystem, "f0000") == store.objects["f0000"]
        assert len(store.asked) == 3


@pytest.mark.parametrize("local", [False, True])
def test_memory_that_is_full_hands_on_to_the_disk(tmp_path: Path, local: bool) -> None:
    store = SlowStore(objects(10))
    store.is_local = local
    cache = BlockCache(str(tmp_path), 1 << 20)
    caching = CachingStore(store, cache, memory_bytes=3 * KIB)
    for _ in range(2):
        assert [caching.read(path, 0, KIB, "v1") for path in store.objects] == list(store.objects.values())
    assert len(store.asked) == (20 if local else 10)
    assert caching.holds(1 << 19) is not local


# Whatever is planned, read and goes wrong: the same bytes as the store's, or its error.


@st.composite
def spans_of(draw: st.DrawFn, size: int) -> tuple[Span, ...] | None:
    edges = st.tuples(st.integers(0, size), st.integers(0, size)).map(lambda pair: (min(pair), max(pair)))
    return draw(st.none() | st.lists(edges, max_size=4).map(tuple))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_reads_give_the_bytes_of_the_store(data: st.DataObject) -> None:
    rng = random.Random(data.draw(st.integers(0, 1 << 20)))
    sizes = data.draw(
        st.lists(st.sampled_from([0, 1, 5_000, 600_000, 3_000_000, 9_000_000]), min_size=1, max_size=5)
    )
    store = SlowStore({f"f{i}": rng.randbytes(size) for i, size in enumerate(sizes)})
    for path in data.draw(st.sets(st.sampled_from(sorted(store.objects)), max_size=1)):
        store.errors[path] = AccessDeniedError("denied", path)
    needed = {f"f{i}": data.draw(spans_of(size)) for i, size in enumerate(sizes)}
    caching = CachingStore(store, memory_bytes=data.draw(st.sampled_from([0, 1 << 20])))
    for path, body in store.objects.items():
        if data.draw(st.booleans()) and body and path not in store.errors:
            caching.read(path, len(body) // 2, len(body) - len(body) // 2, "v1")
    policy = ReadPolicy(data.draw(st.sampled_from([100, 1 << 20, 1 << 26])), data.draw(st.booleans()))
    filesystem = PlannedFileSystem()
    numbers = {path: data.draw(st.integers(0, 1)) for path in store.objects}
    files = [
        PlannedFile(f"q/{path}", caching, path, len(body), "v1", needed[path], numbers[path])
        for path, body in store.objects.items()
    ]
    step = st.tuples(st.sampled_from(sorted(store.objects)), st.floats(0, 1), st.floats(0, 1))
    steps = data.draw(st.lists(step, max_size=12))

    def check(one: tuple[str, float, float]) -> None:
        path, first, share = one
        size = len(store.objects[path])
        start = int(first * size)
        length = int(share * (size - start))
        try:
            assert read(filesystem, path, start, length) == store.objects[path][start : start + length]
        except AccessDeniedError:
            assert path in store.errors

    with filesystem.publish(files, policy) as query, ThreadPoolExecutor(4) as pool:
        query.start()
        list(pool.map(check, steps))
