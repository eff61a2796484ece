"""What a store of objects must do: list, and read a range of one version of one object."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.storage.workers import Workers

LISTING_SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("etag", pa.string()),
        pa.field("modified", pa.timestamp("us", tz="UTC")),
        pa.field("storage_class", pa.string()),
    ]
)
"""One row an object. `path` is relative to the store's root, with `/` and no leading slash; `size` is in
bytes; `etag` is opaque and changes when the object does; `storage_class` is null where unknown, else as of
lakeq.storage.classes."""


_MANY, _LEAPS = 10_000, 1_000


@dataclass(frozen=True, slots=True)
class FolderListing:
    """What lies directly in a folder: `folders`, each as a path that ends in `/`, and `objects` in
    LISTING_SCHEMA. Paths are relative to the store's root and sorted."""

    folders: tuple[str, ...]
    objects: pa.Table


def split_folder(objects: pa.Table, name: str) -> FolderListing:
    """What lies directly in the folder `name`, from the sorted objects below it."""
    leapt = _leap_folders(objects["path"], name) if objects.num_rows >= _MANY else None
    if leapt is not None:
        folders, rows = leapt
        return FolderListing(folders, objects.take(pa.array(rows, pa.int64())))
    names = pc.utf8_slice_codeunits(objects["path"], start=len(name))
    nested = pc.match_substring(names, "/")
    heads = pc.list_element(pc.split_pattern(names.filter(nested), "/", max_splits=1), 0)
    folders = tuple(sorted(f"{name}{head}/" for head in pc.unique(heads).to_pylist()))
    return FolderListing(folders, objects.filter(pc.invert(nested)))


def _leap_folders(paths: pa.ChunkedArray, name: str) -> tuple[tuple[str, ...], list[int]] | None:
    """The folders directly in `name`, and which of the sorted paths lie in none of them; each folder costs
    one search. None where there are too many steps for that to be quicker."""
    folders: list[str] = []
    rows: list[int] = []
    row, places = 0, range(len(paths))
    while row < len(paths):
        if len(folders) + len(rows) >= _LEAPS:
            return None
        head, slash, _ = paths[row].as_py()[len(name) :].partition("/")
        if slash:
            folders.append(f"{name}{head}/")
            after = f"{name}{head}0"  # "0" follows "/"
            row = bisect_left(places, after, lo=row, key=lambda place: paths[place].as_py())
        else:
            rows.append(row)
            row += 1
    return tuple(folders), rows


class Store(Protocol):
    """A root under which objects are listed and read. Never writes."""

    @property
    def root(self) -> str:
        """The root without a trailing slash: an absolute path, or a URL such as `s3://bucket/prefix`."""

    @property
    def is_local(self) -> bool:
        """Whether the paths are files that an engine may open by itself."""

    @property
    def workers(self) -> Workers:
        """The threads that wait for this store, as many as it bears."""

    def list(self, prefix: str = "") -> pa.Table:
        """All objects below `prefix` (`""` or ending in `/`) in LISTING_SCHEMA, sorted by path, each once.

        Zero-byte objects and markers are listed too. A root that does not exist is
        ObjectNotFoundError; one that may not be listed is AccessDeniedError.
        """

    def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        """Exactly `length` bytes from `start` of the version `etag` (None: whichever is there).

        ObjectChangedError when that version is gone; a short body is retried, then
        StorageUnavailableError. Never returns fewer bytes than asked.
        """

    def url(self, path: str) -> str:
        """The full name of an object, as `$path` shows it and as other tools take it."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One listed object of a store; its reads are pinned to the listed version. A Source for the formats."""

    store: Store
    key: str
    size: int
    etag: str | None

    @property
    def path(self) -> str:
        """The full name, for error messages."""
        return self.store.url(self.key)

    def read(self, start: int, length: int) -> bytes:
        """Exactly `length` bytes from `start`; StorageError when they cannot be had."""
        return self.store.read(self.key, start, length, self.etag)


@runtime_checkable
class PrefixStore(Store, Protocol):
    """A store in which a listing costs a request for each page of objects, whatever folder they are in."""

    def list_page(self, prefix: str = "", after: str = "") -> tuple[pa.Table, bool]:
        """The first objects below `prefix` that come after the path `after`, sorted, for the price of one
        request, and whether there are no more. Errors are those of `list`."""

    def list_folder(self, prefix: str) -> FolderListing:
        """What lies directly in the folder `prefix` (`""` or ending in `/`), without what lies below."""

    def list_range(self, prefix: str, start: str, stop: str) -> pa.Table:
        """The objects below the folder `prefix` whose paths are from `start` on and before `stop`, sorted."""


@runtime_checkable
class ClassStore(Store, Protocol):
    """A store that may keep objects where they cannot be read."""

    @property
    def tells_classes(self) -> bool:
        """Whether its listings tell the storage class."""

    @property
    def tells_restores(self) -> bool:
        """Whether its listings are known to tell which archived objects have a restored copy."""

    def read_class(self, path: str) -> str | None:
        """`storage_class` of one object as of now; None when it is gone."""


@dataclass(frozen=True, slots=True)
class SettingsAnswer:
    """What a store said to a question about its bucket: HTTP `status`, the `code` of an error, the whole
    `text`, and the headers by their names in small letters."""

    status: int
    code: str
    text: str
    headers: Mapping[str, str]


@runtime_checkable
class SettingsStore(Store, Protocol):
    """A store whose bucket has settings that may be asked for."""

    @property
    def tells_settings(self) -> bool:
        """Whether there is a way to ask."""

    def ask_settings(self, query: str) -> SettingsAnswer:
        """The answer to `?query` on the bucket: a refusal and what is not set are answers, too.

        AccessDeniedError for credentials that are no good, ConfigError for another region.
        """
