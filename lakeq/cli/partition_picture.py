"""A chart of partitions as lines of text: a calendar of days, or bars. It reads the same without colours."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from calendar import isleap
from collections.abc import Iterator, Sequence
from statistics import quantiles

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from lakeq.catalog.partition_chart import ChartBar, ChartDay, PartitionChart
from lakeq.quantities import format_bytes
from lakeq.texts import show_line

_SHADES = "░▒▓█"
_LEFT_OUT, _MISSING, _LEFT_OUT_BAR = "-", "·", "░"
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_KEPT_STYLE, _QUIET_STYLE = "green", "dim"
_MARGIN = 5
"""Columns that the names of the weekdays take."""
_WEEKS = 54
_WIDE = _MARGIN + 2 * _WEEKS
"""From this width on a day is two characters wide, and about square."""
_WIDEST_LABEL, _WIDEST_BAR = 32, 60


def draw_chart(chart: PartitionChart, width: int, of_query: bool = False) -> Iterator[Text]:
    """The chart in lines of at most `width` columns, from 40 up, below sentences that say what it is of;
    `of_query`: with what a query keeps."""
    yield Text(_sum_up(chart), style="bold")
    if of_query:
        yield Text(_tell_kept(chart))
    yield Text()
    if chart.days:
        yield from _draw_calendar(chart, width, of_query)
        if chart.undated is not None:
            bar = chart.undated
            yield Text(f"{bar.label}: {format_bytes(bar.bytes)} in {_count(bar.files, 'file')}")
            if of_query:
                yield Text(f"  the query keeps {format_bytes(bar.kept_bytes)} of it")
    else:
        yield from _draw_bars(chart, width, of_query)


def _sum_up(chart: PartitionChart) -> str:
    told = f"{show_line(chart.table)}: {format_bytes(chart.bytes)}"
    if chart.days:
        return f"{told} in {_count(len(chart.days), 'day')}, {chart.days[0].day} to {chart.days[-1].day}"
    return f"{told} by {', '.join(map(show_line, chart.keys))}" if chart.keys else told


def _tell_kept(chart: PartitionChart) -> str:
    told = f"the query keeps {format_bytes(chart.kept_bytes)} ({_share(chart.kept_bytes, chart.bytes)})"
    kept = sum(1 for day in chart.days if day.kept_bytes)
    return f"{told} of {_count(kept, 'day')}" if chart.days else told


class _Marks:
    """The character that stands for each day: a shade for its kept bytes, a fourth of the days each, where
    they differ."""

    def __init__(self, days: Sequence[ChartDay], of_query: bool) -> None:
        sizes = sorted(day.bytes for day in days)
        self._days = {day.day: day for day in days}
        self._limits = [int(n) for n in quantiles(sizes, n=len(_SHADES))] if len(sizes) > 1 else []
        self._largest = sizes[-1]
        self._span = (days[0].day, days[-1].day)
        self._of_query = of_query

    def draw(self, day: dt.date) -> tuple[str, str]:
        """The character and its style; a blank before the first day and after the last."""
        found = self._days.get(day)
        if found is None:
            first, last = self._span
            return (_MISSING if first < day < last else " "), _QUIET_STYLE
        if self._of_query and not found.kept_bytes and found.bytes:
            return _LEFT_OUT, _QUIET_STYLE
        return _SHADES[bisect_right(self._limits, found.kept_bytes) if self._limits else -1], _KEPT_STYLE

    def explain(self) -> Iterator[tuple[str, str, str]]:
        """Character, style and meaning of each."""
        for i, limit in enumerate(self._limits):
            if limit > (self._limits[i - 1] if i else 0):
                yield _SHADES[i], _KEPT_STYLE, f"below {format_bytes(limit)}"
        yield _SHADES[-1], _KEPT_STYLE, f"up to {format_bytes(self._largest)}"
        if self._of_query:
            yield _LEFT_OUT, _QUIET_STYLE, "left out by the query"
        yield _MISSING, _QUIET_STYLE, "no files"


def _draw_calendar(chart: PartitionChart, width: int, of_query: bool) -> Iterator[Text]:
    marks = _Marks(chart.days, of_query)
    years = sorted({day.day.year for day in chart.days})
    for before, year in zip([years[0] - 1, *years], years, strict=False):
        if year - before > 1:
            missing = f"{before + 1}" if year - before == 2 else f"{before + 1} to {year - 1}"
            yield Text(f"{missing}: no files", style=_QUIET_STYLE)
            yield Text()
        yield from _draw_year(year, width, marks)
        yield Text()
    line = Text()
    for mark, style, words in marks.explain():
        if line and line.cell_len + len(words) + 5 > width:
            yield line
            line = Text()
        line.append("   " if line else "").append(mark, style=style).append(f" {words}")
    yield line


def _draw_year(year: int, width: int, marks: _Marks) -> Iterator[Text]:
    """The months above seven rows, Monday to Sunday, a week a column; in parts where it is too narrow."""
    first = dt.date(year, 1, 1)
    days = [first + dt.timedelta(n) for n in range(366 if isleap(year) else 365)]
    grid = {((n + first.weekday()) // 7, day.weekday()): day for n, day in enumerate(days)}
    weeks = max(week for week, _ in grid) + 1
    wide = 2 if width >= _WIDE else 1
    fitting = max((width - _MARGIN) // wide, 1)
    for start in range(0, weeks, fitting):
        shown = range(start, min(start + fitting, weeks))
        yield Text(f"{year:<{_MARGIN}}{_name_months(grid, shown, wide)}".rstrip())
        for weekday, name in enumerate(_WEEKDAYS):
            line = Text(f"{name:<{_MARGIN}}", style=_QUIET_STYLE)
            for week in shown:
                day = grid.get((week, weekday))
                mark, style = (" ", "") if day is None else marks.draw(day)
                line.append(mark * wide, style=style)
            line.rstrip()
            yield line


def _name_months(grid: dict[tuple[int, int], dt.date], weeks: range, wide: int) -> str:
    """The name of each month above the week that has its first day."""
    names = [" "] * (len(weeks) * wide + 2)
    for (week, _), day in grid.items():
        if day.day == 1 and week in weeks:
            at = (week - weeks.start) * wide
            names[at : at + 3] = _MONTHS[day.month - 1]
    return "".join(names[: len(weeks) * wide])


def _draw_bars(chart: PartitionChart, width: int, of_query: bool) -> Iterator[Text]:
    bars = [*chart.bars, *(bar for bar in (chart.others, chart.undated) if bar is not None)]
    if not bars:
        yield Text("no files")
        return
    labels = [show_line(bar.label) or "''" for bar in bars]
    sizes, shares = [format_bytes(b.bytes) for b in bars], [_share(b.bytes, chart.bytes) for b in bars]
    told = [f"{size:>{max(map(len, sizes))}}  {share:>6}" for size, share in zip(sizes, shares, strict=True)]
    widest = min(max(map(cell_len, labels)), _WIDEST_LABEL, width // 3)
    room = min(max(width - widest - len(told[0]) - 4, 4), _WIDEST_BAR)
    scale = room / (max(bar.bytes for bar in bars) or 1)
    for bar, label, words in zip(bars, labels, told, strict=True):
        kept, left_out = _measure(bar, scale)
        line = Text(f"{_fit(label, widest)}  ").append(_SHADES[-1] * kept, style=_KEPT_STYLE)
        line.append(_LEFT_OUT_BAR * left_out, style=_QUIET_STYLE)
        yield line.append(f"{'':{room - kept - left_out}}  {words}")
    if of_query:
        yield Text()
        line = Text().append(_SHADES[-1], style=_KEPT_STYLE).append(" kept by the query   ")
        yield line.append(_LEFT_OUT_BAR, style=_QUIET_STYLE).append(" left out")


def _measure(bar: ChartBar, scale: float) -> tuple[int, int]:
    """The characters of a bar that are kept, and that are left out; one at least, and some of both where
    there is room for them."""
    length = max(round(bar.bytes * scale), 1 if bar.bytes else 0)
    kept = max(round(bar.kept_bytes * scale), 1 if bar.kept_bytes else 0)
    if kept == length > 1 and bar.kept_bytes < bar.bytes:
        kept -= 1
    return kept, length - kept


def _fit(label: str, width: int) -> str:
    """The label in just so many columns, cut with an ellipsis."""
    if cell_len(label) <= width:
        return set_cell_size(label, width)
    return set_cell_size(label, width - 1) + "…"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "0%"
