"""Every way in which a program may end that has used a lake: its exit status is right and it says nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent

BEGIN = """
import atexit, builtins, faulthandler, os, sys, threading, time
faulthandler.dump_traceback_later(300, exit=True)  # a program that hangs ends with status 1, and says where
import lakeq
from tests.kills.world import QUESTIONS
from tests.concurrency.threads import PAIRS
lake = lakeq.connect(LOCATION, history=False, **OPTIONS)
ASK = f"SELECT {QUESTIONS[0]}"
def ask(times=3):
    for _ in range(times):
        lake.sql(ASK).fetchall()
"""

EXITS: dict[str, tuple[int, str]] = {
    "all read": (0, "ask()"),
    "nothing asked": (0, ""),
    "a result that is never read": (0, "result = lake.sql(PAIRS)"),
    "only its schema is looked at": (0, "result = lake.sql(PAIRS); result.schema"),
    "a result that is half read": (0, "batches = lake.sql(PAIRS).batches(); next(batches)"),
    "a generator that outlives the module": (
        0,
        "builtins.kept = (b for b in lake.sql(PAIRS).batches()); next(builtins.kept)",
    ),
    "a cycle of references": (
        0,
        "class Node: pass\nnode = Node(); node.self = node; node.lake = lake\n"
        "node.batches = lake.sql(PAIRS).batches(); next(node.batches)",
    ),
    "sys.exit": (3, "next(lake.sql(PAIRS).batches()); sys.exit(3)"),
    "os._exit": (4, "batches = lake.sql(PAIRS).batches(); next(batches); os._exit(4)"),
    "an unhandled error": (
        1,
        "batches = lake.sql(PAIRS).batches(); next(batches)\nsys.excepthook = lambda *_: None\n1 / 0",
    ),
    "threads that go on": (
        0,
        "[threading.Thread(target=ask).start() for _ in range(3)]",
    ),
    "a daemon thread that waits": (
        0,
        "batches = lake.sql(PAIRS).batches()\n"
        "threading.Thread(target=lambda: (next(batches), threading.Event().wait()), daemon=True).start()\n"
        "time.sleep(0.5)",
    ),
    "a question when the interpreter ends": (0, "atexit.register(ask)"),
    "closing when the interpreter ends": (
        0,
        "batches = lake.sql(PAIRS).batches(); next(batches); atexit.register(lake.close)",
    ),
    "a forked child that ends": (
        0,
        "batches = lake.sql(PAIRS).batches(); next(batches)\n"
        "faulthandler.cancel_dump_traceback_later()  # a child waits for this thread, which it does not have\n"
        "if os.fork() == 0: sys.exit(0)\n"
        "assert os.wait()[1] == 0",
    ),
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended: its status and what it wrote to the standard error output."""

    status: int
    words: str


def end(name: str, location: Any, options: dict[str, Any]) -> Ending:
    """Run the program of this name over a lake, with all warnings errors."""
    begin = BEGIN.replace("LOCATION", repr(str(location))).replace("OPTIONS", repr(options))
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", begin + EXITS[name][1]]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=False, timeout=400
    )
    return Ending(done.returncode, done.stderr)


def judge_exit(name: str, location: Any, options: dict[str, Any]) -> list[str]:
    """What is wrong with how that program ends."""
    ending = end(name, location, options)
    if ending == Ending(EXITS[name][0], ""):
        return []
    return [f"{name}, at {location}: status {ending.status}, {ending.words[-1500:]}"]
