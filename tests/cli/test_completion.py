"""TAB in bash, zsh and fish, each on a real terminal; what is not installed is left out, bash never."""

from __future__ import annotations

import shlex
import shutil
import sys
from argparse import Namespace
from pathlib import Path

import pexpect
import pytest

from lakeq.cli.arguments import build_parser
from lakeq.cli.completion import find_tables
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
PROMPT = "ready> "
START = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config", "-i"],
}
SETUP = {
    "bash": f"PS1='{PROMPT}'; eval \"$(lakeq completion bash)\"",
    "zsh": f"PS1='{PROMPT}'; autoload -U compinit; compinit -u -D; eval \"$(lakeq completion zsh)\"",
    "fish": "lakeq completion fish | source",
}
SHELLS = [
    "bash",
    *(
        pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"no {name} here"))
        for name in ("zsh", "fish")
    ),
]


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder with a `lakeq` that answers at a TAB, and else tells how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "lakeq"
    program.write_text(
        "#!/bin/sh\n"
        f"PYTHONPATH={shlex.quote(str(ROOT))}; export PYTHONPATH\n"
        'if [ -n "$_ARGCOMPLETE" ] || [ "$1" = completion ]; then\n'
        f'  exec {shlex.quote(sys.executable)} -m lakeq "$@"\n'
        'fi\nprintf "called:"; printf " <%s>" "$@"; echo " end"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    return folder


def complete(shell: str, commands: Path, lines: list[str]) -> list[str]:
    """What `lakeq` is called with when each line is typed, then TAB, then Enter."""
    environment = {
        "PATH": f"{commands}:/usr/bin:/bin",
        "HOME": str(commands),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
    }
    terminal = pexpect.spawn(
        shutil.which(shell) or shell,
        START[shell],
        env=environment,
        encoding="utf-8",
        timeout=60,
        dimensions=(50, 300),
    )
    try:
        terminal.sendline(SETUP[shell])
        terminal.sendline("lakeq is ready")
        terminal.expect_exact("called: <is> <ready> end")
        called = []
        for line in lines:
            terminal.send(f"{line}\t")
            terminal.send("\r")
            terminal.expect(r"called:( <[^\r\n]*>)? end")
            called.append(str(terminal.match.group(1)))
        return called
    finally:
        terminal.close(force=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_tab_completes_commands_options_choices_files_and_tables(
    shell: str, commands: Path, lake: str, tmp_path: Path
) -> None:
    (tmp_path / "only lake").mkdir()
    assert complete(
        shell,
        commands,
        [
            "lakeq desc",
            "lakeq query x y --form",
            "lakeq query x y --format parq",
            "lakeq query x y --dialect spa",
            f"lakeq describe {lake} sal",
            f"lakeq tables {tmp_path}/only",
            "lakeq estimate x SEL",
        ],
    ) == [
        " <describe>",
        " <query> <x> <y> <--format>",
        " <query> <x> <y> <--format> <parquet>",
        " <query> <x> <y> <--dialect> <spark>",
        f" <describe> <{lake}> <sales>",
        f" <tables> <{tmp_path}/only lake/>",
        " <estimate> <x> <SEL>",
    ]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed_for_each_shell(shell: str, run: Run) -> None:
    status, out, err = run("completion", shell)
    assert (status, err) == (0, "") and "_ARGCOMPLETE" in out


def test_tables_of_a_folder_are_those_declared_and_the_folders(tmp_path: Path) -> None:
    for name in ("lake/sales", "lake/_tmp", "lake/.cache"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "lakeq.toml").write_text('location = "lake"\n[tables.orders]\n', encoding="utf-8")
    assert find_tables(Namespace(lake=str(tmp_path / "lakeq.toml"))) == ["orders", "sales"]
    assert find_tables(Namespace(lake=str(tmp_path / "lake"))) == ["sales"]


@pytest.mark.parametrize("lake", ["nowhere", "broken.toml", None])
def test_a_lake_that_cannot_be_read_has_no_tables_at_a_tab(
    lake: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.toml").write_text("location = [", encoding="utf-8")
    assert find_tables(Namespace(lake=lake)) == []


def test_a_remote_lake_without_an_answer_in_time_has_none() -> None:
    arguments = build_parser().parse_args(["describe", "s3://bucket/lake", "t"])
    assert find_tables(arguments, patience=0.0) == []
