"""`lakeq refresh` and `cache`: what is kept of remote lakes."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from lakeq.cache import clear_cache, measure_cache
from lakeq.cli.opening import open_lake
from lakeq.cli.printing import print_json, say
from lakeq.cli.words import changes_to_dict, describe_changes
from lakeq.quantities import format_count, format_size


def refresh_lake(arguments: Namespace) -> None:
    """`lakeq refresh LAKE [TABLE] [--inventory URL]`."""
    with open_lake(arguments) as lake:
        changes = lake.refresh(arguments.table, arguments.inventory)
    if arguments.json:
        print_json([changes_to_dict(change) for change in changes])
        return
    if not changes:
        say("Nothing is kept of this lake: it is listed anew at each run.")
    for change in changes:
        for line in describe_changes(change):
            say(line)


def show_cache(arguments: Namespace) -> None:
    """`lakeq cache`."""
    size = (clear_cache if arguments.clear else measure_cache)(arguments.cache_dir)
    if arguments.json:
        print_json({**asdict(size), "folder": str(size.folder), "cleared": arguments.clear})
        return
    say(f"folder    {size.folder}")
    say(f"catalogs  {format_count(size.catalogs)} ({format_size(size.catalog_bytes)})")
    say(f"blocks    {format_count(size.blocks)} ({format_size(size.block_bytes)})")
    if arguments.clear:
        say("cleared")
