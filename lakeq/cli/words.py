"""Sentences and JSON objects of the command line: estimates, the status line, tables, errors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from lakeq.catalog.changes import ObjectChanges, TableChanges
from lakeq.catalog.partition_chart import PartitionChart
from lakeq.catalog.table import IgnoredObjects, Table
from lakeq.catalog.time_proof import TimeProposal
from lakeq.engines.base import QueryStats
from lakeq.errors import LakeqError, QueryError
from lakeq.formats.types import sql_type
from lakeq.planner.estimate import Estimate, describe_dollars, format_scanned
from lakeq.planner.explain import explain_missed
from lakeq.quantities import (
    format_age,
    format_bytes,
    format_count,
    format_dollars,
    format_moment,
    format_seconds,
    format_share,
)
from lakeq.texts import show_line

_CARET_WIDTH = 100
_OLD_SECONDS = 60
_MOST_FOLDERS = 5
"""From this age on, a listing's age is told."""


def describe_defect(error: Exception) -> str:
    """What is said of an error that is none of ours: a defect."""
    return f"internal error: {type(error).__name__}: {error}. Please report it, with what --debug shows"


def describe_error(error: LakeqError) -> str:
    """The error in one line; for one that knows its place in the SQL, that line and a caret below it."""
    message = show_line(str(error))
    if isinstance(error, QueryError) and error.line and error.column:
        return f"{message}\n{point_at(error.sql, error.line, error.column)}"
    return message


def point_at(sql: str, line: int, column: int) -> str:
    """Line `line` of the SQL and a caret under `column`, both from 1; long lines are cut around it."""
    lines = sql.splitlines()
    text = lines[line - 1].replace("\t", " ") if line <= len(lines) else ""
    start = max(0, column - 1 - _CARET_WIDTH // 2)
    before = "".join(show_line(c) for c in text[start : column - 1])
    after = "".join(show_line(c) for c in text[column - 1 : start + _CARET_WIDTH])
    return f"  {before}{after}\n  {' ' * len(before)}^"


def describe_status(estimate: Estimate, stats: QueryStats | None) -> str:
    """The line after a query; without `stats` for one that was not read to its end."""
    parts = [
        f"{format_share(estimate.partitions, estimate.partitions_total)} partitions",
        f"estimated {format_bytes(estimate.bytes_scanned)} ({describe_dollars(estimate)})",
    ]
    if stats is None:
        parts.append("stopped after the rows shown")
    else:
        parts += [f"scanned {format_bytes(stats.bytes_scanned)}", format_seconds(stats.seconds)]
    return " · ".join(parts)


def describe_estimate(estimate: Estimate) -> Iterator[str]:
    """The estimate in lines: the sum first, then each table reference."""
    yield f"scans {format_scanned(estimate)}, costs {format_dollars(estimate.cost_usd)}"
    yield from (f"  {line}" for line in estimate.bill)
    age = None if estimate.listed_at is None else time.time() - estimate.listed_at
    if age is not None and age >= _OLD_SECONDS:
        yield f"  from a listing that is {format_age(age)} old"
    tables = {s.table.name: s.table for s in estimate.scans if s.table.inventory_at is not None}
    yield from (f"  {name} as of {table.source}" for name, table in tables.items())
    for reference, scan in zip(estimate.scans, estimate.to_dict()["tables"], strict=True):
        yield (
            f"  {scan['table']}: {format_share(scan['partitions'], scan['partitions_total'])} partitions, "
            f"{format_share(scan['files'], scan['files_total'])} files, {format_bytes(scan['bytes_scanned'])}"
        )
        if scan["columns"]:
            yield f"    columns: {', '.join(scan['columns'])}"
        if scan["predicate"]:
            declared = f" ({scan['declared_time']})" if scan["declared_time"] else ""
            yield f"    pruned by: {scan['predicate']}{declared}"
        for missed in reference.not_pruned_by:
            yield from (f"    {line}" for line in explain_missed(missed))
        yield from (f"    warning: {warning}" for warning in scan["warnings"])


def describe_changes(changes: TableChanges) -> Iterator[str]:
    """What a refresh found of a table: a line, and one for each kind of change."""
    yield f"{changes.name}: {format_count(changes.files)} files, {format_bytes(changes.bytes)}"
    if changes.inventory is not None:
        yield from _describe_inventory(changes)
    if not changes.is_compared:
        yield "  too many files to tell which changed"
    elif changes.is_first:
        yield "  known whole for the first time" if changes.inventory else "  listed whole for the first time"
    else:
        for word, found in _kinds(changes):
            if found.count:
                more = ", …" if found.count > len(found.examples) else ""
                shown = ", ".join(map(show_line, found.examples))
                yield f"  {word} {format_count(found.count)}: {shown}{more}"
        if not any(found.count for _, found in _kinds(changes)):
            yield "  nothing changed"
    for ignored in changes.ignored:
        yield f"  ignored: {describe_ignored(ignored)}"


def _describe_inventory(changes: TableChanges) -> Iterator[str]:
    """As of when a table is known, and what of it was listed since."""
    moment = format_moment(changes.inventory_at)
    yield f"  as of the S3 Inventory of {moment}: {show_line(changes.inventory or '')}"
    more = ", …" if len(changes.listed) > _MOST_FOLDERS else ""
    shown = ", ".join(map(show_line, changes.listed[:_MOST_FOLDERS]))
    count = format_count(len(changes.listed))
    yield f"  and of {count} folders listed now{': ' if shown else ''}{shown}{more}"
    yield from (f"  {sentence}" for sentence in changes.lacks)


def _kinds(changes: TableChanges) -> tuple[tuple[str, ObjectChanges], ...]:
    return (("added", changes.added), ("removed", changes.removed), ("replaced", changes.replaced))


def changes_to_dict(changes: TableChanges) -> dict[str, Any]:
    """What a refresh found of a table as plain JSON values."""
    return {
        "name": changes.name,
        "files": changes.files,
        "bytes": changes.bytes,
        "first": changes.is_first,
        **{word: {"count": f.count, "examples": list(f.examples)} for word, f in _kinds(changes)},
        "ignored": [_ignored_to_dict(ignored) for ignored in changes.ignored],
        "compared": changes.is_compared,
        "inventory": changes.inventory,
        "inventory_at": format_moment(changes.inventory_at),
        "listed": list(changes.listed),
        "lacks": list(changes.lacks),
    }


def describe_proposal(proposal: TimeProposal) -> Iterator[str]:
    """A declaration that the footers prove, ready to be pasted."""
    mapping = proposal.mapping
    known = f"All {format_count(proposal.files)} files"
    wish = "Declare it"
    if proposal.files != proposal.files_total:
        known = f"{format_share(proposal.files, proposal.files_total)} files were looked into, and all"
        wish = "If the others do too, declare it"
    yield (
        f"{known} have {mapping.column} in the time of their folder. {wish} in a lakeq.toml, and conditions "
        f"on {mapping.column} prune folders:"
    )
    yield from (f"  {line}" for line in proposal.to_toml().splitlines())


def describe_layout(table: Table) -> str:
    """`year={year}/month={month}/`; `flat` for a table without partitions."""
    return table.layout.template or table.layout.kind


def describe_ignored(ignored: IgnoredObjects) -> str:
    """What was left out for one reason, and some of it by name."""
    return show_line(str(ignored))


def table_to_dict(table: Table) -> dict[str, Any]:
    """A table as plain JSON values; `bytes` is the stored size of its files."""
    keys = {column.name for column in table.partition_columns}
    return {
        "name": table.name,
        "location": table.location,
        "format": table.format,
        "layout": describe_layout(table),
        "evidence": list(table.evidence),
        "columns": [
            {"name": c.name, "type": sql_type(c.type), "origin": "path" if c.name in keys else "file"}
            for c in table.columns
        ],
        "partitions": table.partitions_total,
        "files": table.files_total,
        "bytes": table.bytes_total,
        "ignored": [_ignored_to_dict(ignored) for ignored in table.ignored],
        "listed_at": format_moment(table.listed_at),
        "inventory_at": format_moment(table.inventory_at),
        "declared_time": None if table.time is None else str(table.time),
        "problem": None if table.problem is None else str(table.problem),
    }


def chart_to_dict(chart: PartitionChart) -> dict[str, Any]:
    """A chart of partitions as plain JSON values."""
    return {
        **asdict(chart),
        "days": [{**asdict(day), "day": day.day.isoformat()} for day in chart.days],
    }


def _ignored_to_dict(ignored: IgnoredObjects) -> dict[str, Any]:
    return {
        "reason": ignored.reason,
        "count": ignored.count,
        "bytes": ignored.size,
        "examples": list(ignored.examples),
    }
