"""Reading in a process of its own, with limits of time and memory, that may crash: many files a process."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, Self

SECONDS = 60.0
"""Of its processor's time, for a shared machine may take long over anything."""

_LONGEST_WAIT = 20
"""What hangs takes no such time: it may take so many times the seconds by the clock."""

MEMORY = 1_500_000_000
"""Bytes resident; DuckDB's own limit is 500 MB."""
_FILES = 400
"""After so many a process is replaced, so that memory is told apart."""


Outcomes = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Task:
    """Files of a kind to read: by lakeq with a `scanner` (`auto`, `arrow`), or by another `decoder`. `sibling` is
    a good file of that kind."""

    files: tuple[str, ...]
    kind: str
    scanner: str
    sibling: str
    thorough: bool = True


class Worker:
    """Gives each task's outcomes; what ends the process, or outlasts its limits, is an outcome too."""

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        self._process: subprocess.Popen[bytes] | None = None
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def read(self, task: Task) -> list[Outcomes]:
        """The outcomes of each file by name; `process` alone, with a `fault`, where there was no answer."""
        answer = self._ask(task)
        if isinstance(answer, list):
            return answer
        if len(task.files) == 1:
            return [{"process": {"fault": answer}}]
        # One of them did it: each by itself.
        return [outcomes for file in task.files for outcomes in self.read(replace(task, files=(file,)))]

    def _ask(self, task: Task) -> list[Outcomes] | str:
        """The outcomes, or how the process ended."""
        process = self._start()
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(task)).encode() + b"\n")
        process.stdin.flush()
        fault = self._wait(process)
        if fault is None:
            assert process.stdout is not None
            line = process.stdout.readline()
            self._done += len(task.files)
            if line:
                answer: list[Outcomes] = json.loads(line)
                return answer
            fault = _tell_end(process.wait())
        self._stop()
        return fault

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._done >= _FILES:
            self._stop()
        if self._process is None:
            # A hostile file may print to stderr, and much: nobody reads it.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.badfiles.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=Path(__file__).parents[2],
            )
            self._done = 0
        return self._process

    def _wait(self, process: subprocess.Popen[bytes]) -> str | None:
        """Until it answers or ends; what it took too much of, if it did."""
        assert process.stdout is not None
        end = time.monotonic() + _LONGEST_WAIT * self._seconds
        worked = _worked(process.pid) + self._seconds
        while time.monotonic() < end and _worked(process.pid) < worked:
            if select.select([process.stdout], [], [], 0.1)[0]:
                return None
            if _resident(process.pid) > self._memory:
                return "memory"
        return "hang"

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            _close(process.stdin)
            _close(process.stdout)
            process.wait()


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds; 0 once it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _worked(pid: int) -> float:
    """Seconds of processor time that a process has had; 0 once it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _tell_end(status: int) -> str:
    return f"crash: {signal.Signals(-status).name}" if status < 0 else f"crash: exit {status}"


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        try:
            stream.close()
        except BrokenPipeError:
            return
