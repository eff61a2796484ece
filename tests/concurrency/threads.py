"""Threads that use one lake in every way at once, and what each must get."""

from __future__ import annotations

import os
import random
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lakeq
from lakeq.errors import CatalogError, EngineError, LakeqError, QueryCancelledError, StorageUnavailableError
from tests.kills.victims import as_numbers
from tests.kills.world import QUESTIONS, World

PAIRS = "SELECT a.n AS n, b.n AS m FROM t a, t b"
CLOSED = (CatalogError, EngineError, StorageUnavailableError)
"""What a question may meet whose lake is closed in its midst."""


class Crowd:
    """Threads on one lake at a time, until the time is over. `problems` is what none of them should have met."""

    def __init__(self, world: World, location: Any, options: dict[str, Any], seed: int) -> None:
        self._world = world
        self._open: Callable[[], lakeq.Lake] = lambda: lakeq.connect(location, **options)
        self._seed = seed
        self._lock = threading.Lock()
        self._lake = self._open()
        self.steps: Counter[str] = Counter()
        self.problems: list[str] = []

    def run(self, threads: int, seconds: float, steps: int | None = None) -> None:
        """Have so many threads work for so long, or each so many steps."""
        until = time.monotonic() + seconds
        crowd = [threading.Thread(target=self._work, args=(n, until, steps)) for n in range(threads)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join(seconds + 600)
        if any(thread.is_alive() for thread in crowd):
            raise RuntimeError("threads hang")
        self._lake.close()

    def _work(self, number: int, until: float, steps: int | None) -> None:
        rng = random.Random(f"{self._seed} {number}")
        done = 0
        while (done < steps) if steps is not None else (time.monotonic() < until):
            lake = self._lake
            ways = [self._ask] * 6 + [self._estimate, self._preview, self._look, self._refresh]
            ways += [self._read_half, self._cancel, self._drop] + [self._close] * (rng.random() < 0.1)
            way = rng.choice(ways)
            try:
                way(lake, rng)
            except LakeqError as error:
                if lake is self._lake or not isinstance(error, CLOSED):
                    self._note(way, traceback.format_exc())
            except BaseException:  # noqa: BLE001 - it is told
                self._note(way, traceback.format_exc())
            done += 1
            with self._lock:
                self.steps[way.__name__.strip("_")] += 1

    def _ask(self, lake: lakeq.Lake, rng: random.Random) -> None:
        number = rng.randrange(len(QUESTIONS))
        rows = as_numbers(lake.sql(f"SELECT {QUESTIONS[number]}").fetchall())
        if rows != [list(row) for row in self._world.answer(number)]:
            self._note(self._ask, f"{rows}, not {self._world.answer(number)}: {QUESTIONS[number]}")

    def _estimate(self, lake: lakeq.Lake, rng: random.Random) -> None:
        number = rng.randrange(len(QUESTIONS))
        estimate = lake.estimate(f"SELECT {QUESTIONS[number]}")
        if not estimate.files or estimate.accuracy != "exact":
            self._note(self._estimate, f"{estimate}: {QUESTIONS[number]}")

    def _preview(self, lake: lakeq.Lake, rng: random.Random) -> None:
        lake.preview(f"SELECT {QUESTIONS[rng.randrange(len(QUESTIONS))]}")

    def _look(self, lake: lakeq.Lake, rng: random.Random) -> None:
        if [table.name for table in lake.tables()] != ["big", "t"]:
            self._note(self._look, f"{lake.names()}")
        lake.partitions("t")
        lake.history("1h")

    def _refresh(self, lake: lakeq.Lake, rng: random.Random) -> None:
        lake.refresh(rng.choice([None, "t"]))

    def _read_half(self, lake: lakeq.Lake, rng: random.Random) -> None:
        with lake.sql(PAIRS) as result:
            batches = result.batches()
            for _ in range(rng.randrange(4)):
                next(batches)

    def _drop(self, lake: lakeq.Lake, rng: random.Random) -> None:
        next(lake.sql(PAIRS).batches())

    def _cancel(self, lake: lakeq.Lake, rng: random.Random) -> None:
        result = lake.sql(PAIRS)
        timer = threading.Timer(rng.choice([0.0, 0.02, 0.2]), result.cancel)
        timer.start()
        try:
            for _ in result.batches():
                pass
        except QueryCancelledError:
            pass
        finally:
            timer.join()

    def _close(self, lake: lakeq.Lake, rng: random.Random) -> None:
        """Close the lake under all others, and open another."""
        with self._lock:
            if lake is not self._lake:
                return
            self._lake = self._open()
        lake.close()

    def _note(self, way: Callable[..., None], text: str) -> None:
        with self._lock:
            self.problems.append(f"seed {self._seed} {way.__name__}: {text}")


def count_growth(location: Any, options: dict[str, Any], cycles: int) -> tuple[int, int, int]:
    """How many open files, threads of the system and threads of Python there are more after so many times of
    opening, asking and closing than after the first few, when those that are about to end have had time."""

    def cycle() -> None:
        with lakeq.connect(location, **options) as lake:
            lake.sql(f"SELECT {QUESTIONS[0]}").fetchall()
            lake.table("t").head(3).collect()
            next(lake.sql(PAIRS).batches())

    def count() -> tuple[int, int, int]:
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")), threading.active_count()

    for _ in range(3):
        cycle()
    before = count()
    for _ in range(cycles):
        cycle()
    until = time.monotonic() + 10
    while True:
        grown = tuple(now - then for now, then in zip(count(), before, strict=True))
        if max(grown) <= 0 or time.monotonic() > until:
            return grown[0], grown[1], grown[2]
        time.sleep(0.05)


def make_world(folder: Path, endpoint: str, name: str) -> World:
    """A lake in `folder / buckets`, and the user's folders beside it."""
    world = World(folder / "buckets", name, endpoint, folder / f"home-{name}")
    world.fill()
    return world
