"""A small run of many at once; `python -m tests.concurrency` is the long one."""

from __future__ import annotations

import pytest

from tests.concurrency.exits import judge_exit
from tests.concurrency.threads import Crowd, count_growth, make_world
from tests.kills.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("many"), "", "lake")


def test_threads_on_one_lake_get_right_answers_whatever_others_do(world: World) -> None:
    crowd = Crowd(world, world.lake, {}, seed=3)
    crowd.run(threads=12, seconds=60, steps=4)
    assert crowd.problems == []
    assert crowd.steps.total() == 48


@pytest.mark.parametrize("way", ["threads that go on", "a result that is half read"])
def test_a_program_ends_well_and_without_a_word(world: World, way: str) -> None:
    assert judge_exit(way, world.lake, {}) == []


def test_lakes_that_are_closed_leave_no_file_open_and_no_thread(world: World) -> None:
    files, tasks, threads = count_growth(world.lake, {}, cycles=5)
    assert files <= 0 and max(tasks, threads) <= 2  # those of the last may be about to end
