"""Refreshing a lake from an S3 Inventory: what it tells is taken, and what it cannot know is listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lakeq.catalog.inventory import check_bucket, open_inventory, split_location
from lakeq.catalog.inventory_index import take_inventory
from lakeq.catalog.known_objects import folder_range
from lakeq.catalog.lake_stores import LakeStores
from lakeq.catalog.lake_tables import LakeTables
from lakeq.catalog.listings import Listings
from lakeq.catalog.newest import NewestListed, list_newest
from lakeq.storage.progress import Reporter


@dataclass(frozen=True, slots=True)
class InventoryTaken:
    """An inventory that a lake is known from: its name and moment (seconds since 1970), what it `lacks`, and
    what was listed beyond it."""

    manifest: str
    at: float
    lacks: tuple[str, ...]
    newest: NewestListed


def refresh_from_inventory(
    location: str,
    listings: Listings,
    tables: LakeTables,
    stores: LakeStores,
    report: Reporter,
    clock: Callable[[], float],
) -> InventoryTaken:
    """Take the inventory at `location`, unless it or a later one was taken before, and list what came since.

    The errors are those of `open_inventory`, `check_bucket` and `take_inventory`.
    """
    folder, dated = split_location(location)
    inventory = open_inventory(stores.open_beside(folder), dated)
    prefix = check_bucket(inventory, listings.store.root)
    taken = listings.inventory_of(folder_range(""))
    if taken is None or taken < inventory.at or listings.age_of(folder_range("")) is None:
        take_inventory(listings, inventory, prefix, tables.large_folder, report)
        tables.forget()
        taken = inventory.at
    places = [known.place for known in tables.find(taken).values() if known.store is stores.root]
    newest = list_newest(listings, places, clock())
    if any(not folder.startswith(tuple(places)) for folder in newest.new):
        tables.forget()  # there may be a table more
    return InventoryTaken(inventory.manifest, taken, inventory.lacks, newest)
