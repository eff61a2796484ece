"""Objects of one bucket as a store, through obstore: S3, Google Cloud Storage, Azure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.errors import (
    LakeqError,
    ObjectChangedError,
    ObjectNotFoundError,
    StorageError,
    StorageUnavailableError,
)
from lakeq.storage.base import LISTING_SCHEMA
from lakeq.storage.faults import translate_obstore_error

if TYPE_CHECKING:
    from obstore import GetOptions

_PAGE = 10_000
_SHORT_BODY_TRIES = 3


class ExactKeys(Protocol):
    """A slower way to the same bucket, for keys that obstore cannot spell (`a//b`, `./a`, `a/`)."""

    def list(self, prefix: str) -> pa.Table:
        """LISTING_SCHEMA with whole keys as paths: every key that starts with `prefix`, each once."""

    def read(self, key: str, start: int, length: int, etag: str | None) -> bytes:
        """Up to `length` bytes from `start` of the version `etag`; fewer where the object ends."""


class BucketStore:
    """The objects below `prefix` of one bucket, or `only` one of them.

    `bucket_url` is such as `s3://bucket`; `client` an obstore store over the whole bucket; `exact`
    opens the way to keys that obstore cannot spell (None: there is none).
    """

    def __init__(
        self,
        bucket_url: str,
        prefix: str,
        client: Any,
        exact: Callable[[], ExactKeys] | None = None,
        only: str | None = None,
    ) -> None:
        self._bucket_url = bucket_url
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = client
        self._open_exact = exact
        self._exact: ExactKeys | None = None
        self._only = only

    @property
    def root(self) -> str:
        return f"{self._bucket_url}/{self._prefix}".removesuffix("/")

    @property
    def is_local(self) -> bool:
        return False

    def list(self, prefix: str = "") -> pa.Table:
        """See Store.list. `storage_class` is null: obstore does not tell it."""
        if self._only is not None:
            return self._list_only(self._only, prefix)
        folder = self._prefix + prefix
        found = self._list_keys(folder)
        if self._prefix and not prefix and not found.num_rows:
            raise ObjectNotFoundError(f"Nothing is stored under '{self.root}/'. Check the path.", self.root)
        # The marker object of the folder itself is the one row that is not below it.
        below = pc.and_(
            pc.starts_with(found["path"], folder), pc.greater(pc.utf8_length(found["path"]), len(folder))
        )
        found = found.filter(below)
        paths = pc.utf8_slice_codeunits(found["path"], start=len(self._prefix))
        found = found.set_column(0, LISTING_SCHEMA.field("path"), paths.cast(pa.string()))
        return found.take(pc.sort_indices(found["path"])).cast(LISTING_SCHEMA)

    def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        """See Store.read."""
        if not length:
            return b""
        got = b""
        for _ in range(_SHORT_BODY_TRIES):
            got = self._get(path, start, length, etag)
            if len(got) == length:
                return got
        url = self.url(path)
        raise StorageUnavailableError(
            f"'{url}' gave {len(got)} bytes from byte {start}; {length} were asked for. Try again.", url
        )

    def url(self, path: str) -> str:
        return f"{self._bucket_url}/{self._prefix}{path}"

    def _list_keys(self, folder: str) -> pa.Table:
        import obstore
        from obstore.exceptions import BaseError, InvalidPathError

        if not _is_plain(folder.removesuffix("/")):
            return self._keys(folder).list(folder)
        try:
            pages = obstore.list(self._client, prefix=folder or None, chunk_size=_PAGE, return_arrow=True)
            found = _listing([pa.record_batch(page) for page in pages])
        except (InvalidPathError, ValueError):
            return self._keys(folder).list(folder)
        except (BaseError, OSError) as error:
            raise translate_obstore_error(error, f"{self._bucket_url}/{folder}", listed=False) from error
        # obstore drops a slash at a key's end; two keys that became one need the way that keeps it.
        if pc.count_distinct(found["path"]).as_py() < found.num_rows:
            return self._keys(folder).list(folder)
        return found

    def _list_only(self, name: str, prefix: str) -> pa.Table:
        import obstore
        from obstore.exceptions import BaseError

        if not name.startswith(prefix):
            return LISTING_SCHEMA.empty_table()
        try:
            head = obstore.head(self._client, self._prefix + name)
        except (BaseError, OSError, ValueError) as error:
            raise translate_obstore_error(error, self.url(name), listed=False) from error
        row = {"path": name, "size": head["size"], "etag": head["e_tag"], "modified": head["last_modified"]}
        return pa.Table.from_pylist([row], LISTING_SCHEMA)

    def _get(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        import obstore
        from obstore.exceptions import BaseError, InvalidPathError

        key = self._prefix + path
        if not _is_plain(key):
            return self._keys(path).read(key, start, length, etag)
        try:
            pinned: GetOptions = {"if_match": etag} if etag else {}
            result = obstore.get(self._client, key, options={"range": (start, start + length), **pinned})
            now = result.meta["e_tag"]
            body = result.bytes().to_bytes()
        except (InvalidPathError, ValueError):
            return self._keys(path).read(key, start, length, etag)
        except (BaseError, OSError) as error:
            raise translate_obstore_error(error, self.url(path), listed=etag is not None) from error
        if etag is not None and now is not None and now.strip('"') != etag.strip('"'):
            # A server that does not know If-Match.
            raise ObjectChangedError(
                f"Object changed since it was listed: '{self.url(path)}' was replaced. "
                "Refresh the lake and run the query again.",
                self.url(path),
            )
        return body

    def _keys(self, path: str) -> ExactKeys:
        if self._open_exact is None:
            raise _unspeakable(self.url(path))
        if self._exact is None:
            self._exact = self._open_exact()
        return self._exact


def _is_plain(key: str) -> bool:
    """Whether obstore keeps every slash of `key`."""
    return not key.startswith("/") and not key.endswith("/") and "//" not in key


def _unspeakable(location: str) -> LakeqError:
    return StorageError(
        f"Names with empty or '.' parts cannot be read there: '{location}'. Rename them.", location
    )


def _listing(pages: list[pa.RecordBatch]) -> pa.Table:
    if not pages:
        return LISTING_SCHEMA.empty_table()
    found = pa.Table.from_batches(pages)
    columns = [
        found["path"],
        found["size"],
        found["e_tag"],
        found["last_modified"],
        pa.nulls(found.num_rows, pa.string()),
    ]
    fields = LISTING_SCHEMA
    return pa.table([c.cast(f.type) for c, f in zip(columns, fields, strict=True)], schema=fields)
