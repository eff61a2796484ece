"""Which objects are data."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.catalog import objects
from lakeq.catalog.objects import (
    StoredFile,
    count_ignored,
    data_objects,
    judge_objects,
    objects_below,
    settle_formats,
    sort_listing,
    spread,
    take_spread,
)
from lakeq.errors import ObjectNotFoundError
from tests.catalog.memory_store import PARQUET, ROWS, MemoryStore, make_store

JSON = b'{"a": 1}\n{"a": 2}\n'


def judge(store: MemoryStore, declared: str | None = None, root: str = "") -> dict[str, tuple[str, str]]:
    """Format and reason of every object, by path."""
    rows = settle_formats(judge_objects(sort_listing(store.list()), root), store, declared).to_pylist()
    return {row["path"]: (row["format"], row["reason"]) for row in rows}


def kept(store: MemoryStore, declared: str | None = None, root: str = "") -> dict[str, str]:
    """The format of every object that is data."""
    return {path: kind for path, (kind, reason) in judge(store, declared, root).items() if reason is None}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("t/.a.csv", "hidden"),
        ("t/_a.csv", "hidden"),
        ("t/_a/b=1/x.csv", "hidden"),
        ("t/.a=1/x.csv", "hidden"),
        ("t/_metadata", "hidden"),
        ("t/_common_metadata", "hidden"),
        ("t/_SUCCESS", "hidden"),
        ("_temporary/x.csv", "temporary"),
        ("t/_TeMpOrArY/0/a=1/x.csv", "temporary"),
        ("t/_temporary", "temporary"),
        ("t/_delta_log/0.json", "Delta log"),
        ("t/x.csv._COPYING_", "copy in progress"),
        ("t_$folder$", "folder marker"),
        ("t/year=2026_$folder$", "folder marker"),
        ("t/sub/", "folder marker"),
        ("t/README.md", "not a known format"),
        ("t/photo.PNG", "not a known format"),
        ("lakeq.toml", "lake definition"),
    ],
)
def test_what_is_no_data_is_ignored_for_a_reason_without_being_opened(path: str, reason: str) -> None:
    store = make_store([path])
    assert reason in judge(store)[path][1]
    assert store.opened == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("_x=1/a.csv", "csv"),
        ("t/_x=1.csv", "csv"),
        ("t/a.TSV", "csv"),
        ("t/a.csv.gz", "csv"),
        ("t/a.json.zst", "json"),
        ("t/a.ndjson", "json"),
        ("t/part-0.c000.snappy.parquet", "parquet"),
        ("t/a.orc", "orc"),
        ("_temporaryish=1/a.csv", "csv"),
        ("t/a b+c%&é.csv", "csv"),
    ],
)
def test_names_tell_formats_without_opening(path: str, kind: str) -> None:
    store = make_store([path])
    assert kept(store) == {path: kind}
    assert store.opened == []


def test_empty_objects_are_ignored_whatever_their_name() -> None:
    store = make_store({"a.csv": b"", "b.parquet": b"", "c": b""})
    assert {reason for _, reason in judge(store).values()} == {"empty object (0 bytes)"}


def test_names_above_the_root_hide_nothing() -> None:
    store = make_store(["_staging/.tmp/a.csv", "_staging/.tmp/_b.csv"])
    assert kept(store, root="_staging/.tmp/") == {"_staging/.tmp/a.csv": "csv"}


def test_names_that_do_not_tell_are_opened() -> None:
    store = make_store({"a/part-0": ROWS, "b/part-0": PARQUET, "c/part-0.dat": JSON, "d/x": b"\x89PNG\r\n"})
    assert kept(store) == {"a/part-0": "csv", "b/part-0": "parquet", "c/part-0.dat": "json"}
    assert judge(store)["d/x"][1] == "not a known format"


def test_of_many_alike_only_a_few_are_opened() -> None:
    store = make_store([f"t/day={day}/part-{part}" for day in range(50) for part in range(20)])
    assert set(kept(store).values()) == {"csv"}
    assert len(set(store.opened)) <= 3


def test_where_samples_disagree_every_file_is_told_apart() -> None:
    objects = {f"t/{kind}/part-{n}": body for kind, body in (("x", ROWS), ("y", JSON)) for n in range(9)}
    objects |= {"t/z/0": ROWS, "t/z/1": JSON, "t/z/2": ROWS}
    expected = {path: "json" if body is JSON else "csv" for path, body in objects.items()}
    assert kept(make_store(objects)) == expected


def test_an_object_that_cannot_be_opened_is_ignored_and_says_so() -> None:
    class ClosedStore(MemoryStore):
        def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
            raise ObjectNotFoundError("gone", path)

    store = ClosedStore({"t/part-0": ROWS})
    assert judge(store)["t/part-0"] == (None, "could not be opened to tell its format")


def test_a_declared_text_format_is_believed_unopened() -> None:
    store = make_store({"a.tbl": ROWS, "b": b"one\n", "c.json": JSON, "d.png": b"x", "_e": ROWS})
    assert kept(store, "csv") == {"a.tbl": "csv", "b": "csv"}
    assert judge(store, "csv")["c.json"][1] == "not csv, the declared format"
    assert store.opened == []


def test_a_declared_binary_format_is_checked_where_names_do_not_tell() -> None:
    store = make_store(
        {"a/f": PARQUET, "b/dir.txt": b"some words\n", "c/f.csv": ROWS, "d/f.parquet": PARQUET}
    )
    assert kept(store, "parquet") == {"a/f": "parquet", "d/f.parquet": "parquet"}


def test_ignored_objects_are_counted_by_reason() -> None:
    paths = {f"t/_x{n}": b"12345" for n in range(7)} | {"t/a.md": b"1", "t/a.csv": ROWS}
    store = make_store(paths)
    hidden, unknown = count_ignored(settle_formats(judge_objects(store.list()), store, None))
    assert (hidden.count, hidden.size, hidden.examples) == (7, 35, tuple(f"t/_x{n}" for n in range(5)))
    assert (unknown.reason, unknown.count, unknown.size) == ("not a known format", 1, 1)
    assert data_objects(settle_formats(judge_objects(store.list()), store, None)).num_rows == 1


def test_a_place_holds_what_is_below_it_and_nothing_beside_it() -> None:
    paths = ["t", "t-1/f", "t/a/f", "t/f", "t0", "t2/f", "s/f", "é/f"]
    listing = sort_listing(make_store(paths).list())

    def below(place: str) -> list[str]:
        return objects_below(listing, place).column("path").to_pylist()

    assert below("t/") == ["t/a/f", "t/f"]
    assert below("t") == ["t"]
    assert below("é/") == ["é/f"]
    assert below("") == sorted(paths)
    assert below("u/") == []


def test_a_stored_file_reads_the_listed_version() -> None:
    store = make_store({"a.csv": ROWS})
    file = StoredFile(store, "a.csv", len(ROWS), "v1")
    assert file.path == "s3://bucket/lake/a.csv"
    assert file.read(3, 5) == ROWS[3:8]


def test_a_spread_has_both_ends() -> None:
    assert list(spread(range(100), 3)) == [0, 49, 99]
    assert list(spread(range(3), 5)) == [0, 1, 2]


@pytest.mark.parametrize(("rows", "taken"), [(0, []), (1, [0]), (3, [0, 1, 2]), (9, [0, 4, 8])])
def test_a_spread_of_rows_has_the_ends(rows: int, taken: list[int]) -> None:
    assert take_spread(pa.table({"n": range(rows)}), 3)["n"].to_pylist() == taken


ends = st.sampled_from(
    ["a", "b.csv", ".csv.gz", "_x", ".h", "c._COPYING_", "d/", "e_$folder$", "x.parquet", ""]
)


@settings(max_examples=30)
@given(st.lists(st.tuples(ends, ends).map("/".join), max_size=4))
def test_the_quick_ways_tell_what_the_patterns_tell(paths: list[str]) -> None:
    column = pa.array([*paths, *paths], pa.string())
    slow = [found["suffix"] for path in column.to_pylist() if (found := re.search(objects._SUFFIX, path))]
    assert objects._split_suffixes(column).to_pylist() == slow
    fits = any(re.search(pattern, path) for path in paths for _, pattern in objects._REASONS)
    assert objects._any_odd(column) or not fits
