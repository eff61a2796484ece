"""The door to storage: a location becomes a Store."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import unquote

from lakeq.errors import ConfigError, ObjectNotFoundError
from lakeq.storage.base import Store
from lakeq.storage.options import GivenOptions, check_location, parse_options


def open_store(location: str, **storage_options: Any) -> Store:
    """The store at `location`.

    A folder (relative, absolute, `~`, `file://` with %-escapes), `s3://` (`s3a://`), `gs://`,
    `az://container`, `abfs://container@account…`, or any other fsspec URL. Options are those of
    lakeq.storage.options.StorageOptions; other fsspec filesystems take their own. A location that is
    one file or object is a store of its folder that lists only it. A cloud is asked one HEAD here; a
    folder is not looked for before it is listed.

    ConfigError: an option or a location that cannot be used. AccessDeniedError: no credentials.
    StorageUnavailableError: nothing answers at the endpoint.
    """
    storage_options = GivenOptions(storage_options)
    if not location.strip() or "\0" in location:
        raise ConfigError(f"Not a location: {location!r}. Give a folder or a URL such as s3://bucket/prefix.")
    check_location(location, "the lake or table")
    scheme, marker, rest = location.partition("://")
    if not marker or scheme == "file":
        if storage_options:
            parse_options(storage_options)
            name = min(storage_options)
            raise ConfigError(f"Storage option '{name}' has no use for a folder. Leave it out: '{location}'.")
        return _open_folder(unquote(rest.removeprefix("localhost")) if marker else location)
    if scheme in ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"):
        from lakeq.storage.clouds import open_cloud

        return open_cloud(scheme, rest, parse_options(storage_options))
    from lakeq.storage.filesystems import open_filesystem

    return open_filesystem(location, storage_options)


def _open_folder(path: str) -> Store:
    from lakeq.storage.local import LocalStore

    root = os.path.abspath(os.path.expanduser(path))
    if os.path.isfile(root):
        return LocalStore(os.path.dirname(root), only=os.path.basename(root))
    if not os.path.isdir(root):
        raise ObjectNotFoundError(f"Folder not found: '{path}'. Check the path.", root)
    return LocalStore(root)
