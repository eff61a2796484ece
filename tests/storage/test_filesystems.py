"""Other fsspec filesystems: memory:// stands for them, and one that fails for their failures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import fsspec
import pytest

from lakeq.errors import (
    AccessDeniedError,
    ConfigError,
    ObjectChangedError,
    ObjectNotFoundError,
    StorageUnavailableError,
)
from lakeq.storage.base import LISTING_SCHEMA
from lakeq.storage.filesystems import FileSystemStore
from lakeq.storage.stores import open_store

_FOLDERS = itertools.count()


@pytest.fixture
def folder() -> Iterator[str]:
    """A folder of its own in the one memory filesystem."""
    name = f"/lake{next(_FOLDERS)}"
    memory = fsspec.filesystem("memory")
    memory.mkdir(name)
    yield name
    memory.rm(name, recursive=True)


def put(folder: str, path: str, body: bytes) -> None:
    fsspec.filesystem("memory").pipe_file(f"{folder}/{path}", body)


def test_list_and_read(folder: str) -> None:
    for path in ("b", "a/x y%20+é", "a.b"):
        put(folder, path, path.encode())
    store = open_store(f"memory://{folder}/")
    listed = store.list()
    assert listed.schema == LISTING_SCHEMA
    assert listed["path"].to_pylist() == ["a.b", "a/x y%20+é", "b"]
    assert store.root == f"memory://{folder}"
    assert not store.is_local
    assert store.url("b") == f"memory://{folder}/b"
    for row in listed.to_pylist():
        assert store.read(row["path"], 0, row["size"], row["etag"]).decode() == row["path"]
    assert store.list("a/")["path"].to_pylist() == ["a/x y%20+é"]
    assert store.list("c/").num_rows == 0
    assert store.read("a.b", 1, 2, None) == b".b"


def test_a_replaced_file_is_not_read(folder: str) -> None:
    put(folder, "a", b"first")
    store = open_store(f"memory://{folder}")
    etag = store.list()["etag"][0].as_py()
    put(folder, "a", b"other")
    with pytest.raises(ObjectChangedError, match="replaced"):
        store.read("a", 0, 5, etag)
    fsspec.filesystem("memory").rm_file(f"{folder}/a")
    with pytest.raises(ObjectChangedError, match="gone"):
        store.read("a", 0, 5, etag)
    with pytest.raises(ObjectNotFoundError):
        store.read("a", 0, 5, None)


def test_a_missing_folder_is_not_found(folder: str) -> None:
    with pytest.raises(ObjectNotFoundError, match="Nothing is stored under"):
        open_store(f"memory://{folder}/nope").list()


def test_an_empty_folder_lists_nothing(folder: str) -> None:
    assert open_store(f"memory://{folder}").list().num_rows == 0


def test_a_short_body_is_never_passed_off(folder: str) -> None:
    put(folder, "a", b"first")
    with pytest.raises(StorageUnavailableError, match="5 bytes from byte 0; 9 were asked for"):
        open_store(f"memory://{folder}").read("a", 0, 9, None)


def test_one_file_is_a_store_of_its_folder(folder: str) -> None:
    put(folder, "a", b"12")
    put(folder, "ab", b"34")
    store = open_store(f"memory://{folder}/a")
    assert store.list()["path"].to_pylist() == ["a"]
    assert store.list("b/").num_rows == 0
    assert store.root == f"memory://{folder}"


def test_an_option_that_the_filesystem_does_not_take_is_refused() -> None:
    with pytest.raises(ConfigError, match="Cannot open 'dask://"):
        open_store("dask://worker/x", nonsense=1)


class Failing:
    """A filesystem whose every call raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def unstrip_protocol(self, path: str) -> str:
        return f"failing://{path}"

    def invalidate_cache(self) -> None:
        """Nothing is cached."""

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> Any:
            raise self.error

        return fail


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PermissionError("user=me password=hush"), AccessDeniedError),
        (TimeoutError("password=hush"), StorageUnavailableError),
        (RuntimeError("password=hush"), StorageUnavailableError),
    ],
)
def test_what_a_filesystem_raises_is_translated_without_its_words(
    error: Exception, kind: type[Exception]
) -> None:
    store = FileSystemStore(Failing(error), "lake")
    for act in (store.list, lambda: store.read("a", 0, 1, None), lambda: store.read("a", 0, 1, "v")):
        with pytest.raises(kind, match="failing://lake") as caught:
            act()
        assert "hush" not in str(caught.value)
