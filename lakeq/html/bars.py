"""Bars in SVG: how large each of some things is, and how much of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lakeq.html.markup import KEPT, Markup, element
from lakeq.html.tables import draw_table

_WIDTH, _HEIGHT = 240, 10
_MOST = 20


@dataclass(frozen=True, slots=True)
class Bar:
    """`size` and `kept` are of the same unit; `told` is what the size is called."""

    label: str
    size: int
    kept: int
    told: str


def draw_bars(bars: Sequence[Bar]) -> Markup:
    """A line a bar: the label, the bar with the kept part in colour, what it is called."""
    largest = max((bar.size for bar in bars), default=0)
    rows = [
        (_draw_word(bar.label), draw_bar(bar.size, bar.kept, largest, bar.told), _draw_word(bar.told))
        for bar in bars
    ]
    return draw_table((), rows) if rows else Markup("")


def draw_bar(size: int, kept: int, largest: int, told: str) -> Markup:
    """One bar: as long as `size` is of `largest`, and coloured as far as `kept`."""
    whole = _WIDTH * size / largest if largest else 0.0
    part = _WIDTH * kept / largest if largest else 0.0
    return element(
        "svg",
        _draw_part(whole, "currentColor", 0.18),
        _draw_part(part, KEPT, 1.0),
        width=_WIDTH,
        height=_HEIGHT,
        role="img",
        aria_label=told,
        style="vertical-align: middle",
    )


def draw_share(part: int, whole: int, told: str) -> Markup:
    """How much of a whole is done."""
    return draw_bar(whole, min(part, whole), whole, told)


def _draw_word(text: str) -> Markup:
    return element("span", text, style="white-space: nowrap")


def _draw_part(length: float, colour: str, opacity: float) -> Markup | None:
    if length <= 0:
        return None
    return element(
        "rect",
        width=f"{max(length, 1):.1f}",
        height=_HEIGHT,
        rx=2,
        style=f"fill: {colour}; fill-opacity: {opacity}",
    )
