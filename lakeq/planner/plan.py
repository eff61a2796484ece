"""ScanPlan: everything a query will read, settled before it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from sqlglot import exp

from lakeq.catalog.selection import FileSelection
from lakeq.catalog.table import Table
from lakeq.catalog.time_mapping import TimeMapping
from lakeq.planner.extrapolation import SampledBytes


@dataclass(frozen=True, slots=True)
class Missed:
    """A condition that could not prune, and why.

    `rewrite` is what to write instead (SQL, or a declaration in lakeq.toml), empty when nothing is known that
    would; `proviso` says when the rows are then the same, empty: always. `saves_bytes` of the scan, and
    `saves_usd` of the query's price, are None when that cannot be told. `node` is what the rewrite is found
    from, while planning.
    """

    condition: str
    reason: str
    rewrite: str = ""
    proviso: str = ""
    saves_bytes: int | None = None
    saves_usd: Decimal | None = None
    node: exp.Expr | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TableScan:
    """What one table reference of a query reads.

    `columns` are the data columns referenced, nested fields as dotted paths; `partition_keys` and
    `hidden_columns` those referenced beside them. `predicate` is the condition that pruned, as SQL
    (empty: none applied); `not_pruned_by` the conditions that could not.
    `column_bytes` are the stored bytes of the columns referenced in the row groups kept; None where the
    format does not tell (then whole files count). `sampled` has their interval where they were told by a
    sample of the footers; row groups are not counted then. `from_index` says that the index answers: no file
    is read. `chunks` are the stored column chunks that are read (file_id, start, length), where remote files
    are large enough to be read in parts; `group_footers` the same of the row groups' own footers, in a format
    where they have them: they say which row groups are read. `uses` is how often an engine that shares no
    results reads it. `time` is the declared time of the table, where it pruned; `warnings` what was found to
    be wrong. `footer_read` is how much of a large remote file's end planning reads. `archived` are files that
    are wanted too and must be restored first: no part of `files`.
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
    sampled: SampledBytes | None = None
    uses: int = 1
    time: TimeMapping | None = None
    warnings: tuple[str, ...] = ()
    group_footers: pa.Table | None = None
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
