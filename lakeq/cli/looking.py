"""`lakeq tables`, `describe`, `partitions` and `ddl`: what is there."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence

from lakeq.catalog.partition_chart import PartitionChart
from lakeq.catalog.table import IgnoredObjects, Table
from lakeq.catalog.time_proof import TimeProposal
from lakeq.cli.opening import open_lake
from lakeq.cli.output import open_output, write_json
from lakeq.cli.pager import paged
from lakeq.cli.partition_picture import draw_chart
from lakeq.cli.printing import print_json, say
from lakeq.cli.render import draw_rows, draw_table, draw_tables, make_console
from lakeq.cli.values import read_sql
from lakeq.cli.words import chart_to_dict, describe_ignored, describe_layout, describe_proposal, table_to_dict
from lakeq.formats.types import sql_type
from lakeq.quantities import format_count, format_size

_PIPE_WIDTH = 80
"""Columns of a picture where nothing says how wide it may be."""


def show_tables(arguments: Namespace) -> None:
    """`lakeq tables LAKE`."""
    with open_lake(arguments) as lake:
        tables, ignored = lake.survey()
    if arguments.json:
        print_json([table_to_dict(table) for table in tables])
        return
    with paged(arguments.no_pager):
        print_tables(tables, ignored)


def print_tables(tables: Sequence[Table], ignored: Iterable[IgnoredObjects]) -> None:
    """A line a table, then what cannot be read and what was left out of all of them."""
    draw_tables(make_console(), tables)
    for table in tables:
        if table.problem is not None:
            say(f"{table.name} cannot be read: {table.problem}")
    for objects in ignored:
        say(f"ignored: {describe_ignored(objects)}")


def describe_table(arguments: Namespace) -> None:
    """`lakeq describe LAKE TABLE`."""
    with open_lake(arguments) as lake:
        name = arguments.table.casefold()
        broken = [t for t in lake.tables() if t.name.casefold() == name and t.problem is not None]
        table = broken[0] if broken else lake.describe(arguments.table)
        proposals = () if broken else lake.propose_times(arguments.table)
    if arguments.json:
        print_json({**table_to_dict(table), "proposed_times": [p.to_toml() for p in proposals]})
        return
    with paged(arguments.no_pager):
        print_table(table, proposals)


def print_table(table: Table, proposals: Iterable[TimeProposal]) -> None:
    """All about a table: where and how it lies, its columns, and what it may declare."""
    say(f"table       {table.name}")
    if table.problem is not None:
        say(f"problem     {table.problem}")
    say(f"location    {table.location}")
    say(f"format      {table.format}")
    say(f"layout      {describe_layout(table)}")
    for sentence in table.evidence:
        say(f"            {sentence}")
    say(f"partitions  {format_count(table.partitions_total)}")
    say(f"files       {format_count(table.files_total)}")
    say(f"size        {format_size(table.bytes_total)}")
    if table.time is not None:
        say(f"time        {table.time} (from {', '.join(table.time.keys)})")
    if table.inventory_at is not None:
        say(f"known from  {table.source}")
    for objects in table.ignored:
        say(f"ignored     {describe_ignored(objects)}")
    keys = {column.name for column in table.partition_columns}
    rows = [(c.name, sql_type(c.type), "path" if c.name in keys else "file") for c in table.columns]
    sys.stdout.write("\n")
    draw_table(make_console(), ("column", "type", "from"), rows)
    for proposal in proposals:
        sys.stdout.write("\n")
        for line in describe_proposal(proposal):
            say(line)


def print_ddl(arguments: Namespace) -> None:
    """`lakeq ddl LAKE TABLE`."""
    with open_lake(arguments) as lake:
        ddl = lake.ddl(
            arguments.table,
            arguments.dialect,
            arguments.name,
            arguments.location,
            arguments.exclude,
            arguments.list_partitions,
        )
    if arguments.json:
        print_json(ddl.to_dict())
    else:
        sys.stdout.write(str(ddl))


def show_partitions(arguments: Namespace) -> None:
    """`lakeq partitions LAKE TABLE`."""
    if arguments.chart or arguments.query is not None:
        _show_chart(arguments)
        return
    with open_lake(arguments) as lake:
        partitions = lake.partitions(arguments.table)
    if arguments.json:
        with open_output(None) as sink:
            write_json(partitions.schema, partitions.to_batches(), sink)
        return
    with paged(arguments.no_pager) as scrolls:
        draw_rows(make_console(scrolls=scrolls), partitions.schema, partitions.to_batches())


def _show_chart(arguments: Namespace) -> None:
    """`lakeq partitions LAKE TABLE --chart`."""
    sql = None if arguments.query is None else read_sql(arguments.query)
    with open_lake(arguments) as lake:
        chart = lake.chart(arguments.table, sql)
    if arguments.json:
        print_json(chart_to_dict(chart))
        return
    with paged(arguments.no_pager):
        print_chart(chart, of_query=sql is not None)


def print_chart(chart: PartitionChart, of_query: bool) -> None:
    """The picture of a chart, as wide as the terminal; `of_query`: with what a query keeps."""
    console = make_console()
    width = console.width if console.is_terminal else _PIPE_WIDTH
    for line in draw_chart(chart, width, of_query):
        console.print(line, soft_wrap=True)
