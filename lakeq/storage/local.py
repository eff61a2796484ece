"""A folder on this machine as a store, and one file of it held open at one version."""

from __future__ import annotations

import os
import stat
from typing import NoReturn, Self

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.errors import (
    AccessDeniedError,
    ObjectChangedError,
    ObjectNotFoundError,
    StorageError,
    StorageUnavailableError,
)
from lakeq.storage.base import LISTING_SCHEMA
from lakeq.storage.workers import Workers

_READERS = 4
"""Threads that look into files at once: more would only wait for each other's Python."""


_OUTSIDE = "outside"
"""The version of a file to which a link leads that leaves the store's folder: none that can be read."""


class LocalStore:
    """The files below a folder, or `only` one of them. Symbolic links are followed, loops once; what lies
    outside of the folder is listed, so that nothing is missing unseen, and reading it is refused."""

    def __init__(self, root: str, only: str | None = None) -> None:
        self._root = root
        self._only = only
        self.workers = Workers(_READERS)

    @property
    def root(self) -> str:
        return self._root

    @property
    def is_local(self) -> bool:
        return True

    def list(self, prefix: str = "") -> pa.Table:
        """See Store.list. A link to nothing is listed with 0 bytes, so that it is counted, not lost."""
        rows = _Rows()
        if self._only is not None:
            if self._only.startswith(prefix):
                _stat_one(self._root, self._only, rows)
            return _listing(rows, self._root)
        folder = os.path.join(self._root, prefix).rstrip("/") or "/"
        if not os.path.isdir(folder):
            if prefix and os.path.isdir(self._root):
                return LISTING_SCHEMA.empty_table()
            if os.path.lexists(folder):
                raise ObjectNotFoundError(f"Not a folder: '{folder}'.", folder)
            raise ObjectNotFoundError(f"Folder not found: '{folder}'. Check the path.", folder)
        try:
            top = os.path.realpath(self._root)
            _walk(folder, prefix, frozenset(), rows, top, _leaves(folder, top))
            return _listing(rows, self._root)
        except OSError as error:
            raise_os_error(error, error.filename or folder)

    def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        """See Store.read."""
        with PinnedFile(self.url(path), etag) as file:
            return file.read(start, length)

    def url(self, path: str) -> str:
        return os.path.join(self._root, path)


class PinnedFile:
    """One file held open at the version `etag` (None: the one found). Safe to read from several threads.

    A file that is renamed over or deleted while it is held keeps its bytes; one that is written in
    place is noticed by its size or time and fails with ObjectChangedError.
    """

    def __init__(self, path: str, etag: str | None) -> None:
        self._path = path
        if etag == _OUTSIDE:
            raise AccessDeniedError(
                f"Not read: a link leads out of the lake's folder at '{path}'. Remove it, or name "
                f"'{os.path.realpath(path)}' as the location of a table.",
                path,
            )
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            if etag is None:
                raise_os_error(error, path)
            raise _changed(path, "is gone") from error
        except OSError as error:
            raise_os_error(error, path)
        self._etag = etag or make_etag(os.fstat(self._descriptor))

    def read(self, start: int, length: int) -> bytes:
        """Exactly `length` bytes from `start` of the pinned version; it is checked after the read."""
        parts, got = [], 0
        try:
            while got < length:
                part = os.pread(self._descriptor, length - got, start + got)
                if not part:
                    break
                parts.append(part)
                got += len(part)
        except OSError as error:
            raise_os_error(error, self._path)
        if make_etag(os.fstat(self._descriptor)) != self._etag:
            raise _changed(self._path, "was replaced or written to")
        if got < length:
            raise _changed(self._path, f"ends after {start + got} bytes, before byte {start + length}")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Let the file go; reading it afterwards is an error."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_descriptor", -1) >= 0:
            self.close()


def make_etag(status: os.stat_result) -> str:
    """The version of a local file: its size, its time of change in nanoseconds and its inode."""
    return f"{status.st_size:x}-{status.st_mtime_ns:x}-{status.st_ino:x}"


def is_version(path: str, etag: str | None) -> bool:
    """Whether a local file is the version `etag`, by its status alone: opening it would cost much more."""
    try:
        return etag is None or make_etag(os.stat(path)) == etag
    except OSError:
        return False


def raise_os_error(error: OSError, location: str) -> NoReturn:
    """Raise what `error` means for `location` in our tree."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        raise ObjectNotFoundError(f"File not found: '{location}'.", location) from error
    if isinstance(error, PermissionError):
        raise AccessDeniedError(
            f"Not allowed to read '{location}'. Ask its owner for the right to read it.", location
        ) from error
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    raise StorageUnavailableError(f"Reading '{location}' failed: {reason}.", location) from error


def _changed(path: str, how: str) -> ObjectChangedError:
    return ObjectChangedError(
        f"File changed since it was listed: '{path}' {how}. Refresh the lake and run the query again.", path
    )


class _Rows:
    """A listing under way, by column: a million files then cost no object each."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.sizes: list[int] = []
        self.etags: list[str | None] = []
        self.modified: list[int | None] = []

    def add(self, path: str, status: os.stat_result | None, outside: bool = False) -> None:
        """One file; None: a link to nothing. What is no regular file (a pipe) counts as nothing too."""
        self.paths.append(path)
        if status is not None and stat.S_ISREG(status.st_mode):
            self.sizes.append(status.st_size)
            self.etags.append(_OUTSIDE if outside else make_etag(status))
            self.modified.append(status.st_mtime_ns // 1000)
        else:
            self.sizes.append(0)
            self.etags.append(None)
            self.modified.append(None)


def _stat_one(root: str, name: str, rows: _Rows) -> None:
    path = os.path.join(root, name)
    try:
        rows.add(name, os.stat(path))
    except OSError as error:
        raise_os_error(error, path)


def _leaves(path: str, top: str) -> bool:
    """Whether a path that holds links leads out of the folder `top`, whose own links are resolved."""
    return not os.path.join(os.path.realpath(path), "").startswith(os.path.join(top, ""))


def _walk(
    folder: str, prefix: str, above: frozenset[tuple[int, int]], rows: _Rows, top: str, outside: bool
) -> None:
    """Add the files below `folder`; `above` are the folders that led here, to end a loop of links. `outside`:
    a link on the way left the folder `top`."""
    status = os.stat(folder)
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    within = above | {identity}
    with os.scandir(folder) as entries:
        for entry in entries:
            leaves = _leaves(entry.path, top) if entry.is_symlink() else outside
            try:
                if entry.is_dir():
                    _walk(entry.path, f"{prefix}{entry.name}/", within, rows, top, leaves)
                else:
                    rows.add(prefix + entry.name, entry.stat(), leaves)
            except FileNotFoundError:
                if entry.is_symlink():  # else it was deleted meanwhile, and is rightly not there
                    rows.add(prefix + entry.name, None)


def _listing(rows: _Rows, root: str) -> pa.Table:
    columns = [rows.paths, rows.sizes, rows.etags, rows.modified, [None] * len(rows.paths)]
    try:
        table = pa.table(
            [pa.array(c, f.type) for c, f in zip(columns, LISTING_SCHEMA, strict=True)], schema=LISTING_SCHEMA
        )
    except UnicodeEncodeError as error:
        name = next(path for path in rows.paths if not _is_unicode(path))
        raise StorageError(
            f"File name is not UTF-8: {os.fsencode(name)!r} in '{root}'. Rename it.", root
        ) from error
    return table.take(pc.sort_indices(table["path"]))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
