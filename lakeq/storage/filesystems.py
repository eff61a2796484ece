"""Any other fsspec filesystem (`memory://`, `sftp://`, `hf://`, …) as a store."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.errors import (
    ConfigError,
    LakeqError,
    ObjectChangedError,
    ObjectNotFoundError,
    StorageUnavailableError,
)
from lakeq.storage.base import LISTING_SCHEMA
from lakeq.storage.local import raise_os_error
from lakeq.storage.tally import count_request
from lakeq.storage.workers import Workers

_READERS = 16
_VERSION_KEYS = ("ETag", "etag", "md5", "checksum", "sha256")
_TIME_KEYS = ("LastModified", "last_modified", "mtime", "modified", "created")


class FileSystemStore:
    """The files below a folder of an fsspec filesystem, or `only` one of them.

    A version is what the filesystem tells: its etag or hash, else size and time; it is compared
    before each read, as most filesystems cannot read one version.
    """

    def __init__(self, filesystem: Any, folder: str, only: str | None = None) -> None:
        self._filesystem = filesystem
        self._folder = folder
        self._only = only
        self.workers = Workers(_READERS)

    @property
    def root(self) -> str:
        return str(self._filesystem.unstrip_protocol(self._folder)).rstrip("/")

    @property
    def is_local(self) -> bool:
        return False

    def list(self, prefix: str = "") -> pa.Table:
        """See Store.list."""
        self._filesystem.invalidate_cache()
        count_request("list")
        if self._only is not None:
            found = {self._path(self._only): self._info(self._only, listed=False)}
        else:
            found = self._find(prefix)
        below = self._path("")
        rows = [
            {
                "path": name[len(below) :],
                "size": info.get("size") or 0,
                "etag": _version(info),
                "modified": _time(info),
            }
            for name, info in found.items()
            if name.startswith(self._path(prefix))
        ]
        table = pa.Table.from_pylist(rows, LISTING_SCHEMA)
        return table.take(pc.sort_indices(table["path"]))

    def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        """See Store.read."""
        location = self.url(path)
        if etag is not None:
            self._filesystem.invalidate_cache()
            if _version(self._info(path, listed=True)) != etag:
                raise _changed(location, "was replaced")
        try:
            body = bytes(self._filesystem.cat_file(self._path(path), start=start, end=start + length))
        except FileNotFoundError as error:
            if etag is None:
                raise_os_error(error, location)
            raise _changed(location, "is gone") from error
        except Exception as error:  # a filesystem raises what its own library does
            raise _translate(error, location) from error
        count_request("get", len(body))
        if len(body) != length:
            raise StorageUnavailableError(
                f"'{location}' gave {len(body)} bytes from byte {start}; {length} were asked for. Try again.",
                location,
            )
        return body

    def url(self, path: str) -> str:
        return str(self._filesystem.unstrip_protocol(self._path(path)))

    def _path(self, path: str) -> str:
        return f"{self._folder.rstrip('/')}/{path}"

    def _find(self, prefix: str) -> dict[str, dict[str, Any]]:
        folder = self._path(prefix).rstrip("/")
        try:
            if not self._filesystem.isdir(folder):
                if prefix and self._filesystem.isdir(self._folder):
                    return {}
                raise ObjectNotFoundError(
                    f"Nothing is stored under '{self.root}/'. Check the path.", self.root
                )
            return dict(self._filesystem.find(folder, detail=True))
        except LakeqError:
            raise
        except Exception as error:  # as above
            raise _translate(error, self.url(prefix)) from error

    def _info(self, path: str, listed: bool) -> dict[str, Any]:
        try:
            return dict(self._filesystem.info(self._path(path)))
        except FileNotFoundError as error:
            if not listed:
                raise_os_error(error, self.url(path))
            raise _changed(self.url(path), "is gone") from error
        except Exception as error:  # as above
            raise _translate(error, self.url(path)) from error


def open_filesystem(location: str, options: Mapping[str, Any]) -> FileSystemStore:
    """The store at an fsspec URL; `options` go to its filesystem as they are.

    ConfigError for a protocol that fsspec does not know, a missing package or a wrong option.
    """
    import fsspec

    protocol = location.partition("://")[0]
    try:
        filesystem, path = fsspec.core.url_to_fs(location, **options)
    except (ImportError, ValueError, TypeError) as error:
        missing = isinstance(error, ImportError)
        reason = str(error) if missing else f"check '{protocol}://' and its storage options."
        raise ConfigError(f"Cannot open '{location}': {reason}") from error
    except Exception as error:  # a filesystem raises what its own library does
        raise _translate(error, location) from error
    folder = path.rstrip("/")
    try:
        single = filesystem.isfile(folder)
    except Exception as error:  # as above
        raise _translate(error, location) from error
    if single:
        parent, _, name = folder.rpartition("/")
        return FileSystemStore(filesystem, parent, only=name)
    return FileSystemStore(filesystem, folder)


def _version(info: Mapping[str, Any]) -> str | None:
    for key in _VERSION_KEYS:
        if info.get(key):
            return str(info[key])
    time = _time(info)
    return f"{info.get('size')}-{time.isoformat()}" if time else None


def _time(info: Mapping[str, Any]) -> datetime | None:
    for key in _TIME_KEYS:
        value = info.get(key)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                return datetime.fromisoformat(value).astimezone(UTC)
    return None


def _changed(location: str, how: str) -> ObjectChangedError:
    return ObjectChangedError(
        f"Object changed since it was listed: '{location}' {how}. Refresh the lake and run the query again.",
        location,
    )


def _translate(error: Exception, location: str) -> LakeqError:
    if isinstance(error, OSError):
        try:
            raise_os_error(error, location)
        except LakeqError as translated:
            return translated
    return StorageUnavailableError(f"Reading '{location}' failed ({type(error).__name__}).", location)
