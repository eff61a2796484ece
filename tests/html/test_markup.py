"""Markup is well-formed whatever it is made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.html.markup import (
    Markup,
    draw_beside,
    draw_card,
    draw_code,
    draw_details,
    draw_lines,
    draw_note,
    element,
    escape_text,
    join,
)
from tests.html.pages import HOSTILE, parse_page, read_text


def test_text_is_escaped_and_markup_is_not() -> None:
    inner = element("b", "a < b")
    assert element("div", inner, " & c", title='"') == ('<div title="&quot;"><b>a &lt; b</b> &amp; c</div>')
    assert join(["<", inner, None], " | ") == "&lt; | <b>a &lt; b</b>"


def test_an_attribute_that_is_none_is_left_out_and_a_dash_is_spelled() -> None:
    assert element("svg", aria_label="x", style=None, width=3) == '<svg aria-label="x" width="3"></svg>'


def test_turns_of_writing_and_control_characters_are_written_out() -> None:
    assert escape_text("a\u202eb\x00\u200b") == "a\\u202eb\\x00\\u200b"


def test_lines_stay_lines_in_code_only() -> None:
    assert draw_lines("SELECT\n\t1").endswith(">SELECT\n    1</pre>")
    assert ">a b<" in draw_note("a\nb")


@given(st.text())
def test_any_text_is_inert_in_every_element(text: str) -> None:
    for drawn in (
        draw_card(text, draw_note(text)),
        draw_code(text),
        draw_lines(text),
        draw_details(text, text),
        draw_beside(text, text),
        element("div", text, title=text),
    ):
        parse_page(drawn)


@pytest.mark.parametrize("tag", ["div", "code", "pre"])
def test_a_hostile_name_can_be_read_as_it_is(tag: str) -> None:
    assert read_text(element(tag, HOSTILE)) == "<script>alert(1)<&\"'>\\u202e\\x1b</p>"


def test_a_card_leaves_out_what_is_empty() -> None:
    assert draw_card("t", None, Markup("")).count("<div") == 2
