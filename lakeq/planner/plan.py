"""ScanPlan: everything a query will read, settled before it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from lakeq.html.markup import draw_card, draw_lines
from lakeq.planner.scan import TableScan
from lakeq.planner.scan_html import draw_notes, draw_scans


@dataclass(frozen=True, slots=True)
class InlineTable:
    """Rows that stand for a table in the engine: `"t$files"`, or a scan that the index answers."""

    name: str
    rows: pa.Table


@dataclass(frozen=True, slots=True)
class View:
    """A named query that the user's SQL may refer to."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """The user's SQL and exactly what it will read. Printable and picklable; a snapshot of its files.

    `text` is what the user wrote, in `dialect`; `sql` what runs: the same, save that `*` leaves out hidden
    columns, or its translation to DuckDB's SQL.
    `clock` is the time that `now()` and its kin had while pruning; None when the query asks no clock.
    `stops_early`: the first rows of a scan may be all that it needs; `reads_all`: no engine can do with less
    than the scans.
    """

    text: str
    sql: str
    params: Sequence[Any] | Mapping[str, Any] | None
    scans: tuple[TableScan, ...]
    inline: tuple[InlineTable, ...] = ()
    views: tuple[View, ...] = ()
    clock: datetime | None = None
    stops_early: bool = False
    notes: tuple[str, ...] = field(default=())
    reads_all: bool = False
    dialect: str = "duckdb"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """For IPython in a terminal: the SQL, and which tables it reads."""
        printer.text(f"ScanPlan({self.text!r}, {', '.join(scan.table.name for scan in self.scans)})")

    def _repr_html_(self) -> str:
        """For notebooks: the SQL that runs, what each scan reads, and what is to be known of it."""
        title = "Plan" if self.dialect == "duckdb" else f"Plan of {self.dialect} SQL"
        return draw_card(title, draw_lines(self.sql), draw_scans(self.scans), draw_notes(self.notes))
