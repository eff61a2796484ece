"""ScanPlan: everything a query will read, settled before it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from lakeq.catalog.selection import FileSelection
from lakeq.catalog.table import Table


@dataclass(frozen=True, slots=True)
class Missed:
    """A condition that could not prune, and why."""

    condition: str
    reason: str


@dataclass(frozen=True, slots=True)
class TableScan:
    """What one table reference of a query reads.

    `columns` are the data columns referenced, nested fields as dotted paths; `partition_keys` and
    `hidden_columns` those referenced beside them. `predicate` is the condition that pruned, as SQL
    (empty: none applied); `not_pruned_by` the conditions that could not.
    `column_bytes` are the stored bytes of the columns referenced in the row groups kept; None where the
    format does not tell (then whole files count). `from_index` says that the index answers: no file is read.
    `chunks` are the stored column chunks that are read (file_id, start, length), where remote files are large
    enough to be read in parts; `footer_read` is how much of such a file's end planning reads.
    `archived` are files that are wanted too and must be restored first: no part of `files`.
    """

    table: Table
    alias: str
    columns: tuple[str, ...]
    partition_keys: tuple[str, ...]
    hidden_columns: tuple[str, ...]
    files: FileSelection
    row_groups: int | None
    row_groups_total: int | None
    column_bytes: int | None
    predicate: str = ""
    not_pruned_by: tuple[Missed, ...] = ()
    from_index: bool = False
    chunks: pa.Table | None = None
    footer_read: int = 0
    archived: FileSelection | None = None


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

    `text` is what the user wrote, `sql` what runs: the same, save that `*` leaves out hidden columns.
    `clock` is the time that `now()` and its kin had while pruning; None when the query asks no clock.
    `stops_early`: the first rows of a scan may be all that it needs.
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
