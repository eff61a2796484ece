"""A lake as a notebook shows it: its tables, and what else lies there."""

from __future__ import annotations

from collections.abc import Sequence

from lakeq.catalog.table import IgnoredObjects, Table
from lakeq.html.markup import Content, Markup, draw_card, draw_note, element, join
from lakeq.html.tables import draw_facts, draw_table
from lakeq.quantities import format_count, format_size

_HEADER = ("table", "format", "layout", "partitions", "files", "size")
_MOST_TABLES = 100


def draw_lake(location: str, tables: Sequence[Table], ignored: Sequence[IgnoredObjects]) -> Markup:
    """A line a table: what it is, how large, or why it cannot be read."""
    shown = tables[:_MOST_TABLES]
    rows = [
        (
            table.name,
            table.format,
            table.layout.template or table.layout.kind,
            format_count(table.partitions_total),
            format_count(table.files_total),
            format_size(table.bytes_total),
        )
        for table in shown
    ]
    facts: list[tuple[str, Content]] = [
        *((f"{t.name} cannot be read", str(t.problem)) for t in shown if t.problem is not None),
        ("ignored", join(element("div", str(objects)) for objects in ignored)),
    ]
    left_out = len(tables) - len(shown)
    return draw_card(
        location,
        draw_table(_HEADER, rows, right=(3, 4, 5)) if rows else draw_note("no tables"),
        draw_note(f"… {left_out:,} more tables") if left_out else None,
        draw_facts(facts) if any(told for _, told in facts) else None,
    )


def draw_problem(location: str, problem: str) -> Markup:
    """A lake that cannot be shown, and why."""
    return draw_card(location, draw_note(problem))
