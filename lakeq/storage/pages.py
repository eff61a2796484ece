"""The pages of a listing as obstore gives them, and what is made of them."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.storage.base import LISTING_SCHEMA


def join_pages(pages: Iterable[pa.Table]) -> pa.Table:
    """The pages as one table, in one piece."""
    found = [page for page in pages if page.num_rows]
    return pa.concat_tables(found).combine_chunks() if found else LISTING_SCHEMA.empty_table()


def cut_page(objects: pa.Table, start: str, stop: str) -> pa.Table:
    """The objects whose paths are from `start` on and before `stop`."""
    inside = pc.and_(pc.greater_equal(objects["path"], start), pc.less(objects["path"], stop))
    return objects if pc.all(inside).as_py() else objects.filter(inside)


def own_page(page: pa.Table) -> pa.Table:
    """A copy that holds on to nothing of obstore's: of many pages that takes several times the memory."""
    return page.take(pa.array(range(page.num_rows), pa.int64()))


def sort_objects(objects: pa.Table) -> pa.Table:
    """The objects sorted by path."""
    paths = objects["path"]
    ordered = pc.all(pc.less_equal(paths[:-1], paths[1:])).as_py()
    return objects if ordered else objects.take(pc.sort_indices(paths))


def has_repeats(found: pa.Table) -> bool:
    """Whether a path occurs more than once."""
    paths = found["path"]
    if pc.all(pc.less(paths[:-1], paths[1:])).as_py():  # as S3 lists
        return False
    return bool(pc.count_distinct(paths).as_py() < found.num_rows)


def to_listing(found: pa.Table) -> pa.Table:
    """A page of obstore's in LISTING_SCHEMA."""
    columns = [
        found["path"],
        found["size"],
        found["e_tag"],
        found["last_modified"],
        pa.nulls(found.num_rows, pa.string()),
    ]
    fields = LISTING_SCHEMA
    return pa.table([c.cast(f.type) for c, f in zip(columns, fields, strict=True)], schema=fields)
