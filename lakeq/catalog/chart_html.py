"""A PartitionChart as a notebook shows it: a calendar of days or a bar a value, what is kept in colour."""

from __future__ import annotations

from collections.abc import Sequence

from lakeq.catalog.index import FileIndex
from lakeq.catalog.partition_chart import ChartBar, ChartDay, PartitionChart, chart_partitions
from lakeq.catalog.selection import FileSelection
from lakeq.catalog.table import Table
from lakeq.html.bars import Bar, draw_bars
from lakeq.html.calendar import CalendarDay, draw_calendar, draw_legend
from lakeq.html.markup import Markup, draw_note, element
from lakeq.quantities import format_bytes

_MOST_BARS = 24


def draw_partitions(table: Table, kept: FileSelection) -> Markup | None:
    """The partitions of a table, those of the files `kept` in colour. None where there are none, and where
    the index has gone: the selection travelled, or its lake was closed."""
    index = kept.index
    if not table.partition_columns or not isinstance(index, FileIndex) or not index.is_open:
        return None
    picture = draw_chart(chart_partitions(table, index, kept))
    is_partial = table.files_total is None
    told = draw_note("Only the partitions that were listed are drawn.") if is_partial else None
    return element("div", picture, told, style="margin-top: 0.3em")


def draw_chart(chart: PartitionChart) -> Markup:
    """The calendar or the bars, and what they leave out."""
    if chart.days:
        days = [CalendarDay(day.day, day.bytes, day.kept_bytes, day.files) for day in chart.days]
        undated = None if chart.undated is None else draw_note(_tell_bar(chart.undated))
        return element("div", draw_calendar(days, _tell_days), draw_legend(), undated)
    rest = [bar for bar in (chart.others, chart.undated) if bar is not None]
    return draw_bars([_make_bar(bar) for bar in (*_choose_bars(chart.bars), *rest)])


def _choose_bars(bars: Sequence[ChartBar]) -> tuple[ChartBar, ...]:
    """As many bars as one can look at: months come in the order of time, and the latest are shown."""
    if len(bars) <= _MOST_BARS:
        return tuple(bars)
    left = bars[:-_MOST_BARS]
    size, kept = sum(bar.bytes for bar in left), sum(bar.kept_bytes for bar in left)
    before = ChartBar(f"… {len(left):,} before", size, kept, sum(bar.files for bar in left))
    return (before, *bars[-_MOST_BARS:])


def _make_bar(bar: ChartBar | ChartDay) -> Bar:
    label = bar.label if isinstance(bar, ChartBar) else str(bar.day)
    return Bar(label, bar.bytes, bar.kept_bytes, _tell_size(bar.bytes, bar.kept_bytes, bar.files))


def _tell_bar(bar: ChartBar) -> str:
    return f"{bar.label}: {_tell_size(bar.bytes, bar.kept_bytes, bar.files)}"


def _tell_days(days: Sequence[CalendarDay]) -> str:
    """`2026-11-03: 1.2 GB in 24 files, 50.0 MB kept`."""
    first, last = days[0].day, days[-1].day
    when = str(first) if first == last else f"{first} to {last}"
    sums = (sum(day.size for day in days), sum(day.kept for day in days), sum(day.count for day in days))
    return f"{when}: {_tell_size(*sums)}"


def _tell_size(size: int, kept: int, files: int) -> str:
    share = "" if not kept else ", all kept" if kept >= size else f", {format_bytes(kept)} kept"
    return f"{format_bytes(size)} in {files:,} {'file' if files == 1 else 'files'}{share}"
