"""Folders: what is listed, and that a file is read at the version listed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.errors import (
    AccessDeniedError,
    ObjectChangedError,
    ObjectNotFoundError,
    StorageError,
    StorageUnavailableError,
)
from lakeq.storage.base import LISTING_SCHEMA
from lakeq.storage.local import LocalStore, PinnedFile
from lakeq.storage.stores import open_store


def write(root: Path, path: str, body: bytes = b"x") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)
    return file


def paths(store: LocalStore, prefix: str = "") -> list[str]:
    return list(store.list(prefix)["path"].to_pylist())


def etag_of(store: LocalStore, path: str) -> str:
    rows = {row["path"]: row["etag"] for row in store.list().to_pylist()}
    return str(rows[path])


def test_list_gives_all_files_sorted_by_bytes(tmp_path: Path) -> None:
    for path in ("b", "a/z", "a/a b+%20é", "a.txt", "Z", ".hidden", "_SUCCESS"):
        write(tmp_path, path)
    listed = LocalStore(str(tmp_path)).list()
    assert listed.schema == LISTING_SCHEMA
    names = listed["path"].to_pylist()
    assert names == sorted(names, key=str.encode)
    assert set(names) == {"b", "a/z", "a/a b+%20é", "a.txt", "Z", ".hidden", "_SUCCESS"}


def test_list_tells_size_and_time(tmp_path: Path) -> None:
    file = write(tmp_path, "a", b"12345")
    os.utime(file, ns=(0, 1_700_000_000_123_456_789))
    row = LocalStore(str(tmp_path)).list().to_pylist()[0]
    assert row["size"] == 5
    assert row["modified"] == datetime.fromtimestamp(1_700_000_000, UTC).replace(microsecond=123_456)
    assert row["storage_class"] is None


def test_list_below_a_prefix_keeps_the_whole_path(tmp_path: Path) -> None:
    write(tmp_path, "year=2026/a")
    write(tmp_path, "year=20/b")
    store = LocalStore(str(tmp_path))
    assert paths(store, "year=2026/") == ["year=2026/a"]
    assert paths(store, "year=1/") == []


def test_empty_files_are_listed(tmp_path: Path) -> None:
    write(tmp_path, "empty", b"")
    assert LocalStore(str(tmp_path)).list()["size"].to_pylist() == [0]


def test_an_empty_folder_lists_nothing(tmp_path: Path) -> None:
    assert LocalStore(str(tmp_path)).list().num_rows == 0


def test_a_missing_folder_is_not_found(tmp_path: Path) -> None:
    missing = str(tmp_path / "nope")
    for prefix in ("", "year=1/"):
        with pytest.raises(ObjectNotFoundError, match="Folder not found") as caught:
            LocalStore(missing).list(prefix)
        assert caught.value.location.startswith(missing)


def test_links_within_the_folder_are_followed(tmp_path: Path) -> None:
    write(tmp_path, "lake/data/x", b"abc")
    top = tmp_path / "top"
    top.symlink_to(tmp_path / "lake")
    (top / "file").symlink_to(tmp_path / "lake/data/x")
    (top / "folder").symlink_to("data")
    store = LocalStore(str(top))
    assert paths(store) == ["data/x", "file", "folder/x"]
    for path in paths(store):
        assert store.read(path, 0, 3, etag_of(store, path)) == b"abc"


@pytest.mark.parametrize("prefix", ["", "folder/"])
def test_what_a_link_leads_to_outside_is_listed_and_not_read(tmp_path: Path, prefix: str) -> None:
    write(tmp_path, "lake/x", b"abc")
    write(tmp_path, "lake2/sub/y", b"CANARY")
    lake = tmp_path / "lake"
    (lake / "file").symlink_to("../lake2/sub/y")
    (lake / "folder").symlink_to(tmp_path / "lake2")
    (tmp_path / "lake2/back").symlink_to(lake / "x")
    store = LocalStore(str(lake))
    outside = [path for path in ("file", "folder/sub/y") if path.startswith(prefix)]
    assert set(outside) <= set(store.list(prefix)["path"].to_pylist())
    for path in ("file", "folder/sub/y"):
        with pytest.raises(AccessDeniedError, match=r"link .* out of the lake's folder"):
            store.read(path, 0, 3, etag_of(store, path))
    assert store.read("folder/back", 0, 3, etag_of(store, "folder/back")) == b"abc"


def test_loops_of_links_end(tmp_path: Path) -> None:
    write(tmp_path, "a/x")
    write(tmp_path, "b/y")
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "to_b").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "to_a").symlink_to(tmp_path / "a")
    assert paths(LocalStore(str(tmp_path))) == [
        "a/to_b/y",
        "a/x",
        "b/to_a/x",
        "b/y",
    ]


def test_a_link_to_nothing_is_listed_empty(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to(tmp_path / "gone")
    rows = LocalStore(str(tmp_path)).list().to_pylist()
    assert [(row["path"], row["size"], row["etag"]) for row in rows] == [("broken", 0, None)]


def test_a_pipe_is_listed_empty_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert LocalStore(str(tmp_path)).list()["size"].to_pylist() == [0]


def test_a_name_that_is_not_unicode_is_named(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff")).write_bytes(b"x")
    with pytest.raises(StorageError, match=r"bad\\xff"):
        LocalStore(str(tmp_path)).list()


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.lists(NAMES))
def test_any_file_name_round_trips(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    root = tmp_path_factory.mktemp("names")
    wanted = {name for name in names if name not in (".", "..")}
    for name in wanted:
        (root / name).write_bytes(name.encode())
    store = LocalStore(str(root))
    rows = store.list().to_pylist()
    assert {row["path"] for row in rows} == wanted
    for row in rows:
        assert store.read(row["path"], 0, row["size"], row["etag"]).decode() == row["path"]


def test_read_gives_the_range(tmp_path: Path) -> None:
    write(tmp_path, "a", bytes(range(100)))
    store = LocalStore(str(tmp_path))
    etag = etag_of(store, "a")
    assert store.read("a", 10, 5, etag) == bytes(range(10, 15))
    assert store.read("a", 99, 1, etag) == b"\x63"
    assert store.read("a", 0, 0, None) == b""


@pytest.mark.parametrize("body", [b"rewritten", b"xxxxx", b""])
def test_a_replaced_file_is_not_read(tmp_path: Path, body: bytes) -> None:
    write(tmp_path, "a", b"first")
    store = LocalStore(str(tmp_path))
    etag = etag_of(store, "a")
    write(tmp_path, "new", body)
    os.replace(tmp_path / "new", tmp_path / "a")
    with pytest.raises(ObjectChangedError, match="run the query again"):
        store.read("a", 0, 5, etag)


def test_a_deleted_file_was_changed(tmp_path: Path) -> None:
    file = write(tmp_path, "a", b"first")
    store = LocalStore(str(tmp_path))
    etag = etag_of(store, "a")
    file.unlink()
    with pytest.raises(ObjectChangedError, match="gone"):
        store.read("a", 0, 5, etag)
    with pytest.raises(ObjectNotFoundError):
        store.read("a", 0, 5, None)


def test_a_file_that_ends_early_is_never_read_short(tmp_path: Path) -> None:
    write(tmp_path, "a", b"first")
    with pytest.raises(ObjectChangedError, match="before byte 9"):
        LocalStore(str(tmp_path)).read("a", 0, 9, None)


def test_a_held_file_written_in_place_is_noticed(tmp_path: Path) -> None:
    file = write(tmp_path, "a", b"first")
    os.utime(file, ns=(0, 1))
    with PinnedFile(str(file), None) as pinned:
        assert pinned.read(0, 5) == b"first"
        with file.open("r+b") as stream:
            stream.write(b"FIRST")
        with pytest.raises(ObjectChangedError, match="written to"):
            pinned.read(0, 5)


def test_a_held_file_survives_being_renamed_over(tmp_path: Path) -> None:
    file = write(tmp_path, "a", b"first")
    with PinnedFile(str(file), None) as pinned:
        os.replace(write(tmp_path, "b", b"other"), file)
        assert pinned.read(0, 5) == b"first"


def test_a_file_that_may_not_be_read_is_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, "a")

    def refuse(path: str, *_: object) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "open", refuse)  # the tests may run as root, whom no mode stops
    with pytest.raises(AccessDeniedError, match=str(file)):
        LocalStore(str(tmp_path)).read("a", 0, 1, None)


def test_a_folder_that_may_not_be_listed_is_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "secret/a")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(AccessDeniedError, match="secret"):
        LocalStore(str(tmp_path)).list()


def test_a_folder_deleted_while_listing_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a")
    write(tmp_path, "going/b")
    scandir = os.scandir

    def vanish(path: str) -> object:
        if path.endswith("going"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanish)
    assert paths(LocalStore(str(tmp_path))) == ["a"]


def test_a_failing_disk_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a")

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(StorageUnavailableError, match="Input/output error"):
        LocalStore(str(tmp_path)).read("a", 0, 1, None)


def test_one_file_is_a_store_of_its_folder(tmp_path: Path) -> None:
    file = write(tmp_path, "lake/a b.csv", b"12")
    write(tmp_path, "lake/other.csv")
    store = open_store(str(file))
    assert store.root == str(tmp_path / "lake")
    assert [row["path"] for row in store.list().to_pylist()] == ["a b.csv"]
    assert store.list("sub/").num_rows == 0
    assert store.read("a b.csv", 0, 2, None) == b"12"
    file.unlink()
    with pytest.raises(ObjectNotFoundError):
        store.list()
