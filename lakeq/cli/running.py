"""`lakeq query`: rows as they are made, and Ctrl-C heard meanwhile."""

from __future__ import annotations

import io
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from rich.console import Console

from lakeq.cli.opening import open_lake, read_query
from lakeq.cli.output import BINARY_FORMATS, SUFFIXES, WRITERS, open_output
from lakeq.cli.pager import paged
from lakeq.cli.progress import StatusLine
from lakeq.cli.render import draw_rows, make_console
from lakeq.cli.words import describe_status, show_line
from lakeq.errors import ConfigError
from lakeq.quantities import format_count
from lakeq.result import Result

T = TypeVar("T")

_EAR_SECONDS = 0.1
"""A thread that waits for a lock may not hear Ctrl-C at all, so it looks up this often."""


def run_query(arguments: Namespace) -> None:
    """`lakeq query LAKE SQL`."""
    chosen = _choose_format(arguments)
    sql, params = read_query(arguments)
    with (
        open_lake(arguments) as lake,
        lake.sql(sql, params, arguments.max_bytes, arguments.max_cost, arguments.dialect) as result,
        fetch_rows(result, StatusLine()) as (schema, batches),
        open_output(arguments.output) as sink,
    ):
        whole = True
        if chosen != "table":
            WRITERS[chosen](schema, batches, sink)
        elif arguments.output is None:
            with paged(arguments.no_pager) as scrolls:
                whole = _draw_first(make_console(scrolls=scrolls), schema, batches, arguments.rows)
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
