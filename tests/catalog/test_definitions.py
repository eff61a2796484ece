"""Declared tables and lakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lakeq.catalog.definitions import define_table, load_definition
from lakeq.catalog.layout import FLAT, Layout, parse_template
from lakeq.errors import ConfigError
from lakeq.formats.base import Column

LAKE = r"""
location = "s3://bucket/data"

[storage]
endpoint_url = "http://127.0.0.1:5000"

[tables.orders]
location = "orders/"
layout = "{product}/"
format = "csv"
delimiter = "|"
header = false
quote = ""
null = "\\N"

[tables.orders.columns]
id = "bigint"
at = "timestamp"

[tables.orders.partition_types]
product = "text"

[tables.clicks]

[views]
recent = "select * from orders"

[pricing]
dollars_per_terabyte = 5

[limits]
max_bytes = "10GB"
"""


def test_a_definition_holds_all_that_was_declared() -> None:
    lake = load_definition(LAKE)
    assert lake.location == "s3://bucket/data"
    assert lake.storage == {"endpoint_url": "http://127.0.0.1:5000"}
    assert lake.views == {"recent": "select * from orders"}
    assert lake.pricing == {"dollars_per_terabyte": 5}
    assert lake.limits == {"max_bytes": "10GB"}
    orders, clicks = lake.tables
    assert (orders.name, orders.location, orders.format) == ("orders", "orders", "csv")
    assert orders.layout == parse_template("{product}/")
    assert (orders.options.delimiter, orders.options.header) == ("|", False)
    assert (orders.options.quote, orders.options.null) == ("", "\\N")
    assert orders.options.columns == (Column("id", pa.int64()), Column("at", pa.timestamp("us")))
    assert orders.partition_types == {"product": pa.string()}
    assert (clicks.name, clicks.location, clicks.layout, clicks.format) == ("clicks", "clicks", None, None)


def test_register_and_toml_declare_alike() -> None:
    registered = define_table(
        "orders",
        "./orders/",
        layout="{product}/",
        format="csv",
        delimiter="|",
        header=False,
        quote="",
        null="\\N",
        columns={"id": "bigint", "at": pa.timestamp("us")},
        partition_types={"product": "text"},
    )
    assert registered == load_definition(LAKE).tables[0]


def test_what_is_not_declared_is_none() -> None:
    table = define_table("t", "t", layout=None, format=None, delimiter=None, header=None, columns=None)
    assert table == define_table("t", "t")
    assert table.options.columns is None


def test_layouts_are_declared_by_name_or_template() -> None:
    assert define_table("t", "t", layout="flat").layout == FLAT
    assert define_table("t", "t", layout="hive").layout == Layout("hive")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("locatoin = 'x'", "Unknown setting 'locatoin' in lakeq.toml. Did you mean 'location'?"),
        ("[tables.t]\ndelimeter = ','", "'delimeter' in [tables.t] in lakeq.toml. Did you mean 'delimiter'?"),
        ("[tables.t]\nformat = 'parket'", "Unknown format 'parket' of table 't'. Did you mean 'parquet'?"),
        (
            "[tables.t]\nformat = 'xlsx'",
            "Unknown format 'xlsx' of table 't'. Known are: parquet, orc, csv, json.",
        ),
        ("[tables.t]\ndelimiter = ';;'", "must be one character"),
        ("[tables.t]\ndelimiter = ''", "must be one character"),
        ("[tables.t]\nheader = 'no'", "must be true or false"),
        ("[tables.t]\nnull = 0", "must be a text"),
        ("[tables.t]\nlocation = 3", "location of table 't' must be a text"),
        ("[tables.t]\nlocation = '../other'", "leaves the lake"),
        ("[tables.t]\nlayout = '{year'", "without its partner"),
        ("[tables.t.columns]\nid = 'bigintt'", "Column 'id' of table 't'"),
        ("[tables.t.columns]\nid = 3", "type of column 'id' of table 't' must be a text"),
        ("[tables.t]\ncolumns = 'id'", "must map names to types"),
        ("[tables]\nt = 'orders'", "[tables.t] in lakeq.toml must be a table of settings"),
        ("tables = 3", "[tables] in lakeq.toml must be a table of settings"),
        ("[views]\nv = 3", "View 'v' in lakeq.toml must be a text"),
        ("[tables.t]\n[tables.T]", "declares 'T' twice"),
        ("[tables.t]\n[views]\nT = 'select 1'", "declares 'T' twice"),
        ("location = 'x", "not valid TOML"),
        ("[tables.'']", "needs a name"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_definition(text)
    assert message in str(caught.value)


def test_an_unknown_argument_is_named() -> None:
    with pytest.raises(ConfigError, match=r"Unknown setting 'delim' in table 't'\. Did you mean 'delimiter'"):
        define_table("t", "t", delim=",")


@pytest.mark.parametrize(
    ("location", "base", "expected"),
    [
        ("", "/lakes/a", "/lakes/a"),
        ("location = '.'", "/lakes/a", "/lakes/a"),
        ("location = 'data/'", "/lakes/a", "/lakes/a/data"),
        ("location = './data'", "s3://bucket/x/", "s3://bucket/x/data"),
        ("location = '/data'", "/lakes/a", "/data"),
        ("location = '~/data'", "/lakes/a", "~/data"),
        ("location = 's3://bucket/x/'", "/lakes/a", "s3://bucket/x/"),
    ],
)
def test_a_relative_location_is_resolved_from_the_base(location: str, base: str, expected: str) -> None:
    assert load_definition(location, base).location == expected


@pytest.mark.parametrize("convert", [Path, str])
def test_a_file_is_the_base_of_its_lake(tmp_path: Path, convert: Any) -> None:
    (tmp_path / "lakeq.toml").write_text("location = 'data'", encoding="utf-8")
    assert load_definition(convert(tmp_path / "lakeq.toml")).location == f"{tmp_path}/data"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Cannot read .*absent\.toml"):
        load_definition(tmp_path / "absent.toml")
    (tmp_path / "lakeq.toml").write_bytes(b"location = '\xff'")
    with pytest.raises(ConfigError, match="Cannot read"):
        load_definition(tmp_path / "lakeq.toml")


@pytest.mark.parametrize(
    ("location", "absolute"), [("orders", False), ("/orders", True), ("s3://b/orders", True), ("~/o", True)]
)
def test_only_full_locations_stand_by_themselves(location: str, absolute: bool) -> None:
    assert define_table("t", location).is_absolute is absolute
