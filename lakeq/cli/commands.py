"""The commands: each a few lines over the API."""

from __future__ import annotations

import io
import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
from rich.console import Console

from lakeq.cli.arguments import parse_params, read_sql, storage_options
from lakeq.cli.demo import run_demo
from lakeq.cli.output import BINARY_FORMATS, SUFFIXES, WRITERS, open_output, write_json
from lakeq.cli.render import draw_rows, draw_table, draw_tables, make_console
from lakeq.cli.words import (
    describe_estimate,
    describe_ignored,
    describe_layout,
    describe_status,
    show_line,
    table_to_dict,
)
from lakeq.errors import ConfigError
from lakeq.formats.types import sql_type
from lakeq.lake import Lake, connect
from lakeq.quantities import format_bytes, format_count
from lakeq.result import Result

T = TypeVar("T")

_EAR_SECONDS = 0.1
"""A thread that waits for a lock may not hear Ctrl-C at all, so it looks up this often."""


def show_tables(arguments: Namespace) -> None:
    """`lakeq tables LAKE`."""
    with _connect(arguments) as lake:
        tables, ignored = lake.tables(), lake.ignored()
    if arguments.json:
        _print_json([table_to_dict(table) for table in tables])
        return
    draw_tables(make_console(), tables)
    for table in tables:
        if table.problem is not None:
            _say(f"{table.name} cannot be read: {table.problem}")
    for objects in ignored:
        _say(f"ignored: {describe_ignored(objects)}")


def describe_table(arguments: Namespace) -> None:
    """`lakeq describe LAKE TABLE`."""
    with _connect(arguments) as lake:
        name = arguments.table.casefold()
        broken = [t for t in lake.tables() if t.name.casefold() == name and t.problem is not None]
        table = broken[0] if broken else lake.describe(arguments.table)
    if arguments.json:
        _print_json(table_to_dict(table))
        return
    _say(f"table       {table.name}")
    if table.problem is not None:
        _say(f"problem     {table.problem}")
    _say(f"location    {table.location}")
    _say(f"format      {table.format}")
    _say(f"layout      {describe_layout(table)}")
    for sentence in table.evidence:
        _say(f"            {sentence}")
    _say(f"partitions  {format_count(table.partitions_total)}")
    _say(f"files       {format_count(table.files_total)}")
    _say(f"size        {format_bytes(table.bytes_total)}")
    for objects in table.ignored:
        _say(f"ignored     {describe_ignored(objects)}")
    keys = {column.name for column in table.partition_columns}
    rows = [(c.name, sql_type(c.type), "path" if c.name in keys else "file") for c in table.columns]
    sys.stdout.write("\n")
    draw_table(make_console(), ("column", "type", "from"), rows)


def show_partitions(arguments: Namespace) -> None:
    """`lakeq partitions LAKE TABLE`."""
    with _connect(arguments) as lake:
        partitions = lake.partitions(arguments.table)
    if arguments.json:
        with open_output(None) as sink:
            write_json(partitions.schema, partitions.to_batches(), sink)
    else:
        draw_rows(make_console(), partitions.schema, partitions.to_batches())


def show_estimate(arguments: Namespace) -> None:
    """`lakeq estimate LAKE SQL`."""
    with _connect(arguments) as lake:
        estimate = lake.estimate(read_sql(arguments.sql), parse_params(arguments.param))
    if arguments.json:
        _print_json(estimate.to_dict())
        return
    for line in describe_estimate(estimate):
        _say(line)


def show_plan(arguments: Namespace) -> None:
    """`lakeq explain LAKE SQL`."""
    with _connect(arguments) as lake:
        plan = lake.explain(read_sql(arguments.sql), parse_params(arguments.param))
    for line in plan.splitlines():
        _say(line)


def run_query(arguments: Namespace) -> None:
    """`lakeq query LAKE SQL`."""
    chosen = _choose_format(arguments)
    sql, params = read_sql(arguments.sql), parse_params(arguments.param)
    with (
        _connect(arguments) as lake,
        lake.sql(sql, params, arguments.max_bytes, arguments.max_cost) as result,
        fetch_rows(result) as (schema, batches),
        open_output(arguments.output) as sink,
    ):
        whole = True
        if chosen != "table":
            WRITERS[chosen](schema, batches, sink)
        elif arguments.output is None:
            whole = _draw_first(make_console(), schema, batches, arguments.rows)
        else:
            text = io.TextIOWrapper(sink, "utf-8", write_through=True)
            whole = _draw_first(make_console(text), schema, batches, arguments.rows)
            text.detach()
        status = describe_status(result.estimate, result.stats if whole else None)
    sys.stderr.write(f"{status}\n")


@contextmanager
def fetch_rows(result: Result) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """The schema and the batches of a result, fetched in a thread so that Ctrl-C is heard meanwhile."""
    with ThreadPoolExecutor(1, thread_name_prefix="lakeq-fetch") as thread:

        def fetch(work: Callable[[], T]) -> T:
            pending = thread.submit(work)
            try:
                while not wait([pending], _EAR_SECONDS).done:
                    pass
                return pending.result()
            except KeyboardInterrupt:
                result.cancel()
                raise

        schema = fetch(lambda: result.schema)
        batches = fetch(result.batches)
        yield schema, iter(lambda: fetch(lambda: next(batches, None)), None)


def _draw_first(console: Console, schema: pa.Schema, batches: Iterable[pa.RecordBatch], limit: int) -> bool:
    """Draw the first `limit` rows; True when there are no more."""
    shown: list[pa.RecordBatch] = []
    missing, more = limit, False
    for batch in batches:
        shown.append(batch.slice(0, missing))
        more = batch.num_rows > missing
        missing -= shown[-1].num_rows
        if more:
            break
    draw_rows(console, schema, shown)
    if more:
        console.print(f"the first {format_count(limit)} rows; --rows N shows more, --format csv prints all")
    return not more


def _choose_format(arguments: Namespace) -> str:
    """The format asked for, or the one that the output file's name stands for."""
    suffix = Path(arguments.output).suffix.lower() if arguments.output else ""
    chosen: str = arguments.format or SUFFIXES.get(suffix, "table")
    if chosen in BINARY_FORMATS and arguments.output is None and sys.stdout.isatty():
        raise ConfigError(f"{chosen} is not for a terminal. Write it to a file with -o, or pipe it.")
    return chosen


def _connect(arguments: Namespace) -> Lake:
    return connect(arguments.lake, **storage_options(arguments))


def _say(text: str) -> None:
    sys.stdout.write(f"{show_line(text)}\n")


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


COMMANDS: dict[str, Callable[[Namespace], None]] = {
    "tables": show_tables,
    "describe": describe_table,
    "partitions": show_partitions,
    "estimate": show_estimate,
    "explain": show_plan,
    "query": run_query,
    "demo": run_demo,
}
