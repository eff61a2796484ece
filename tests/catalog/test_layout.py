"""Layouts and their templates."""

from __future__ import annotations

import pickle

import pyarrow as pa
import pytest

from lakeq.catalog.layout import FLAT, Layout, hive_layout, parse_layout, parse_template
from lakeq.errors import ConfigError


def test_fields_have_names_and_types_and_every_integer_is_a_bigint() -> None:
    layout = parse_template("{year:int}/{month:bigint}/{product}/")
    assert layout.kind == "template"
    assert layout.keys == ("year", "month", "product")
    assert layout.types == (pa.int64(), pa.int64(), None)
    assert layout.declared_types == {"year": pa.int64(), "month": pa.int64()}


def test_the_last_slash_is_optional() -> None:
    assert parse_template("{a}/{b}") == parse_template("{a}/{b}/")


def test_a_template_of_key_equals_field_is_a_hive_layout() -> None:
    layout = parse_template("year={year:int}/month={month}/")
    assert layout.is_hive
    assert layout.keys == ("year", "month")


@pytest.mark.parametrize("text", ["dt={day:date}/", "dt={dt:date}/{product}/", "v1/k={k}/", "k={k}x/"])
def test_a_template_with_anything_else_is_positional(text: str) -> None:
    assert parse_template(text).kind == "template"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{year:in}/{month}/", r"character 7.*in"),
        ("{year/{month}/", r"'\{' without its partner at character 1"),
        ("year}/", r"'\}' without its partner at character 5"),
        ("a/{}/", "a field without a name at character 3"),
        ("{a}{b}/", "two fields with no text between them at character 4"),
        ("{a}//{b}/", "an empty folder name at character 5"),
        ("/{a}/", "an empty folder name at character 1"),
        ("{a}/{A}/", "names 'A' twice"),
        ("data/", "names no partition column"),
        ("", "an empty folder name at character 1"),
    ],
)
def test_what_is_wrong_in_a_template_is_pointed_at(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_template(text)


def test_flat_and_hive_are_declared_by_name() -> None:
    assert parse_layout("flat") == FLAT
    assert parse_layout("hive") == Layout("hive")
    assert parse_layout("{a}") == parse_template("{a}/")


def test_a_found_hive_layout_prints_as_a_template() -> None:
    assert hive_layout(("year", "month")).template == "year={year}/month={month}/"


def test_layouts_survive_pickling() -> None:
    layout = parse_template("{year:int}/{day:date}/")
    assert pickle.loads(pickle.dumps(layout)) == layout
