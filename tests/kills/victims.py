"""What is done by a process that is going to be killed. It acknowledges each step once that is done."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import lakeq
from lakeq.cache import clear_cache
from lakeq.ledger.entries import DONE
from lakeq.ledger.journal import Journal
from lakeq.storage.block_cache import BlockCache
from tests.kills.world import QUESTIONS, World
from tests.ledger.entries import begun, ended

Tell = Callable[..., None]
STEPS = 12
LARGE, SMALL = 10 << 30, 600_000
"""Limits of the block cache: one that is never reached, and one that always is."""


def query(world: World, rng: random.Random, tag: str, tell: Tell) -> None:
    """Ask questions over the bucket, with what is cached of it."""
    limit = rng.choice([True, True, True, "1MB"])
    if limit != True:  # noqa: E712 - a size
        tell("evicting")
    with lakeq.connect(world.location, cache=limit, cache_dir=world.cache, **world.options) as lake:
        for step in range(STEPS):
            number = rng.randrange(len(QUESTIONS))
            sql = f"SELECT /* {tag}.{step} */ {QUESTIONS[number]}"
            rows = as_numbers(lake.sql(sql).fetchall())
            tell("answer", number=number, rows=rows, sql=sql)
    tell("closed")


def refresh(world: World, rng: random.Random, tag: str, tell: Tell) -> None:
    """List the bucket anew, and look into its files."""
    with lakeq.connect(world.location, cache_dir=world.cache, **world.options) as lake:
        for _ in range(STEPS):
            began = time.time()
            lake.refresh(rng.choice([None, None, "t"]))
            tell("refreshed", began=began)
            lake.estimate(f"SELECT {QUESTIONS[rng.randrange(len(QUESTIONS))]}")
    tell("closed")


def write(world: World, rng: random.Random, tag: str, tell: Tell) -> None:
    """Keep blocks, look for them, drive them out, and sometimes clear all."""
    is_large = rng.random() < 0.6
    if not is_large:
        tell("evicting")
    cache = BlockCache(str(world.cache / "blocks"), LARGE if is_large else SMALL)
    for step in range(STEPS * 4):
        numbers = [rng.randrange(500) for _ in range(rng.randrange(1, 8))]
        for number in numbers:
            folder = rng.choice([None, f"a=1/b={number % 7}"])
            cache.keep(made_key(number), 0, made_block(number), folder)
        cache.find([made_key(number) for number in numbers])
        tell("kept", numbers=numbers)
        if step % 16 == 15 and rng.random() < 0.3:
            tell("clearing")
            clear_cache(world.cache)
    cache.close()
    tell("closed")


def append(world: World, rng: random.Random, tag: str, tell: Tell) -> None:
    """Enter queries as fast as can be, in two threads."""
    journal = Journal(world.data / "history")

    def work(thread: int) -> None:
        for step in range(STEPS * 25):
            with suppress(TimeoutError):  # on a busy machine another may be halted while it holds the lock
                enter(f"{tag}.{thread}.{step}", step)

    def enter(name: str, step: int) -> None:
        today = dt.datetime.now(dt.UTC)
        opened = replace(begun(name, size=step + 1, sql="x" * 3000), moment=today, lake=world.location)
        with journal.open_day(today.date()) as file:
            file.append(opened)
        tell("begun", id=name)
        with journal.open_day(today.date()) as file:
            file.append(replace(ended(name, DONE, step + 2), moment=today))
        tell("ended", id=name)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tell("closed")


KINDS = {"query": query, "refresh": refresh, "cache": write, "ledger": append}


def run_victim(world: World, kind: str, seed: int, tag: str, told: int, start: int) -> None:
    """Work as a victim of this kind, in a process that has opened nothing before, once `start` says so; `told`
    is written to."""
    os.read(start, 1)
    os.environ["LAKEQ_DATA_DIR"] = str(world.data)

    def tell(what: str, **more: Any) -> None:
        os.write(told, json.dumps({"what": what, **more}).encode() + b"\n")

    KINDS[kind](world, random.Random(seed), tag, tell)


def made_key(number: int) -> str:
    """The key of a block that was made up."""
    return f"{number:032x}"


def made_block(number: int) -> bytes:
    """Its bytes."""
    return random.Random(number).randbytes(1_000 + number * 73)


def as_numbers(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows with whole numbers for decimals."""
    return [[None if value is None else int(value) for value in row] for row in rows]
