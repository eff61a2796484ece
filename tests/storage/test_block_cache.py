"""The disk cache gives back what was kept or nothing, whatever befalls its files, its database or its users."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lakeq.storage.block_cache import BlockCache, fits_folder, is_literal_path, object_key
from lakeq.storage.cache_index import StoredBlock

MIB = 1 << 20
KEY = object_key("", "s3://b/k", "v1")


def body_of(key: str, size: int = 1000) -> bytes:
    return random.Random(key).randbytes(size)


def keep(cache: BlockCache, *keys: str, size: int = 1000) -> list[StoredBlock]:
    blocks = []
    for key in keys:
        block = cache.keep(key, 0, body_of(key, size))
        assert block is not None
        blocks.append(block)
        cache.flush()
    return blocks


def held(cache: BlockCache, *keys: str) -> set[str]:
    """Which of these objects the cache gives back, each with its own bytes."""
    found = cache.find(keys)
    given = set()
    for key, blocks in found.items():
        body = cache.read(blocks[0], 0, blocks[0].length)
        if body is not None:
            assert body == body_of(key, len(body))
            given.add(key)
    return given


def only_file(cache: BlockCache) -> Path:
    (path,) = (
        Path(folder, name)
        for folder, _, names in os.walk(cache.folder)
        for name in names
        if name.startswith(KEY)
    )
    return path


@pytest.fixture
def cache(tmp_path: Path) -> BlockCache:
    return BlockCache(str(tmp_path / "cache"), MIB)


def reopen(cache: BlockCache) -> BlockCache:
    """The cache as another process sees it."""
    cache.close()
    return BlockCache(os.path.dirname(cache.folder), cache.limit_bytes)


def test_what_is_kept_is_found_by_other_processes(cache: BlockCache) -> None:
    body = body_of(KEY)
    assert cache.keep(KEY, 100, body) is not None
    for each in (cache, reopen(cache)):
        (block,) = each.find([KEY, "other"])[KEY]
        assert (block.start, block.stop) == (100, 1100)
        assert each.read(block, 100, 1000) == body
        assert each.read(block, 300, 7) == body[200:207]
        assert each.usage().entries == 1
        assert each.usage().bytes == 1000


def test_another_version_or_realm_is_another_object() -> None:
    keys = {object_key(realm, url, etag) for realm in "ab" for url in "cd" for etag in "ef"}
    assert len(keys) == 8


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\0b", "a\nb", "x" * 3000, "\udcff", "C:\\x", ""])
def test_no_name_of_an_object_harms(cache: BlockCache, name: str) -> None:
    key = object_key("", name, name)
    assert held(cache, *(block.key for block in keep(cache, key))) == {key}
    assert all(Path(cache.folder) in file.parents for file in Path(cache.folder).rglob("*"))


def test_nothing_is_made_before_something_is_kept(tmp_path: Path) -> None:
    cache = BlockCache(str(tmp_path / "cache"), MIB)
    assert cache.find([KEY]) == {}
    assert cache.usage().entries == 0
    cache.clear()
    cache.close()
    assert not (tmp_path / "cache").exists()


def test_only_the_user_may_look(cache: BlockCache) -> None:
    keep(cache, KEY)
    assert stat.S_IMODE(os.stat(cache.folder).st_mode) == 0o700
    assert stat.S_IMODE(only_file(cache).stat().st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.join(cache.folder, "blocks.sqlite")).st_mode) == 0o600


def flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


@pytest.mark.parametrize(
    "harm",
    [flip, lambda path: os.truncate(path, 500), lambda path: os.truncate(path, 2000), os.unlink],
    ids=["bit", "short", "long", "gone"],
)
@pytest.mark.parametrize("known", [False, True], ids=["anew", "known"])
def test_a_damaged_block_is_forgotten(cache: BlockCache, harm: Callable[[Path], None], known: bool) -> None:
    keep(cache, KEY)
    cache = cache if known else reopen(cache)
    path = only_file(cache)
    harm(path)
    (block,) = cache.find([KEY])[KEY]
    assert not cache.verify(block)
    assert cache.read(block, 10, 20) is None
    assert cache.find([KEY]) == {}
    assert not path.exists()
    assert held(cache, keep(cache, KEY)[0].key) == {KEY}


def test_a_row_lends_its_bytes_to_no_other_object(cache: BlockCache) -> None:
    keep(cache, KEY)
    cache.close()
    with sqlite3.connect(os.path.join(cache.folder, "blocks.sqlite")) as db:
        db.execute("UPDATE blocks SET key = 'other'")
    db.close()
    cache = reopen(cache)
    assert cache.read(cache.find(["other"])["other"][0], 0, 1000) is None


def spoil_database(cache: BlockCache, how: str) -> None:
    path = Path(cache.folder, "blocks.sqlite")
    if how == "garbage":
        path.write_bytes(os.urandom(20_000))
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "half":
        os.truncate(path, path.stat().st_size // 2)
    elif how == "other":
        path.unlink()
        db = sqlite3.connect(path)
        db.executescript("CREATE TABLE blocks (x); CREATE TABLE clock (y); CREATE TABLE more (z)")
        db.close()
    else:
        body = bytearray(path.read_bytes())
        for at in random.Random(1).sample(range(100, len(body)), 200):
            body[at] ^= 0xFF
        path.write_bytes(body)


@pytest.mark.parametrize("how", ["garbage", "empty", "half", "other", "bytes"])
def test_a_damaged_database_is_made_anew(cache: BlockCache, how: str) -> None:
    keys = [object_key("", str(i), "v") for i in range(50)]
    keep(cache, *keys)
    cache.close()
    spoil_database(cache, how)
    cache = reopen(cache)
    held(cache, *keys)
    keep(cache, KEY)
    assert held(reopen(cache), KEY) == {KEY}


def test_a_locked_database_is_done_without(cache: BlockCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakeq.storage.cache_index._BUSY_SECONDS", 0.01)
    keep(cache, KEY)
    cache = reopen(cache)
    lock = sqlite3.connect(os.path.join(cache.folder, "blocks.sqlite"), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    assert cache.find([KEY]) == {}
    assert cache.find_leased([KEY]) == (None, {})
    cache.keep("other", 0, b"x")
    cache.flush()
    lock.execute("ROLLBACK")
    lock.close()
    assert held(cache, KEY) == {KEY}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_done_without(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    cache = BlockCache(str(tmp_path / "cache"), MIB)
    assert cache.keep(KEY, 0, b"x") is None
    assert cache.find([KEY]) == {}


def test_a_folder_that_is_a_file_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("x")
    cache = BlockCache(str(tmp_path / "cache"), MIB)
    assert cache.keep(KEY, 0, b"x") is None
    assert cache.find([KEY]) == {}
    assert cache.find_leased([KEY]) == (None, {})
    cache.clear()


# The limit.


def names(count: int) -> list[str]:
    return [object_key("", f"object {i}", "v") for i in range(count)]


def test_what_was_not_used_for_the_longest_goes_first(tmp_path: Path) -> None:
    cache = BlockCache(str(tmp_path), 10_000)
    keys = names(12)
    keep(cache, *keys[:10])
    assert held(cache, keys[0], keys[2]) == {keys[0], keys[2]}
    keep(cache, keys[10])
    assert held(cache, *keys) == {keys[0], *keys[2:11]} - {keys[3]}
    assert cache.usage().bytes <= 10_000
    files = {path.name[:32] for path in Path(cache.folder, "plain").rglob("*") if path.is_file()}
    assert files == held(cache, *keys)


def test_a_block_over_a_fourth_of_the_limit_is_not_kept(tmp_path: Path) -> None:
    cache = BlockCache(str(tmp_path), 4_000)
    assert cache.keep(KEY, 0, bytes(1_001)) is None
    assert cache.keep(KEY, 0, bytes(1_000)) is not None


def test_what_a_lease_holds_stays_and_what_is_new_goes(tmp_path: Path) -> None:
    cache = BlockCache(str(tmp_path), 10_000)
    keys = names(20)
    keep(cache, *keys[:10])
    other = BlockCache(str(tmp_path), 10_000)
    lease, found = other.find_leased(keys[:10])
    assert lease is not None
    assert len(found) == 10
    keep(cache, *keys[10:15])
    assert held(cache, *keys[:15]) == set(keys[:10])
    cache.clear()
    assert held(cache, *keys) == set(keys[:10])
    lease.close()
    lease.close()
    keep(cache, *keys[15:18])
    assert len(held(cache, *keys[:10])) < 10
    assert held(cache, *keys[15:18]) == set(keys[15:18])


def test_a_lease_of_a_dead_process_counts_for_nothing(tmp_path: Path) -> None:
    keys = names(12)
    keep(BlockCache(str(tmp_path), 10_000), *keys[:10])
    text = f"""
import sys
from lakeq.storage.block_cache import BlockCache
lease, found = BlockCache({str(tmp_path)!r}, 10_000).find_leased({keys!r})
assert lease is not None
print(len(found), flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"10\n"
        cache = BlockCache(str(tmp_path), 10_000)
        keep(cache, keys[10])
        assert held(cache, *keys) == set(keys[:10])
        process.send_signal(signal.SIGKILL)
        process.wait()
    keep(cache, keys[11])
    assert keys[11] in held(cache, *keys)


def test_a_linked_block_has_a_second_file(cache: BlockCache) -> None:
    (block,) = keep(cache, KEY)
    linked = cache.link(block, "copies/a=1/b=%2E")
    assert linked is not None
    cache.drop([block])
    assert Path(cache.path(linked)).read_bytes() == body_of(KEY)
    assert [b.folder for b in reopen(cache).find([KEY])[KEY]] == ["copies/a=1/b=%2E"]
    assert cache.link(block, "copies/a=2") is None


def test_clearing_leaves_nothing(cache: BlockCache) -> None:
    keep(cache, *names(5))
    Path(cache.folder, "plain", "orphan").write_bytes(b"x")
    cache.clear()
    assert cache.usage().entries == cache.usage().bytes == 0
    assert not Path(cache.folder, "plain").exists()


def test_leftovers_are_swept_unless_their_writer_lives(cache: BlockCache) -> None:
    keep(cache, KEY)
    writer = BlockCache(os.path.dirname(cache.folder), MIB)
    unrecorded = writer.keep("other", 0, body_of("other"))
    assert unrecorded is not None
    orphan = Path(cache.folder, "plain", "orphan")
    orphan.write_bytes(b"x")
    cache.sweep()
    assert not orphan.exists()
    assert Path(cache.path(unrecorded)).exists()
    writer.close()
    cache.sweep()
    assert held(cache, KEY) == {KEY}
    assert held(cache, "other") == {"other"}


def test_what_a_killed_writer_left_goes_with_the_next_use(cache: BlockCache) -> None:
    keep(cache, KEY)
    child = os.fork()
    if not child:
        BlockCache(os.path.dirname(cache.folder), MIB).keep("other", 0, b"body")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    files = list(Path(cache.folder, "plain").rglob("*-*"))
    assert len(files) == 2
    again = reopen(cache)
    assert held(again, KEY) == {KEY}
    assert len(list(Path(cache.folder, "plain").rglob("*-*"))) == 1
    assert not list(Path(cache.folder, "writers").iterdir())


# Several at once.


def test_threads_share_a_cache(cache: BlockCache) -> None:
    keys = names(200)

    def work(number: int) -> None:
        for key in keys[number::8]:
            cache.keep(key, 0, body_of(key))
            if number % 4 == 0:
                cache.flush()
        held(cache, *keys)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert held(cache, *keys) == set(keys)


WORKER = """
import random, sys
from lakeq.storage.block_cache import BlockCache
seed, folder = int(sys.argv[1]), sys.argv[2]
cache, rng = BlockCache(folder, 60_000), random.Random(seed)
print("ready", flush=True)
for turn in range(int(sys.argv[3])):
    keys = [f"{rng.randrange(100):032x}" for _ in range(5)]
    lease, found = cache.find_leased(keys) if turn % 3 == 0 else (None, cache.find(keys))
    for key in keys:
        body = random.Random(key).randbytes(1000)
        for block in found.get(key, ()):
            got = cache.read(block, 0, 1000)
            assert got is None and lease is None or got == body, (got is None, lease)
        if key not in found:
            cache.keep(key, 0, body)
    if rng.random() < 0.5:
        cache.flush()
    if lease is not None:
        lease.close()
"""


def test_processes_share_a_cache(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", WORKER, str(seed), str(tmp_path), "60"] for seed in range(6)]
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    assert [process.wait() for process in processes] == [0] * 6
    cache = BlockCache(str(tmp_path), 60_000)
    assert 0 < cache.usage().bytes <= 60_000
    keys = [f"{i:032x}" for i in range(100)]
    assert len(held(cache, *keys)) == cache.usage().entries


def test_a_killed_process_leaves_a_cache_to_use(tmp_path: Path) -> None:
    keys = [f"{i:032x}" for i in range(100)]
    pause = threading.Event()
    for seed in range(5):
        command = [sys.executable, "-c", WORKER, str(seed), str(tmp_path), "100000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            pause.wait(0.02 * seed)  # it is to be killed at different moments
            process.kill()
        cache = BlockCache(str(tmp_path), 60_000)
        held(cache, *keys)
        assert len(held(cache, *keys)) == cache.usage().entries
        cache.close()


def test_a_child_process_goes_on_with_the_cache(cache: BlockCache) -> None:
    keep(cache, KEY)
    child = os.fork()
    if not child:
        good = held(cache, KEY) == {KEY} and cache.keep("child", 0, body_of("child")) is not None
        cache.flush()
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert held(cache, KEY, "child") == {KEY, "child"}


@pytest.mark.parametrize(
    ("path", "literal"),
    [
        ("/home/u/.cache/lakeq", True),
        ("/a*b", False),
        ("/a=1/b", False),
        ("/a[b", False),
        ("/a?", False),
        ("/a\\b", False),
    ],
)
def test_a_path_with_a_pattern_or_a_key_is_not_literal(path: str, literal: bool) -> None:
    assert is_literal_path(path) is literal


def test_a_folder_fits_within_the_limits_of_filesystems() -> None:
    assert fits_folder("copies/a=1/b=ü")
    assert not fits_folder("copies/a=" + "x" * 300)
    assert not fits_folder("copies/" + "/".join(["x" * 100] * 20))
    assert not fits_folder("copies/../x")
    assert not fits_folder("copies//x")
