"""Pictures of partitions: what is kept is in colour, whatever the keys, and large tables stay small."""

from __future__ import annotations

import dataclasses
import datetime as dt
import pickle

import pytest

from lakeq.catalog.chart_html import draw_chart, draw_partitions
from lakeq.catalog.partition_chart import ChartBar, ChartDay, PartitionChart
from tests.catalog.test_partition_chart import make_table
from tests.html.pages import HOSTILE, parse_page, read_text

KEPT = "--jp-brand-color1"


def titles(html: str) -> list[str]:
    return [title.text or "" for title in parse_page(html).iter("title")]


def test_days_are_a_calendar_that_tells_what_is_kept() -> None:
    days = (ChartDay(dt.date(2026, 11, 3), 2048, 1024, 2), ChartDay(dt.date(2026, 11, 4), 1024, 1024, 1))
    undated = ChartBar("no day", 1024, 0, 3)
    drawn = draw_chart(PartitionChart("t", ("day",), days, undated=undated))
    assert set(titles(drawn)) == {
        "2026-11-03: 2.0 KB in 2 files, 1.0 KB kept",
        "2026-11-04: 1.0 KB in 1 file, all kept",
    }
    assert "no day: 1.0 KB in 3 files" in read_text(drawn)


def test_other_values_are_bars_with_the_rest_below() -> None:
    bars = (ChartBar("coffee", 2048, 2048, 2), ChartBar(HOSTILE, 1024, 0, 1))
    rest = {"undated": ChartBar("NULL", 1, 0, 1), "others": ChartBar("3 others", 5, 0, 3)}
    drawn = draw_chart(PartitionChart("t", ("product",), (), bars, **rest))
    assert drawn.count(KEPT) == 1
    labels = [row[0][0].text for row in parse_page(drawn).iter("tr")]
    assert labels[0] == "coffee" and labels[2:] == ["3 others", "NULL"]


def test_of_many_months_the_latest_are_drawn_and_the_others_summed_up() -> None:
    bars = tuple(ChartBar(f"{2000 + n // 12}-{n % 12 + 1:02}", 10, n % 2, 1) for n in range(240))
    drawn = draw_chart(PartitionChart("t", ("month",), bars=bars))
    labels = [row[0][0].text for row in parse_page(drawn).iter("tr")]
    assert labels[0] == "… 216 before" and labels[1:] == [bar.label for bar in bars[-24:]]
    assert "2.1 KB in 216 files, 108 bytes kept" in read_text(drawn)


def test_a_hundred_thousand_partitions_stay_small() -> None:
    first = dt.datetime(2015, 1, 1)
    moments = [first + dt.timedelta(hours=number) for number in range(100_000)]
    rows = [(str(m.year), str(m.month), str(m.day), str(m.hour)) for m in moments]
    table, index = make_table(("year", "month", "day", "hour"), rows)
    drawn = draw_partitions(table, index.select("p0 = 2024 AND p1 < 3"))
    assert drawn is not None and len(drawn) < 200_000
    assert KEPT in drawn
    parse_page(drawn)


def test_a_table_without_partitions_has_no_picture() -> None:
    table, index = make_table((), [()])
    assert draw_partitions(table, index.all) is None


def test_a_selection_that_travelled_has_no_picture() -> None:
    table, index = make_table(("day",), [("2026-11-03",)])
    assert draw_partitions(table, index.all) is not None
    assert draw_partitions(table, pickle.loads(pickle.dumps(index.all))) is None


@pytest.mark.parametrize(("files_total", "is_told"), [(None, True), (1, False)])
def test_a_table_that_was_listed_in_parts_says_so(files_total: int | None, is_told: bool) -> None:
    table, index = make_table(("day",), [("2026-11-03",)])
    drawn = draw_partitions(dataclasses.replace(table, files_total=files_total), index.all)
    assert drawn is not None
    assert ("Only the partitions that were listed are drawn." in drawn) == is_told
