"""A run of kills: victims are forked by a process that has imported all and opened nothing."""

from __future__ import annotations

import faulthandler
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import duckdb  # noqa: F401 - loaded once for all victims
import obstore  # noqa: F401

import lakeq.connecting
import lakeq.planner.parse
import lakeq.storage.s3_listing
from tests.kills.judge import judge
from tests.kills.victims import KINDS, run_victim
from tests.kills.world import World
from tests.servers import run_latency_s3

ROUNDS_A_WORLD = 12
PATIENCE = 900.0
"""Seconds after which a process hangs; a busy machine may take minutes over a step."""
SYSCALLS = (
    "openat,write,pwrite64,pwritev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,"
    "ftruncate,flock,link,linkat,close"
)


@dataclass(slots=True)
class Report:
    """What a run has done so far: by kind, kills, and steps that were acknowledged."""

    kills: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def run_kills(
    count: int, seed: int, kinds: tuple[str, ...] = tuple(KINDS), traced: bool = False
) -> Iterator[Report]:
    """Kill `count` victims, one of each kind at a time, that share a cache; how it went so far, after each
    round. `traced`: at a system call, else at a moment."""
    lakeq.planner.parse.load_dialect()
    lakeq.storage.s3_listing.load_botocore()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder, serve(Path(folder)) as endpoint:
        rounds = 0
        while report.kills.total() + report.ends.total() < count:
            if rounds % ROUNDS_A_WORLD == 0:
                world = World(
                    Path(folder) / "buckets", f"w{rounds}", endpoint, Path(folder) / f"home{rounds}"
                )
                world.fill()
                earlier: set[str] = set()
            rng = random.Random(f"{seed} {rounds}")
            world.change(rng)
            told = kill_all(world, kinds, rng, f"{seed}.{rounds}", traced, report)
            for text in in_child(partial(judge_all, world, told, earlier, rng)):
                if text.startswith("note: "):
                    report.notes[text] += 1
                else:
                    report.problems.append(f"seed {seed} round {rounds}: {text}")
            earlier |= {key for step in told for key in remember(step)}
            rounds += 1
            yield report


def judge_all(world: World, told: list[dict[str, Any]], earlier: set[str], rng: random.Random) -> list[str]:
    """All that is wrong."""
    return list(judge(world, told, earlier, rng))


def remember(step: dict[str, Any]) -> list[str]:
    """What of an acknowledged step must be in the ledger from now on."""
    if step["what"] in ("begun", "ended"):
        return [f"{step['what']} {step['id']}"]
    return [f"sql {step['sql']}"] if step["what"] == "answer" else []


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """The endpoint of a server over `folder / buckets`."""
    (folder / "buckets").mkdir()
    with run_latency_s3(folder / "buckets", "--latency-ms", "2") as endpoint:
        yield endpoint


@dataclass(slots=True)
class Victim:
    """A process that works and is killed `delay` seconds after it acknowledged so many `steps`."""

    kind: str
    process: int
    pipe: int
    steps: int
    delay: float
    lines: bytes = b""
    until: float | None = None

    def read(self) -> bool:
        """Take what it has told; whether it may tell more."""
        part = os.read(self.pipe, 1 << 20)
        self.lines += part
        return bool(part)


def kill_all(
    world: World, kinds: tuple[str, ...], rng: random.Random, tag: str, traced: bool, report: Report
) -> list[dict[str, Any]]:
    """What victims acknowledged, one of each kind at work at once, before they were killed."""
    victims, starts, tracers = [], [], []
    for kind in kinds:
        read, write = os.pipe()
        waiting, start = os.pipe()
        work = partial(run_victim, world, kind, rng.randrange(1 << 30), f"{tag}.{kind}", write, waiting)
        process = fork(work, [read, start, *starts, *(victim.pipe for victim in victims)])
        os.close(write)
        os.close(waiting)
        steps = rng.choice([0, 0, 1, 1, 2, 3, 5, 8])
        delay = rng.uniform(0, rng.choice([0.002, 0.02, 0.1]) if steps else 1.0)
        victims.append(Victim(kind, process, read, steps, delay))
        starts.append(start)
        tracers += [trace(process, rng)] if traced else []
    for start in starts:
        os.write(start, b"g")
        os.close(start)
    watch(victims, traced)
    told: list[dict[str, Any]] = []
    for victim in victims:
        os.close(victim.pipe)
        _, status = os.waitpid(victim.process, 0)
        is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if status and not is_killed:
            report.problems.append(f"{tag}: a victim ({victim.kind}) ended by itself with status {status}")
        (report.kills if is_killed else report.ends)[victim.kind] += 1
        steps_told = [json.loads(line) for line in victim.lines.split(b"\n")[:-1]]
        report.told[victim.kind] += len(steps_told)
        told += steps_told
    for tracer in tracers:
        tracer.wait()
    return told


def watch(victims: Sequence[Victim], traced: bool) -> None:
    """Kill each victim at its moment (nobody, if they are `traced`), and hear all that they tell."""
    alive, until = {victim.pipe: victim for victim in victims}, time.monotonic() + PATIENCE
    while alive:
        for pipe in select.select(list(alive), [], [], 0.001)[0]:
            if not alive[pipe].read():
                del alive[pipe]
        now = time.monotonic()
        for victim in alive.values():
            if traced and now < until:
                continue
            if victim.until is None and victim.lines.count(b"\n") >= victim.steps:
                victim.until = now + victim.delay
            if now >= min(victim.until or until, until):
                os.kill(victim.process, signal.SIGKILL)


def read_all(descriptor: int) -> bytes:
    """What a pipe holds until its end. RuntimeError when that does not come."""
    parts, until = [], time.monotonic() + PATIENCE
    while True:
        if not select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
            raise RuntimeError("a victim hangs")
        part = os.read(descriptor, 1 << 20)
        if not part:
            return b"".join(parts)
        parts.append(part)


def trace(victim: int, rng: random.Random) -> subprocess.Popen[str]:
    """A tracer that kills the victim as one of its threads is about to make its n-th system call that changes
    files."""
    when = rng.choice([rng.randrange(1, 20), rng.randrange(1, 60), rng.randrange(1, 300)])
    call = rng.choice([*SYSCALLS.split(","), "all", "all", "all"])
    calls = "fsync,rename,unlink,flock,mkdir,pwrite64,write,ftruncate,link" if call == "all" else call
    command = ["strace", "-f", "-q", "-o", "/dev/null", "-e", f"trace={calls}"]
    command += ["-e", f"inject={calls}:signal=KILL:when={when}", "-p", str(victim)]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL, text=True)
    while "TracerPid:\t0\n" in Path(f"/proc/{victim}/status").read_text():
        if tracer.poll() is not None:
            raise RuntimeError("strace cannot attach to the victim")
        time.sleep(0.01)
    return tracer


def in_child(work: Callable[[], list[str]]) -> list[str]:
    """What `work` gives in a process of its own, so that this one stays as it is."""
    read, write = os.pipe()

    def tell() -> None:
        faulthandler.dump_traceback_later(PATIENCE - 10)  # to the standard error output
        try:
            found = work()
        except BaseException:  # noqa: BLE001 - it is told
            found = [traceback.format_exc()]
        data = json.dumps(found).encode()
        while data:
            data = data[os.write(write, data) :]

    child = fork(tell, [read])
    os.close(write)
    try:
        text = read_all(read)
    except RuntimeError:
        os.kill(child, signal.SIGKILL)
        text = json.dumps(["the judge hangs"]).encode()
    os.close(read)
    os.waitpid(child, 0)
    return list(json.loads(text)) if text else ["the judge was lost"]


def fork(work: Callable[[], Any], closed: list[int]) -> int:
    """The id of a child that does `work` and ends; it does not have what is `closed`."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        for descriptor in closed:
            os.close(descriptor)
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - the child must end here
        traceback.print_exc()
    finally:
        os._exit(status)
