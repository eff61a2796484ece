"""A script is taken apart into statements and commands."""

from __future__ import annotations

import pytest

from lakeq.cli.repl.script import is_complete, split_script


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        (".tables", [".tables"]),
        ("select 1; select 2", ["select 1", "select 2"]),
        (".mode line\nselect 1;\n.quit\n", [".mode line", "select 1", ".quit"]),
        ("select\n.5;", ["select\n.5"]),
        ("select 1; .mode csv\nselect 2;", ["select 1", ".mode csv", "select 2"]),
        ("-- a note\n.files events ; of all\n", [".files events ; of all"]),
        ("select '\n.quit\n';", ["select '\n.quit\n'"]),
    ],
)
def test_commands_end_with_their_line_and_statements_with_a_semicolon(text: str, parts: list[str]) -> None:
    assert [statement.text for statement in split_script(text)] == parts


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", True),
        ("  ", True),
        (".help", True),
        ("select 1", False),
        ("select 1;", True),
        ("select 1; -- done", True),
        ("select 1; select", False),
        ("select ';", False),
    ],
)
def test_what_ends_with_a_semicolon_is_run(text: str, complete: bool) -> None:
    assert is_complete(text) is complete
