"""What a killed process has left: whether all that was acknowledged is there, and nothing else is believed."""

from __future__ import annotations

import fcntl
import json
import os
import random
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import lakeq
from lakeq.catalog.known_objects import END, KeyRange
from lakeq.catalog.saved import SavedStore, read_saved
from lakeq.errors import LakeqError
from lakeq.storage.block_cache import BlockCache
from tests.kills.victims import LARGE, as_numbers, made_block, made_key
from tests.kills.world import QUESTIONS, World

Told = list[dict[str, Any]]


def judge(world: World, told: Told, earlier: set[str], rng: random.Random) -> Iterator[str]:
    """What is wrong after some were killed, a text each. `told` is what they acknowledged; `earlier` are the
    ids and texts of the ledger that victims before them did. `rng` chooses what is asked."""
    os.environ["LAKEQ_DATA_DIR"] = str(world.data)
    yield from judge_answers_told(world, told)
    yield from judge_locks(world)
    yield from judge_ledger(world, told, earlier)
    yield from judge_catalogs(world, told)
    yield from judge_blocks(world, told)
    yield from judge_questions(world, rng)
    yield from judge_ledger(world, told, earlier)
    yield from judge_leftovers(world)


def judge_answers_told(world: World, told: Told) -> Iterator[str]:
    for step in told:
        if step["what"] == "answer":
            right = [list(row) for row in world.answer(step["number"])]
            if step["rows"] != right:
                yield f"the victim was told {step['rows']}, not {right}: {step['sql']}"


def judge_locks(world: World) -> Iterator[str]:
    """A lock that nobody holds can be had."""
    names = ("*.lock", "lock", "*.jsonl", "*-" + "?" * 16)
    for path in (p for name in names for p in world.home.rglob(name) if p.is_file()):
        with open(path, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield f"held for ever: {path}"


def judge_ledger(world: World, told: Told, earlier: set[str]) -> Iterator[str]:
    """Each entry that was acknowledged is there once; no line is half an entry but the last, torn one."""
    lines = [
        line for path in world.data.glob("history/*.jsonl") for line in path.read_bytes().split(b"\n") if line
    ]
    entries, torn = [], 0
    for line in lines:
        try:
            entries.append(json.loads(line))
        except ValueError:
            torn += 1
    if torn:
        yield f"note: {torn} torn lines"
    found = Counter((entry["event"], entry["id"]) for entry in entries)
    texts = {entry["id"]: entry.get("sql", "") for entry in entries if entry["event"] == "begin"}
    named = Counter((event, texts.get(id, "")) for event, id in found.elements())
    yield from (f"entered {n} times: {key}" for key, n in found.items() if n > 1)
    for step in told:
        if step["what"] in ("begun", "ended"):
            earlier.add(f"{step['what']} {step['id']}")
        if step["what"] == "answer":
            earlier.add(f"sql {step['sql']}")
    for key in sorted(earlier):
        what, _, name = key.partition(" ")
        counts = (
            [named["begin", name], named["end", name]]
            if what == "sql"
            else [found[what.replace("begun", "begin").replace("ended", "end"), name]]
        )
        if counts != [1] * len(counts):
            yield f"acknowledged and entered {counts} times: {key}"


def judge_catalogs(world: World, told: Told) -> Iterator[str]:
    """A saved catalog is whole, and each range in it is what the bucket held when it was listed."""
    refreshed = [step["began"] for step in told if step["what"] == "refreshed"]
    if any(step["what"] == "clearing" for step in told):
        refreshed = []
    paths = list(world.cache.glob("catalog/listings/*.catalog"))
    if refreshed and not paths:
        yield "a refresh was acknowledged, and no catalog is there"
    for path in paths:
        saved = read_saved(path.read_bytes())
        if saved is None:
            yield f"a catalog that cannot be read: {path}"
            continue
        yield from _judge_listed(world, saved)
        at = saved.known.age_of(KeyRange("", END))
        if refreshed and (at is None or at < refreshed[-1] - 1e-3):
            yield f"a refresh of {refreshed[-1]} was acknowledged, and the catalog is of {at}"


def _judge_listed(world: World, saved: SavedStore) -> Iterator[str]:
    for part in saved.known.listed:
        rows = saved.known.slice(part.range)
        found = {
            p: e.strip('"') for p, e in zip(rows["path"].to_pylist(), rows["etag"].to_pylist(), strict=True)
        }
        state = world.state_at(part.at)
        right = {p: etag for p, etag in state.items() if part.range.start <= p < part.range.stop}
        if found != right:
            yield f"listed at {part.at} in {part.range}: {found}, not {right}"


def judge_blocks(world: World, told: Told) -> Iterator[str]:
    """Each block that is found holds the bytes it stands for; those that were acknowledged are found."""
    cache = BlockCache(str(world.cache / "blocks"), LARGE)
    try:
        right = {made_key(number): made_block(number) for number in range(500)} | world.list_blocks()
        found = cache.find(list(right))
        whole = set()
        for key, blocks in found.items():
            for block in blocks:
                body = cache.read(block, block.start, block.length)
                if body is not None and body != right[key][block.start : block.stop]:
                    yield f"other bytes than those of {key} in {block}"
                whole |= {key} if body is not None else set()
        yield from _judge_kept(told, whole)
    finally:
        cache.close()


def _judge_kept(told: Told, whole: set[str]) -> Iterator[str]:
    kept: set[int] = set()
    for step in told:
        if step["what"] == "kept":
            kept |= set(step["numbers"])
        if step["what"] in ("clearing", "evicting"):
            return
    lost = [number for number in kept if made_key(number) not in whole]
    if lost:
        yield f"acknowledged blocks are lost: {lost}"


def judge_questions(world: World, rng: random.Random) -> Iterator[str]:
    """The next run opens and answers right with what is kept, and so does one that lists nothing, or reads the
    folder; estimates are those of a process that knows nothing."""
    kept = {**world.options, "cache_dir": world.cache}
    places: list[tuple[Any, dict[str, Any]]] = [
        (world.location, kept),
        (world.location, {**kept, "freshness": "index"}),
        (world.lake, {"cache_dir": world.cache}),
    ]
    asked, known = rng.randrange(len(QUESTIONS)), []
    for place, numbers in ((0, range(len(QUESTIONS))), (rng.choice([1, 2]), [asked])):
        location, options = places[place]
        try:
            with lakeq.connect(location, **options) as lake:
                for number in numbers:
                    rows = as_numbers(lake.sql(f"SELECT {QUESTIONS[number]}").fetchall())
                    if rows != [list(row) for row in world.answer(number)]:
                        yield f"{rows}, not {world.answer(number)}, at {location} {options}: {number}"
                known.append(_weigh(lake, asked))
        except LakeqError as error:
            yield f"{type(error).__name__} at {location} {options}: {error}"
    with (
        tempfile.TemporaryDirectory() as empty,
        lakeq.connect(world.location, **world.options, cache_dir=empty, cache=False) as lake,
    ):
        bare = _weigh(lake, asked)
    if any(weight != bare for weight in known):
        yield f"estimates {known}, not {bare}, of {asked}"


def _weigh(lake: lakeq.Lake, number: int) -> tuple[int, int]:
    estimate = lake.estimate(f"SELECT {QUESTIONS[number]}")
    return estimate.bytes_scanned, estimate.files


def judge_leftovers(world: World) -> Iterator[str]:
    """Files that belong to nothing do not pile up."""
    unfinished = [str(path) for path in world.cache.rglob("*.unfinished")]
    if unfinished:
        yield f"left over: {unfinished}"
    strays = count_strays(world.cache)
    if strays:
        yield f"blocks that belong to nothing: {strays}"


def count_strays(cache: Path) -> int:
    """Files among the blocks that the index does not know."""
    strays = 0
    for folder in cache.glob("blocks/blocks-*"):
        database = folder / "blocks.sqlite"
        if not database.exists():
            continue
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            known = {f"{row[0]}/{row[1]}" for row in connection.execute("SELECT folder, name FROM blocks")}
        below = [p for p in folder.rglob("*") if p.is_file() and p.parent != folder]
        strays += sum(
            str(p.relative_to(folder)) not in known
            for p in below
            if p.parent.name not in ("leases", "writers")
        )
    return strays
