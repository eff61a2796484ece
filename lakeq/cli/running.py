"""`lakeq query`: rows as they are made, and Ctrl-C heard meanwhile."""

from __future__ import annotations

import io
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from rich.console import Console

from lakeq.cli.opening import open_lake, read_query
from lakeq.cli.output import BINARY_FORMATS, SUFFIXES, WRITERS, open_output
from lakeq.cli.pager import paged
from lakeq.cli.progress import StatusLine
from lakeq.cli.render import draw_rows, make_console
from lakeq.cli.words import describe_status
from lakeq.errors import ConfigError
from lakeq.quantities import format_count
from lakeq.result import Result
from lakeq.storage.workers import watch
from lakeq.texts import show_line

T = TypeVar("T")

_MORE = "--rows N shows more, --format csv prints all"


def run_query(arguments: Namespace) -> None:
    """`lakeq query LAKE SQL`."""
    chosen = _choose_format(arguments)
    sql, params = read_query(arguments)
    with (
        open_lake(arguments) as lake,
        lake.sql(sql, params, arguments.max_bytes, arguments.max_cost, arguments.dialect) as result,
        fetch_rows(result, StatusLine()) as (schema, batches),
    ):
        shown = Shown(chosen, arguments.output, arguments.rows, _MORE, arguments.no_pager)
        whole = write_rows(schema, batches, shown)
        status = describe_status(result.estimate, result.stats if whole else None)
    sys.stderr.write("".join(f"{show_line(line)}\n" for line in (*result.notes, status)))


@contextmanager
def fetch_rows(
    result: Result, line: StatusLine | None = None
) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """The schema and the batches of a result, fetched in a thread so that Ctrl-C is heard meanwhile; `line`
    tells how far the reading is."""
    with ThreadPoolExecutor(1, thread_name_prefix="lakeq-fetch") as thread:

        def tell() -> None:
            moment = result.read_progress() if line is not None else None
            if line is not None and moment is not None:
                line.observe(moment)

        def fetch(work: Callable[[], T]) -> T:
            try:
                return watch(thread.submit(work), tell)
            except KeyboardInterrupt:
                result.cancel()
                raise
            finally:
                if line is not None:
                    line.clear()

        schema = fetch(lambda: result.schema)
        batches = fetch(result.batches)
        yield schema, iter(lambda: fetch(lambda: next(batches, None)), None)


@dataclass(frozen=True, slots=True)
class Shown:
    """How rows are shown: in one of FORMATS or as records (`line`), in a file or on standard output. On a
    screen the first `limit` are drawn; `hint` says how to see the others."""

    format: str
    output: str | None
    limit: int
    hint: str
    no_pager: bool


def write_rows(schema: pa.Schema, batches: Iterable[pa.RecordBatch], shown: Shown) -> bool:
    """Write or draw the rows; True when that were all of them."""
    with open_output(shown.output) as sink:
        if shown.format in WRITERS:
            WRITERS[shown.format](schema, batches, sink)
            return True
        if shown.output is None:
            with paged(shown.no_pager) as scrolls:
                return _draw_first(make_console(scrolls=scrolls), schema, batches, shown)
        text = io.TextIOWrapper(sink, "utf-8", write_through=True)
        whole = _draw_first(make_console(text), schema, batches, shown)
        text.detach()
        return whole


def _draw_first(console: Console, schema: pa.Schema, batches: Iterable[pa.RecordBatch], shown: Shown) -> bool:
    """Draw the first rows; True when there are no more."""
    first: list[pa.RecordBatch] = []
    missing, more = shown.limit, False
    for batch in batches:
        first.append(batch.slice(0, missing))
        more = batch.num_rows > missing
        missing -= first[-1].num_rows
        if more:
            break
    draw_rows(console, schema, first, as_records=shown.format == "line")
    if more:
        console.print(f"the first {format_count(shown.limit)} rows; {shown.hint}")
    return not more


def _choose_format(arguments: Namespace) -> str:
    """The format asked for, or the one that the output file's name stands for."""
    suffix = Path(arguments.output).suffix.lower() if arguments.output else ""
    chosen: str = arguments.format or SUFFIXES.get(suffix, "table")
    if chosen in BINARY_FORMATS and arguments.output is None and sys.stdout.isatty():
        raise ConfigError(f"{chosen} is not for a terminal. Write it to a file with -o, or pipe it.")
    return chosen
