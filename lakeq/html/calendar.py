"""A calendar in SVG: a square a day, weeks as columns, years below each other; what is kept is in colour.

A day is as dark as its size against the largest one's. Each of few days has a title of its own, of many each
week has one, and a square is a short thick line: so ten years stay below 100 KB.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from lakeq.html.markup import DIM, KEPT, Markup, draw_note, element

_PITCH, _SIDE = 12, 10
_LEFT, _TOP = 32, 28
_MANY_DAYS = 800
_MOST_YEARS = 10
_LEVELS = 4
_FEW_WEEKS = 27
"""Up to so many weeks the calendar begins with its first day, not with the year."""
_GREY, _COLOUR = "currentColor", KEPT
_CORNER = f"fill: {_COLOUR}"
_WEEKDAYS = ((0, "Mon"), (2, "Wed"), (4, "Fri"))
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day of some `size`, of which nothing, a part or all is `kept` (in the same unit); `count` things make
    it up."""

    day: dt.date
    size: int
    kept: int
    count: int


Tell = Callable[[Sequence[CalendarDay]], str]
"""What is said of a day, or of the days of a week, where the mouse rests on them."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What the years of one calendar have alike."""

    largest: int
    first_week: int
    is_dense: bool
    tell: Tell


def draw_calendar(days: Iterable[CalendarDay], tell: Tell) -> Markup:
    """The years in which there are days, the latest on top; of more than ten those that keep something, and
    the latest. `days` may come in any order, each once."""
    ordered = sorted(days, key=lambda day: day.day)
    years = {year: list(found) for year, found in groupby(ordered, key=lambda day: day.day.year)}
    shown = sorted(_choose_years(years), reverse=True)
    drawn = [day for year in reversed(shown) for day in years[year]]
    largest = max((day.size for day in drawn), default=0)
    look = _Look(largest, _find_first_week(drawn), len(drawn) > _MANY_DAYS, tell)
    pictures = [_draw_year(year, years[year], look) for year in shown]
    left_out = len(years) - len(shown)
    scroll = "max-height: 480px; overflow: auto" if len(shown) > 4 else "overflow-x: auto"
    more = draw_note(f"… {left_out:,} more years") if left_out else None
    return element("div", element("div", *pictures, style=scroll), more)


def draw_legend() -> Markup:
    """What the colours mean."""
    square = _draw_path([_square(0, 0)])
    kept = element("g", square, style=_paint(_COLOUR, _LEVELS))
    grey = element("g", square, style=_paint(_GREY, _LEVELS - 1))
    corner = element("g", _draw_path([_corner(0, 0)]), style=_CORNER)
    signs = (("kept", kept), ("partly kept", element("g", grey, corner)), ("pruned", grey))
    return element("div", *(_draw_sign(word, sign) for word, sign in signs), style=f"{DIM}; font-size: 0.9em")


def _draw_sign(word: str, sign: Markup) -> Markup:
    picture = element("svg", sign, width=_SIDE, height=_SIDE, aria_hidden="true")
    return element("span", picture, f" {word}", style="margin-right: 1em; white-space: nowrap")


def _choose_years(years: dict[int, list[CalendarDay]]) -> list[int]:
    kept = {year for year, days in years.items() if any(day.kept for day in days)}
    return sorted(years, key=lambda year: (year in kept, year), reverse=True)[:_MOST_YEARS]


def _find_first_week(days: Sequence[CalendarDay]) -> int:
    """The column that comes first: the year's own, but of a few weeks in one year their first."""
    if not days or days[0].day.year != days[-1].day.year:
        return 0
    first, last = _week(days[0].day), _week(days[-1].day)
    return first if last - first < _FEW_WEEKS else 0


def _week(day: dt.date) -> int:
    """The column of a day in its year: weeks begin on Monday, the first may be cut."""
    january = dt.date(day.year, 1, 1)
    return ((day - january).days + january.weekday()) // 7


def _draw_year(year: int, days: Sequence[CalendarDay], look: _Look) -> Markup:
    last = _week(days[-1].day) if look.first_week else _week(dt.date(year, 12, 31))
    width, height = _LEFT + (last - look.first_week + 2) * _PITCH, _TOP + 7 * _PITCH
    return element(
        "svg",
        _label(0, 10, str(year), weight="600"),
        *_label_months(days if look.first_week else (), year, look.first_week),
        *(_label(0, _TOP + row * _PITCH + 9, name) for row, name in _WEEKDAYS),
        *_draw_days(days, look),
        *(_draw_titles(days, look) if look.is_dense else ()),
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=f"calendar of {year}",
        style="display: block; max-width: none",
    )


def _label_months(days: Sequence[CalendarDay], year: int, first: int) -> Iterator[Markup]:
    """The names of the months above the weeks in which they begin, where there is room: those of `days`, else
    all."""
    taken = -3
    for number in sorted({day.day.month for day in days} or range(1, 13)):
        column = max(_week(dt.date(year, number, 1)), first) - first
        if column - taken >= 3:
            taken = column
            yield _label(_LEFT + column * _PITCH, 24, _MONTHS[number - 1])


def _label(x: int, y: int, text: str, weight: str | None = None) -> Markup:
    style = "fill: currentColor; fill-opacity: 0.7; font-size: 9px; font-family: inherit"
    return element("text", text, x=x, y=y, font_weight=weight, style=style)


def _draw_days(days: Sequence[CalendarDay], look: _Look) -> Iterator[Markup]:
    """The squares, those of one colour in an element that has it: each with its own, the colours would be
    most of the text."""
    squares: dict[str, list[CalendarDay]] = {}
    for day in days:
        colour = _COLOUR if 0 < day.kept >= day.size else _GREY
        squares.setdefault(_paint(colour, _find_level(day.size, look.largest)), []).append(day)
    for style, found in squares.items():
        yield _draw_alike(found, _square, style, look)
    parts = [day for day in days if 0 < day.kept < day.size]
    if parts:
        yield _draw_alike(parts, _corner, _CORNER, look)


def _draw_alike(
    days: Sequence[CalendarDay], shape: Callable[[int, int], str], style: str, look: _Look
) -> Markup:
    shapes = [shape(_place(day.day, look), _TOP + day.day.weekday() * _PITCH) for day in days]
    if look.is_dense:
        return element("g", _draw_path(shapes), style=style)
    paths = (_draw_path([each], look.tell([day])) for each, day in zip(shapes, days, strict=True))
    return element("g", *paths, style=style)


def _draw_titles(days: Sequence[CalendarDay], look: _Look) -> Iterator[Markup]:
    """Over each week something that is not seen and has its title."""
    weeks = [list(found) for _, found in groupby(days, key=lambda day: _week(day.day))]
    paths = (
        _draw_path([f"M{_place(week[0].day, look) + _SIDE // 2} {_TOP}v{7 * _PITCH}"], look.tell(week))
        for week in weeks
    )
    yield element("g", *paths, style=f"stroke: {_GREY}; stroke-opacity: 0; stroke-width: {_SIDE}")


def _place(day: dt.date, look: _Look) -> int:
    return _LEFT + (_week(day) - look.first_week) * _PITCH


def _find_level(size: int, largest: int) -> int:
    return -(-_LEVELS * size // largest) if largest else 0


def _square(x: int, y: int) -> str:
    """A line, which `_paint` makes as thick as it is long."""
    return f"M{x} {y + _SIDE // 2}h{_SIDE}"


def _corner(x: int, y: int) -> str:
    """The lower left half of a square."""
    return f"M{x} {y}v{_SIDE}h{_SIDE}z"


def _draw_path(parts: Sequence[str], title: str | None = None) -> Markup:
    told = None if title is None else element("title", title)
    return element("path", told, d="".join(parts))


def _paint(colour: str, level: int) -> str:
    """The style of squares."""
    least, most = (0.08, 0.38) if colour == _GREY else (0.3, 1.0)
    opacity = least + (most - least) * level / _LEVELS
    return f"stroke: {colour}; stroke-opacity: {opacity:.2g}; stroke-width: {_SIDE}"
