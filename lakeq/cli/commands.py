"""The commands: each a few lines over the API."""

from __future__ import annotations

import io
import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
from rich.console import Console

from lakeq.cache import clear_cache, measure_cache
from lakeq.cli.arguments import connect_options, parse_params, read_sql
from lakeq.cli.check import (
    checked_to_dict,
    checked_to_junit,
    describe_checked,
    raise_failure,
    run_check,
)
from lakeq.cli.demo import run_demo
from lakeq.cli.history import show_history
from lakeq.cli.output import BINARY_FORMATS, SUFFIXES, WRITERS, open_output, write_json
from lakeq.cli.progress import StatusLine
from lakeq.cli.render import draw_rows, draw_table, draw_tables, make_console
from lakeq.cli.words import (
    changes_to_dict,
    describe_changes,
    describe_estimate,
    describe_ignored,
    describe_layout,
    describe_proposal,
    describe_status,
    table_to_dict,
)
from lakeq.errors import ConfigError
from lakeq.formats.types import sql_type
from lakeq.lake import Lake, connect
from lakeq.planner.archived import write_restores
from lakeq.planner.bind import Params
from lakeq.quantities import format_count, format_size
from lakeq.result import Result
from lakeq.texts import show_line

T = TypeVar("T")

_EAR_SECONDS = 0.1
"""A thread that waits for a lock may not hear Ctrl-C at all, so it looks up this often."""


def show_tables(arguments: Namespace) -> None:
    """`lakeq tables LAKE`."""
    with _connect(arguments) as lake:
        tables, ignored = lake.survey()
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
        proposals = () if broken else lake.propose_times(arguments.table)
    if arguments.json:
        _print_json({**table_to_dict(table), "proposed_times": [p.to_toml() for p in proposals]})
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
    _say(f"size        {format_size(table.bytes_total)}")
    if table.time is not None:
        _say(f"time        {table.time} (from {', '.join(table.time.keys)})")
    for objects in table.ignored:
        _say(f"ignored     {describe_ignored(objects)}")
    keys = {column.name for column in table.partition_columns}
    rows = [(c.name, sql_type(c.type), "path" if c.name in keys else "file") for c in table.columns]
    sys.stdout.write("\n")
    draw_table(make_console(), ("column", "type", "from"), rows)
    for proposal in proposals:
        sys.stdout.write("\n")
        for line in describe_proposal(proposal):
            _say(line)


def show_partitions(arguments: Namespace) -> None:
    """`lakeq partitions LAKE TABLE`."""
    with _connect(arguments) as lake:
        partitions = lake.partitions(arguments.table)
    if arguments.json:
        with open_output(None) as sink:
            write_json(partitions.schema, partitions.to_batches(), sink)
    else:
        draw_rows(make_console(), partitions.schema, partitions.to_batches())


def _read_query(arguments: Namespace) -> tuple[str, Params]:
    return read_sql(arguments.sql), parse_params(arguments.param)


def show_estimate(arguments: Namespace) -> None:
    """`lakeq estimate LAKE SQL`."""
    with _connect(arguments) as lake:
        estimate = lake.estimate(*_read_query(arguments), arguments.exact, arguments.dialect)
    if arguments.json:
        _print_json(estimate.to_dict())
        return
    for line in describe_estimate(estimate):
        _say(line)


def show_plan(arguments: Namespace) -> None:
    """`lakeq explain LAKE SQL`."""
    with _connect(arguments) as lake:
        plan = lake.explain(*_read_query(arguments), arguments.exact, arguments.dialect)
    for line in plan.splitlines():
        _say(line)


def show_restores(arguments: Namespace) -> None:
    """`lakeq restore LAKE SQL`."""
    with _connect(arguments) as lake:
        for command in write_restores(lake.plan(read_sql(arguments.sql), parse_params(arguments.param))):
            sys.stdout.write(f"{command}\n")


def run_query(arguments: Namespace) -> None:
    """`lakeq query LAKE SQL`."""
    chosen = _choose_format(arguments)
    sql, params = _read_query(arguments)
    with (
        _connect(arguments) as lake,
        lake.sql(sql, params, arguments.max_bytes, arguments.max_cost, arguments.dialect) as result,
        fetch_rows(result, StatusLine()) as (schema, batches),
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
    sys.stderr.write("".join(f"{show_line(line)}\n" for line in (*result.notes, status)))


@contextmanager
def fetch_rows(
    result: Result, line: StatusLine | None = None
) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """The schema and the batches of a result, fetched in a thread so that Ctrl-C is heard meanwhile; `line`
    tells how far the reading is."""
    with ThreadPoolExecutor(1, thread_name_prefix="lakeq-fetch") as thread:

        def fetch(work: Callable[[], T]) -> T:
            pending = thread.submit(work)
            try:
                while not wait([pending], _EAR_SECONDS).done:
                    moment = result.read_progress() if line is not None else None
                    if line is not None and moment is not None:
                        line.observe(moment)
                if line is not None:
                    line.clear()
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


@contextmanager
def _connect(arguments: Namespace) -> Iterator[Lake]:
    """The lake that the arguments name; long work on it is told on the terminal."""
    line = StatusLine()
    try:
        with connect(arguments.lake, progress=line.observe, **connect_options(arguments)) as lake:
            yield lake
            line.clear()
    finally:
        line.clear()


def check_files(arguments: Namespace) -> None:
    """`lakeq check LAKE FILE…`."""
    with _connect(arguments) as lake:
        checked = run_check(lake, arguments)
    if arguments.json:
        _print_json([checked_to_dict(query) for query in checked])
    elif arguments.junit:
        sys.stdout.write(checked_to_junit(checked) + "\n")
    else:
        for line in describe_checked(checked):
            _say(line)
    sys.stdout.flush()
    raise_failure(checked)


def refresh_lake(arguments: Namespace) -> None:
    """`lakeq refresh LAKE [TABLE]`."""
    with _connect(arguments) as lake:
        changes = lake.refresh(arguments.table)
    if arguments.json:
        _print_json([changes_to_dict(change) for change in changes])
        return
    if not changes:
        _say("Nothing is kept of this lake: it is listed anew at each run.")
    for change in changes:
        for line in describe_changes(change):
            _say(line)


def show_cache(arguments: Namespace) -> None:
    """`lakeq cache`."""
    size = (clear_cache if arguments.clear else measure_cache)(arguments.cache_dir)
    if arguments.json:
        _print_json({**asdict(size), "folder": str(size.folder), "cleared": arguments.clear})
        return
    _say(f"folder    {size.folder}")
    _say(f"catalogs  {format_count(size.catalogs)} ({format_size(size.catalog_bytes)})")
    _say(f"blocks    {format_count(size.blocks)} ({format_size(size.block_bytes)})")
    if arguments.clear:
        _say("cleared")


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
    "restore": show_restores,
    "check": check_files,
    "refresh": refresh_lake,
    "cache": show_cache,
    "history": show_history,
    "demo": run_demo,
}
