"""Partition texts from paths."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from lakeq.catalog.layout import FLAT, Layout, parse_template
from lakeq.catalog.partition_texts import split_directories, split_partitions
from lakeq.errors import PartitionLayoutError


def split(paths: list[str], layout: Layout | str = "hive") -> dict[str, list[str | None]]:
    chosen = layout if isinstance(layout, Layout) else Layout("hive")
    found = split_partitions(pa.array(paths, pa.string()), chosen, "s3://b/t")
    return dict(zip(found.layout.keys, (texts.to_pylist() for texts in found.texts), strict=True))


def test_values_are_the_texts_after_the_first_equals_sign() -> None:
    assert split(["a=1/b==x/f", "a=01/b=1=2/f"]) == {"a": ["1", "01"], "b": ["=x", "1=2"]}


def test_paths_are_split_before_they_are_decoded() -> None:
    assert split(["a=x%2Fy/b=1%3D2/f"]) == {"a": ["x/y"], "b": ["1=2"]}


def test_keys_are_decoded_too() -> None:
    assert split(["%3D=1/a%20b=2/f"]) == {"=": ["1"], "a b": ["2"]}


def test_only_the_default_partition_is_null() -> None:
    assert split([f"a={text}/f" for text in ("__HIVE_DEFAULT_PARTITION__", "NULL", "null", "")]) == {
        "a": [None, "NULL", "null", ""]
    }


def test_an_escaped_default_partition_is_text() -> None:
    assert split(["a=%5F_HIVE_DEFAULT_PARTITION__/f"]) == {"a": ["__HIVE_DEFAULT_PARTITION__"]}


def test_plus_stays_plus() -> None:
    assert split(["a=x+y/f"]) == {"a": ["x+y"]}


def test_keys_stand_in_any_order_and_the_commonest_is_kept() -> None:
    found = split(["b=1/a=2/f", "a=3/b=4/f", "a=5/b=6/g"])
    assert list(found) == ["a", "b"]
    assert found == {"a": ["2", "3", "5"], "b": ["1", "4", "6"]}


def test_keys_that_differ_in_case_are_one_column_as_most_spell_it() -> None:
    assert split(["a=1/f", "A=2/f", "A=3/f"]) == {"A": ["1", "2", "3"]}


def test_values_that_differ_in_case_are_two_values() -> None:
    assert split(["p=a/f", "p=A/f"]) == {"p": ["a", "A"]}


def test_unicode_forms_of_one_letter_are_two_values() -> None:
    assert split(["p=\u00e9/f", "p=e\u0301/f"]) == {"p": ["\u00e9", "e\u0301"]}


def test_folders_below_the_last_key_belong_to_the_file() -> None:
    assert split(["a=1/sub/f", "a=2/f", "a=3/x/y/f"]) == {"a": ["1", "2", "3"]}


def test_an_equals_sign_in_the_file_name_is_no_key() -> None:
    assert split(["a=1/b=2.csv"]) == {"a": ["1"]}


@pytest.mark.parametrize(
    ("paths", "expected", "found"),
    [
        (["a=1/f", "b=1/f"], "a in 'a=1/f'", "b in 'b=1/f'"),
        (["a=1/f", "a=1/b=2/f", "a=2/f"], "a in 'a=1/f'", "a, b in 'a=1/b=2/f'"),
        (["a=1/f", "f"], "a in 'a=1/f'", "no keys in 'f'"),
        (["a=1/f", "a=2/f", "old/f"], "a in 'a=1/f'", "no keys in 'old/f'"),
    ],
)
def test_differing_keys_name_two_paths(paths: list[str], expected: str, found: str) -> None:
    with pytest.raises(PartitionLayoutError) as caught:
        split(paths)
    assert (caught.value.expected, caught.value.found) == (expected, found)
    assert caught.value.location == "s3://b/t"
    assert expected in str(caught.value)
    assert found in str(caught.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("x=1/x=2/f", "one key twice"),
        ("a=1/A=2/f", "one key twice"),
        ("=1/f", "no key before its '='"),
        ("a=%AF/f", "not UTF-8"),
        ("%AF=1/f", "not UTF-8"),
        ("a=1/sub/b=2/f", "not key=value above one that is"),
    ],
)
@pytest.mark.parametrize("others", [[], ["a=1/f", "x=1/y=2/f"]])
def test_a_path_that_cannot_be_read_is_named(path: str, message: str, others: list[str]) -> None:
    with pytest.raises(PartitionLayoutError, match=message) as caught:
        split([path, *others])
    assert repr(path) in str(caught.value)


@pytest.mark.parametrize("path", ["f", "x/f"])
def test_a_hive_layout_without_keys_is_refused(path: str) -> None:
    with pytest.raises(PartitionLayoutError, match="no key=value folders"):
        split([path])
    with pytest.raises(PartitionLayoutError, match="a as declared, but no keys in"):
        split([path], parse_template("a={a}/"))


def test_what_is_found_does_not_depend_on_the_order_of_paths() -> None:
    paths = [f"{k}={i}/{m}={i % 3}/f{i}" for i in range(20) for k, m in [("a", "b"), ("B", "A")]]
    expected = split(sorted(paths))
    for seed in range(5):
        shuffled = random.Random(seed).sample(paths, len(paths))
        found = split(shuffled)
        assert list(found) == list(expected)
        assert sorted(zip(shuffled, *found.values(), strict=True)) == sorted(
            zip(sorted(paths), *expected.values(), strict=True)
        )


def test_declared_hive_keys_must_be_the_keys() -> None:
    layout = parse_template("Year={Year:int}/month={month}/")
    assert split(["month=1/year=2026/f"], layout) == {"Year": ["2026"], "month": ["1"]}
    with pytest.raises(PartitionLayoutError, match="month, year as declared, but year in 'year=1/f'"):
        split(["year=1/f"], layout)


def test_a_template_reads_fields_by_position() -> None:
    layout = parse_template("v1/dt={day:date}/{product}-{region}/")
    assert split(["v1/dt=2026-11-05/tea-eu-west/f"], layout) == {
        "day": ["2026-11-05"],
        "product": ["tea"],
        "region": ["eu-west"],
    }


def test_a_template_decodes_values_and_knows_null() -> None:
    layout = parse_template("{a}/{b}/")
    found = split(["x%2Fy/__HIVE_DEFAULT_PARTITION__/f", "+/%/f"], layout)
    assert found == {"a": ["x/y", "+"], "b": [None, "%"]}


@pytest.mark.parametrize(
    ("paths", "expected", "found"),
    [
        (["2026/11/f", "2026/f"], "2026/11/f", "2026/f"),
        (["2026/11/f", "f"], "2026/11/f", "f"),
        (["f"], "{year}/m{month}/", "f"),
        (["2026/11/f"], "m{month}", "2026/11/f"),
    ],
)
def test_paths_that_do_not_fit_a_template_are_named(paths: list[str], expected: str, found: str) -> None:
    text = "{year}/m{month}/" if len(paths) == 1 else "{year}/{month}/"
    with pytest.raises(PartitionLayoutError) as caught:
        split(paths, parse_template(text))
    assert (caught.value.expected, caught.value.found) == (expected, found)


def test_a_template_tolerates_folders_below_its_last() -> None:
    assert split(["2026/a/f", "2025/f"], parse_template("{year}/")) == {"year": ["2026", "2025"]}


def test_invalid_utf8_in_a_template_is_refused() -> None:
    with pytest.raises(PartitionLayoutError, match="not UTF-8"):
        split(["%AF/f"], parse_template("{a}/"))


def test_a_flat_layout_has_no_keys() -> None:
    assert split(["a=1/f", "x/y/f"], FLAT) == {}


def test_no_paths_have_no_texts() -> None:
    assert split([], parse_template("{a}/{b}/")) == {"a": [], "b": []}
    assert split([]) == {}


def test_directories_are_those_of_the_paths() -> None:
    found = split_directories(pa.array(["f", "a/f", "a/b/f", "a/g", "/f", "a//f"]))
    assert found.to_pylist() == ["", "a/", "a/b/", "a/", "/", "a//"]
