"""S3 Inventories for tests, written as S3 writes them: CSV in gzip, ORC or Parquet, with manifests."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import orc

TAKEN_AT = dt.datetime(2026, 11, 26, 1, tzinfo=dt.UTC)

_CSV_NAMES = {
    "bucket": "Bucket", "key": "Key", "version_id": "VersionId", "is_latest": "IsLatest",
    "is_delete_marker": "IsDeleteMarker", "size": "Size", "last_modified_date": "LastModifiedDate",
    "e_tag": "ETag", "storage_class": "StorageClass",
    "intelligent_tiering_access_tier": "IntelligentTieringAccessTier",
}  # fmt: skip
_KINDS: dict[str, pa.DataType] = {
    "is_latest": pa.bool_(), "is_delete_marker": pa.bool_(), "size": pa.int64(),
    "last_modified_date": pa.timestamp("ms"),
}  # fmt: skip
CURRENT = ("bucket", "key", "size", "last_modified_date", "e_tag", "storage_class")
VERSIONS = (
    "bucket", "key", "version_id", "is_latest", "is_delete_marker", "size", "last_modified_date", "e_tag",
    "storage_class", "intelligent_tiering_access_tier",
)  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """One line of an inventory. `etag` is without quotes, as S3 writes it there."""

    key: str
    size: int | None = 10
    etag: str | None = "e"
    modified: dt.datetime | None = TAKEN_AT - dt.timedelta(days=30)
    storage_class: str | None = "STANDARD"
    is_latest: bool = True
    is_delete_marker: bool = False
    tier: str | None = None


def write_inventory(
    config: Path,
    files: Sequence[Iterable[Listed]],
    kind: str = "Parquet",
    columns: Sequence[str] = CURRENT,
    bucket: str = "bucket",
    at: dt.datetime = TAKEN_AT,
) -> Path:
    """An inventory of the bucket in the folder `config` of a configuration, each of `files` one of its files;
    its dated folder."""
    (config / "data").mkdir(parents=True, exist_ok=True)
    told = []
    for number, lines in enumerate(files):
        name = f"{at:%Y%m%d%H%M}-{number}.{'csv.gz' if kind == 'CSV' else kind.lower()}"
        data = config / "data" / name
        _write_file(data, list(lines), kind, columns, bucket)
        body = data.read_bytes()
        told.append(
            {
                "key": f"some/prefix/{bucket}/daily/data/{name}",
                "size": len(body),
                "MD5checksum": hashlib.md5(body, usedforsecurity=False).hexdigest(),
            }
        )
    manifest = {
        "sourceBucket": bucket,
        "destinationBucket": "arn:aws:s3:::inventories",
        "version": "2016-11-30",
        "creationTimestamp": str(int(at.timestamp() * 1000)),
        "fileFormat": kind,
        "fileSchema": spell_schema(kind, columns),
        "files": told,
    }
    dated = config / f"{at:%Y-%m-%dT%H-%MZ}"
    dated.mkdir()
    write_manifest(dated, manifest)
    return dated


def write_manifest(dated: Path, manifest: dict[str, Any]) -> None:
    """The manifest and its MD5 beside it."""
    text = json.dumps(manifest, indent=2).encode()
    (dated / "manifest.json").write_bytes(text)
    (dated / "manifest.checksum").write_text(hashlib.md5(text, usedforsecurity=False).hexdigest() + "\n")


def spell_schema(kind: str, columns: Sequence[str]) -> str:
    """`fileSchema` as S3 spells it."""
    if kind == "CSV":
        return ", ".join(_CSV_NAMES[name] for name in columns)
    if kind == "ORC":
        kinds = {"size": "bigint", "last_modified_date": "timestamp"}
        kinds |= dict.fromkeys(("is_latest", "is_delete_marker"), "boolean")
        return "struct<" + ",".join(f"{name}:{kinds.get(name, 'string')}" for name in columns) + ">"
    spelled = {
        "size": "optional int64 size;",
        "last_modified_date": "optional int64 last_modified_date (TIMESTAMP_MILLIS);",
        "is_latest": "optional boolean is_latest;",
        "is_delete_marker": "optional boolean is_delete_marker;",
    }
    fields = [spelled.get(name, f"optional binary {name} (UTF8);") for name in columns]
    return f"message s3.inventory {{ {' '.join(fields)} }}"


def _write_file(path: Path, lines: Sequence[Listed], kind: str, columns: Sequence[str], bucket: str) -> None:
    rows = [_to_row(line, bucket) for line in lines]
    if kind == "CSV":
        text = "".join(",".join(f'"{_spell(row[name], name)}"' for name in columns) + "\n" for row in rows)
        path.write_bytes(gzip.compress(text.encode(), 1))
        return
    schema = pa.schema([pa.field(name, _KINDS.get(name, pa.string())) for name in columns])
    table = pa.Table.from_pylist([{name: row[name] for name in columns} for row in rows], schema)
    if kind == "ORC":
        orc.write_table(table, path, compression="zlib")
    else:
        pq.write_table(table, path, compression="snappy")


def _to_row(line: Listed, bucket: str) -> dict[str, Any]:
    return {
        "bucket": bucket,
        "key": line.key,
        "version_id": "v1",
        "is_latest": line.is_latest,
        "is_delete_marker": line.is_delete_marker,
        "size": line.size,
        "last_modified_date": line.modified and line.modified.replace(tzinfo=None),
        "e_tag": line.etag,
        "storage_class": line.storage_class,
        "intelligent_tiering_access_tier": line.tier,
    }


def _spell(value: Any, name: str) -> str:
    """A cell of CSV: keys are encoded for URLs, nothing is an empty cell."""
    if value is None:
        return ""
    if name == "key":
        return quote_plus(value, safe="/-_.*")
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat(timespec="milliseconds") + "Z" if isinstance(value, dt.datetime) else str(value)
