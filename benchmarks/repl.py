"""How long does a key take in `lakeq repl`: to its echo, and to the estimate in the toolbar? And the prompt?

    python -m benchmarks.repl [--keys 60] [--files 100000]

In a real pseudo-terminal, over a local lake of 100,000 Parquet files (hard links) by hour, known and warm.
Numbers are typed into a condition over the partition keys: no text twice, and each key changes the estimate.
Of each key: the time until it is on the screen, and until the toolbar tells of the new text. `prompt` is from
the start of the process to the prompt, over a small lake that is known. Beside it, a prompt of prompt_toolkit
that does nothing else.
Targets: toolbar 60 ms in the median, echo 10 ms at most, prompt 0.7 s.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.harness import print_table, write_result
from benchmarks.terminal import Terminal

_DAYS, _HOURS = 365, 24
_COLUMNS = 120
_WARM_UP = 10
_MOST_LINKS = 60_000
"""Of one file, on ext4."""


def write_lake(root: Path, files: int) -> None:
    """A table by year, month, day and hour, of so many hard links to one file."""
    rows = pa.table({"user_id": list(range(1000)), "amount": [0.5] * 1000})
    an_hour = max(files // (_DAYS * _HOURS), 1)
    count = 0
    for day in range(_DAYS):
        for hour in range(_HOURS):
            keys = {"year": 2026, "month": day // 31 + 1, "day": day % 31 + 1, "hour": hour}
            folder = root.joinpath("lake", "events", *(f"{name}={value}" for name, value in keys.items()))
            folder.mkdir(parents=True)
            for part in range(an_hour):
                if count % _MOST_LINKS == 0:
                    pq.write_table(rows, model := root / f"model-{count}")
                if count < files:
                    os.link(model, folder / f"part-{part}.parquet")
                    count += 1


def start_repl(lake: Path, folder: Path) -> Terminal:
    """`lakeq repl` in a terminal, with folders of its own."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    env |= {"LAKEQ_DATA_DIR": str(folder / "data"), "LAKEQ_CACHE_DIR": str(folder / "cache")}
    return Terminal([sys.executable, "-m", "lakeq", "repl", str(lake)], env, _COLUMNS)


def time_bare_keys(count: int) -> list[float]:
    """The times of so many keys to their echo at a prompt of prompt_toolkit that does nothing else."""
    code = "from prompt_toolkit import PromptSession as P; P('lakeq> ', bottom_toolbar=lambda: '-').prompt()"
    echoes = []
    with Terminal([sys.executable, "-c", code], dict(os.environ), _COLUMNS) as terminal:
        terminal.wait_for("lakeq>")
        for number in range(count + _WARM_UP):
            line, began = terminal.line(0), time.perf_counter()
            terminal.type("abcdefghij"[number % 10])
            while terminal.line(0) == line:
                terminal.read(0.5)
            echoes.append(terminal.read_at - began)
            terminal.read(0.1)
    return echoes[_WARM_UP:]


def time_prompt(lake: Path, folder: Path) -> float:
    """Seconds from the start to the prompt."""
    began = time.perf_counter()
    with start_repl(lake, folder) as terminal:
        while "lakeq>" not in terminal.screen:
            terminal.read(0.5)
        return time.perf_counter() - began


def time_key(terminal: Terminal, key: str) -> tuple[float, float]:
    """Seconds from a key to its echo and to the next toolbar. The key must change both."""
    line, toolbar = terminal.line(0), terminal.toolbar
    began = time.perf_counter()
    terminal.type(key)
    echo = None
    while True:
        terminal.read(0.5)
        now = terminal.read_at - began
        if echo is None and terminal.line(0) != line:
            echo = now
        if echo is not None and terminal.toolbar != toolbar:
            return echo, now
        if now > 10:
            raise RuntimeError(f"The toolbar did not change:\n{terminal.screen}")


def time_keys(lake: Path, folder: Path, count: int) -> tuple[list[float], list[float]]:
    """The times of so many keys to their echo and to the toolbar."""
    times: list[tuple[float, float]] = []
    numbers = iter(range(10_613, 12_900, 17))
    with start_repl(lake, folder) as terminal:
        terminal.wait_for("1 table · .help", 120)
        terminal.type("select sum(amount) from events where month * 1000 + day * 30 + hour < ")
        terminal.wait_for("so far", 120)
        while len(times) < count + _WARM_UP:
            text = str(next(numbers))
            terminal.type(text[:3])
            terminal.wait_for(" 0 of 8,760 partitions")
            for key in text[3:]:
                time.sleep(0.1)  # nobody types faster
                times.append(time_key(terminal, key))
            terminal.type("\x7f" * len(text))
            terminal.wait_for("so far")
    echoes, toolbars = zip(*times[_WARM_UP:], strict=True)
    return list(echoes), list(toolbars)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time keys in the REPL.")
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--files", type=int, default=100_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lakeq-repl-") as temporary:
        root = Path(temporary)
        (root / "small").mkdir()
        pq.write_table(pa.table({"n": [1]}), root / "small" / "n.parquet")
        prompts = [time_prompt(root / "small", root) for _ in range(7)]
        write_lake(root, arguments.files)
        echoes, toolbars = time_keys(root / "lake", root, arguments.keys)
        bare = time_bare_keys(arguments.keys)
    figures = (
        ("key to toolbar, median", statistics.median(toolbars), 0.060),
        ("key to toolbar, 95 %", statistics.quantiles(toolbars, n=20)[-1], None),
        ("key to its echo, median", statistics.median(echoes), None),
        ("key to its echo, 95 %", statistics.quantiles(echoes, n=20)[-1], None),
        ("key to its echo, worst", max(echoes), 0.010),
        ("bare prompt_toolkit, echo, median", statistics.median(bare), None),
        ("bare prompt_toolkit, echo, worst", max(bare), None),
        ("prompt, median", statistics.median(prompts), 0.700),
    )
    rows: list[dict[str, Any]] = [
        {
            "what": what,
            "ms": round(seconds * 1000, 1),
            "target_ms": target and round(target * 1000),
            "met": target is None or seconds <= target,
        }
        for what, seconds, target in figures
    ]
    print_table(rows)
    print(write_result("repl", "Times of keys at the prompt", rows, keys=len(echoes), files=arguments.files))


if __name__ == "__main__":
    main()
