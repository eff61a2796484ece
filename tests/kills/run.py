"""A run of kills: victims are forked by a process that has imported all and opened nothing."""

from __future__ import annotations

import faulthandler
import json
import os
import random
import select
import shutil
import signal
import subprocess
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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

RUNS_A_WORLD = 25
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
) -> Iterator[tuple[int, Report]]:
    """Kill `count` victims; how many were, after each. `traced`: at a system call, else at a moment."""
    lakeq.planner.parse.load_dialect()
    lakeq.storage.s3_listing.load_botocore()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder, serve(Path(folder)) as endpoint:
        number = 0
        while number < count:
            world = World(Path(folder) / "buckets", f"w{number}", endpoint, Path(folder) / f"home{number}")
            world.fill()
            earlier: set[str] = set()
            for _ in range(min(RUNS_A_WORLD, count - number)):
                rng = random.Random(f"{seed} {number}")
                kind = kinds[number % len(kinds)]
                world.change(rng)
                told, is_killed = kill_one(world, kind, rng, f"{seed}.{number}", traced)
                (report.kills if is_killed else report.ends)[kind] += 1
                report.told[kind] += len(told)
                for text in in_child(lambda: list(judge(world, told, earlier, rng))):  # noqa: B023
                    if text.startswith("note: "):
                        report.notes[text] += 1
                    else:
                        report.problems.append(f"seed {seed} run {number} ({kind}): {text}")
                earlier |= {key for step in told for key in remember(step)}
                number += 1
                yield number, report
            shutil.rmtree(world.home)
            shutil.rmtree(world.lake)


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


def kill_one(
    world: World, kind: str, rng: random.Random, tag: str, traced: bool
) -> tuple[list[dict[str, Any]], bool]:
    """What a victim acknowledged before it was killed, and whether it was."""
    read, write = os.pipe()
    go_read, go = os.pipe()
    seed = rng.randrange(1 << 30)
    victim = fork(lambda: (os.read(go_read, 1), run_victim(world, kind, seed, tag, write)), [read, go])
    os.close(write)
    os.close(go_read)
    tracer = trace(victim, rng) if traced else None
    os.write(go, b"g")
    os.close(go)
    lines = b""
    if tracer is None:
        lines = wait_for_moment(read, rng)
        os.kill(victim, signal.SIGKILL)
    lines += read_all(read)
    os.close(read)
    _, status = os.waitpid(victim, 0)
    if tracer is not None:
        tracer.wait()
    told = [json.loads(line) for line in lines.split(b"\n")[:-1]]
    is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not is_killed and status:
        raise RuntimeError(f"the victim {tag} ({kind}) ended by itself with status {status}")
    return told, is_killed


def wait_for_moment(read: int, rng: random.Random) -> bytes:
    """Wait until the victim is to be killed: a while after one of its first steps, or in its beginning."""
    steps, lines = rng.choice([0, 0, 1, 1, 2, 3, 5, 8]), b""
    until = time.monotonic() + PATIENCE
    while lines.count(b"\n") < steps and time.monotonic() < until:
        if select.select([read], [], [], 0.05)[0]:
            part = os.read(read, 1 << 16)
            if not part:
                return lines
            lines += part
    time.sleep(rng.uniform(0, 0.6 if not steps else rng.choice([0.002, 0.02, 0.1])))
    return lines


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
