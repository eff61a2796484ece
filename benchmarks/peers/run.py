"""Run one contender on one question, cold, and print what came of it as JSON.

    PYTHON run.py CONTENDER QUESTION ENDPOINT [OPTIONS]

PYTHON is that of the contender's environment (see benchmarks.remote), CONTENDER a module beside this file,
QUESTION a name in questions.py, OPTIONS a JSON object for the contender. Printed are `answer`, `seconds`
after the imports (connecting included; `connect_seconds` tells it apart), `peak_mb` of memory, `versions`,
`settings`, and what else the contender tells.

A contender module has SETTINGS (all that makes it faster than as it comes), PACKAGES, and

    answer_query(query: Query, endpoint: str, options: dict) -> Answer
    count_files(listing: Listing, endpoint: str, options: dict) -> Answer     if it lists
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from questions import LISTINGS, QUERIES, Answer


def run_contender(name: str, question: str, endpoint: str, options: dict[str, Any]) -> dict[str, Any]:
    """What is to be printed."""
    contender = importlib.import_module(name)
    began = time.perf_counter()
    if question in LISTINGS:
        answer: Answer = contender.count_files(LISTINGS[question], endpoint, options)
    else:
        answer = contender.answer_query(QUERIES[question], endpoint, options)
    ended = time.perf_counter()
    return {
        "answer": plain(answer.value),
        "seconds": ended - began,
        "connect_seconds": max(answer.connected - began, 0.0),
        "peak_mb": read_peak_mb(),
        "versions": {package: version(package) for package in contender.PACKAGES},
        "settings": contender.SETTINGS,
        **answer.facts,
    }


def read_peak_mb() -> int:
    """The most memory that this process held, interpreter included.

    On Linux getrusage would count what the parent held when it started this process.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    lines = status.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def plain(value: Any) -> Any:
    """Rows as JSON has them: numbers to cents, and text."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, int | str):
        return value
    return round(float(value), 2)


def main() -> None:
    name, question, endpoint, *options = sys.argv[1:]
    result = run_contender(name, question, endpoint, json.loads(options[0]) if options else {})
    print(json.dumps(result), flush=True)
    os._exit(0)  # threads of obstore and pyarrow were seen to abort, or to hang, an interpreter that ends


if __name__ == "__main__":
    main()
