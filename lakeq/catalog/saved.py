"""What is known of one store between runs: its listings and tables, in one Parquet file.

The rows are the objects, in LISTING_SCHEMA; which ranges and folders were listed when, and which tables were
found, stand as JSON in the file's metadata. A file is written whole and renamed into place. What is damaged,
or of another version, is nothing known.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lakeq.catalog.definitions import TableDefinition
from lakeq.catalog.entry import KnownTable
from lakeq.catalog.known_objects import KeyRange, KnownObjects, Listed, ListedFolder
from lakeq.catalog.layout import Layout, hive_layout, parse_template
from lakeq.catalog.prefixes import Density
from lakeq.catalog.table import IgnoredObjects, TableFiles, Totals
from lakeq.catalog.whole_files import is_sealed, replace_file, seal
from lakeq.errors import CatalogError
from lakeq.formats.base import Column
from lakeq.storage.base import LISTING_SCHEMA, FolderListing, Store
from lakeq.storage.locks import locked

_VERSION = 3
_KEY = b"lakeq"
_SUFFIX, _LARGE_SUFFIX = ".catalog", ".large"

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class SavedTable:
    """A table as it is known without its files. `place` is its folder below the store's root."""

    files: TableFiles
    place: str
    reasons: tuple[str, ...]
    totals: Totals | None
    density: tuple[float | None, ...]

    @classmethod
    def of(cls, known: KnownTable) -> SavedTable:
        """What of a table is to be kept."""
        return cls(known.files, known.place, known.reasons, known.totals, known.density.objects)

    def recall(self, store: Store, definition: TableDefinition | None) -> KnownTable:
        """The table as it was known, in a store, with what is declared of it now."""
        files = self.files if definition is None else replace(self.files, options=definition.options)
        return KnownTable(
            files,
            store,
            self.place,
            definition,
            self.reasons,
            totals=self.totals,
            density=Density(self.density),
        )


@dataclass(slots=True)
class SavedStore:
    """What was known of a store. `tables` is None when it was never found out which there are; `version`
    tells one state of the file from others."""

    known: KnownObjects = field(default_factory=KnownObjects)
    tables: tuple[SavedTable, ...] | None = None
    version: Version | None = None


class CatalogFolder:
    """The saved catalogs below one folder, each under a key that names a store and all that was declared
    of it. The key is not written anywhere. None as folder: nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def load(self, key: str) -> SavedStore:
        """What is known; nothing, when nothing can be read."""
        path = self._path(key)
        if path is None:
            return SavedStore()
        with suppress(OSError):
            version = _identify(path)
            saved = read_saved(path.read_bytes())
            return SavedStore() if saved is None else replace(saved, version=version)
        return SavedStore()

    def save(
        self,
        key: str,
        changes: Sequence[Callable[[KnownObjects], None]],
        known: KnownObjects,
        tables: Sequence[SavedTable] | None,
        version: Version | None,
    ) -> Version | None:
        """Keep what is known, and give the version of that. Where another process has saved since `version`,
        `changes` are made to what it knew.

        Nothing is kept where the folder cannot be written.
        """
        path = self._path(key)
        if path is None:
            return None
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(path.with_suffix(".lock")):
                if path.exists() and _identify(path) != version:
                    known = self.load(key).known
                    for change in changes:
                        change(known)
                replace_file(path, write_saved(known, tables))
                return _identify(path)
        return version

    def large(self, key: str) -> Path | None:
        """Where the indexes of a store lie that are too large for a catalog; None where nothing is kept."""
        path = self._path(key)
        return None if path is None else path.with_suffix(_LARGE_SUFFIX)

    def usage(self) -> tuple[int, int]:
        """How many catalogs are kept, and their bytes, with those of large indexes."""
        count = size = 0
        for path in self._folder.glob("**/*") if self._folder is not None else ():
            with suppress(OSError):
                if path.suffix in (_SUFFIX, ".parquet"):
                    count += path.suffix == _SUFFIX
                    size += path.stat().st_size
        return count, size

    def clear(self) -> None:
        """Forget every catalog. CatalogError when a file cannot be removed."""
        for path in self._folder.glob("*") if self._folder is not None else ():
            try:
                if path.is_file():
                    path.unlink(missing_ok=True)
                elif path.suffix == _LARGE_SUFFIX:
                    shutil.rmtree(path)
            except OSError as error:
                raise CatalogError(f"A saved catalog cannot be removed: {error}. Remove {path}") from error

    def _path(self, key: str) -> Path | None:
        name = hashlib.sha256(key.encode()).hexdigest()[:32]
        return None if self._folder is None else self._folder / f"{name}{_SUFFIX}"


def _identify(path: Path) -> Version:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def write_saved(known: KnownObjects, tables: Sequence[SavedTable] | None) -> bytes:
    """A file with what is known of a store, and of its tables."""
    content = {
        "version": _VERSION,
        "listed": [[p.range.start, p.range.stop, p.at, p.is_inventory] for p in known.listed],
        "folders": {
            name: [list(found.folder.folders), _encode_objects(found.folder.objects), found.at]
            for name, found in known.folders.items()
        },
        "tables": None if tables is None else [_encode_table(table) for table in tables],
    }
    rows = known.objects.replace_schema_metadata({_KEY: json.dumps(content).encode()})
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd", row_group_size=128 * 1024)
    return seal(sink.getvalue().to_pybytes())


def read_saved(data: bytes) -> SavedStore | None:
    """What a file of `write_saved` holds, without its version; None for what is no such file, is damaged, or
    was written by another version of lakeq."""
    if not is_sealed(data):
        return None
    # ArrowException, KeyError, …: whatever another version has written is nothing known.
    with suppress(ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
        return _decode(pq.read_table(pa.BufferReader(data)))
    return None


def _decode(table: pa.Table) -> SavedStore | None:
    content = json.loads(table.schema.metadata[_KEY])
    objects = table.replace_schema_metadata(None)
    if content["version"] != _VERSION or objects.schema.names != LISTING_SCHEMA.names:
        return None
    known = KnownObjects(
        objects.cast(LISTING_SCHEMA),
        tuple(Listed(KeyRange(start, stop), *when) for start, stop, *when in content["listed"]),
        {
            name: ListedFolder(FolderListing(tuple(folders), _decode_objects(rows)), at)
            for name, (folders, rows, at) in content["folders"].items()
        },
    )
    tables = content["tables"]
    return SavedStore(known, None if tables is None else tuple(_decode_table(t) for t in tables))


def _encode_objects(objects: pa.Table) -> str:
    if not objects.num_rows:
        return ""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, objects.schema) as writer:
        writer.write_table(objects)
    return base64.b64encode(sink.getvalue().to_pybytes()).decode()


def _decode_objects(text: str) -> pa.Table:
    if not text:
        return LISTING_SCHEMA.empty_table()
    with pa.ipc.open_stream(base64.b64decode(text)) as reader:
        return reader.read_all()


def _encode_table(table: SavedTable) -> dict[str, Any]:
    files = table.files
    return {
        "name": files.name,
        "place": table.place,
        "store_root": files.store_root,
        "location": files.location,
        "format": files.format,
        "layout": [files.layout.kind, list(files.layout.keys), files.layout.template],
        "columns": _encode_columns(files.partition_columns),
        "evidence": list(files.evidence),
        "reasons": list(table.reasons),
        "density": list(table.density),
        "ignored": [[i.reason, i.count, i.size, list(i.examples)] for i in files.ignored],
        "totals": None
        if table.totals is None
        else [table.totals.files, table.totals.partitions, table.totals.bytes],
    }


def _decode_table(content: Mapping[str, Any]) -> SavedTable:
    kind, keys, template = content["layout"]
    files = TableFiles(
        name=content["name"],
        store_root=content["store_root"],
        location=content["location"],
        format=content["format"],
        layout=_decode_layout(kind, tuple(keys), template),
        partition_columns=_decode_columns(content["columns"]),
        files=LISTING_SCHEMA.empty_table(),
        evidence=tuple(content["evidence"]),
        ignored=tuple(
            IgnoredObjects(reason, count, size, tuple(examples))
            for reason, count, size, examples in content["ignored"]
        ),
    )
    totals = None if content["totals"] is None else Totals(*content["totals"])
    return SavedTable(files, content["place"], tuple(content["reasons"]), totals, tuple(content["density"]))


def _decode_layout(kind: str, keys: tuple[str, ...], template: str) -> Layout:
    if kind == "hive":
        return hive_layout(keys)
    return parse_template(template) if kind == "template" else Layout("flat", keys, template)


def _encode_columns(columns: Sequence[Column]) -> str:
    schema = pa.schema([pa.field(column.name, column.type) for column in columns])
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def _decode_columns(text: str) -> tuple[Column, ...]:
    schema = pa.ipc.read_schema(pa.BufferReader(base64.b64decode(text)))
    return tuple(Column(field.name, field.type) for field in schema)
