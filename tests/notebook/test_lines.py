"""The line of a magic: options first, then a lake, then SQL as it was written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.error import UsageError

from lakeq.notebook.lines import build_parser, parse_line


def parse(line: str, cell: str | None = None) -> Any:
    return parse_line(build_parser(), line, cell, lambda word: word == "lake")


@pytest.mark.parametrize(
    ("line", "lake", "sql"),
    [
        ("", None, ""),
        ("lake", "lake", ""),
        ("s3://bucket/prefix", "s3://bucket/prefix", ""),
        ("'my lakes/lakeq.toml'", "my lakes/lakeq.toml", ""),
        ("s3://b --endpoint-url http://x:1 --anonymous", "s3://b", ""),
        ("--max-cost 1 lake", "lake", ""),
        ("SELECT 1", None, "SELECT 1"),
        ("lake SELECT 1", "lake", "SELECT 1"),
        ("lake --rows 3 SELECT 1", "lake", "SELECT 1"),
        ("--rows=3 SELECT '  a  ', \"b  c\" -- it's", None, "SELECT '  a  ', \"b  c\" -- it's"),
        ("-o x SELECT -1", None, "SELECT -1"),
        ("FROM t SELECT lake", None, "FROM t SELECT lake"),
        ("'a' || 'b'", None, "'a' || 'b'"),
    ],
)
def test_a_line_is_options_a_lake_and_sql(line: str, lake: str | None, sql: str) -> None:
    request = parse(line)
    assert (request.lake, request.sql) == (lake, sql)


@given(st.text("ab '\"$-=\\", min_size=1).map(lambda text: f"SELECT x{text}"))
def test_sql_is_taken_as_it_was_written(sql: str) -> None:
    assert parse(f"--rows 3 lake {sql} x").sql == f"{sql} x"


def test_options_may_stand_before_and_after_the_lake() -> None:
    for line in ("lake --max-cost 1 -o x", "--max-cost 1 lake -o x", "-o x --max-cost=1 lake"):
        options = parse(line, "SELECT 1").options
        assert (options.lake, options.max_cost, options.output) == ("lake", "1", "x")


def test_the_sql_of_a_cell_keeps_its_lines() -> None:
    assert parse("lake", "SELECT\n  1\n").sql == "SELECT\n  1\n"
    assert parse("SELECT 1,", "2").sql == "SELECT 1,\n2"
    assert parse("lake", " \n").sql == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--nothing SELECT 1", "unrecognized arguments: --nothing"),
        ("-o a.b SELECT 1", "must be the name of a variable, not 'a.b'"),
        ("--rows -1 SELECT 1", "--rows"),
        ("--as csv SELECT 1", "invalid choice"),
    ],
)
def test_wrong_usage_says_what_is_wrong(line: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse(line)


def test_every_option_has_help() -> None:
    text = build_parser().format_help()
    for option in (
        "--max-cost",
        "--max-bytes",
        "--estimate",
        "--explain",
        "--dialect",
        "--rows",
        "--output",
        "--as",
    ):
        assert option in text
