"""The folder tree and its labels."""

from __future__ import annotations

import pytest

from lakeq.catalog.folders import Folder, build_folders, label_levels, labelled_layout
from lakeq.catalog.objects import judge_objects, sort_listing
from tests.catalog.memory_store import make_store


def build(paths: list[str], root: str = "") -> Folder:
    return build_folders(judge_objects(sort_listing(make_store(paths).list()), root), root)


def test_a_folder_knows_what_lies_below() -> None:
    tree = build(["a/x/1.csv", "a/x/2.json", "a/y/1.csv", "b/1.csv", "0.csv"])
    assert [child.path for child in tree.children] == ["a/", "b/"]
    assert tree.formats == {"csv": 1}
    assert tree.height is None
    first, second = tree.children
    assert (first.height, second.height) == (1, 0)
    assert [leaf.path for leaf in tree.leaves()] == ["", "a/x/", "a/y/", "b/"]
    assert first.children[0].formats == {"csv": 1, "json": 1}
    assert first.level_names() == [{"x", "y"}]


def test_a_hive_table_is_one_node_whatever_lies_in_it() -> None:
    tree = build(["t/a=1/f.csv", "t/other/f.csv", "t/a=2/x/b=1/f.csv", "t/f.csv", "u/f.csv"])
    table, other = tree.children
    assert (table.is_hive, table.has_hive, table.children, table.formats) == (True, True, (), {"csv": 4})
    assert not other.has_hive
    assert tree.has_hive
    assert not tree.is_hive


def test_key_value_folders_at_the_root_make_the_root_a_hive_table() -> None:
    tree = build(["a=1/f.csv", "b/c=1/f.csv"])
    assert tree.is_hive
    assert tree.children == ()


def test_paths_are_relative_to_the_root_asked_for() -> None:
    tree = build(["x/a=1/b/2026/f.csv"], "x/a=1/b/")
    assert [child.path for child in tree.children] == ["2026/"]
    assert not tree.has_hive


def test_a_path_of_very_many_folders_is_no_trouble() -> None:
    tree = build(["a/" * 2_000 + "f.csv"])
    assert tree.height == 2_000


def test_empty_folder_names_are_folders() -> None:
    tree = build(["a//f.csv", "b/f.csv"])
    assert tree.children[0].children[0].path == "a//"


@pytest.mark.parametrize(
    ("levels", "labels"),
    [
        ([{"2025", "2026"}], "year"),
        ([{"2025"}, {"1", "12"}, {"01", "31"}, {"0", "23"}], "year month day hour"),
        ([{"2025"}, {"13"}], "year partition_0"),
        ([{"2025"}, {"0"}], "year partition_0"),
        ([{"2025", "x"}, {"1"}], "partition_0 partition_1"),
        ([{"1899"}], "partition_0"),
        ([{"2101"}], "partition_0"),
        ([{"2100"}], "year"),
        ([{"20250"}], "partition_0"),
        ([{"٢٠٢٥"}], "partition_0"),
        ([{"2026-02-28"}], "date"),
        ([{"2026-02-30"}], "partition_0"),
        ([{"2026-02-28"}, {"00", "23"}], "date hour"),
        ([{"2026-02-28"}, {"24"}], "date partition_0"),
        ([{"eu", "us"}, {"2026"}, {"11"}], "partition_0 year month"),
        ([{"2026"}, {"1"}, {"eu"}, {"x"}], "year month partition_0 partition_1"),
        ([{"2026"}, {"11"}, {"2026"}], "year month partition_0"),
        ([{"2026"}, {"11"}, {"5"}, {"3"}, {"2026"}], "year month day hour partition_0"),
    ],
)
def test_levels_are_labelled_by_their_names(levels: list[set[str]], labels: str) -> None:
    assert label_levels(levels) == tuple(labels.split())


def test_labels_make_a_layout() -> None:
    assert labelled_layout(("date", "hour")).template == "{date:date}/{hour:int}/"
    assert labelled_layout(("partition_0", "year")).template == "{partition_0}/{year:int}/"
