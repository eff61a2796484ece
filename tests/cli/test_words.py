"""Sentences of the command line."""

from __future__ import annotations

import pytest

from lakeq.cli.words import describe_error, point_at
from lakeq.errors import ColumnNotFoundError, ConfigError, LakeqError
from lakeq.texts import show_line


def test_an_error_is_one_line() -> None:
    assert describe_error(ConfigError("first\n  second\tthird")) == "first second third"


def test_the_caret_stands_under_the_column() -> None:
    sql = "SELECT a,\n\tb FROM t"
    assert describe_error(ColumnNotFoundError("no b", sql, 2, 2)).splitlines() == [
        "no b",
        "   b FROM t",
        "   ^",
    ]


def test_a_long_line_is_cut_around_the_caret() -> None:
    sql = "x" * 500 + "HERE" + "y" * 500
    line, caret = point_at(sql, 1, 501).splitlines()
    assert len(line) <= 102
    assert line[caret.index("^") :].startswith("HERE")


@pytest.mark.parametrize("line", [1, 9])
def test_a_place_beyond_the_text_does_no_harm(line: int) -> None:
    assert point_at("SELECT", line, 40).endswith("^")


def test_control_characters_are_spelled() -> None:
    assert show_line("a\x1b[2J\rb") == "a\\x1b[2J\\rb"
    assert describe_error(LakeqError("Fichier é · ✓")) == "Fichier é · ✓"
