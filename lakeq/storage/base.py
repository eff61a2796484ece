"""What a store of objects must do: list, and read a range of one version of one object."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa

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
bytes; `etag` is opaque and changes when the object does; `storage_class` is null where unknown."""


class Store(Protocol):
    """A root under which objects are listed and read. Never writes."""

    @property
    def root(self) -> str:
        """The root without a trailing slash: an absolute path, or a URL such as `s3://bucket/prefix`."""

    @property
    def is_local(self) -> bool:
        """Whether the paths are files that an engine may open by itself."""

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
