"""Long output on a real terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from lakeq.cli.pager import Screen, paged, show_text

ROOT = Path(__file__).parents[2]
LESS = shutil.which("less")


def run_on_terminal(
    *arguments: str, lines: int = 10, columns: int = 80, **environment: str
) -> tuple[int | None, str]:
    """The exit status and what `lakeq` wrote to a terminal of this size."""
    terminal = spawn(*arguments, lines=lines, columns=columns, **environment)
    terminal.expect(pexpect.EOF)
    terminal.close()
    return terminal.exitstatus, str(terminal.before)


def spawn(*arguments: str, lines: int = 10, columns: int = 80, **environment: str) -> pexpect.spawn[str]:
    told = ("NO_COLOR", "FORCE_COLOR", "PAGER", "LESS", "LINES", "COLUMNS")
    quiet = {name: value for name, value in os.environ.items() if name not in told}
    return pexpect.spawn(
        sys.executable,
        ["-m", "lakeq", *arguments],
        env={**quiet, "PYTHONPATH": str(ROOT), "TERM": "xterm", **environment},
        encoding="utf-8",
        timeout=120,
        dimensions=(lines, columns),
    )


@pytest.fixture
def pager(tmp_path: Path) -> tuple[str, Path]:
    """A pager that keeps what it is given in a file, and the file."""
    kept = tmp_path / "kept"
    return f"tee '{kept}'", kept


def test_what_is_longer_than_the_screen_goes_through_the_pager(lake: str, pager: tuple[str, Path]) -> None:
    command, kept = pager
    status, shown = run_on_terminal("partitions", lake, "sales", LAKEQ_PAGER=command, PAGER="false")
    assert status == 0
    assert len(kept.read_text(encoding="utf-8").splitlines()) == 26
    assert "2026" in shown


@pytest.mark.parametrize(
    "arguments", [("tables",), ("describe", "sales"), ("explain", "SELECT id FROM sales")]
)
def test_each_look_has_the_pager_of_the_environment(
    arguments: tuple[str, ...], lake: str, pager: tuple[str, Path]
) -> None:
    name, *rest = arguments
    status, _ = run_on_terminal(name, lake, *rest, lines=3, PAGER=pager[0])
    assert status == 0 and "sales" in pager[1].read_text(encoding="utf-8")


def test_rows_of_a_query_go_through_the_pager_and_its_status_does_not(
    lake: str, pager: tuple[str, Path]
) -> None:
    status, shown = run_on_terminal("query", lake, "SELECT id FROM sales", PAGER=pager[0])
    kept = pager[1].read_text(encoding="utf-8")
    assert status == 0 and "--rows N shows more" in kept
    assert "estimated" in shown and "estimated" not in kept


@pytest.mark.parametrize(
    ("options", "environment", "lines"),
    [
        ((), {}, 60),
        (("--no-pager",), {}, 10),
        ((), {"LAKEQ_PAGER": ""}, 10),
        (("--json",), {}, 10),
    ],
    ids=["it fits", "--no-pager", "LAKEQ_PAGER is empty", "JSON"],
)
def test_no_pager_where_none_is_needed_or_wanted(
    options: tuple[str, ...], environment: dict[str, str], lines: int, lake: str, pager: tuple[str, Path]
) -> None:
    found = run_on_terminal(
        "partitions", lake, "sales", *options, lines=lines, **{"PAGER": pager[0], **environment}
    )
    assert found[0] == 0 and "2026" in found[1] and not pager[1].exists()


def test_a_pipe_gets_no_pager(lake: str, pager: tuple[str, Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lakeq", "partitions", lake, "sales"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PAGER": pager[0]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "2026" in done.stdout and not pager[1].exists()


@pytest.mark.parametrize("command", ["no-such-pager-here", "true", "head -n 1"])
def test_a_pager_that_is_missing_or_leaves_early_is_no_error(command: str, lake: str) -> None:
    status, shown = run_on_terminal("partitions", lake, "sales", PAGER=command)
    assert status == 0 and "rror" not in shown and "Traceback" not in shown
    assert ("2026" in shown) == (command == "no-such-pager-here")


def test_a_pager_that_reads_nothing_of_much_text_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    show_text("line\n" * 1_000_000, ["true"])
    assert capfd.readouterr() == ("", "")


def test_a_pager_that_is_no_command_is_an_error_that_names_its_variable(lake: str) -> None:
    status, shown = run_on_terminal("tables", lake, LAKEQ_PAGER="less '")
    assert status == 1 and "LAKEQ_PAGER is no command" in shown


@pytest.mark.skipif(LESS is None, reason="no less here")
def test_less_is_the_pager_and_ctrl_c_and_q_leave_no_traceback(lake: str) -> None:
    terminal = spawn("partitions", lake, "sales")
    terminal.expect_exact("2025")
    terminal.expect_exact(":")
    terminal.sendintr()
    terminal.send("q")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0 and "Traceback" not in str(terminal.before)
    assert "2026" not in str(terminal.before)


def test_wide_rows_are_not_folded_where_less_shows_what_is_right_of_the_screen(
    lake: str, tmp_path: Path
) -> None:
    less, kept = tmp_path / "less", tmp_path / "kept"
    less.write_text(f'#!/bin/sh\necho "$LESS $*" > "{kept}"\ncat >> "{kept}"\n', encoding="utf-8")
    less.chmod(0o755)
    columns = ", ".join(f"id AS column_{n}" for n in range(40))
    sql = f"SELECT {columns} FROM sales LIMIT 2"
    status, _ = run_on_terminal("query", lake, sql, lines=50, LAKEQ_PAGER=str(less))
    told, header, *_ = kept.read_text(encoding="utf-8").splitlines()
    assert status == 0 and told == "FRX -S -+F"
    assert "column_0" in header and "column_39" in header
    status, shown = run_on_terminal("query", lake, sql, lines=50, LAKEQ_PAGER="")
    assert "row 1" in shown


def test_the_pager_gets_colours_and_a_terminal_that_wants_none_does_not(
    lake: str, pager: tuple[str, Path]
) -> None:
    bold = "\x1b[1m"
    run_on_terminal("partitions", lake, "sales", PAGER=pager[0])
    assert bold in pager[1].read_text(encoding="utf-8")
    for unwanted in ({"CLICOLOR": "0"}, {"TERM": "dumb"}):
        run_on_terminal("partitions", lake, "sales", **{"PAGER": pager[0], **unwanted})
        assert "\x1b" not in pager[1].read_text(encoding="utf-8")


def test_an_error_while_text_is_held_back_shows_what_there_was(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Screen()
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(KeyboardInterrupt), paged():
        sys.stdout.write("so far")
        raise KeyboardInterrupt
    assert sys.stdout is terminal and terminal.getvalue() == "so far"
