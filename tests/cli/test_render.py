"""Rows on a screen."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest
from rich.console import Console

from lakeq.cli.render import draw_rows, draw_table, make_console


def draw(rows: pa.RecordBatch, width: int) -> str:
    stream = io.StringIO()
    draw_rows(Console(file=stream, width=width), rows.schema, [rows])
    return stream.getvalue()


def test_piped_output_is_never_cut() -> None:
    stream = io.StringIO()
    batch = pa.record_batch({"long": ["x" * 5_000]})
    draw_rows(make_console(stream), batch.schema, [batch])
    assert "x" * 5_000 in stream.getvalue()


def test_null_shows_and_numbers_stand_to_the_right() -> None:
    lines = draw(pa.record_batch({"n": [1, 100], "t": [None, "tea"]}), 80).splitlines()
    assert lines[-2:] == ["  1   NULL", "100   tea "]


def test_a_narrow_screen_gets_records() -> None:
    batch = pa.record_batch({f"column{n}": [n] for n in range(20)})
    out = draw(batch, 80)
    assert "row 1" in out and "column19  19" in out


def test_a_value_cannot_command_the_terminal() -> None:
    out = draw(pa.record_batch({"t\x1b[31m": ["a\x1b[2Jb", "[red]c[/red]"]}), 80)
    assert "\x1b" not in out
    assert "a\\x1b[2Jb" in out and "[red]c[/red]" in out


def test_names_and_words_align_as_asked() -> None:
    stream = io.StringIO()
    draw_table(Console(file=stream, width=40), ("name", "files"), [("a", "1"), ("bb", "20")], ["files"])
    assert [line.rstrip() for line in stream.getvalue().splitlines()[2:]] == ["a          1", "bb        20"]


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1", "FORCE_COLOR": "1"}, {}])
def test_no_colours_in_a_pipe_or_when_unwanted(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    make_console(stream).print("words", style="green")
    assert "\x1b[32m" not in stream.getvalue()
