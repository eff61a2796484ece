"""The scans of a plan as a notebook shows them: what each reads, a picture of its partitions, advice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lakeq.catalog.chart_html import draw_partitions
from lakeq.html.markup import Content, Markup, draw_beside, draw_code, draw_note, element, join
from lakeq.html.tables import draw_facts
from lakeq.planner.scan import Missed, TableScan, tell_bytes, tell_name, tell_predicate, tell_saving
from lakeq.quantities import format_share

_MOST_PICTURES = 3
_LARGE = 60_000
"""Characters after which no further picture is drawn: one of ten years alone has nearly twice as many."""
_MOST_SCANS = 20


def draw_scans(scans: Sequence[TableScan]) -> Markup:
    """The scans one below the other, the first few with a picture of their partitions."""
    drawn: list[Markup] = []
    for number, scan in enumerate(scans[:_MOST_SCANS]):
        drawn.append(_draw_scan(scan, number < _MOST_PICTURES and sum(map(len, drawn)) < _LARGE))
    left_out = len(scans) - len(drawn)
    return join([*drawn, draw_note(f"… {left_out:,} more scans") if left_out else None])


def draw_notes(notes: Iterable[str]) -> Markup:
    """A line a note."""
    return join(element("div", note) for note in notes)


def _draw_scan(scan: TableScan, has_picture: bool) -> Markup:
    table = scan.table
    size = "answered by the index: no file is read" if scan.from_index else tell_bytes(scan)
    title = [element("b", tell_name(scan)), f" · {table.format} · {size}"]
    columns = (*scan.columns, *scan.partition_keys, *scan.hidden_columns)
    predicate = tell_predicate(scan)
    facts: list[tuple[str, Content]] = [
        ("partitions", format_share(scan.files.partitions, table.partitions_total)),
        ("files", format_share(scan.files.count, table.files_total)),
        ("row groups", _tell_row_groups(scan)),
        ("columns", ", ".join(columns) or "none"),
        ("pruned by", draw_code(predicate) if predicate else None),
        ("not pruned by", join(map(_draw_missed, scan.not_pruned_by))),
        ("warning", draw_notes(scan.warnings)),
    ]
    picture = draw_partitions(table, scan.files) if has_picture else None
    return element("div", join(title), draw_beside(draw_facts(facts), picture), style="margin-top: 0.3em")


def _tell_row_groups(scan: TableScan) -> str | None:
    return None if scan.row_groups is None else format_share(scan.row_groups, scan.row_groups_total)


def _draw_missed(missed: Missed) -> Markup:
    parts: list[Content] = [draw_code(missed.condition), f": {missed.reason}"]
    if missed.rewrite:
        instead = join(["instead: ", draw_code(missed.rewrite), f" ({tell_saving(missed)})"])
        parts.append(element("div", instead, style="padding-left: 1em"))
    return element("div", *parts)
