"""Which command a line is meant for."""

from __future__ import annotations

import pytest

from lakeq.cli.arguments import choose_command


@pytest.mark.parametrize(
    ("argv", "chosen"),
    [
        (["s3://bucket/data"], ["repl", "s3://bucket/data"]),
        (["lake/lakeq.toml", "--mode", "line"], ["repl", "lake/lakeq.toml", "--mode", "line"]),
        (["somewhere"], ["repl", "somewhere"]),
        (["tables", "lake"], ["tables", "lake"]),
        (["tabels", "lake"], ["tabels", "lake"]),
        (["--help"], ["--help"]),
        ([], []),
    ],
)
def test_a_lake_without_a_command_opens_the_prompt(argv: list[str], chosen: list[str]) -> None:
    assert choose_command(argv) == chosen
