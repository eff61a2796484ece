"""What changed in a table between two listings of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.table import IgnoredObjects

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class ObjectChanges:
    """Objects that changed in one way: how many, and the first paths."""

    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableChanges:
    """A table as a refresh found it. `added`, `removed` and `replaced` compare with what was known before;
    all objects are added when the table was never listed whole. A table that is too large is not compared
    (`is_compared`), and then what is ignored is not told either.

    `inventory` names the S3 Inventory that the files are known from, but for those in the folders that were
    `listed` since; `inventory_at` is its moment (seconds since 1970), `lacks` what it does not tell.
    """

    name: str
    files: int
    bytes: int
    added: ObjectChanges
    removed: ObjectChanges
    replaced: ObjectChanges
    ignored: tuple[IgnoredObjects, ...]
    is_first: bool
    is_compared: bool = True
    inventory: str | None = None
    inventory_at: float | None = None
    listed: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


NO_CHANGES = ObjectChanges(0, ())


def compare_objects(before: pa.Table, after: pa.Table) -> tuple[ObjectChanges, ObjectChanges, ObjectChanges]:
    """Objects added, removed and replaced (another etag or size) between two listings."""
    old, new = before.column("path"), after.column("path")
    if not before.num_rows:
        return _count(new), _count(old), _count(old)
    added = new.filter(pc.invert(pc.is_in(new, old.combine_chunks())))
    removed = old.filter(pc.invert(pc.is_in(old, new.combine_chunks())))
    places = pc.index_in(new, old.combine_chunks())
    both = pc.is_valid(places)
    known = before.take(places.drop_null())
    found = after.filter(both)
    differs = pc.or_(
        pc.not_equal(known.column("size"), found.column("size")),
        pc.fill_null(pc.not_equal(known.column("etag"), found.column("etag")), False),
    )
    replaced = found.column("path").filter(differs)
    return _count(added), _count(removed), _count(replaced)


def _count(paths: pa.ChunkedArray) -> ObjectChanges:
    return ObjectChanges(len(paths), tuple(paths.slice(0, _EXAMPLES).to_pylist()))


def sum_changes(changes: Sequence[TableChanges]) -> tuple[int, int, int]:
    """Objects added, removed and replaced in all tables."""
    return (
        sum(change.added.count for change in changes),
        sum(change.removed.count for change in changes),
        sum(change.replaced.count for change in changes),
    )
