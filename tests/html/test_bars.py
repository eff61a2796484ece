"""Bars of sizes."""

from __future__ import annotations

from lakeq.html.bars import Bar, draw_bar, draw_bars, draw_share
from tests.html.pages import HOSTILE, parse_page, read_text


def lengths(html: str) -> list[float]:
    return [float(rect.attrib["width"]) for rect in parse_page(html).iter("rect")]


def test_a_bar_is_as_long_as_its_share_and_coloured_as_far_as_kept() -> None:
    whole, part = lengths(draw_bar(50, 25, 100, "half"))
    assert (whole, part) == (120.0, 60.0)


def test_what_is_not_kept_has_no_colour() -> None:
    assert lengths(draw_bar(50, 0, 100, "half")) == [120.0]
    assert lengths(draw_bar(0, 0, 0, "nothing")) == []


def test_the_largest_bar_gives_the_scale() -> None:
    drawn = draw_bars([Bar("a", 10, 0, "ten"), Bar("b", 40, 40, "forty")])
    assert lengths(drawn) == [60.0, 240.0, 240.0]
    assert read_text(drawn) == "a ten b forty"


def test_a_share_is_never_more_than_the_whole() -> None:
    assert lengths(draw_share(120, 100, "done")) == [240.0, 240.0]


def test_no_bars_are_nothing() -> None:
    assert draw_bars([]) == ""


def test_hostile_labels_are_inert() -> None:
    assert "<script" not in draw_bars([Bar(HOSTILE, 1, 1, HOSTILE)])
