"""An inventory is read as S3 wrote it, in every format, or refused with what is wrong."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.catalog.inventory import Inventory, check_bucket, open_inventory, split_location
from lakeq.catalog.inventory_rows import decode_keys, read_inventory
from lakeq.errors import ConfigError, CorruptFileError, LakeqError, ObjectNotFoundError
from lakeq.storage.base import LISTING_SCHEMA
from lakeq.storage.local import LocalStore
from lakeq.storage.progress import Reporter
from tests.inventories import CURRENT, TAKEN_AT, VERSIONS, Listed, write_inventory, write_manifest

KINDS = ("CSV", "ORC", "Parquet")


def read(inventory: Inventory, scratch: Path, prefix: str = "") -> pa.Table:
    parts = list(read_inventory(inventory, prefix, scratch, Reporter().start("listing")))
    return pa.concat_tables(parts).sort_by("path")


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_tells_the_same_listing(kind: str, tmp_path: Path) -> None:
    keys = ["lake/y=2026/a b+c%.csv", "lake/y=2026/é=1&x.csv", "lake/plain.csv", "lakes/other.csv", "lake/"]
    lines = [Listed(key, size=n + 1, etag=f"{n:032x}") for n, key in enumerate(keys)]
    write_inventory(tmp_path, [lines[:2], lines[2:]], kind)
    found = read(open_inventory(LocalStore(str(tmp_path))), tmp_path, "lake/")
    assert found.schema == LISTING_SCHEMA
    assert found["path"].to_pylist() == ["plain.csv", "y=2026/a b+c%.csv", "y=2026/é=1&x.csv"]
    assert found["size"].to_pylist() == [3, 1, 2]
    assert found["etag"][1].as_py() == f'"{0:032x}"', "in quotes, as a listing has it"
    assert found["modified"][0].as_py() == TAKEN_AT - dt.timedelta(days=30)
    assert set(found["storage_class"].to_pylist()) == {"STANDARD"}


@pytest.mark.parametrize("kind", KINDS)
def test_of_versions_the_latest_is_there_unless_it_was_deleted(kind: str, tmp_path: Path) -> None:
    lines = [
        Listed("a.csv", 1, is_latest=False),
        Listed("a.csv", 2),
        Listed("b.csv", 3, is_latest=False),
        Listed("b.csv", None, None, is_delete_marker=True, storage_class=None),
        Listed("c.csv", 4, storage_class="INTELLIGENT_TIERING", tier="ARCHIVE"),
        Listed("d.csv", 5, storage_class="INTELLIGENT_TIERING", tier="FREQUENT"),
    ]
    write_inventory(tmp_path, [lines], kind, VERSIONS)
    found = read(open_inventory(LocalStore(str(tmp_path))), tmp_path)
    assert found["path"].to_pylist() == ["a.csv", "c.csv", "d.csv"]
    assert found["size"].to_pylist() == [2, 4, 5]
    assert found["storage_class"].to_pylist()[1:] == [
        "INTELLIGENT_TIERING ARCHIVE_ACCESS",
        "INTELLIGENT_TIERING",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_inventory_lacks_is_null_and_told(kind: str, tmp_path: Path) -> None:
    write_inventory(tmp_path, [[Listed("a.csv")]], kind, ("bucket", "key", "size"))
    inventory = open_inventory(LocalStore(str(tmp_path)))
    assert [name in " ".join(inventory.lacks) for name in ("'ETag'", "'Storage class'", "'Last modified'")]
    assert len(inventory.lacks) == 3
    found = read(inventory, tmp_path)
    assert found.select(["etag", "modified", "storage_class"]).to_pylist() == [
        {"etag": None, "modified": None, "storage_class": None}
    ]


def test_an_inventory_without_sizes_is_refused(tmp_path: Path) -> None:
    write_inventory(tmp_path, [[Listed("a.csv")]], columns=("bucket", "key", "e_tag"))
    with pytest.raises(ConfigError, match=r"no .Size.*Switch it on"):
        open_inventory(LocalStore(str(tmp_path)))


def test_the_newest_whole_inventory_is_taken(tmp_path: Path) -> None:
    write_inventory(tmp_path, [[Listed("old.csv")]], at=TAKEN_AT - dt.timedelta(days=1))
    write_inventory(tmp_path, [[Listed("new.csv")]])
    (tmp_path / "2026-11-27T01-00Z").mkdir()  # S3 writes its manifest last
    (tmp_path / "2026-11-27T01-00Z" / "symlink.txt").write_text("")
    store = LocalStore(str(tmp_path))
    assert open_inventory(store).at == TAKEN_AT.timestamp()
    assert read(open_inventory(store), tmp_path)["path"].to_pylist() == ["new.csv"]
    assert read(open_inventory(store, "2026-11-25T01-00Z"), tmp_path)["path"].to_pylist() == ["old.csv"]
    with pytest.raises(ObjectNotFoundError, match="has not finished"):
        open_inventory(store, "2026-11-27T01-00Z")


def test_a_folder_without_inventories_is_an_error_that_names_what_is_there(tmp_path: Path) -> None:
    write_inventory(tmp_path / "daily", [[Listed("a.csv")]])
    with pytest.raises(ObjectNotFoundError, match=r"CONFIG-ID.*daily/"):
        open_inventory(LocalStore(str(tmp_path)))


@pytest.mark.parametrize(
    ("location", "folder", "dated"),
    [
        ("s3://i/b/daily/", "s3://i/b/daily", None),
        ("s3://i/b/daily/2026-11-26T01-00Z/", "s3://i/b/daily", "2026-11-26T01-00Z"),
        ("s3://i/b/daily/2026-11-26T01-00Z/manifest.json", "s3://i/b/daily", "2026-11-26T01-00Z"),
        ("/copy/manifest.json", "/copy", ""),
    ],
)
def test_an_inventory_is_named_by_its_configuration_or_its_manifest(
    location: str, folder: str, dated: str | None
) -> None:
    assert split_location(location) == (folder, dated)


def test_a_damaged_manifest_is_an_error(tmp_path: Path) -> None:
    dated = write_inventory(tmp_path, [[Listed("a.csv")]])
    store = LocalStore(str(tmp_path))
    content = json.loads((dated / "manifest.json").read_bytes())
    (dated / "manifest.json").write_text("{}")
    with pytest.raises(CorruptFileError, match=r"manifest.checksum"):
        open_inventory(store)
    for broken in (
        {},
        {**content, "files": 3},
        {**content, "fileFormat": "XML"},
        [1],
        {**content, "fileSchema": ""},
    ):
        write_manifest(dated, broken)  # type: ignore[arg-type]  # what is no manifest
        with pytest.raises((CorruptFileError, ConfigError)):
            open_inventory(store)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_gone_or_another_is_an_error_that_names_it(kind: str, tmp_path: Path) -> None:
    write_inventory(tmp_path, [[Listed("a.csv")]], kind)
    (data,) = (tmp_path / "data").iterdir()
    inventory, body = open_inventory(LocalStore(str(tmp_path))), data.read_bytes()
    for wrong in (body[:-1], body + b"x", body[:-9] + b"#" + body[-8:]):
        data.write_bytes(wrong)
        with pytest.raises(CorruptFileError, match=data.name):
            read(inventory, tmp_path)
    data.unlink()
    with pytest.raises(ObjectNotFoundError, match=data.name):
        read(inventory, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_no_inventory_in_its_format_is_an_error(kind: str, tmp_path: Path) -> None:
    dated = write_inventory(tmp_path, [[Listed("a.csv")]], "Parquet" if kind == "CSV" else "CSV")
    content = json.loads((dated / "manifest.json").read_bytes())
    other = write_inventory(tmp_path / "other", [[Listed("a.csv")]], kind)
    schema = json.loads((other / "manifest.json").read_bytes())["fileSchema"]
    write_manifest(dated, {**content, "fileFormat": kind, "fileSchema": schema})
    with pytest.raises(CorruptFileError, match="cannot be read as"):
        read(open_inventory(LocalStore(str(tmp_path))), tmp_path)


def test_an_inventory_of_another_bucket_is_refused(tmp_path: Path) -> None:
    write_inventory(tmp_path, [[Listed("a.csv")]], bucket="theirs")
    inventory = open_inventory(LocalStore(str(tmp_path)))
    assert check_bucket(inventory, "s3://theirs/some/lake") == "some/lake/"
    assert check_bucket(inventory, "s3://theirs") == ""
    for root in ("s3://ours/lake", "gs://theirs"):
        with pytest.raises(ConfigError):
            check_bucket(inventory, root)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=8))
def test_keys_of_csv_are_decoded_as_they_were(keys: list[str]) -> None:
    from urllib.parse import quote, quote_plus

    encoded = pa.array([quote_plus(key, safe="/") for key in keys], pa.string())
    assert decode_keys(encoded).to_pylist() == keys
    assert decode_keys(pa.array([quote(key) for key in keys], pa.string())).to_pylist() == keys


def test_rows_of_no_known_columns_are_no_inventory(tmp_path: Path) -> None:
    write_inventory(tmp_path, [[Listed("a.csv")]], "CSV", CURRENT)
    (data,) = (tmp_path / "data").iterdir()
    assert data.name.endswith(".csv.gz")
    with pytest.raises(LakeqError):
        open_inventory(LocalStore(str(tmp_path / "data")))
