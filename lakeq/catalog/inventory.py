"""S3 Inventory: which files list the objects of a bucket, as of when, and which columns they have.

S3 writes `…/SOURCE-BUCKET/CONFIG-ID/2026-11-27T01-00Z/manifest.json` (and its MD5 as manifest.checksum) when
all files of an inventory are there. See https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from lakeq.errors import ConfigError, CorruptFileError, ObjectNotFoundError
from lakeq.storage.base import FolderListing, PrefixStore, Store, split_folder

MANIFEST, CHECKSUM = "manifest.json", "manifest.checksum"
NEEDED = {"key": "Key", "size": "Size"}
WANTED = {"etag": "ETag", "storageclass": "Storage class", "lastmodifieddate": "Last modified"}
"""Columns by their folded names, and how the configuration of an inventory calls them."""

_DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\dZ")
_LATEST_TRIED = 32
_LOSSES = {
    "etag": "a file that was replaced since is not noticed, and nothing that was read of one is remembered",
    "storageclass": "a file in an archive is noticed only when it is read",
    "lastmodifieddate": "which files were written last is not known",
}


@dataclass(frozen=True, slots=True)
class InventoryFile:
    """One file of an inventory: its path in the inventory's store, bytes, and MD5 in hexadecimal."""

    path: str
    size: int
    md5: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """One inventory of the bucket `bucket`, as of the moment `at` (seconds since 1970) when S3 began it.

    `format` is csv, orc or parquet; `columns` are the columns of its files in order, as they spell them.
    `manifest` is the full name of the manifest.
    """

    store: Store
    manifest: str
    bucket: str
    at: float
    format: str
    columns: tuple[str, ...]
    files: tuple[InventoryFile, ...]

    @property
    def lacks(self) -> tuple[str, ...]:
        """What it does not tell, and an index can do without: sentences that name what to switch on."""
        known = {fold_column(name) for name in self.columns}
        return tuple(
            f"The inventory has no '{shown}': {_LOSSES[name]}. Switch it on in the inventory's configuration."
            for name, shown in WANTED.items()
            if name not in known
        )


def split_location(location: str) -> tuple[str, str | None]:
    """The folder of an inventory's configuration, and the one dated folder of it that is named (None: the
    newest is meant; "": the manifest lies in the folder itself)."""
    folder = location.rstrip("/")
    is_named = folder.rpartition("/")[2] == MANIFEST
    folder = folder.rpartition("/")[0] if is_named else folder
    above, _, last = folder.rpartition("/")
    if _DATED.fullmatch(last):
        return above, last
    return folder, "" if is_named else None


def open_inventory(store: Store, dated: str | None = None) -> Inventory:
    """The inventory in a dated folder of a configuration's folder, which is the root of `store`: the newest
    that has a manifest when None. Folders and locations as of `split_location`.

    ObjectNotFoundError when there is none; CorruptFileError for a manifest that is damaged or is none;
    ConfigError for one that lacks a column which nothing can do without.
    """
    root = list_folder(store, "")
    if dated is not None:
        return _read_manifest(store, f"{dated}/" if dated else "", root)
    names = [folder[:-1] for folder in root.folders if _DATED.fullmatch(folder[:-1])]
    for name in sorted(names, reverse=True)[:_LATEST_TRIED]:
        if _find(list_folder(store, f"{name}/"), f"{name}/{MANIFEST}") is not None:
            return _read_manifest(store, f"{name}/", root)
    others = ", ".join(folder for folder in root.folders[:5])
    more = f" There are the folders {others}." if others and not names else ""
    raise ObjectNotFoundError(
        f"No inventory in '{store.root}': no folder such as 2026-11-27T01-00Z/ there has a {MANIFEST}. Name "
        f"the folder of its configuration, s3://INVENTORY-BUCKET/…/SOURCE-BUCKET/CONFIG-ID/.{more}",
        store.root,
    )


def check_bucket(inventory: Inventory, root: str) -> str:
    """The prefix of a lake's keys in the bucket ("" or ending in `/`). ConfigError when the inventory is not
    of the lake's bucket."""
    scheme, _, rest = root.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3":
        raise ConfigError(
            f"An S3 inventory tells of a bucket, and the lake is '{root}'. Leave the inventory out."
        )
    if bucket != inventory.bucket:
        raise ConfigError(
            f"The inventory '{inventory.manifest}' is of bucket '{inventory.bucket}', and the lake is in "
            f"'{bucket}'. Name the inventory of '{bucket}'."
        )
    return f"{prefix}/" if prefix else ""


def fold_column(name: str) -> str:
    """One spelling of a column for all formats: `ETag`, `e_tag` → `etag`."""
    return name.replace("_", "").casefold()


def list_folder(store: Store, name: str) -> FolderListing:
    """What lies directly in a folder of any store."""
    if isinstance(store, PrefixStore):
        return store.list_folder(name)
    return split_folder(store.list(name), name)


def _find(listing: FolderListing, path: str) -> tuple[int, str | None] | None:
    """Size and etag of an object directly in a folder; None when it is not there."""
    row = pc.index(listing.objects["path"], path).as_py()
    if row < 0:
        return None
    return listing.objects["size"][row].as_py(), listing.objects["etag"][row].as_py()


def _read_manifest(store: Store, folder: str, root: FolderListing) -> Inventory:
    listing, path = list_folder(store, folder), f"{folder}{MANIFEST}"
    found = _find(listing, path)
    if found is None:
        raise ObjectNotFoundError(
            f"No manifest at '{store.url(path)}': S3 has not finished that inventory, or it is elsewhere. "
            "Name another dated folder, or the folder above, of which the newest is taken.",
            store.url(path),
        )
    data = store.read(path, 0, *found)
    checked = _find(listing, f"{folder}{CHECKSUM}")
    if checked is not None:
        told = store.read(f"{folder}{CHECKSUM}", 0, *checked).strip().lower()
        if told != hashlib.md5(data, usedforsecurity=False).hexdigest().encode():
            raise _broken(store.url(path), "is not the one of which manifest.checksum is the MD5")
    try:
        return _parse_manifest(store, path, json.loads(data), root)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _broken(store.url(path), f"is no manifest of an S3 inventory ({error!r})") from error


def _parse_manifest(store: Store, path: str, content: Mapping[str, Any], root: FolderListing) -> Inventory:
    kind = str(content["fileFormat"]).casefold()
    if kind not in ("csv", "orc", "parquet"):
        raise _broken(store.url(path), f"tells of files in the format {content['fileFormat']!r}")
    columns = _parse_columns(str(content["fileSchema"]), kind)
    folded = {fold_column(name) for name in columns}
    missing = [shown for name, shown in NEEDED.items() if name not in folded]
    if missing:
        raise ConfigError(
            f"The inventory '{store.url(path)}' has no '{missing[0]}', which an index needs. Switch it on in "
            "the inventory's configuration; the next inventory will have it."
        )
    files = [(str(f["key"]), int(f["size"]), str(f["MD5checksum"]).lower()) for f in content["files"]]
    paths = _locate(store, [key for key, _, _ in files], root)
    return Inventory(
        store,
        store.url(path),
        str(content["sourceBucket"]).removeprefix("arn:aws:s3:::"),
        int(content["creationTimestamp"]) / 1000,
        kind,
        columns,
        tuple(InventoryFile(at, size, md5) for at, (_, size, md5) in zip(paths, files, strict=True)),
    )


def _parse_columns(schema: str, kind: str) -> tuple[str, ...]:
    """The names of a manifest's `fileSchema`: `Bucket, Key, …`, `struct<bucket:string,…>` or
    `message s3.inventory { required binary bucket (UTF8); … }`."""
    if kind == "csv":
        return tuple(name.strip() for name in schema.split(","))
    if kind == "orc":
        inner = schema[schema.index("<") + 1 : schema.rindex(">")]
        return tuple(name.strip() for name in re.findall(r"(?:^|,)\s*(\w+)\s*:", inner))
    return tuple(re.findall(r"(?:required|optional)\s+\w+\s+(\w+)", schema))


def _locate(store: Store, keys: Sequence[str], root: FolderListing) -> list[str]:
    """Where the files of these keys of the inventory's bucket lie in the store: below the store's root, and
    in a copy of the inventory elsewhere by the last part of their path."""
    inside = store.root.partition("://")[2].partition("/")[2]
    prefix = f"{inside}/" if inside else ""
    if isinstance(store, PrefixStore) and all(key.startswith(prefix) for key in keys):
        return [key[len(prefix) :] for key in keys]
    has_data = "data/" in root.folders
    return [("data/" if has_data else "") + key.rpartition("/")[2] for key in keys]


def _broken(location: str, what: str) -> CorruptFileError:
    return CorruptFileError(
        f"The manifest '{location}' {what}. Name another inventory, or wait for the next.", location
    )
