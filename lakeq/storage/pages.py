"""The pages of a listing, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.errors import ObjectChangedError
from lakeq.storage.base import LISTING_SCHEMA, SettingsAnswer
from lakeq.storage.faults import endless

PAGE_OBJECTS = 1_000
"""Objects that one LIST request tells of, at most: S3's own figure."""


@dataclass(frozen=True, slots=True)
class ListedPage:
    """One answer: `objects` in LISTING_SCHEMA with whole keys as paths, the `folders` of a listing by folder,
    and the `token` of the next page; None: this is the last."""

    objects: pa.Table
    folders: tuple[str, ...]
    token: str | None


class PageLister(Protocol):
    """A way to list that leaves no key and no storage class out."""

    @property
    def tells_restores(self) -> bool:
        """Whether a page is known to tell which archived objects have a restored copy."""

    def page(
        self, prefix: str, after: str | None = None, token: str | None = None, delimiter: str = ""
    ) -> ListedPage:
        """The first keys that start with `prefix` after the key `after`, or where `token` leads."""

    def read_class(self, key: str) -> str | None:
        """`storage_class` of one object; None when it is gone."""

    def ask_settings(self, query: str) -> SettingsAnswer:
        """What the bucket answers to `?query`."""

    def renew(self) -> None:
        """Ask for credentials anew."""


def walk_pages(
    ask: Callable[[str | None], ListedPage], location: str
) -> Iterator[tuple[pa.Table, tuple[str, ...]]]:
    """The objects and folders of a listing in pages of PAGE_OBJECTS or more, but for the last one.

    `ask` gives the page to which a token (None: the first) leads. StorageError when the listing of `location`
    repeats itself."""
    token, seen = None, set[str]()
    held: list[pa.Table] = []
    folders: tuple[str, ...] = ()
    while True:
        page = ask(token)
        held.append(page.objects)
        folders += page.folders
        token = page.token
        ends = {name for name in (token, *page.objects["path"][-1:].to_pylist()) if name is not None}
        if seen & ends:
            raise endless(location)
        seen |= ends
        if token is None or sum(objects.num_rows for objects in held) >= PAGE_OBJECTS:
            yield join_pages(held), folders
            held, folders = [], ()
        if token is None:
            return


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


def drop_repeats(objects: pa.Table, root: str) -> pa.Table:
    """The objects, sorted by path, each once. ObjectChangedError for one that was listed at two versions."""
    names = objects.schema.names
    once = sort_objects(objects.group_by(names, use_threads=False).aggregate([]).select(names))
    paths = once["path"]
    twice = paths[1:].filter(pc.equal(paths[:-1], paths[1:]))
    if len(twice):
        location = f"{root}/{twice[0]}"
        raise ObjectChangedError(f"Object changed while it was listed: '{location}'. List again.", location)
    return once


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
