"""The lake and the query that the arguments name."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from lakeq.cli.progress import StatusLine
from lakeq.cli.values import connect_options, parse_params, read_sql
from lakeq.connecting import connect
from lakeq.lake import Lake
from lakeq.planner.bind import Params


@contextmanager
def open_lake(arguments: Namespace, line: StatusLine | None = None) -> Iterator[Lake]:
    """The lake that the arguments name; long work on it is told on the terminal, on `line`."""
    line = line or StatusLine()
    try:
        with connect(arguments.lake, progress=line.observe, **connect_options(arguments)) as lake:
            yield lake
            line.clear()
    finally:
        line.clear()


def read_query(arguments: Namespace) -> tuple[str, Params]:
    """The SQL and the parameters of the arguments. ConfigError for a file that cannot be read."""
    return read_sql(arguments.sql), parse_params(arguments.param)
