"""Which folders and files make one table."""

from __future__ import annotations

from datetime import date

import pytest

from lakeq.catalog.grouping import table_stem
from lakeq.catalog.layout import FLAT
from lakeq.errors import PartitionLayoutError, SchemaConflictError
from tests.catalog.memory_store import OTHER, PARQUET, ROWS, discover, only_table, tables_by_name

# --- folders of times -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("2026", "{year:int}/"),
        ("2026/1", "{year:int}/{month:int}/"),
        ("2026/11/05", "{year:int}/{month:int}/{day:int}/"),
        ("2026/11/05/00", "{year:int}/{month:int}/{day:int}/{hour:int}/"),
        ("2026-11-05", "{date:date}/"),
        ("2026-11-05/13", "{date:date}/{hour:int}/"),
    ],
)
def test_folders_of_times_are_a_table_even_a_single_one(path: str, template: str) -> None:
    table = only_table([f"t/{path}/f.csv"])
    assert (table.name, table.layout.template, len(table.files)) == ("t", template, 1)


def test_times_at_the_root_are_a_table_named_after_it() -> None:
    table = only_table(["2026-11-05/f.csv", "2026-11-06/f.csv"])
    assert table.name == "lake"
    assert table.files.column("value_0").to_pylist() == [date(2026, 11, 5), date(2026, 11, 6)]


@pytest.mark.parametrize(
    "paths",
    [
        ["t/2026/f.csv", "t/2025/11/f.csv"],
        ["t/2026/11/f.csv", "t/2026/f.csv"],
        ["t/2026/11/f.csv", "t/f.csv"],
    ],
)
def test_times_at_several_depths_are_a_problem(paths: list[str]) -> None:
    problem = only_table(paths).problem
    assert isinstance(problem, PartitionLayoutError)
    assert {problem.expected, problem.found} == {path.removesuffix("f.csv") for path in paths}


def test_one_name_that_is_no_time_leaves_a_table_a_folder() -> None:
    tables = tables_by_name({"t/2026/f.csv": ROWS, "t/2025/f.csv": ROWS, "t/misc/f.csv": OTHER})
    assert set(tables) == {"t_2026", "t_2025", "t_misc"}


# --- sibling folders --------------------------------------------------------------------------------


def test_siblings_alike_are_one_table_and_say_why() -> None:
    table = only_table([f"prices/p{n}/f.csv" for n in range(24)], root="s3://bucket/lake")
    assert table.name == "prices"
    assert "24 sibling folders hold csv with columns id, price" in table.evidence[0]
    assert table.evidence[-1] == "layout {partition_0}/, keys partition_0 in 24 of 24 paths"


def test_siblings_alike_at_the_root_are_one_table() -> None:
    table = only_table(["eu/f.csv", "us/f.csv"])
    assert (table.name, table.layout.template) == ("lake", "{partition_0}/")


def test_siblings_may_be_partitioned_by_time_below() -> None:
    table = only_table(["x/t/eu/2026/11/f.csv", "x/t/us/2026/12/f.csv"])
    assert (table.name, table.layout.template) == ("x_t", "{partition_0}/{year:int}/{month:int}/")


def test_tables_of_times_at_the_root_stay_tables_of_their_own() -> None:
    tables = tables_by_name(["clicks/2026/11/f.csv", "views/2026/11/f.csv"])
    assert set(tables) == {"clicks", "views"}
    for table in tables.values():
        assert table.layout.template == "{year:int}/{month:int}/"
        assert "stay tables of their own" in table.evidence[0]


@pytest.mark.parametrize(
    ("objects", "why"),
    [
        ({"t/a/f.csv": ROWS, "t/b/f.csv": OTHER}, "columns differ between 't/a/f.csv' and 't/b/f.csv'"),
        ({"t/a/f.csv": ROWS, "t/b/f.json": b'{"id": 1, "price": 2.5}\n'}, "formats csv, json"),
    ],
)
def test_siblings_that_differ_are_tables_of_their_own_and_say_why(
    objects: dict[str, bytes], why: str
) -> None:
    tables = tables_by_name(objects)
    assert set(tables) == {"t_a", "t_b"}
    assert all(any(why in sentence for sentence in table.evidence) for table in tables.values())


@pytest.mark.parametrize(
    "paths",
    [
        ["t/a/f.csv", "t/b/c/f.csv"],
        ["t/a/f.csv", "t/b/k=1/f.csv"],
        ["t/a/k=1/f.csv", "t/b/k=1/f.csv"],
        ["t/a/f.csv"],
    ],
)
def test_siblings_of_another_structure_are_not_one_table(paths: list[str]) -> None:
    assert not any(table.layout.kind == "template" for table in discover(paths).tables)
    assert len(discover(paths).tables) == len(paths)


# --- loose files ------------------------------------------------------------------------------------


def test_a_folder_of_parts_is_one_table() -> None:
    paths = [f"t/part-{n:05d}-{n:032x}.c000.csv" for n in range(20)]
    assert (only_table(paths).name, only_table(paths).layout) == ("t", FLAT)


def test_files_alike_under_other_names_are_one_table() -> None:
    assert only_table(["t/spring.csv", "t/autumn.csv"]).name == "t"


def test_files_that_differ_are_a_table_each_named_without_extensions() -> None:
    tables = tables_by_name({"t/people.csv": OTHER, "t/prices.TSV": ROWS.replace(b",", b"\t")})
    assert set(tables) == {"t_people", "t_prices"}
    assert tables["t_people"].location == "s3://bucket/lake/t/people.csv"
    assert any("columns differ" in sentence for sentence in tables["t_people"].evidence)


def test_a_single_file_at_the_root_is_named_after_itself() -> None:
    assert only_table(["events.v1.csv.gz"]).name == "events.v1"
    assert only_table(["part-1.csv", "part-2.csv"]).name == "lake"


def test_files_beside_folders_are_a_table_beside_theirs() -> None:
    tables = tables_by_name({"t/f.csv": OTHER, "t/a/f.csv": ROWS, "t/_x": b"1", "t/a/_y": b"1"})
    assert set(tables) == {"t", "t_a"}
    assert tables["t"].files.column("path").to_pylist() == ["t/f.csv"]
    assert [group.examples for group in tables["t"].ignored] == [("t/_x",)]
    assert [group.examples for group in tables["t_a"].ignored] == [("t/a/_y",)]


@pytest.mark.parametrize("paths", [["t/f.csv", "t/f.parquet"], ["t/part-1.csv", "t/part-22.parquet"]])
def test_a_csv_beside_its_parquet_is_a_problem_that_names_both(paths: list[str]) -> None:
    table = only_table({path: PARQUET if path.endswith("parquet") else ROWS for path in paths})
    assert isinstance(table.problem, SchemaConflictError)
    assert table.problem.paths == tuple(paths)
    assert "format='csv'" in str(table.problem)


def test_files_of_several_formats_with_other_names_are_a_table_each() -> None:
    assert set(tables_by_name({"t/a.csv": ROWS, "t/b.json": b'{"x": 1}\n'})) == {"t_a", "t_b"}


def test_two_formats_in_one_partitioned_table_are_a_problem() -> None:
    table = only_table({"t/a=1/f.csv": ROWS, "t/a=2/f.json": b'{"x": 1}\n'})
    assert isinstance(table.problem, SchemaConflictError)
    assert table.problem.types == ("csv", "json")


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("a/b.csv", "a/b"),
        ("a/b.CSV.gz", "a/b"),
        ("b.c000.snappy.parquet", "b.c000"),
        ("b.v1", "b.v1"),
        ("a.csv/b", "a.csv/b"),
        ("csv", "csv"),
    ],
)
def test_a_stem_has_no_extension_of_a_format(path: str, stem: str) -> None:
    assert table_stem(path) == stem
