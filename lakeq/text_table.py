"""Rows as plain text, for `Result.show`."""

from __future__ import annotations

import pyarrow as pa

_WIDEST = 40


def format_table(table: pa.Table, rows: int = 20) -> str:
    """The first `rows` rows in columns under their names and types, NULL spelled out, then the row count."""
    shown = table.slice(0, rows)
    cells = [[str(field.name), str(field.type)] for field in table.schema]
    for column, values in zip(cells, shown.columns, strict=True):
        column += ["NULL" if value is None else str(value) for value in values.to_pylist()]
    clipped = [[clip(cell) for cell in column] for column in cells]
    widths = [max(len(cell) for cell in column) for column in clipped]
    numeric = [pa.types.is_integer(f.type) or pa.types.is_floating(f.type) for f in table.schema]
    lines = []
    for row in zip(*clipped, strict=True):
        aligned = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        lines.append("  ".join(aligned).rstrip())
    count = f"{table.num_rows:,} row" + ("" if table.num_rows == 1 else "s")
    more = f", the first {shown.num_rows:,} shown" if shown.num_rows < table.num_rows else ""
    return "\n".join([*lines[:2], "  ".join("-" * w for w in widths), *lines[2:], f"({count}{more})"])


def clip(text: str) -> str:
    """`text` on one line, cut with an ellipsis where it is too wide."""
    line = " ".join(text.splitlines()) if "\n" in text else text
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"
