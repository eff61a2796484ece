"""Let contenders answer a question one after the other, each in a process of its own, over a simulated S3.

What each asks of the store is read from the store: LIST, GET and HEAD calls, and bytes of bodies.
"""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 900
"""A contender that takes longer than this on one question ends the benchmark."""
_START_SECONDS = 30
_PROGRAM = Path(__file__).with_name("run.py")
_SIMULATOR = Path(__file__).parent.parent / "s3sim.py"


class AnswersDifferError(Exception):
    """Two contenders gave different answers."""


@dataclass(frozen=True, slots=True)
class Contender:
    """Who runs: a module beside this file, with the Python that has what it needs.

    `make_options` is called before each run, outside the time that counts: it may lay out a cache. A floor
    computes no answer.
    """

    name: str
    module: str
    python: str = sys.executable
    make_options: Callable[[], Mapping[str, Any]] = dict
    is_floor: bool = False

    @property
    def is_peer(self) -> bool:
        """Whether it is someone else's engine."""
        return not self.is_floor and self.module != "lakeq_lake"


@contextlib.contextmanager
def run_simulator(root: Path, *options: str) -> Iterator[str]:
    """The endpoint of benchmarks/s3sim.py over the folders of `root`, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(_SIMULATOR), str(root), "--port", str(port), *options]
    process = subprocess.Popen(command)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(endpoint)
        yield endpoint
    finally:
        process.terminate()
        process.wait()


def wait_until_it_answers(endpoint: str) -> None:
    """Return when the simulator does; TimeoutError when it does not."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            read_requests(endpoint)
            return
        time.sleep(0.05)
    raise TimeoutError(f"Nothing answers at {endpoint} after {_START_SECONDS} s.")


def read_requests(endpoint: str) -> dict[str, int]:
    """What was asked of the simulator since this was called last: list, get, head, bytes, faults."""
    with urllib.request.urlopen(f"{endpoint}/_stats", timeout=10) as answer:
        counts: dict[str, int] = json.load(answer)
    return counts


def run_contender(contender: Contender, question: str, endpoint: str) -> dict[str, Any]:
    """What benchmarks/peers/run.py prints, and the requests that the store saw."""
    options = json.dumps(contender.make_options(), default=str)
    command = [contender.python, str(_PROGRAM), contender.module, question, endpoint, options]
    read_requests(endpoint)
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise SystemExit(f"{contender.name} could not answer '{question}'.")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {
        **result,
        **{f"{kind}_calls": n for kind, n in read_requests(endpoint).items() if kind != "faults"},
    }


def hold_contest(
    contenders: Sequence[Contender], question: str, endpoint: str, rounds: int
) -> dict[str, list[dict[str, Any]]]:
    """The results of each contender by its name, a result a round. They take turns.

    AnswersDifferError unless all but the floors give the same answer, numbers to a cent.
    """
    results: dict[str, list[dict[str, Any]]] = {contender.name: [] for contender in contenders}
    for contender in [*contenders] * rounds:
        result = run_contender(contender, question, endpoint)
        results[contender.name].append(result)
        print(f"{question}: {contender.name} {result['seconds']:.3f} s", file=sys.stderr)
    answers = {c.name: results[c.name][0]["answer"] for c in contenders if not c.is_floor}
    first = next(iter(answers.items()), None)
    for name, answer in answers.items():
        if first and not is_same(answer, first[1]):
            raise AnswersDifferError(f"{question}: {first[0]} gives {first[1]}, {name} gives {answer}.")
    return results


def is_same(left: Any, right: Any) -> bool:
    """Whether two answers are one: numbers to a cent and nine digits."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_same, left, right))
    if isinstance(left, int | float) and isinstance(right, int | float):
        return abs(left - right) <= max(0.0101, 1e-9 * abs(left))
    return bool(left == right)


def sum_up(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One row of figures out of the rounds: the median of times, and what the median round asked for."""
    ordered = sorted(results, key=lambda result: result["seconds"])
    middle = ordered[len(ordered) // 2]
    return {
        "seconds": round(statistics.median(result["seconds"] for result in ordered), 4),
        "connect_seconds": round(middle["connect_seconds"], 4),
        "list": middle["list_calls"],
        "get": middle["get_calls"],
        "head": middle["head_calls"],
        "mb": round(middle["bytes_calls"] / 1e6, 1),
        "peak_mb": middle["peak_mb"],
    }


def add_ratios(rows: Sequence[dict[str, Any]], contenders: Sequence[Contender]) -> None:
    """Add to the rows of one question how many times the fastest peer's and the floor's time each took; None
    where there is none to compare with."""
    by_name = {row["contender"]: row["seconds"] for row in rows}
    peers = [by_name[contender.name] for contender in contenders if contender.is_peer]
    floors = [by_name[contender.name] for contender in contenders if contender.is_floor]
    for row in rows:
        for name, times in (("times_fastest_peer", peers), ("times_floor", floors)):
            row[name] = round(row["seconds"] / min(times), 3) if times else None


def tell_settings(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """By contender: the versions that ran, the settings it was given, and what it told of one run."""
    known = ("answer", "seconds", "connect_seconds", "peak_mb")
    return {
        name: {
            key: value for key, value in runs[0].items() if key not in known and not key.endswith("_calls")
        }
        for name, runs in results.items()
    }


def choose(contenders: Sequence[Contender], names: Sequence[str]) -> list[Contender]:
    """The contenders named, all when none is; SystemExit for a name that is none of theirs."""
    known = [contender.name for contender in contenders]
    if unknown := set(names) - set(known):
        raise SystemExit(f"No such contender: {', '.join(unknown)}. There are {', '.join(known)}.")
    return [contender for contender in contenders if not names or contender.name in names]
