"""`lakeq demo`: write a small lake, look at it, query it with and without a partition filter, and compare."""

from __future__ import annotations

import shlex
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rich.console import Console

from lakeq.cli.demo_lake import DAYS, DEFINITION, FIRST_DAY, write_demo_lake
from lakeq.cli.demo_s3 import BUCKET, STORAGE, serve_s3, upload_folder
from lakeq.cli.render import draw_rows, draw_table, draw_tables, make_console
from lakeq.cli.words import describe_estimate, describe_status
from lakeq.connecting import connect
from lakeq.errors import ConfigError
from lakeq.lake import Lake
from lakeq.planner.pricing import ATHENA, TERABYTE
from lakeq.quantities import format_bytes, format_count, format_dollars, format_seconds
from lakeq.result import Result

_WHOLE = "SELECT kind, count(*) AS events, sum(amount) AS total FROM events GROUP BY kind ORDER BY kind"
_DAY = FIRST_DAY.day + 2
_FILTER = f"WHERE year = {FIRST_DAY.year} AND month = {FIRST_DAY.month} AND day = {_DAY}"
_FILTERED = _WHOLE.replace("FROM events", f"FROM events {_FILTER}")


def run_demo(arguments: Namespace) -> None:
    """`lakeq demo`. ConfigError when the folder to keep is not empty, or moto is missing for S3."""
    if arguments.s3 and arguments.keep:
        raise ConfigError("--keep leaves a lake of files; leave out --s3 to keep one.")
    console = make_console()
    with _make_folder(arguments.keep) as folder, serve_s3() if arguments.s3 else nullcontext() as endpoint:
        write_demo_lake(folder)
        if endpoint is None:
            _define(folder, ".")
        else:
            upload_folder(folder, endpoint)
            _define(folder, f"s3://{BUCKET}", STORAGE.format(endpoint=endpoint))
        _tour(console, folder)
    if arguments.keep:
        console.print(f"The lake is in {arguments.keep}: try the commands above with other queries.")
    else:
        console.print(
            "The lake is gone with its temporary folder; lakeq demo --keep DIR leaves one to play with."
        )


@contextmanager
def _make_folder(keep: str | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="lakeq-demo-") as temporary:
            yield Path(temporary)
        return
    folder = Path(keep)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ConfigError(f"{keep} is not empty. Name a new folder.")
    except OSError as error:
        raise ConfigError(f"Cannot write the demo's lake to {keep}: {error.strerror}.") from error
    yield folder


_CACHE = ".cache"
"""What is kept of the demo's lake goes with it; names that begin with a dot are no data."""


def _define(folder: Path, location: str, storage: str = "") -> None:
    (folder / "lakeq.toml").write_text(DEFINITION.format(location=location) + storage, encoding="utf-8")


def _tour(console: Console, folder: Path) -> None:
    definition = folder / "lakeq.toml"
    with connect(definition, cache_dir=folder / _CACHE, history=False) as lake:
        console.print(f"A small lake of {DAYS} days, made up for this demo. Its tables:\n")
        _show_command(console, "tables", definition)
        draw_tables(console, lake.tables())
        console.print("\nWhat would a query over all of events scan and cost? No data is read to answer:\n")
        _show_command(console, "estimate", definition, _WHOLE)
        for line in describe_estimate(lake.estimate(_WHOLE)):
            console.print(line)
        console.print("\nRun it:\n")
        whole = _run(console, lake, definition, _WHOLE)
        console.print("\nThe same for one day, by a filter on partition columns:\n")
        filtered = _run(console, lake, definition, _FILTERED)
    console.print("\nWhat the filter saved:\n")
    _compare(console, whole, filtered)


def _show_command(console: Console, name: str, definition: Path, sql: str | None = None) -> None:
    words = [f"lakeq {name}", shlex.quote(str(definition)), *([f'"{sql}"'] if sql else [])]
    console.print(f"$ {' '.join(words)}", style="bold green")


def _run(console: Console, lake: Lake, definition: Path, sql: str) -> Result:
    _show_command(console, "query", definition, sql)
    result = lake.sql(sql)
    rows = result.arrow()
    draw_rows(console, rows.schema, rows.to_batches())
    console.print(describe_status(result.estimate, result.stats), style="dim")
    sys.stdout.flush()
    return result


def _compare(console: Console, whole: Result, filtered: Result) -> None:
    """What both runs read and cost, and what the same share would cost on a table of 1 TB."""
    before, after = whole.estimate, filtered.estimate
    share = after.bytes_scanned / before.bytes_scanned
    scaled = (TERABYTE, round(TERABYTE * share))
    rows = [
        ("files read", format_count(before.files), format_count(after.files)),
        ("bytes scanned", format_bytes(before.bytes_scanned), format_bytes(after.bytes_scanned)),
        (
            "price here (10 MB is the least billed)",
            format_dollars(before.cost_usd),
            format_dollars(after.cost_usd),
        ),
        ("bytes, were the table's columns 1 TB", *map(format_bytes, scaled)),
        ("price then", *(format_dollars(ATHENA.cost(size)) for size in scaled)),
        ("seconds here", format_seconds(whole.stats.seconds), format_seconds(filtered.stats.seconds)),
    ]
    draw_table(console, ("", "no filter", "one day"), rows, ("no filter", "one day"))
    console.print(f"\nThe filter saves {1 - share:.0%} of the bytes, and of the price above the 10 MB.")
