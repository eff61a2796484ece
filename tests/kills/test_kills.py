"""A small run of kills, and proof that what is wrong after one would be told."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from lakeq.storage.block_cache import BlockCache
from tests.kills import judge
from tests.kills.victims import LARGE, made_block, made_key
from tests.kills.world import World

ROOT = Path(__file__).parent.parent.parent


def test_killed_processes_lose_nothing_that_they_acknowledged() -> None:
    # In a process of its own: victims are forked from one that has opened nothing.
    command = [sys.executable, "-m", "tests.kills", "--count", "4", "--seed", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 kills from seed 7: 0 problems" in done.stdout


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "buckets", "lake", "http://127.0.0.1:1", tmp_path / "home")
    world.fill()
    return world


def test_entries_that_are_lost_doubled_or_torn_are_told(world: World) -> None:
    history = world.data / "history/2026-11-27.jsonl"
    history.parent.mkdir(parents=True)
    told = [{"what": "begun", "id": "a"}, {"what": "ended", "id": "a"}, {"what": "begun", "id": "b"}]
    history.write_text('{"event": "begin", "id": "a"}\n{"event": "begin", "id": "a"}\n{"event": "end", "id"')
    assert sorted(judge.judge_ledger(world, told, set())) == [
        "acknowledged and entered [0] times: begun b",
        "acknowledged and entered [0] times: ended a",
        "acknowledged and entered [2] times: begun a",
        "entered 2 times: ('begin', 'a')",
        "note: 1 torn lines",
    ]


def test_blocks_that_are_lost_or_other_bytes_are_told(world: World) -> None:
    cache = BlockCache(str(world.cache / "blocks"), LARGE)
    cache.keep(made_key(1), 0, made_block(2))
    cache.close()
    told = [{"what": "kept", "numbers": [1, 3]}]
    found = list(judge.judge_blocks(world, told))
    assert [text.split(" in ")[0] for text in found] == [
        f"other bytes than those of {made_key(1)}",
        "acknowledged blocks are lost: [3]",
    ]


def test_leftovers_and_locks_that_are_held_are_told(world: World) -> None:
    folder = world.cache / "catalog/listings"
    folder.mkdir(parents=True)
    (folder / "a.unfinished").touch()
    (folder / "b.catalog").write_bytes(b"no catalog")
    assert [text.split(":")[0] for text in judge.judge_leftovers(world)] == ["left over"]
    assert [text.split(":")[0] for text in judge.judge_catalogs(world, [])] == [
        "a catalog that cannot be read"
    ]


def test_the_truth_follows_the_files(world: World) -> None:
    before = [world.answer(number) for number in range(4)]
    assert before[0][0][0] == 12 * 400 and [row[0] for row in before[1]] == [3, 4, 5, 6]
    for seed in range(9):
        world.change(random.Random(seed))
    assert [world.answer(number) for number in range(4)] != before
    assert len({(world.lake / path).stat().st_size for path in world.files if path.startswith("t/")}) == 1
