"""The cache of fetched bytes against a plain dictionary of what was kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lakeq.storage.blocks import MemoryBlocks

FILES = {name: bytes((i * step) % 256 for i in range(64)) for name, step in (("a", 1), ("b", 3))}
SPAN = st.tuples(st.sampled_from(sorted(FILES)), st.integers(0, 63), st.integers(0, 64))


@given(st.integers(0, 100), st.lists(st.tuples(st.booleans(), SPAN)))
def test_what_is_found_is_what_the_file_holds(
    limit: int, steps: list[tuple[bool, tuple[str, int, int]]]
) -> None:
    cache = MemoryBlocks(limit)
    for is_keep, (name, start, length) in steps:
        wanted = FILES[name][start : start + length]
        if is_keep:
            cache.keep(name, start, wanted)
        else:
            found = cache.find(name, start, len(wanted))
            assert found is None or found == wanted


def test_a_kept_block_is_found_in_parts() -> None:
    cache = MemoryBlocks(100)
    cache.keep("a", 10, b"0123456789")
    assert cache.find("a", 10, 10) == b"0123456789"
    assert cache.find("a", 12, 3) == b"234"
    assert cache.find("a", 9, 3) is None
    assert cache.find("a", 18, 3) is None
    assert cache.find("b", 12, 3) is None


def test_the_least_recently_used_block_goes_first() -> None:
    cache = MemoryBlocks(20)
    cache.keep("a", 0, b"0123456789")
    cache.keep("b", 0, b"0123456789")
    assert cache.find("a", 0, 1) == b"0"
    cache.keep("c", 0, b"0123456789")
    assert cache.find("b", 0, 1) is None
    assert cache.find("a", 0, 1) == cache.find("c", 0, 1) == b"0"


def test_a_block_over_the_limit_is_not_kept_and_evicts_nothing() -> None:
    cache = MemoryBlocks(10)
    cache.keep("a", 0, b"0123456789")
    cache.keep("b", 0, b"0123456789x")
    assert cache.find("b", 0, 1) is None
    assert cache.find("a", 0, 1) == b"0"


def test_a_block_kept_twice_counts_once() -> None:
    cache = MemoryBlocks(20)
    for _ in range(3):
        cache.keep("a", 0, b"0123456789")
    cache.keep("b", 0, b"0123456789")
    assert cache.find("a", 0, 10) == b"0123456789"


def test_a_cleared_cache_is_empty() -> None:
    cache = MemoryBlocks(10)
    cache.keep("a", 0, b"x")
    cache.clear()
    assert cache.find("a", 0, 1) is None
    cache.keep("a", 0, b"0123456789")
    assert cache.find("a", 0, 10) is not None
