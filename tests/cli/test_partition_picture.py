"""The picture of partitions, as it stands on a screen."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.catalog.partition_chart import ChartBar, ChartDay, PartitionChart
from lakeq.cli.partition_picture import draw_chart
from tests.cli.conftest import Run


def make_days(sizes: dict[str, tuple[int, int]]) -> PartitionChart:
    """A calendar of these bytes, and bytes kept, by day."""
    days = (ChartDay(dt.date.fromisoformat(day), *both, 1) for day, both in sizes.items())
    return PartitionChart("t", ("dt",), days=tuple(days))


def draw(chart: PartitionChart, width: int = 80, of_query: bool = False) -> list[str]:
    return [line.plain for line in draw_chart(chart, width, of_query)]


def test_a_day_stands_in_the_row_of_its_weekday_and_below_its_month() -> None:
    lines = draw(make_days({"2026-11-03": (1, 1)}))  # a Tuesday
    months = next(line for line in lines if line.startswith("2026"))
    tuesdays = next(line for line in lines if line.startswith("Tue"))
    assert tuesdays.index("█") == months.index("Nov") + 1  # the first of November is a Sunday
    assert sum(line.count("█") for line in lines[:-1]) == 1


def test_shades_are_fourths_of_the_days_by_their_bytes() -> None:
    days = {f"2026-11-{day:02}": (day * 100, day * 100) for day in range(1, 21)}
    lines = draw(make_days(days), 100)
    calendar = "".join(line for line in lines[:-1])
    assert {shade: calendar.count(shade) for shade in "░▒▓█"} == {"░": 5, "▒": 5, "▓": 5, "█": 5}
    assert "░ below 525 bytes" in lines[-1] and "█ up to 2.0 KB" in lines[-1]


def test_days_of_one_size_have_one_shade() -> None:
    lines = draw(make_days({f"2026-11-{day:02}": (7, 7) for day in range(1, 9)}))
    assert not set("░▒▓") & set("".join(lines[:-1]))


def test_days_without_files_show_between_the_first_day_and_the_last() -> None:
    lines = draw(make_days({"2026-11-02": (1, 1), "2026-11-05": (1, 1)}))
    assert sum(line.count("·") for line in lines[:-1]) == 2
    assert "· no files" in lines[-1]


def test_what_the_query_leaves_out_differs_without_colours() -> None:
    lines = draw(make_days({"2026-11-02": (5, 5), "2026-11-03": (5, 0)}), of_query=True)
    assert lines[1] == "the query keeps 5 bytes (50.0%) of 1 day"
    row = {line[:3]: line[5:].strip() for line in lines if line[:3] in ("Mon", "Tue")}
    assert row == {"Mon": "█", "Tue": "-"}
    assert "- left out by the query" in lines[-1]


def test_a_day_of_which_little_is_kept_has_a_lighter_shade() -> None:
    days = {f"2026-11-{day:02}": (day * 100, 1) for day in range(1, 21)}
    lines = draw(make_days(days), of_query=True)
    assert sum(line.count("░") for line in lines[:-2]) == 20


def test_each_year_is_a_block_and_years_without_files_are_a_line() -> None:
    lines = draw(make_days({"2020-01-01": (1, 1), "2022-01-01": (1, 1), "2026-01-01": (1, 1)}))
    assert [line for line in lines if line[:2] == "20"] == [
        *(line for line in lines if line.startswith("2020 ")),
        "2021: no files",
        *(line for line in lines if line.startswith("2022 ")),
        "2023 to 2025: no files",
        *(line for line in lines if line.startswith("2026 ")),
    ]


def test_a_wide_screen_gets_wide_days_and_a_narrow_one_the_year_in_parts() -> None:
    chart = make_days({"2026-11-03": (1, 1)})
    assert any(line.startswith("Tue") and line.endswith("██") for line in draw(chart, 120))
    assert sum(line.startswith("Mon") for line in draw(chart, 40)) == 2


def test_undated_partitions_are_told_below_the_calendar() -> None:
    days = make_days({"2026-11-02": (5, 5)}).days
    chart = PartitionChart("t", ("dt",), days=days, undated=ChartBar("no day", 3, 2, 4))
    assert draw(chart)[-1] == "no day: 3 bytes in 4 files"
    assert draw(chart, of_query=True)[-2:] == [
        "no day: 3 bytes in 4 files",
        "  the query keeps 2 bytes of it",
    ]


def test_bars_have_lengths_bytes_and_shares() -> None:
    bars = (ChartBar("de", 60, 60, 1), ChartBar("fr", 30, 30, 1))
    lines = draw(PartitionChart("t", ("country",), bars=bars, undated=ChartBar("NULL", 10, 10, 1)), 60)
    assert lines[0] == "t: 100 bytes by country"
    lengths = [line.count("█") for line in lines[2:]]
    assert lengths[0] == 2 * lengths[1] > 3 * lengths[2] > 0
    assert [line.split()[-1] for line in lines[2:]] == ["60.0%", "30.0%", "10.0%"]


def test_bars_show_what_the_query_leaves_out_without_colours() -> None:
    bars = (ChartBar("de", 60, 60, 1), ChartBar("fr", 30, 0, 1), ChartBar("it", 10, 5, 1))
    lines = draw(PartitionChart("t", ("country",), bars=bars), 60, of_query=True)
    drawn = [("█" in line, "░" in line) for line in lines[3:6]]
    assert drawn == [(True, False), (False, True), (True, True)]


def test_a_label_cannot_command_the_terminal_and_is_cut_where_it_is_too_long() -> None:
    bars = (ChartBar("a\x1b[2Jb", 1, 1, 1), ChartBar("x" * 200, 1, 1, 1), ChartBar("", 1, 1, 1))
    lines = draw(PartitionChart("t", ("k",), bars=bars))
    assert "a\\x1b[2Jb" in lines[2] and "x…" in lines[3] and lines[4].startswith("'' ")


CHARTS = st.one_of(
    st.builds(
        lambda days, rest: PartitionChart(
            "t",
            ("dt",),
            days=tuple(ChartDay(d, b, min(k, b), 1) for d, (b, k) in sorted(days.items())),
            undated=rest,
        ),
        st.dictionaries(
            st.dates(dt.date(2019, 1, 1), dt.date(2026, 12, 31)),
            st.tuples(st.integers(0, 10**15), st.integers(0, 10**15)),
            min_size=1,
        ),
        st.none() | st.just(ChartBar("no day", 0, 0, 1)),
    ),
    st.builds(
        lambda bars: PartitionChart("t", ("k",), bars=tuple(ChartBar(t, b, b // 3, 1) for t, b in bars)),
        st.lists(st.tuples(st.text(), st.integers(0, 10**15)), max_size=20),
    ),
)


@given(CHARTS, st.integers(40, 200), st.booleans())
def test_a_picture_is_never_wider_than_the_screen(chart: PartitionChart, width: int, of_query: bool) -> None:
    assert all(line.cell_len <= width for line in list(draw_chart(chart, width, of_query))[2:])


def test_the_command_draws_a_chart_and_what_a_query_keeps(run: Run, lake: str) -> None:
    status, out, _ = run("partitions", lake, "sales", "--chart")
    assert status == 0
    assert sum(line.startswith("2025-") for line in out.splitlines()) == 12
    status, out, _ = run("partitions", lake, "sales", "--query", "SELECT id FROM sales WHERE year = 2026")
    assert status == 0 and "the query keeps" in out
    assert {line[:4]: "█" in line for line in out.splitlines() if line[:3] == "202"} == {
        "2025": False,
        "2026": True,
    }


def test_a_chart_as_json_has_its_numbers(run: Run, lake: str) -> None:
    chart = json.loads(run("partitions", lake, "sales", "--chart", "--json")[1])
    assert (chart["keys"], chart["days"], chart["undated"]) == (["year", "month"], [], None)
    assert sum(bar["files"] for bar in chart["bars"]) == 24


@pytest.mark.parametrize("query", ["SELECT 1", "FROM nowhere"])
def test_a_query_that_reads_no_such_table_is_an_error(run: Run, lake: str, query: str) -> None:
    status, _, err = run("partitions", lake, "sales", "--query", query)
    assert status == 1 and err.startswith("lakeq: error: ")
