"""A lake in memory that counts what is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.definitions import TableDefinition
from lakeq.catalog.discovery import LakeFiles, discover_lake
from lakeq.catalog.table import TableFiles
from lakeq.errors import AccessDeniedError, ObjectNotFoundError
from lakeq.storage.base import LISTING_SCHEMA, FolderListing, split_folder
from lakeq.storage.workers import Workers

OTHER = b"name,city\nann,Oslo\n"
ROWS = b"id,price\n1,2.5\n2,3.5\n"
PARQUET = b"PAR1" + b"\0" * 20 + b"PAR1"
"""What passes for Parquet by its magic, which is all that discovery looks at."""


class MemoryStore:
    """Objects by path. `opened` lists the paths that were read, in order."""

    def __init__(self, objects: Mapping[str, bytes], root: str = "s3://bucket/lake") -> None:
        self.objects = dict(objects)
        self.root = root
        self.is_local = False
        self.opened: list[str] = []
        self.workers = Workers(4)

    def list(self, prefix: str = "") -> pa.Table:
        """The listing, in the order in which the objects were given."""
        paths = [path for path in self.objects if path.startswith(prefix)]
        rows = [
            {"path": path, "size": len(self.objects[path]), "etag": f"v{len(self.objects[path])}"}
            for path in paths
        ]
        return pa.Table.from_pylist(rows, LISTING_SCHEMA)

    def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        self.opened.append(path)
        if path not in self.objects:
            raise ObjectNotFoundError(f"Nothing at {path!r}.", path)
        return self.objects[path][start : start + length]

    def url(self, path: str) -> str:
        return f"{self.root}/{path}"


def make_store(paths: Iterable[str] | Mapping[str, bytes], root: str = "s3://bucket/lake") -> MemoryStore:
    """A lake with these paths; without contents given, each holds the same small CSV."""
    objects = paths if isinstance(paths, Mapping) else dict.fromkeys(paths, ROWS)
    return MemoryStore(objects, root)


def discover(
    paths: Iterable[str] | Mapping[str, bytes], *definitions: TableDefinition, root: str = "s3://bucket/lake"
) -> LakeFiles:
    """What is discovered in a lake with these paths."""
    store = make_store(paths, root)
    return discover_lake(store.list(), store, definitions)


def tables_by_name(
    paths: Iterable[str] | Mapping[str, bytes], *definitions: TableDefinition, root: str = "s3://bucket/lake"
) -> dict[str, TableFiles]:
    """The tables discovered in a lake with these paths, by name."""
    return {table.name: table for table in discover(paths, *definitions, root=root).tables}


def only_table(
    paths: Iterable[str] | Mapping[str, bytes], *definitions: TableDefinition, root: str = "s3://bucket/lake"
) -> TableFiles:
    """The one table discovered in a lake with these paths."""
    (table,) = discover(paths, *definitions, root=root).tables
    return table


class PrefixMemoryStore(MemoryStore):
    """A lake in memory of which parts can be listed, a page of `page` objects a request. `lists` counts the
    requests; `listed` are the folders asked for; a path starting with one of `denied` may not be listed."""

    def __init__(
        self, objects: Mapping[str, bytes], root: str = "s3://bucket/lake", page: int = 1000
    ) -> None:
        super().__init__(objects, root)
        self.page = page
        self.lists = 0
        self.listed: list[str] = []
        self.denied: tuple[str, ...] = ()

    def list(self, prefix: str = "") -> pa.Table:
        return self._ask(prefix, super().list(prefix).sort_by("path"))

    def list_page(self, prefix: str = "", after: str = "") -> tuple[pa.Table, bool]:
        found = super().list(prefix).sort_by("path")
        found = found.filter(pc.greater(found["path"], after)) if after else found
        return self._ask(prefix, found.slice(0, self.page)), found.num_rows < self.page

    def list_folder(self, prefix: str) -> FolderListing:
        return split_folder(self._ask(prefix, super().list(prefix).sort_by("path"), requests=1), prefix)

    def list_range(self, prefix: str, start: str, stop: str) -> pa.Table:
        found = super().list(prefix).sort_by("path")
        inside = pc.and_(pc.greater_equal(found["path"], start), pc.less(found["path"], stop))
        return self._ask(start, found.filter(inside))

    def _ask(self, prefix: str, found: pa.Table, requests: int | None = None) -> pa.Table:
        self.lists += max(1, -(-found.num_rows // self.page)) if requests is None else requests
        self.listed.append(prefix)
        if prefix.startswith(self.denied) if self.denied else False:
            raise AccessDeniedError(f"Access denied to '{self.url(prefix)}'.", self.url(prefix))
        return found
