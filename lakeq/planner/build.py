"""Build a ScanPlan from a bound query: prune each table reference on its index, read the footers that are
left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from lakeq.catalog.entry import TableEntry
from lakeq.catalog.index import FileIndex
from lakeq.catalog.selection import FileSelection
from lakeq.catalog.table import HIDDEN_COLUMNS, Table
from lakeq.catalog.time_proof import find_strays, propose_times
from lakeq.catalog.view import CatalogView
from lakeq.formats.detect import FORMATS
from lakeq.planner.bind import BoundQuery, Params, TableReference
from lakeq.planner.budget import LEAST_FOOTERS
from lakeq.planner.limits import stops_early
from lakeq.planner.locked import check_keys
from lakeq.planner.metadata import ReadMetadata, scan_rows
from lakeq.planner.plan import InlineTable, ScanPlan, View
from lakeq.planner.pruning import Pruning, plan_prefixes, plan_pruning
from lakeq.planner.rewrites import suggest_rewrites
from lakeq.planner.scan import Missed, TableScan, scan_bytes
from lakeq.planner.weighing import Weighed, find_stored, is_read_in_parts, weigh_files, weigh_sample

_LARGEST_INDEX_ANSWER = 100_000
"""Files up to which rows from the index stand in for a scan."""
_FIRST_PART, _NARROW = 4, 0.05
"""The part of a sample that is read first; the rest where the interval is wider than this share."""
_MOST_PROVEN = 100_000
"""Row groups up to which each plan may ask whether they prove a `time`: that takes up to 0.1 s once."""


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """What a plan is for.

    `fetches_whole`: the query is to run, so small remote files may be read whole, not only their footers.
    `is_limited`: what it reads is going to be counted, so the plan tells where that lies. Of a scan with more
    unread footers than `max_footers`, a sample of so many is read (None: all are). `advises`: somebody is
    going to read it, so it tells what would have pruned. `is_draft`: it is still being typed, so what the
    engine has against it is a note, and for a column that is not found no more files are looked into.
    `uses_index`: what runs it takes the index's answer for a table of which no column is wanted.
    """

    fetches_whole: bool = False
    is_limited: bool = False
    max_footers: int | None = None
    advises: bool = False
    is_draft: bool = False
    uses_index: bool = True


def build_plan(
    bound: BoundQuery,
    params: Params,
    catalog: CatalogView,
    views: Mapping[str, str],
    read_metadata: ReadMetadata,
    settings: PlanSettings,
) -> ScanPlan | None:
    """The plan of a bound query; None when what was listed or read on the way widened a table's schema: bind
    anew then."""
    early = stops_early(bound.runnable)
    settings = replace(settings, fetches_whole=settings.fetches_whole and not early)
    before = {reference.table: catalog.table(reference.table) for reference in bound.references}
    entries = {name: list_table(table, bound.references, catalog) for name, table in before.items()}
    scans = [
        scan_table(reference, entries[reference.table], catalog, settings) for reference in bound.references
    ]
    if any(catalog.table(name).columns != table.columns for name, table in before.items()):
        return None
    inline = [InlineTable(name, read_metadata(name)) for name in bound.metadata]
    by_table: dict[str, list[TableScan]] = {}
    for scan in scans:
        by_table.setdefault(scan.table.name, []).append(scan)
    answered = [name for name, group in by_table.items() if all(scan.from_index for scan in group)]
    inline += [InlineTable(name, scan_rows(by_table[name])) for name in answered]
    return ScanPlan(
        text=bound.sql,
        sql=bound.runnable,
        params=params,
        scans=tuple(replace(scan, from_index=scan.table.name in answered) for scan in scans),
        inline=tuple(inline),
        views=tuple(View(name, views[name]) for name in bound.views),
        clock=bound.clock,
        stops_early=early,
        notes=(*bound.notes, *tell_inventories(scans)),
        reads_all=bound.reads_all,
        dialect=bound.dialect,
    )


def tell_inventories(scans: Sequence[TableScan]) -> list[str]:
    """For each table whose files are known from an S3 Inventory, a sentence that says so."""
    known = {scan.table.name: scan.table for scan in scans if scan.table.inventory_at is not None}
    return [f"Files of {name} as of {table.source}." for name, table in known.items()]


def count_draws(most: int) -> Sequence[int]:
    """How large a sample is read first, and how large one if that says too little."""
    return (most,) if most // _FIRST_PART < LEAST_FOOTERS else (most // _FIRST_PART, most)


def list_table(table: Table, references: Sequence[TableReference], catalog: CatalogView) -> TableEntry:
    """The files that any of the references to a table may want."""
    filters = [plan_prefixes(table, r.predicate) for r in references if r.table == table.name]
    return catalog.entry(table.name, filters)


def scan_table(
    reference: TableReference,
    entry: TableEntry,
    catalog: CatalogView,
    settings: PlanSettings,
) -> TableScan:
    """Prune one table reference."""
    pruning = plan_pruning(entry.table, reference.predicate, reference.missed)
    selection, archived = entry.split_archived(
        entry.index.select(pruning.files, pruning.guarded_files, derived=pruning.derived)
    )
    hidden = {c.name for c in HIDDEN_COLUMNS}
    keys = {c.name for c in entry.table.partition_columns}
    data = tuple(c for c in reference.columns if c not in hidden and c not in keys)
    weighed = Weighed(selection)
    if FORMATS[entry.table.format].has_footers:
        most = settings.max_footers
        locates = settings.is_limited or (most is None and is_read_in_parts(entry, selection))
        for count in () if most is None else count_draws(most):
            sample = catalog.sample(selection, count)
            if sample is None:  # all were looked into
                weighed = Weighed(selection)
                break
            weighed = weigh_sample(selection, sample, entry, pruning, data)
            if weighed.sampled is not None and weighed.sampled.width <= _NARROW:
                break
        if weighed.sampled is None:
            catalog.inspect(selection, settings.fetches_whole)
            weighed = weigh_files(selection, entry, pruning, data, locates)
    table = entry.table
    check_keys(table, weighed.files, data)
    scan = TableScan(
        table=table,
        alias=reference.alias,
        columns=data,
        partition_keys=tuple(c for c in reference.columns if c in keys),
        hidden_columns=tuple(c for c in reference.columns if c in hidden),
        files=weighed.files,
        row_groups=weighed.row_groups,
        row_groups_total=weighed.row_groups_total,
        column_bytes=weighed.column_bytes,
        predicate=pruning.predicate,
        not_pruned_by=tuple(replace(missed, node=None) for missed in pruning.missed),
        from_index=settings.uses_index and reference.once and not data and knows_rows(weighed.files),
        chunks=weighed.chunks,
        group_footers=weighed.group_footers,
        sampled=weighed.sampled,
        uses=reference.uses,
        time=table.time if pruning.derived else None,
        warnings=describe_strays(table, entry.index) if pruning.derived else (),
        footer_read=entry.known.tail,
        archived=archived,
    )
    if not settings.advises:
        return scan
    return replace(scan, not_pruned_by=suggest(scan, reference, pruning, entry.index))


def suggest(
    scan: TableScan, reference: TableReference, pruning: Pruning, index: FileIndex
) -> tuple[Missed, ...]:
    """What did not prune a scan, with what would and what that saves. No I/O: only files kept are measured,
    which were looked into; in proportion to their size where only a sample was."""
    predicate, has_footers = reference.predicate, scan.column_bytes is not None
    leaves, scanned = find_stored(scan.table, index.groups, scan.columns), scan_bytes(scan)

    def measure(table: Table, wanted: exp.Expr) -> int:
        tried = plan_pruning(table, wanted, ())
        selection, _ = index.split_archived(
            index.select(tried.files, tried.guarded_files, derived=tried.derived)
        )
        if not has_footers:
            return selection.size
        if scan.sampled is not None:
            return min(scanned * selection.size // max(scan.files.size, 1), scanned)
        conditions = (tried.row_groups, tried.guarded_row_groups)
        return index.groups.measure(selection, conditions, leaves, tried.bounds).column_bytes

    mentioned = {column.name.casefold() for column in predicate.find_all(exp.Column)}
    proposals = propose_times(scan.table, index, mentioned) if index.groups.count <= _MOST_PROVEN else ()
    return suggest_rewrites(scan.table, predicate, pruning.missed, proposals, measure, scanned)


def describe_strays(table: Table, index: FileIndex) -> tuple[str, ...]:
    """The warning that files break the declared time of a table, if any is known to."""
    strays = find_strays(table, index)
    if strays is None:
        return ()
    return (
        f"Files of {table.name} hold rows outside the time of their folder ({table.time}), which may be "
        f"left out: {strays.count:,} at least, {strays.example} for one. Correct 'time' in its lakeq.toml.",
    )


def knows_rows(selection: FileSelection) -> bool:
    """Whether it is known of every selected file if it holds a row."""
    if selection.count > _LARGEST_INDEX_ANSWER:
        return False
    return bool(selection.to_table().column("has_rows").null_count == 0)
