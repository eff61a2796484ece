"""The tables of a lake."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.catalog.definitions import define_table
from lakeq.catalog.discovery import discover_lake, discover_table, discover_tables
from lakeq.catalog.hive_names import NULL_TEXT
from lakeq.errors import ConfigError, ObjectNotFoundError, PartitionLayoutError
from lakeq.formats.base import Column
from lakeq.storage.base import LISTING_SCHEMA
from lakeq.storage.stores import open_store
from tests.catalog.memory_store import OTHER, PARQUET, ROWS, discover, make_store, only_table, tables_by_name

LAKE = {
    "events/year=2026/month=01/a.parquet": PARQUET,
    "events/year=2026/month=2/b.parquet": PARQUET,
    "events/_SUCCESS": b"x",
    "events/year=2026/_temporary/0/c.parquet": PARQUET,
    "orders/2026/11/05/a.csv": ROWS,
    "orders/2026/11/6/a.csv": ROWS,
    "prices/tea/a.csv": ROWS,
    "prices/coffee/a.csv": ROWS,
    "misc/people.csv": OTHER,
    "misc/prices.csv": ROWS,
    "people.csv": OTHER,
    "broken/a=1/f.csv": ROWS,
    "broken/b=1/f.csv": ROWS,
    "README.md": b"# Lake",
}


def test_every_kind_of_table_is_found() -> None:
    tables = tables_by_name(LAKE)
    found = {name: (table.format, table.layout.template, len(table.files)) for name, table in tables.items()}
    assert found == {
        "events": ("parquet", "year={year}/month={month}/", 2),
        "orders": ("csv", "{year:int}/{month:int}/{day:int}/", 2),
        "prices": ("csv", "{partition_0}/", 2),
        "misc_people": ("csv", "", 1),
        "misc_prices": ("csv", "", 1),
        "people": ("csv", "", 1),
        "broken": ("csv", "", 0),
    }
    assert {name for name, table in tables.items() if table.problem is not None} == {"broken"}


def test_files_carry_raw_and_typed_values() -> None:
    table = tables_by_name(LAKE)["events"]
    assert table.partition_columns == (Column("year", pa.int64()), Column("month", pa.int64()))
    assert table.files.schema.names == [*LISTING_SCHEMA.names, "raw_0", "value_0", "raw_1", "value_1"]
    assert table.files.column("raw_1").to_pylist() == ["01", "2"]
    assert table.files.column("value_1").to_pylist() == [1, 2]
    assert table.files.column("path").to_pylist() == [
        "events/year=2026/month=01/a.parquet",
        "events/year=2026/month=2/b.parquet",
    ]
    assert (table.location, table.store_root) == ("s3://bucket/lake/events", "s3://bucket/lake")


def test_nothing_depends_on_the_order_of_the_listing() -> None:
    store = make_store(LAKE)
    expected = discover_lake(store.list(), store)
    for seed in range(20):
        paths = random.Random(seed).sample(sorted(LAKE), len(LAKE))
        shuffled = make_store({path: LAKE[path] for path in paths})
        found = discover_lake(shuffled.list(), shuffled)
        assert [str(table) for table in found.tables] == [str(table) for table in expected.tables]
        assert found.ignored == expected.ignored


def test_ignored_objects_are_told_of_the_table_they_lie_in() -> None:
    lake = discover(LAKE)
    events = next(table for table in lake.tables if table.name == "events")
    assert [(group.reason[:6], group.examples) for group in events.ignored] == [
        ("hidden", ("events/_SUCCESS",)),
        ("tempor", ("events/year=2026/_temporary/0/c.parquet",)),
    ]
    assert [(group.reason, group.examples) for group in lake.ignored] == [
        ("not a known format", ("README.md",))
    ]


def test_every_object_is_in_one_table_or_counted_as_ignored() -> None:
    lake = discover({path: body for path, body in LAKE.items() if not path.startswith("broken/")})
    files = sum(len(table.files) for table in lake.tables)
    ignored = sum(group.count for table in lake.tables for group in table.ignored)
    assert files + ignored + sum(group.count for group in lake.ignored) == len(LAKE) - 2


def test_discovering_by_names_opens_nothing() -> None:
    store = make_store(
        [f"h/d={day}/p{part}.csv" for day in range(9) for part in range(3)]
        + [f"t/2026/{month}/p.csv" for month in range(1, 13)]
        + ["flat/part-0001.csv", "flat/part-0002.csv"]
    )
    assert len(discover_tables(store.list(), store)) == 3
    assert store.opened == []


def test_a_lake_of_local_files_is_discovered_alike(tmp_path: Path) -> None:
    for path, body in LAKE.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(body)
    store = open_store(str(tmp_path))
    local = {table.name: table for table in discover_tables(store.list(), store)}
    for name, table in tables_by_name(LAKE).items():
        assert local[name].layout == table.layout
        assert local[name].files.column("path").to_pylist() == table.files.column("path").to_pylist()
        assert local[name].location == f"{tmp_path}{table.location.removeprefix('s3://bucket/lake')}"


def test_an_empty_lake_has_no_tables() -> None:
    assert discover([]).tables == ()
    lake = discover({"README.md": b"x", "empty.csv": b""})
    assert lake.tables == ()
    assert sum(group.count for group in lake.ignored) == 2


def test_keys_that_begin_with_a_slash_are_in_a_folder_without_a_name() -> None:
    assert sorted(
        tables_by_name(["/q.csv", "/r.csv", "a/f.csv"])["lake"].files.column("path").to_pylist()
    ) == [
        "/q.csv",
        "/r.csv",
        "a/f.csv",
    ]
    assert isinstance(only_table(["a=1/f.csv", "/q.csv"]).problem, PartitionLayoutError)


TIMES = ["2025", "2026", "11", "2026-11-05"]
KEYS = ["a=1", "a=2", "A=1", "b=x", "=1", "a=%FF", f"a={NULL_TEXT}"]
FOLDERS = st.sampled_from([*TIMES, *KEYS, "eu", "us", "_h", "_temporary", "", "é", "x y"])
FILES = st.sampled_from(
    ["f.csv", "g.csv", "p.parquet", "q.json", "_SUCCESS", "README.md", "part-0", "f_$folder$"]
)
PATHS = st.tuples(st.lists(FOLDERS, max_size=4), FILES).map(lambda parts: "/".join([*parts[0], parts[1]]))


@settings(deadline=None)
@given(st.dictionaries(PATHS, st.sampled_from([ROWS, OTHER, PARQUET, b""]), max_size=12), st.randoms())
def test_whatever_lies_in_a_lake_is_found_once_in_any_order(objects: dict[str, bytes], chance: Any) -> None:
    lake = discover(objects)
    names = [table.name.casefold() for table in lake.tables]
    assert len(set(names)) == len(names)
    read = [path for table in lake.tables for path in table.files.column("path").to_pylist()]
    assert len(set(read)) == len(read)
    ignored = [group for table in lake.tables for group in table.ignored] + list(lake.ignored)
    if all(table.problem is None for table in lake.tables):
        assert len(read) + sum(group.count for group in ignored) == len(objects)
    shuffled = chance.sample(sorted(objects), len(objects))
    assert str(discover({path: objects[path] for path in shuffled})) == str(lake)


# --- Hive -------------------------------------------------------------------------------------------


def test_a_hive_table_lies_at_any_depth() -> None:
    assert set(tables_by_name(["a/b/c/d=1/e=2/f.csv", "a/x/d=1/f.csv"])) == {"a_b_c", "a_x"}


@pytest.mark.parametrize(
    ("root", "name"),
    [("s3://bucket/lake", "lake"), ("s3://bucket", "bucket"), ("/data/k=v", "k=v"), ("/", "lake")],
)
def test_the_root_may_be_the_table_and_keys_above_it_are_no_columns(root: str, name: str) -> None:
    table = only_table(["a=1/f.csv", "a=2/f.csv"], root=root)
    assert table.name == name
    assert [column.name for column in table.partition_columns] == ["a"]


@pytest.mark.parametrize(
    "paths",
    [
        ["t/a=1/f.csv", "t/b=1/f.csv"],
        ["t/a=1/f.csv", "t/a=1/b=2/f.csv"],
        ["t/a=1/f.csv", "t/f.csv"],
        ["t/a=1/f.csv", "t/old/f.csv"],
        ["t/a=1/f.csv", "t/old/b=1/f.csv"],
        ["t/a=1/a=2/f.csv"],
        ["t/=1/f.csv"],
        ["t/a=%FF/f.csv"],
    ],
)
def test_a_broken_hive_table_hides_no_other(paths: list[str]) -> None:
    tables = tables_by_name([*paths, "good/a=1/f.csv"])
    problem = tables["t"].problem
    assert isinstance(problem, PartitionLayoutError)
    assert problem.location == "s3://bucket/lake/t"
    assert tables["t"].files.schema == LISTING_SCHEMA
    assert len(tables["t"].files) == 0
    assert len(tables["good"].files) == 1


# --- names ------------------------------------------------------------------------------------------


def test_names_that_clash_are_numbered_by_location_and_say_so() -> None:
    tables = tables_by_name({"a/b/f.csv": ROWS, "A_B/f.csv": OTHER, "a_b.csv": OTHER, "a/c/f.csv": OTHER})
    assert set(tables) == {"A_B", "a_b_2", "a_b_3", "a_c"}
    assert tables["a_b_2"].location == "s3://bucket/lake/a/b"
    assert tables["a_b_2"].evidence[-1] == "named 'a_b_2' because 'a_b' is another table"


def test_a_declared_name_stands() -> None:
    tables = tables_by_name({"t/f.csv": ROWS, "u/a=1/f.csv": ROWS}, define_table("T", "u"))
    assert tables["T"].location == "s3://bucket/lake/u"
    assert tables["t_2"].location == "s3://bucket/lake/t"


def test_a_delta_log_is_told_of() -> None:
    table = only_table(["t/part-1.parquet", "t/_delta_log/0.json"])
    assert any("Delta log" in sentence for sentence in table.evidence)


# --- declared tables --------------------------------------------------------------------------------


def test_a_definition_overrides_what_would_be_guessed() -> None:
    table = only_table(
        {"orders/tea/2026/f.tbl": b"1|2\n", "orders/coffee/2025/f.tbl": b"3|4\n"},
        define_table(
            "o", "orders/", layout="{product}/{year:bigint}/", format="csv", delimiter="|", header=False
        ),
    )
    assert (table.name, table.format, table.problem) == ("o", "csv", None)
    assert table.partition_columns == (Column("product", pa.string()), Column("year", pa.int64()))
    assert (table.options.delimiter, table.options.header) == ("|", False)


def test_objects_of_a_definition_are_in_no_other_table() -> None:
    tables = tables_by_name(
        ["t/a=1/f.csv", "t/a=2/f.csv", "t/old/f.csv", "t2/f.csv"], define_table("old", "t/old")
    )
    assert {name: (len(table.files), table.problem) for name, table in tables.items()} == {
        "old": (1, None),
        "t": (2, None),
        "t2": (1, None),
    }


def test_two_definitions_may_share_a_location() -> None:
    tables = tables_by_name(
        {"t/f.csv": ROWS, "t/f.json": b'{"x": 1}\n'},
        define_table("c", "t", format="csv"),
        define_table("j", "t", format="json"),
    )
    assert {name: table.files.column("path").to_pylist() for name, table in tables.items()} == {
        "c": ["t/f.csv"],
        "j": ["t/f.json"],
    }
    assert tables["c"].ignored[0].reason == "not csv, the declared format"


def test_a_definition_may_be_one_file_or_the_root() -> None:
    paths = ["t/a.csv", "t/b.csv", "t/c.csv"]
    tables = tables_by_name(paths, define_table("one", "t/a.csv"))
    assert tables["one"].files.column("path").to_pylist() == ["t/a.csv"]
    assert tables["t"].files.column("path").to_pylist() == ["t/b.csv", "t/c.csv"]
    assert len(only_table(paths, define_table("all", ".", layout="flat")).files) == 3


@pytest.mark.parametrize(
    "location", ["s3://bucket/lake/t", "s3a://bucket/lake/t", "s3://bucket/lake/t/", "t", "./t/"]
)
def test_a_location_in_full_below_the_root_is_that_folder(location: str) -> None:
    assert len(only_table(["t/f.csv"], define_table("x", location)).files) == 1


def test_a_location_elsewhere_is_left_to_its_own_store() -> None:
    definition = define_table("x", "s3://other/t", layout="{year:int}/")
    assert set(tables_by_name(["u/a=1/f.csv", "x/a=1/f.csv"], definition)) == {"u", "x_2"}
    store = make_store(["2026/f.csv"], root="s3://other/t")
    table = discover_table(store.list(), store, definition)
    assert (table.name, table.location, len(table.files)) == ("x", "s3://other/t", 1)


@pytest.mark.parametrize(
    ("paths", "template"),
    [
        (["t/a=1/f.csv"], "a={a}/"),
        (["t/2026/11/f.csv"], "{year:int}/{month:int}/"),
        (["t/eu/f.csv"], "{partition_0}/"),
        (["t/eu/f.csv", "t/f.csv"], ""),
        (["t/f.csv"], ""),
    ],
)
def test_a_definition_without_a_layout_takes_the_one_its_names_show(paths: list[str], template: str) -> None:
    table = only_table(paths, define_table("t", "t"))
    assert (table.layout.template, len(table.files), table.problem) == (template, len(paths), None)


def test_declared_hive_keys_may_lie_in_a_folder_that_names_would_hide() -> None:
    table = only_table(["_staging/a=1/f.csv"], define_table("s", "_staging", layout="hive"))
    assert (len(table.files), table.problem) == (1, None)


@pytest.mark.parametrize(
    ("declared", "kind", "message"),
    [
        ({"layout": "{year:int}/{month:int}/"}, PartitionLayoutError, "different depths"),
        ({"layout": "v{n}/"}, PartitionLayoutError, "does not fit its layout"),
        ({"layout": "{year:date}/"}, PartitionLayoutError, "'2026'"),
        ({"partition_types": {"month": "int"}}, ConfigError, "no partition column 'month'"),
        ({"format": "json"}, ObjectNotFoundError, "no data files"),
    ],
)
def test_a_definition_that_does_not_fit_is_a_problem_of_its_table(
    declared: dict[str, object], kind: type[Exception], message: str
) -> None:
    tables = tables_by_name(["t/2026/f.csv", "u/f.csv"], define_table("t", "t", **declared))
    assert isinstance(tables["t"].problem, kind)
    assert message in str(tables["t"].problem)
    assert tables["u"].problem is None


def test_a_definition_of_nothing_is_a_problem() -> None:
    problem = only_table([], define_table("t", "absent")).problem
    assert isinstance(problem, ObjectNotFoundError)
    assert "s3://bucket/lake/absent" in str(problem)


def test_declared_partition_types_win() -> None:
    table = only_table(["t/a=01/f.csv"], define_table("t", "t", partition_types={"A": "text"}))
    assert table.partition_columns == (Column("a", pa.string()),)
    assert table.files.column("value_0").to_pylist() == ["01"]
