"""The REPL in a real terminal: keys go in, and the screen is what a person sees."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.terminal import Terminal

COLUMNS = 120
Start = Callable[..., Terminal]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two years of `events` by month, and `big`, over which a cross join takes for ever."""
    root = tmp_path_factory.mktemp("terminal")
    numbers = pa.table(
        {"user_id": np.arange(1000), "amount": np.arange(1000) / 4, "kind": ["view", "buy"] * 500}
    )
    for year in (2025, 2026):
        for month in range(1, 13):
            folder = root / "events" / f"year={year}" / f"month={month}"
            folder.mkdir(parents=True)
            pq.write_table(numbers, folder / "part-0.parquet")
    (root / "big").mkdir()
    pq.write_table(pa.table({"n": np.arange(200_000)}), root / "big" / "part-0.parquet")
    return root


@pytest.fixture
def start(lake: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts `lakeq repl` over the lake, at its prompt."""
    opened: list[Terminal] = []

    def start_repl(*options: str, **env: str) -> Terminal:
        folders = {"LAKEQ_DATA_DIR": str(tmp_path / "data"), "LAKEQ_CACHE_DIR": str(tmp_path / "cache")}
        command = [sys.executable, "-m", "lakeq", "repl", str(lake), *options]
        terminal = Terminal(command, {**os.environ, **folders, **env}, COLUMNS)
        opened.append(terminal)
        terminal.wait_for("2 tables · .help")
        return terminal

    yield start_repl
    for terminal in opened:
        terminal.child.close(force=True)


def is_at_prompt(screen: str) -> bool:
    """Whether keys are read: before, the terminal would take some of them for itself."""
    return screen.splitlines()[-1].endswith(".help")


def test_the_toolbar_shows_the_estimate_of_what_is_being_typed(start: Start) -> None:
    terminal = start()
    terminal.type("select sum(amount) from events where year = 2026 and month = 3")
    terminal.wait_for("1 of 24 partitions")
    assert "KB · $0.0000" in terminal.toolbar
    assert terminal.colour("1 of 24 partitions") == "green"
    terminal.type(" or true")
    terminal.wait_for("full scan of events: filter on year or month")
    assert terminal.colour("24 of 24 partitions") == "brown"  # what pyte calls yellow


def test_an_unfinished_condition_leaves_the_estimate_so_far(start: Start) -> None:
    terminal = start()
    terminal.type("select sum(amount) from events where year = 2026 and month")
    terminal.wait_for("12 of 24 partitions")
    terminal.type(" =")
    assert "KB · $" in terminal.wait_for("so far 12 of 24 partitions")


def test_the_toolbar_tells_an_unknown_column_and_the_nearest(start: Start) -> None:
    terminal = start()
    terminal.type("select amont from events where month = 1")
    terminal.wait_for("Column not found: 'amont'")
    assert "Did you mean 'amount'" in terminal.toolbar
    assert terminal.colour("Column not found") == "red"


def test_a_query_runs_at_its_semicolon_over_several_lines(start: Start) -> None:
    terminal = start()
    terminal.type(
        "select kind, count(*) as n\rfrom events where year = 2026 and month = 3\rgroup by kind order by kind;\r"
    )
    screen = terminal.wait_for("2 rows · 1 of 24 partitions")
    assert "   ...> from events" in screen
    assert "buy    500\nview   500" in screen
    assert "scanned" in screen


def test_an_error_shows_the_caret_and_the_session_goes_on(start: Start) -> None:
    terminal = start()
    terminal.type("select amont from events;\r")
    screen = terminal.wait_for("  select amont from events\n         ^")
    assert "Column not found: 'amont' at line 1, column 8. Did you mean 'amount'" in screen
    terminal.type("select 40 + 2 as answer;\r")
    terminal.wait_for("1 row ·")


def test_ctrl_c_stops_a_query_and_not_the_shell(start: Start) -> None:
    terminal = start()
    terminal.type("select count(*) from big a, big b where a.n * b.n % 7 = 3;\r")
    terminal.wait_for("scanning")
    terminal.press("ctrl-c")
    assert "scanning" not in terminal.wait_for("\ninterrupted\n")
    terminal.type("select 1 as still_here;\r")
    terminal.wait_for(lambda screen: "still_here\n" in screen and is_at_prompt(screen))
    terminal.press("ctrl-d")
    assert terminal.wait_for_end() == 0


def test_ctrl_c_at_the_prompt_takes_the_line_back(start: Start) -> None:
    terminal = start()
    terminal.type("select amount from events where month = 1")
    terminal.wait_for("2 of 24 partitions")
    terminal.press("ctrl-c")
    terminal.wait_for(lambda screen: "2 tables · .help" in screen.splitlines()[-1])
    assert "2 of 24 partitions" not in terminal.screen


def test_above_a_threshold_it_asks(start: Start) -> None:
    terminal = start(LAKEQ_ASK_ABOVE="1KB")
    terminal.type("select sum(amount) from events where month = 3")
    terminal.wait_for("asks before it runs")
    terminal.type(";\r")
    terminal.wait_for("Run it? [y/N]")
    terminal.type("n\r")
    terminal.type("select 6 * 7 as small;\r")
    screen = terminal.wait_for("1 row ·")
    assert "This would scan" in screen
    assert "sum(amount)\n──" not in screen
    terminal.type("select sum(amount) as total from events where month = 3;\r")
    terminal.wait_for(lambda screen: screen.count("Run it? [y/N]") == 2)
    terminal.type("y\r")
    terminal.wait_for("249750")


def test_a_budget_refuses_and_warns_while_typing(start: Start) -> None:
    terminal = start("--max-bytes", "1KB")
    terminal.type("select sum(amount) from events")
    terminal.wait_for("over the limit of 1.0 KB")
    assert terminal.colour("Query not run") == "brown"
    terminal.type(";\r")
    terminal.wait_for("Add a filter on year or month, or raise")
    terminal.type(".budget off\r")
    terminal.wait_for("no limit is set")
    terminal.type("select sum(amount) as total from events;\r")
    terminal.wait_for("2997000")


def test_the_history_of_earlier_sessions_is_searched(start: Start) -> None:
    first = start()
    first.type("select 'needle' as hay;\r")
    first.wait_for(lambda screen: "1 row ·" in screen and is_at_prompt(screen))
    first.press("ctrl-d")
    assert first.wait_for_end() == 0
    second = start()
    second.press("ctrl-r")
    second.type("needle")
    second.wait_for("select 'needle' as hay;")


def test_vi_keys_edit_the_line(start: Start) -> None:
    terminal = start()
    terminal.type(".set keys vi\r")
    terminal.wait_for("which keys edit the line")
    terminal.type("select 1 as wrong;")
    terminal.press("escape")
    terminal.read(1.0)
    terminal.type("bcwright")  # back a word, change it
    terminal.type("\x1b")
    terminal.read(1.0)
    terminal.type("\r")
    assert "wrong\n" not in terminal.wait_for("right\n")


def test_a_long_paste_stands_at_the_prompt_until_enter(start: Start) -> None:
    terminal = start()
    conditions = "\n".join(
        f"  or (year = 2026 and month = 1 and user_id = {number})" for number in range(300)
    )
    terminal.type(f"\x1b[200~select count(*) as found\nfrom events\nwhere false\n{conditions};\x1b[201~")
    terminal.wait_for("1 of 24 partitions")
    assert "found\n─" not in terminal.screen
    terminal.press("enter")
    terminal.wait_for("300\n1 row ·")
