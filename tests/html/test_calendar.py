"""A calendar of sizes by day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest

from lakeq.html.calendar import CalendarDay, draw_calendar, draw_legend
from tests.html.pages import parse_page, read_text

KEPT, GREY = "--jp-brand-color1", "currentColor"


def tell(days: Sequence[CalendarDay]) -> str:
    return f"{days[0].day} {days[-1].day} {sum(day.size for day in days)}"


def make_days(first: dt.date, count: int, kept: float = 0.0) -> list[CalendarDay]:
    days = [first + dt.timedelta(number) for number in range(count)]
    return [CalendarDay(day, 100 + day.day, round((100 + day.day) * kept), 24) for day in days]


def squares(html: str) -> dict[str, str]:
    """What each square tells, and its colour."""
    found = {}
    for group in parse_page(html).iter("g"):
        for path in group:
            title = path.find("title")
            assert title is not None and title.text
            found[f"{title.text} {path.attrib['d'].count('M')}"] = group.attrib["style"]
    return found


def test_a_day_has_a_square_that_tells_of_it() -> None:
    found = squares(draw_calendar(make_days(dt.date(2026, 11, 1), 3), tell))
    assert list(found) == [f"2026-11-0{n} 2026-11-0{n} {100 + n} 1" for n in (1, 2, 3)]


@pytest.mark.parametrize(("kept", "colours"), [(0.0, {GREY}), (1.0, {KEPT})])
def test_kept_days_are_in_colour_and_others_grey(kept: float, colours: set[str]) -> None:
    styles = squares(draw_calendar(make_days(dt.date(2026, 11, 1), 3, kept), tell)).values()
    assert {colour for colour in (KEPT, GREY) for style in styles if colour in style} == colours


def test_a_day_that_is_partly_kept_is_both() -> None:
    tree = parse_page(draw_calendar(make_days(dt.date(2026, 11, 1), 1, 0.5), tell))
    grey, coloured = (group.attrib["style"] for group in tree.iter("g"))
    assert GREY in grey and KEPT in coloured


def test_weeks_are_columns_and_weekdays_rows() -> None:
    tree = parse_page(draw_calendar(make_days(dt.date(2026, 11, 1), 9), tell))
    places = {
        path[0].text.split()[0]: path.attrib["d"].removeprefix("M").split("h")[0].split()  # type: ignore[union-attr]  # ours has one
        for path in tree.iter("path")
    }
    sunday, monday, next_monday = (places[f"2026-11-0{n}"] for n in (1, 2, 9))
    assert int(monday[0]) - int(sunday[0]) == int(next_monday[0]) - int(monday[0]) == 12
    assert int(sunday[1]) - int(monday[1]) == 6 * 12 and monday[1] == next_monday[1]


def test_a_larger_day_is_darker() -> None:
    days = [CalendarDay(dt.date(2026, 11, n), size, 0, 1) for n, size in ((1, 1), (2, 1000))]
    styles = squares(draw_calendar(days, tell))
    opacity = [float(style.split("stroke-opacity: ")[1].split(";")[0]) for style in styles.values()]
    assert opacity[0] < opacity[1]


def test_years_stand_below_each_other_the_latest_on_top() -> None:
    days = [CalendarDay(dt.date(year, 6, 1), 1, 1, 1) for year in (2024, 2026, 2025)]
    pictures = parse_page(draw_calendar(days, tell)).iter("svg")
    assert [picture.attrib["aria-label"][-4:] for picture in pictures] == ["2026", "2025", "2024"]


def test_of_many_years_those_that_keep_something_are_shown() -> None:
    days = [CalendarDay(dt.date(year, 6, 1), 9, 9 if year == 1950 else 0, 1) for year in range(1926, 2026)]
    drawn = draw_calendar(days, tell)
    years = [picture.attrib["aria-label"][-4:] for picture in parse_page(drawn).iter("svg")]
    assert years == [str(year) for year in (*range(2025, 2016, -1), 1950)]
    assert "… 90 more years" in read_text(drawn)


def test_ten_years_of_days_stay_small_and_each_week_tells_its_sum() -> None:
    days = make_days(dt.date(2017, 1, 1), 3652)
    drawn = draw_calendar([CalendarDay(d.day, d.day.toordinal() % 97, d.day.day % 3, 24) for d in days], tell)
    assert len(drawn) < 150_000
    assert len(list(parse_page(drawn).iter("title"))) < 540
    week = [
        day.day.toordinal() % 97 for day in days if dt.date(2026, 11, 2) <= day.day <= dt.date(2026, 11, 8)
    ]
    assert f"2026-11-02 2026-11-08 {sum(week)}" in drawn


def test_a_few_weeks_late_in_a_year_do_not_show_its_beginning() -> None:
    late = parse_page(draw_calendar(make_days(dt.date(2026, 11, 1), 30), tell)).find(".//svg")
    assert late is not None and int(late.attrib["width"]) < 150
    assert [text.text for text in late.iter("text")] == ["2026", "Nov", "Mon", "Wed", "Fri"]


def test_no_days_and_days_of_no_size_are_drawn() -> None:
    parse_page(draw_calendar([], tell))
    parse_page(draw_calendar([CalendarDay(dt.date(2026, 1, 1), 0, 0, 1)], tell))


def test_the_legend_names_three_colours() -> None:
    assert read_text(draw_legend()).split() == ["kept", "partly", "kept", "pruned"]
