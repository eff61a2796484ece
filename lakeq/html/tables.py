"""Tables in HTML: of texts, of facts, and of the rows of an Arrow table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import pyarrow as pa

from lakeq.html.markup import DIM, LINE, NO_MATH, Content, Markup, draw_note, element, join
from lakeq.texts import spell_values

_CELL = "padding: 0.15em 0.8em 0.15em 0; border: none; vertical-align: top; background: none; color: inherit"
_TABLE = "border-collapse: collapse; border: none; margin: 0.3em 0; font-size: inherit; color: inherit"
_WIDEST = 200
"""Characters of a cell that are shown."""


def draw_table(
    header: Sequence[Content], rows: Iterable[Sequence[Content]], right: Collection[int] = ()
) -> Markup:
    """Cells under a header, if there is any; the columns numbered in `right` (from 0) are aligned to the
    right."""

    def style(number: int) -> str:
        return f"{_CELL}; text-align: {'right' if number in right else 'left'}"

    def draw_row(tag: str, cells: Sequence[Content], more: str = "") -> Markup:
        shown = (element(tag, cell, style=style(i) + more) for i, cell in enumerate(cells))
        return element("tr", *shown, style=None if header else "background: none")

    head = element("thead", draw_row("th", header, f"; border-bottom: {LINE}")) if header else None
    body = element("tbody", *(draw_row("td", cells) for cells in rows))
    return element("table", head, body, style=_TABLE)


def draw_facts(facts: Iterable[tuple[str, Content]]) -> Markup:
    """Names and what is to be said of each; a fact that is None or empty is left out."""
    rows = (
        element(
            "tr",
            element("td", name, style=f"{_CELL}; text-align: left; {DIM}; white-space: nowrap"),
            element("td", told, style=f"{_CELL}; text-align: left; white-space: normal"),
            style="background: none",
        )
        for name, told in facts
        if told
    )
    return element("table", element("tbody", *rows), style=_TABLE)


def draw_rows(table: pa.Table, rows: int) -> Markup:
    """The first `rows` rows under their names and types, NULL told from text, and how many there are."""
    shown = table.slice(0, rows).combine_chunks()
    columns = [_draw_cells(column) for column in shown.columns]
    right = {i for i, field in enumerate(table.schema) if _is_number(field.type)}
    header = [
        join([field.name, element("div", str(field.type), style=f"{DIM}; font-weight: normal")])
        for field in table.schema
    ]
    body = zip(*columns, strict=True) if columns else ()
    count = f"{table.num_rows:,} row" + ("" if table.num_rows == 1 else "s")
    more = f", the first {shown.num_rows:,} shown" if shown.num_rows < table.num_rows else ""
    scroll = element("div", draw_table(header, body, right), style="overflow-x: auto; max-width: 100%")
    return element("div", scroll, draw_note(f"{count}{more}"), class_=NO_MATH)


def _draw_cells(column: pa.ChunkedArray) -> list[Content]:
    texts = [text for chunk in column.chunks for text in spell_values(chunk).to_pylist()]
    null = element("span", "NULL", style=f"{DIM}; font-style: italic")
    return [null if text is None else _cut(text) for text in texts]


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
