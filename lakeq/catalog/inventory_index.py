"""From an inventory to what is known of a lake: in memory when it is small, else a PathIndex on disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pyarrow as pa

from lakeq.catalog.inventory import Inventory
from lakeq.catalog.inventory_rows import read_inventory
from lakeq.catalog.known_objects import KnownObjects, folder_range
from lakeq.catalog.listings import Listings
from lakeq.catalog.path_index import PathIndex, open_path_index
from lakeq.catalog.path_index_writer import write_path_index
from lakeq.catalog.sorted_runs import sort_rows
from lakeq.catalog.whole_files import UNFINISHED
from lakeq.errors import CatalogError, ConfigError
from lakeq.storage.locks import locked
from lakeq.storage.progress import Meter, Reporter

MOST_IN_MEMORY = 2_000_000
"""Inventories of up to so many objects are kept as listings are."""
_EVERYTHING = folder_range("")
_KEPT = 2
"""Indexes that are kept: another process may still read the one before."""


def take_inventory(
    listings: Listings,
    inventory: Inventory,
    prefix: str,
    folder: Path | None,
    report: Reporter,
    most_in_memory: int = MOST_IN_MEMORY,
) -> None:
    """Have what an inventory tells of the keys below `prefix` known to `listings`, beneath what was listed
    since it was begun. `folder` is where large indexes are kept (None: nowhere).

    CatalogError where there is no room, ConfigError when it tells of nothing there; else the errors of
    `read_inventory`. An index that is not finished is removed.
    """
    with ExitStack() as stack:
        if folder is None:
            above = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lakeq-")))
        else:
            above = folder
            above.mkdir(mode=0o700, parents=True, exist_ok=True)
            stack.enter_context(locked(above / "lock"))
            for left in above.glob(f"index-{UNFINISHED}"):  # its writer was killed, for it held the lock
                shutil.rmtree(left, ignore_errors=True)
            known = open_newest(folder)
            if known is not None and (known.at, known.origin) == (inventory.at, inventory.manifest):
                listings.remember(partial(KnownObjects.put_large, large=known))  # by another process
                return
        made = Path(tempfile.mkdtemp(prefix="index-", suffix=UNFINISHED[1:], dir=above))
        stack.callback(shutil.rmtree, made, ignore_errors=True)
        index = _write(inventory, prefix, made, report)
        if not index.objects:
            raise ConfigError(
                f"The inventory '{inventory.manifest}' has no object below '{listings.store.root}'. It may "
                "be of another prefix: name the inventory that covers the lake."
            )
        if index.objects <= most_in_memory:
            rows = index.slice(_EVERYTHING)
            listings.remember(
                partial(KnownObjects.put_inventory, asked=_EVERYTHING, found=rows, at=inventory.at)
            )
        elif folder is None:
            raise CatalogError(
                f"The inventory has {index.objects:,} objects, too many for memory, and nothing is kept on "
                "disk. Give a cache folder."
            )
        else:
            listings.remember(partial(KnownObjects.put_large, large=_install(made, folder)))


def open_newest(folder: Path | None) -> PathIndex | None:
    """The newest whole index in a folder; None when there is none."""
    for path in _list_indexes(folder):
        index = open_path_index(path)
        if index is not None:
            return index
    return None


def _write(inventory: Inventory, prefix: str, made: Path, report: Reporter) -> PathIndex:
    scratch = made / "runs"
    try:
        scratch.mkdir()
        rows = read_inventory(inventory, prefix, scratch, report.start("listing"))
        ordered = _count(sort_rows(rows, scratch), report.start("listing"))
        write_path_index(made, ordered, _EVERYTHING, inventory.at, inventory.manifest, inventory.lacks)
        shutil.rmtree(scratch)
    except OSError as error:
        raise CatalogError(
            f"The index of the lake's files cannot be written: {error}. Make room in {made.parent}, or "
            "choose another cache folder."
        ) from error
    index = open_path_index(made)
    if index is None:
        raise CatalogError(f"The index that was just written cannot be read: {made}. Is the disk sound?")
    return index


def _count(parts: Iterable[pa.Table], meter: Meter) -> Iterator[pa.Table]:
    for part in parts:
        meter.advance(part.num_rows)
        yield part


def _install(made: Path, folder: Path) -> PathIndex:
    """Rename a finished index into place, and remove those that are too old."""
    number = 1 + max((_number(path) for path in _list_indexes(folder)), default=0)
    made.chmod(0o700)
    made.rename(folder / f"{number:08d}.index")
    for old in _list_indexes(folder)[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    index = open_path_index(folder / f"{number:08d}.index")
    assert index is not None
    return index


def _list_indexes(folder: Path | None) -> list[Path]:
    """The indexes in a folder, the newest first."""
    found: list[Path] = []
    with suppress(OSError):
        found = [] if folder is None else [path for path in folder.glob("*.index") if _number(path)]
    return sorted(found, key=_number, reverse=True)


def _number(path: Path) -> int:
    return int(path.stem) if path.stem.isdecimal() else 0
