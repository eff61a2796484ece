"""Rows in columns on a screen, drawn by rich. Piped output is never cut; NULL is shown as such."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TextIO

import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lakeq.catalog.table import Table as LakeTable
from lakeq.cli.words import describe_layout
from lakeq.quantities import format_count, format_size
from lakeq.texts import show_line, spell_values

_UNLIMITED = 100_000
_NARROWEST = 8
"""Characters that a column needs to be of use; with less, rows are shown as records."""


def make_console(stream: TextIO | None = None, scrolls: bool = False) -> Console:
    """A console on a stream (default: standard output): as wide as the terminal, endless in a pipe or where
    what is right of the screen can be reached (`scrolls`).

    Colours are rich's choice, none in a pipe or with NO_COLOR or TERM=dumb; and none with CLICOLOR=0.
    """
    stream = sys.stdout if stream is None else stream
    is_narrow = stream is sys.stdout and not scrolls
    return Console(
        file=stream,
        width=shutil.get_terminal_size((_UNLIMITED, 0)).columns if is_narrow else _UNLIMITED,
        color_system=None if os.environ.get("CLICOLOR") == "0" else "auto",
        highlight=False,
        emoji=False,
        markup=False,
        soft_wrap=False,
    )


def draw_rows(
    console: Console, schema: pa.Schema, batches: Iterable[pa.RecordBatch], as_records: bool = False
) -> None:
    """The rows under their column names; as records too when the screen is too narrow for so many columns."""
    columns: list[list[Text]] = [[] for _ in schema]
    for batch in batches:
        for cells, values in zip(columns, batch.columns, strict=True):
            cells += [_show_cell(text) for text in spell_values(values).to_pylist()]
    if as_records or len(schema) * _NARROWEST > console.width:
        _draw_records(console, schema.names, columns)
        return
    grid = _make_grid()
    for field in schema:
        grid.add_column(Text(show_line(field.name)), justify="right" if _is_number(field.type) else "left")
    for row in zip(*columns, strict=True):
        grid.add_row(*row)
    console.print(grid)


def draw_table(
    console: Console, header: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[str] = ()
) -> None:
    """Texts in columns, the columns named in `right` aligned to the right."""
    grid = _make_grid()
    for name in header:
        grid.add_column(name, justify="right" if name in right else "left")
    for row in rows:
        grid.add_row(*(Text(show_line(cell)) for cell in row))
    console.print(grid)


def draw_tables(console: Console, tables: Iterable[LakeTable]) -> None:
    """One line a table of a lake."""
    rows = [
        (
            table.name,
            table.format,
            describe_layout(table),
            format_count(table.partitions_total),
            format_count(table.files_total),
            format_size(table.bytes_total),
        )
        for table in tables
    ]
    numbers = ("partitions", "files", "size")
    draw_table(console, ("table", "format", "layout", *numbers), rows, numbers)


def _make_grid() -> Table:
    return Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")


def _draw_records(console: Console, names: Sequence[str], columns: Sequence[Sequence[Text]]) -> None:
    widest = max(len(name) for name in names)
    for number, row in enumerate(zip(*columns, strict=True), start=1):
        console.print(Text(f"row {number}", style="bold"))
        for name, cell in zip(names, row, strict=True):
            console.print(Text(f"  {show_line(name):<{widest}}  ").append_text(cell))


def _show_cell(text: str | None) -> Text:
    return Text("NULL", style="dim") if text is None else Text(show_line(text))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
