"""A lake in memory that counts what is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa

from lakeq.catalog.definitions import TableDefinition
from lakeq.catalog.discovery import LakeFiles, discover_lake
from lakeq.catalog.table import TableFiles
from lakeq.errors import ObjectNotFoundError
from lakeq.storage.base import LISTING_SCHEMA

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
