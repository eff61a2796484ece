"""`lakeq history`: the queries so far, their estimates beside what they read, and how far those were off."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from lakeq.cli.output import open_output, write_json
from lakeq.cli.pager import paged
from lakeq.cli.printing import print_json, say
from lakeq.cli.render import draw_table, make_console
from lakeq.cli.values import connect_options
from lakeq.connecting import connect
from lakeq.ledger.entries import QueryEntry
from lakeq.ledger.history import (
    EstimateErrors,
    Summary,
    find_error,
    measure_errors,
    read_history,
    summarize,
    tabulate,
)
from lakeq.ledger.journal import Journal, find_history_folder
from lakeq.ledger.ledger import strip_secrets
from lakeq.quantities import (
    format_bytes,
    format_count,
    format_dollars,
    format_seconds,
    format_size,
)

_SQL_WIDTH = 60
_UNKNOWN = "?"


def show_history(arguments: Namespace) -> None:
    """`lakeq history [LAKE]`."""
    queries = read_history(Journal(find_history_folder()), _find_lake(arguments), arguments.since)
    if arguments.json and arguments.by is not None:
        print_json(list(map(summary_to_dict, summarize(queries, arguments.by))))
    elif arguments.json:
        table = tabulate(queries)
        with open_output(None) as sink:
            write_json(table.schema, table.to_batches(), sink)
    else:
        with paged(arguments.no_pager) as scrolls:
            if arguments.by is not None:
                _show_sums(summarize(queries, arguments.by), arguments.by)
            else:
                draw_queries(make_console(scrolls=scrolls), queries, arguments.rows, "--rows N")


def _find_lake(arguments: Namespace) -> str | None:
    """The lake as its entries name it; None for all lakes."""
    if arguments.lake is None:
        return None
    with connect(arguments.lake, **connect_options(arguments)) as lake:
        return strip_secrets(lake.location)


def draw_queries(console: Console, queries: Sequence[QueryEntry], limit: int, more: str) -> None:
    """The last `limit` queries in a table, and how far all their estimates were off. `more` shows more."""
    header = ("time (UTC)", "outcome", "estimated", "scanned", "off", "dollars", "seconds", "rows", "sql")
    draw_table(console, header, map(_to_cells, queries[-limit:]), header[2:8])
    if len(queries) > limit:
        say(f"the last {format_count(limit)} of {format_count(len(queries))} queries; {more} shows more")
    say(describe_errors(measure_errors(queries)))


def _to_cells(query: QueryEntry) -> tuple[str, ...]:
    begun, ended = query.begun, query.ended
    off = find_error(query)
    seconds = None if ended is None else ended.seconds
    sql = " ".join(begun.sql.split())
    return (
        f"{begun.moment:%Y-%m-%d %H:%M:%S}",
        query.outcome,
        format_size(begun.bytes),
        format_size(None if ended is None else ended.scanned),
        _UNKNOWN if off is None else f"{off:.1%}",
        _UNKNOWN if begun.cost is None else format_dollars(begun.cost),
        _UNKNOWN if seconds is None else format_seconds(seconds),
        format_count(None if ended is None else ended.rows),
        sql if len(sql) <= _SQL_WIDTH else f"{sql[:_SQL_WIDTH]}…",
    )


def _show_sums(sums: Sequence[Summary], group: str) -> None:
    rows = [
        (
            one.name,
            format_count(one.queries),
            format_count(one.refused),
            format_bytes(one.counted.bytes),
            format_dollars(one.counted.cost),
        )
        for one in sums
    ]
    header = (group, "queries", "refused", "scanned", "dollars")
    draw_table(make_console(), header, rows, header[1:])


def summary_to_dict(one: Summary) -> dict[str, Any]:
    """One sum of `--by … --json`."""
    return {
        "name": one.name,
        "queries": one.queries,
        "refused": one.refused,
        "bytes_scanned": one.counted.bytes,
        "cost_usd": float(one.counted.cost),
    }


def describe_errors(errors: EstimateErrors) -> str:
    """How far the estimates were off, in a line."""
    parts = []
    if errors.median is not None and errors.worst is not None:
        parts.append(
            f"{format_count(errors.exact)} exact, off by {errors.median:.1%} in the median, "
            f"{errors.worst:.1%} at worst"
        )
    if errors.bracketed:
        parts.append(
            f"{format_count(errors.within)} of {format_count(errors.bracketed)} others within their bounds"
        )
    return f"estimates: {'; '.join(parts) or 'none of a query that was read to its end yet'}"
