"""Processes on one cache that ask, list anew and clear at once."""

from __future__ import annotations

import os
import random
import time
from functools import partial

import lakeq
from lakeq.cache import clear_cache
from tests.kills.run import fork
from tests.kills.victims import as_numbers
from tests.kills.world import QUESTIONS, World


def run_processes(world: World, processes: int, seconds: float, seed: int) -> list[str]:
    """What processes met that should not be, each a text; to be called before this one has opened a lake."""
    told = [os.pipe() for _ in range(processes)]
    children = [
        fork(partial(_tell, world, seed, number, seconds, told[number][1]), []) for number in range(processes)
    ]
    problems = []
    for _, write in told:
        os.close(write)
    for (read, _), child in zip(told, children, strict=True):
        with open(read) as pipe:
            text = pipe.read()
        _, status = os.waitpid(child, 0)
        if status or text:
            problems.append(f"process {child}: status {status}: {text}")
    return problems


def _tell(world: World, seed: int, number: int, seconds: float, told: int) -> None:
    os.environ["LAKEQ_DATA_DIR"] = str(world.data)
    for problem in _work(world, random.Random(f"{seed} {number}"), seconds):
        os.write(told, problem.encode() + b"\n")


def _work(world: World, rng: random.Random, seconds: float) -> list[str]:
    until, problems = time.monotonic() + seconds, []
    options = {**world.options, "cache_dir": world.cache, "cache": rng.choice([True, "1MB"])}
    while time.monotonic() < until:
        with lakeq.connect(world.location, **options) as lake:
            for _ in range(rng.randrange(1, 6)):
                asked = rng.randrange(len(QUESTIONS))
                rows = as_numbers(lake.sql(f"SELECT {QUESTIONS[asked]}").fetchall())
                if rows != [list(row) for row in world.answer(asked)]:
                    problems.append(f"{rows}, not {world.answer(asked)}: {QUESTIONS[asked]}")
            if rng.random() < 0.3:
                lake.refresh()
        if rng.random() < 0.05:
            clear_cache(world.cache)
    return problems
