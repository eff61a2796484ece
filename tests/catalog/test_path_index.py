"""A listing on disk answers as one in memory does, with whatever was listed over it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lakeq.catalog import known_objects, path_index_writer
from lakeq.catalog.known_objects import KeyRange, KnownObjects, folder_range
from lakeq.catalog.objects import sum_objects
from lakeq.catalog.path_index import TOP, PathIndex, open_path_index
from lakeq.catalog.path_index_writer import write_path_index
from lakeq.errors import CatalogError
from lakeq.storage.base import LISTING_SCHEMA

EVERYTHING = folder_range("")
names = st.sampled_from(["a", "a b", "b=1", "b=10", "b=2", "_x", "é", "0"])
paths = st.lists(names, min_size=1, max_size=4).map("/".join)


def listing(found: set[str], etag: str | None = '"e"') -> pa.Table:
    rows = [
        {"path": path, "size": len(path), "etag": etag, "modified": n, "storage_class": "STANDARD"}
        for n, path in enumerate(sorted(found))
    ]
    return pa.Table.from_pylist(rows, LISTING_SCHEMA)


def write(folder: Path, rows: pa.Table, most_runs: int = 1000, at: float = 10.0) -> PathIndex:
    parts = [rows.slice(first, 5) for first in range(0, rows.num_rows, 5)]
    write_path_index(folder, parts, EVERYTHING, at, "inventory", most_runs=most_runs)
    index = open_path_index(folder)
    assert index is not None
    return index


def some_ranges(found: set[str]) -> list[KeyRange]:
    edges = sorted({"", *found, *(f"{path}0" for path in found)})
    return [KeyRange(edges[i], edges[j]) for i in range(len(edges)) for j in range(i + 1, len(edges), 7)]


def folders_of(found: set[str]) -> set[str]:
    return {"", *(path[: at + 1] for path in found for at, letter in enumerate(path) if letter == "/")}


@settings(max_examples=15, phases=[Phase.generate])
@given(
    st.sets(paths, min_size=1, max_size=14),
    st.lists(st.tuples(paths, st.booleans(), st.sets(paths, max_size=4)), max_size=3),
    st.sampled_from([1, 3, 1000]),
)
def test_a_listing_on_disk_tells_what_one_in_memory_tells(
    found: set[str], listed: list[tuple[str, bool, set[str]]], most_runs: int
) -> None:
    small = mock.patch.multiple(path_index_writer, GROUP_ROWS=2, PART_GROUPS=2)
    with tempfile.TemporaryDirectory() as folder, small:
        rows = listing(found)
        memory = KnownObjects()
        memory.put_range(EVERYTHING, rows, 10.0, is_inventory=True)
        disk = KnownObjects(large=write(Path(folder), rows, most_runs))
        seen = set(found)
        for step, (place, is_folder, now) in enumerate(listed):
            asked = folder_range(f"{place}/") if is_folder else KeyRange(place, f"{place}~")
            inside = {path for path in now if asked.start <= path < asked.stop}
            for known in (memory, disk):
                known.put_range(asked, listing(inside), 20.0 + step)
            seen |= inside
        for asked in some_ranges(seen):
            assert disk.slice(asked).to_pylist() == memory.slice(asked).to_pylist()
            assert disk.age_of(asked) == memory.age_of(asked)
            assert disk.inventory_of(asked) == memory.inventory_of(asked)
            assert disk.head(asked, 3).to_pylist() == memory.slice(asked).slice(0, 3).to_pylist()
        for name in folders_of(seen):
            left, right = disk.folder(name), memory.folder(name)
            assert left.folders == right.folders
            assert left.objects.to_pylist() == right.objects.to_pylist()
        if most_runs > 3 and all(is_folder for _, is_folder, _ in listed):  # else runs are cut
            told, summed = disk.sum_files(EVERYTHING, 1), memory.sum_files(EVERYTHING, 1)
            assert (told.files, told.bytes) == (summed.files, summed.bytes)


@settings(max_examples=15)
@given(st.sets(paths, min_size=1, max_size=14), st.integers(0, 3))
def test_the_top_counts_the_files_that_are_data_and_when_the_newest_was_written(
    found: set[str], depth: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = listing(found)
        index = write(Path(folder), rows)
        for name in folders_of(found):
            asked = folder_range(name)
            inside = KnownObjects()
            inside.put_range(EVERYTHING, rows, 1.0)
            here = inside.slice(asked)
            told, summed = index.sum_files(asked, depth), sum_objects(here, depth)
            assert (told.files, told.bytes) == (summed.files, summed.bytes)
            assert index.count(asked) == here.num_rows
        assert sum(count for _, count, _, _ in index.ignored) + told_files(index) == len(found)


def told_files(index: PathIndex) -> int:
    return index.sum_files(EVERYTHING, 0).files


def test_more_runs_than_memory_is_to_hold_are_told_less_deep(tmp_path: Path) -> None:
    found = {f"t/day={day:02d}/hour={hour:02d}/a" for day in range(9) for hour in range(24)}
    index = write(tmp_path, listing(found), most_runs=20)
    assert index.levels == 2
    assert index.folder("t/", folder_range("t/")).folders[:2] == ("t/day=00/", "t/day=01/")
    day = "t/day=03/"
    assert len(index.folder(day, folder_range(day)).folders) == 24
    assert index.count(folder_range(day)) == 24


def test_more_objects_than_memory_is_to_hold_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_objects, "MOST_OBJECTS", 100)
    found = {f"t/day={day:02d}/{part}" for day in range(9) for part in range(20)}
    known = KnownObjects(large=write(tmp_path, listing(found)))
    assert known.count(EVERYTHING) == 180
    assert known.slice(folder_range("t/day=03/")).num_rows == 20
    with pytest.raises(CatalogError, match=r"180.*more than lakeq plans at once.*conditions on partition"):
        known.slice(EVERYTHING)


def test_what_was_listed_before_an_inventory_is_forgotten_and_what_came_after_is_kept(tmp_path: Path) -> None:
    known = KnownObjects()
    known.put_range(folder_range("a/"), listing({"a/old"}), 5.0)
    known.put_range(folder_range("b/"), listing({"b/new"}), 15.0)
    known.put_large(write(tmp_path, listing({"a/1", "b/1", "c/1"})))
    assert known.slice(EVERYTHING)["path"].to_pylist() == ["a/1", "b/new", "c/1"]
    assert [(part.range.start, part.at) for part in known.listed] == [("b/", 15.0)]
    again = KnownObjects()
    again.put_range(folder_range("b/"), listing({"b/new"}), 15.0)
    again.put_inventory(EVERYTHING, listing({"a/1", "b/1", "c/1"}), 10.0)
    assert again.slice(EVERYTHING)["path"].to_pylist() == ["a/1", "b/new", "c/1"]
    assert again.age_of(EVERYTHING) == 10.0


def test_an_index_that_is_damaged_is_none_or_an_error_and_never_an_answer(tmp_path: Path) -> None:
    rows = listing({f"t/{part:03d}" for part in range(100)}, '"0123456789abcdef0123456789abcdef"')
    index = write(tmp_path, rows)
    (part,) = tmp_path.glob("part-*")
    body = bytearray(part.read_bytes())
    for at in (len(body) // 3, len(body) - 20):
        wrong = bytearray(body)
        wrong[at] ^= 0xFF
        part.write_bytes(wrong)
        with pytest.raises(CatalogError, match="refresh"):
            index.slice(EVERYTHING)
    part.unlink()
    with pytest.raises(CatalogError, match="refresh"):
        index.slice(EVERYTHING)
    top = (tmp_path / TOP).read_bytes()
    (tmp_path / TOP).write_bytes(top[:50] + b"#" + top[51:])
    assert open_path_index(tmp_path) is None
    (tmp_path / TOP).unlink()
    assert open_path_index(tmp_path) is None
