"""A saved catalog: it is believed whole or not at all, and the younger of two listings stays."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from lakeq.catalog import saved
from lakeq.catalog.known_objects import KeyRange, KnownObjects, folder_range
from lakeq.catalog.saved import CatalogFolder, read_saved, write_saved
from lakeq.storage.base import LISTING_SCHEMA, FolderListing


def list_files(*paths: str) -> pa.Table:
    return pa.Table.from_pylist([{"path": path, "size": 1, "etag": path} for path in paths], LISTING_SCHEMA)


def known(at: float, *paths: str) -> KnownObjects:
    objects = KnownObjects()
    objects.put_range(folder_range("t/"), list_files(*paths), at)
    return objects


def test_any_damage_makes_a_saved_catalog_nothing_known() -> None:
    data = write_saved(known(5, "t/a", "t/b"), ())
    whole = read_saved(data)
    assert whole is not None and whole.known.objects["path"].to_pylist() == ["t/a", "t/b"]
    for at in range(len(data)):
        assert read_saved(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]) is None
        assert read_saved(data[:at]) is None


def test_a_catalog_of_another_version_is_nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "_VERSION", 0)
    data = write_saved(known(5, "t/a"), None)
    monkeypatch.undo()
    assert read_saved(data) is None


def test_what_a_killed_writer_left_goes_with_the_next_save(tmp_path: Path) -> None:
    folder = CatalogFolder(tmp_path)
    version = folder.save("k", [], known(5, "t/a"), None, None)
    (path,) = tmp_path.glob("*.catalog")
    left, other = tmp_path / f"{path.stem}x.unfinished", tmp_path / "another.unfinished"
    left.touch()
    other.touch()
    folder.save("k", [], known(6, "t/b"), None, version)
    assert not left.exists() and other.exists()
    assert folder.load("k").known.objects["path"].to_pylist() == ["t/b"]


def test_an_older_listing_does_not_replace_a_younger_one(tmp_path: Path) -> None:
    folder, place = CatalogFolder(tmp_path), folder_range("t/")
    folder.save("k", [], known(9, "t/new"), None, None)

    def change(objects: KnownObjects) -> None:
        objects.put_range(place, list_files("t/old"), 5)
        objects.put_range(KeyRange("u/", "u0"), list_files("u/a"), 5)

    folder.save("k", [change], known(5, "t/old"), None, None)
    found = folder.load("k").known
    assert found.objects["path"].to_pylist() == ["t/new", "u/a"]
    assert found.age_of(place) == 9


def test_the_younger_contents_of_a_folder_stay() -> None:
    objects, empty = KnownObjects(), list_files()
    objects.put_folder("t/", FolderListing(("t/new/",), empty), 9)
    objects.put_folder("t/", FolderListing(("t/old/",), empty), 5)
    assert objects.folders["t/"].folder.folders == ("t/new/",)


def test_without_a_folder_nothing_is_kept_and_nothing_known() -> None:
    nowhere = CatalogFolder(None)
    assert nowhere.save("k", [], known(5, "t/a"), None, None) is None
    assert nowhere.load("k").tables is None and not nowhere.load("k").known.objects.num_rows
    assert nowhere.large("k") is None and nowhere.usage() == (0, 0)
    nowhere.clear()


def test_large_indexes_count_and_go_with_the_catalogs(tmp_path: Path) -> None:
    folder = CatalogFolder(tmp_path)
    folder.save("k", [], known(5, "t/a"), None, None)
    large = folder.large("k")
    assert large is not None
    index = large / "00000001.index"
    index.mkdir(parents=True)
    (index / "0.parquet").write_bytes(b"x" * 1000)
    (catalog,) = tmp_path.glob("*.catalog")
    assert folder.usage() == (1, 1000 + catalog.stat().st_size)
    folder.clear()
    assert folder.usage() == (0, 0) and not large.exists()
