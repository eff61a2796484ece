"""The process that reads: a task a line of stdin, its outcomes a line of stdout."""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

from tests.badfiles.reading import read_by_decoder, read_by_lakeq
from tests.badfiles.workers import Task


def main() -> None:
    """Answer until stdin ends."""
    warnings.simplefilter("ignore")
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        task = Task(**json.loads(line))
        files = [Path(file) for file in task.files]
        if task.scanner == "decoder":
            outcomes = [{"decoder": read_by_decoder(file, task.kind)} for file in files]
        else:
            outcomes = read_by_lakeq(files, task.kind, task.scanner, Path(task.sibling), task.thorough)
        answers.write(json.dumps(outcomes) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
