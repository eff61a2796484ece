"""TableScan: what one table reference of a query reads, how many bytes that is, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import pyarrow as pa
from sqlglot import exp

from lakeq.catalog.selection import FileSelection
from lakeq.catalog.table import Table
from lakeq.catalog.time_mapping import TimeMapping
from lakeq.planner.extrapolation import SampledBytes
from lakeq.quantities import format_bytes, format_dollars

EXACT, SAMPLED, UPPER_BOUND = "exact", "sampled", "upper_bound"
_WORDS = {UPPER_BOUND: "at most ", SAMPLED: "about "}


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


def scan_bytes(scan: TableScan) -> int:
    """Bytes that one table reference scans: column chunks where footers tell, else whole objects."""
    if scan.from_index:
        return 0
    return scan.files.size if scan.column_bytes is None else scan.column_bytes


def scan_accuracy(scan: TableScan) -> str:
    """`sampled` where some footers were read and others not, `upper_bound` where only parts of an object are
    read and its footers do not tell which."""
    if scan.from_index:
        return EXACT
    if scan.sampled is not None and scan.sampled.low < scan.sampled.high:
        return SAMPLED
    footers = scan.group_footers
    return UPPER_BOUND if footers is not None and footers["start"].null_count else EXACT


def scan_range(scan: TableScan, reads_all: bool) -> tuple[int, int]:
    """The bytes that a scan reads at least and at most, as far as planning knows."""
    if scan.sampled is not None and not scan.from_index:
        return scan.sampled.low, scan.sampled.high
    size = scan_bytes(scan)
    return size if reads_all and scan_accuracy(scan) == EXACT else 0, size


def tell_name(scan: TableScan) -> str:
    """`events`, or `events as e`."""
    name = scan.table.name
    return name if scan.alias.casefold() == name.casefold() else f"{name} as {scan.alias}"


def tell_bytes(scan: TableScan) -> str:
    """`1.2 GB`, `about 1.2 GB` or `at most 1.2 GB`."""
    return f"{_WORDS.get(scan_accuracy(scan), '')}{format_bytes(scan_bytes(scan))}"


def tell_predicate(scan: TableScan) -> str:
    """What pruned a scan, with the declared time where it did; empty when nothing."""
    return f"{scan.predicate} ({scan.time})" if scan.predicate and scan.time is not None else scan.predicate


def tell_saving(missed: Missed) -> str:
    """What is to be known of a rewrite: `saves 1.2 GB, $0.0059; the same rows`."""
    told = [missed.proviso or "the same rows"]
    if missed.saves_bytes is not None:
        dollars = "" if missed.saves_usd is None else f", {format_dollars(missed.saves_usd)}"
        told.insert(0, f"saves {format_bytes(missed.saves_bytes)}{dollars}")
    return "; ".join(told)
