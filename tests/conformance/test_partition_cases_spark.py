"""Partition cases of Spark, as transcribed in tests/data/cases.

Where lakeq's rule agrees, every case is run. Where it differs on purpose, a test says so and why.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lakeq.catalog.definitions import define_table
from lakeq.catalog.hive_names import NULL_TEXT, escape_hive
from lakeq.errors import PartitionLayoutError
from tests.catalog.memory_store import PARQUET, ROWS, make_store, only_table, tables_by_name
from tests.conformance.partition_cases import found_keys, load_cases, read, type_values

SPARK = load_cases("spark_partition")


def relative(path: str, base: str) -> str:
    """A folder as the path of a file in it, relative to the table's root."""
    inside = re.sub(r"^\w+://[^/]*", "", path).removeprefix(base).strip("/")
    return f"{inside}/f.csv" if inside else "f.csv"


SPARK_TYPES = {
    "integer": pa.int64(),
    "long": pa.int64(),
    "double": pa.float64(),
    "string": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "null": pa.string(),
}


def spark_type(name: str) -> pa.DataType:
    """lakeq has one integer and one decimal type, and NULLs alone are text."""
    return pa.decimal128(38, 0) if name.startswith("decimal") else SPARK_TYPES[name]


@pytest.mark.parametrize(
    "case", [c for c in SPARK["value_type_inference"] if c.get("type") not in (None, "time")], ids=str
)
def test_spark_value_types(case: dict[str, Any]) -> None:
    value = None if case["value"] == NULL_TEXT else case["value"]
    others = ["AA"] if "when" in case else []
    kind, values = type_values([value, *others])
    assert kind == spark_type(case["type"])
    if kind == pa.string():
        assert values[0] == value


def test_spark_declared_text_is_not_inferred() -> None:
    (case,) = [c for c in SPARK["value_type_inference"] if "declared_type" in c]
    assert type_values([case["value"]], pa.string()) == (pa.string(), [case["result"]])


@pytest.mark.parametrize(
    "case", [c for c in SPARK["value_type_inference"] if c.get("type") == "time"], ids=str
)
def test_differs_from_spark_times_of_day_are_text(case: dict[str, Any]) -> None:
    """Athena has no TIME partition type; text keeps what the folder says."""
    assert type_values([case["value"]]) == (pa.string(), [case["value"]])


@pytest.mark.parametrize(
    "case",
    [c for c in SPARK["parse_one_path"] if c.get("spec") and "why" not in c],
    ids=str,
)
def test_spark_one_path(case: dict[str, Any]) -> None:
    found = read([relative(case["path"], "/path")])
    assert [(key, values.type) for key, values in found.items()] == [
        (key, spark_type(kind)) for key, _, kind in case["spec"]
    ]


@pytest.mark.parametrize("case", [c for c in SPARK["parse_one_path"] if "_temporary" in c["path"]], ids=str)
def test_spark_temporary_paths_are_no_data(case: dict[str, Any]) -> None:
    store = make_store([relative(case["path"], "")])
    assert tables_by_name(store.objects) == {}


def test_spark_an_empty_key_is_an_error() -> None:
    (case,) = [c for c in SPARK["parse_one_path"] if c.get("error") == "Empty partition column name"]
    with pytest.raises(PartitionLayoutError, match="no key"):
        read([relative(case["path"], "/path")])


def test_differs_from_spark_an_empty_value_is_a_value() -> None:
    """As in DuckDB: '' for text, NULL for a typed column. One such folder must not block a table."""
    assert type_values([""]) == (pa.string(), [""])
    assert type_values(["", "1"]) == (pa.int64(), [None, 1])


def test_differs_from_spark_a_plain_folder_between_keys_is_an_error() -> None:
    """Spark drops the keys above it in silence."""
    (case,) = [c for c in SPARK["parse_one_path"] if "b_hello" in c["path"]]
    with pytest.raises(PartitionLayoutError, match="not key=value above"):
        read([relative(case["path"], "/path")])


def test_spark_discovery_stops_at_the_table_root() -> None:
    assert found_keys(only_table(["f.csv"], root="/path/a=10")) == []
    assert found_keys(only_table(["a=10/f.csv"], root="/path")) == ["a"]


MANY = [c for c in SPARK["parse_many_paths"] if c.get("paths") and c["columns"]]


def spark_value(text: Any, kind: pa.DataType) -> Any:
    if text is None or pa.types.is_string(kind):
        return text
    if pa.types.is_timestamp(kind):
        return datetime.fromisoformat(text)
    return Decimal(text) if pa.types.is_decimal(kind) else text


@pytest.mark.parametrize("case", MANY, ids=lambda c: c["paths"][-1])
def test_spark_many_paths(case: dict[str, Any]) -> None:
    declared = {} if case.get("inference", True) else dict.fromkeys(case["columns"], "text")
    paths = [relative(path, "/path") for path in case["paths"]]
    table = only_table(paths, define_table("t", ".", partition_types=declared))
    kinds = {column.name: column.type for column in table.partition_columns}
    assert kinds == {key: spark_type(kind) for key, kind in case["columns"].items()}
    values = zip(*(table.files.column(f"value_{i}").to_pylist() for i in range(len(kinds))), strict=True)
    expected = [
        tuple(spark_value(text, kind) for text, kind in zip(row, kinds.values(), strict=True))
        for row in case["rows"]
    ]
    assert sorted(values, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("case", [c for c in SPARK["parse_many_paths"] if "common_type" in c], ids=str)
def test_spark_common_types(case: dict[str, Any]) -> None:
    assert type_values(case["values"])[0] == spark_type(case["common_type"])


def test_differs_from_spark_plain_sibling_folders_are_a_partition_level() -> None:
    """Glue's rule: alike folders are one table, and their names are its column."""
    (case,) = [c for c in SPARK["parse_many_paths"] if c.get("why") == "unpartitioned"]
    assert found_keys(only_table([relative(path, "") for path in case["paths"]])) == ["partition_0"]


def spark_conflicts(*, fine: bool) -> list[dict[str, Any]]:
    """The cases of whole directory trees under one root."""
    return [
        case
        for case in SPARK["conflicting_layout"]
        if "declared" not in case and case.get("base", "") is not None and ("ok" in case) is fine
    ]


@pytest.mark.parametrize("case", spark_conflicts(fine=True), ids=lambda c: c["base"])
def test_spark_layouts_without_conflict(case: dict[str, Any]) -> None:
    base = case["base"].rstrip("/")
    paths = [relative(path, base) for path in case["paths"] if path.rstrip("/") != base]
    assert found_keys(only_table(paths, root=base)) == ["a", "b"]


def test_spark_plain_folders_beside_keys_conflict() -> None:
    case = SPARK["conflicting_layout"][4]
    problem = only_table([relative(path, "/path") for path in case["paths"]]).problem
    assert isinstance(problem, PartitionLayoutError)
    assert "path1" in str(problem)


def test_differs_from_spark_other_tables_beside_a_broken_one_are_read() -> None:
    """Spark loads one path as one table; in a lake one broken table must not hide the others."""
    case = SPARK["conflicting_layout"][5]
    tables = tables_by_name([relative(path, "/tmp/tables") for path in case["paths"]])
    assert isinstance(tables["partitionedTable"].problem, PartitionLayoutError)
    assert tables["nonPartitionedTable1"].problem is None


def test_differs_from_spark_without_a_base_path_the_lake_holds_two_tables() -> None:
    """Spark refuses the two folders as one table of two structures."""
    case = SPARK["conflicting_layout"][0]
    tables = tables_by_name([relative(path, "") for path in case["paths"]])
    assert {name: found_keys(table) for name, table in tables.items()} == {
        "invalidPath": [],
        "path": ["a", "b"],
    }


@pytest.mark.parametrize("number", [6, 7, 8])
def test_spark_conflicting_keys_name_both_lists(number: int) -> None:
    case = SPARK["conflicting_layout"][number]
    paths = [
        path.replace("<base>", "").removesuffix(" (file)").strip("/") + ("" if number == 8 else "/f.csv")
        for path in case["paths"]
    ]
    objects = {path.removeprefix("tmp/foo/"): PARQUET if number == 8 else ROWS for path in paths}
    problem = only_table(objects).problem
    assert isinstance(problem, PartitionLayoutError)
    told = {problem.expected.partition(" in ")[0], problem.found.partition(" in ")[0]}
    assert told == {", ".join(names) for names in case.get("message_lists", [["col1"], ["col1", "col2"]])}


def test_spark_keys_of_another_case_are_one_column() -> None:
    case = next(c for c in SPARK["conflicting_layout"] if c.get("case_sensitive") is False)
    paths = [path.removeprefix("/") for path in case["paths"]]
    table = only_table(paths, define_table("t", "t", format="csv"))
    assert len(table.files) == case["partitions"]
    assert len(table.partition_columns) == 1


def test_spark_a_value_that_does_not_fit_its_declared_type_is_an_error() -> None:
    """Also where Spark's validation is off and gives NULL: a wrong value is never a NULL in silence."""
    with pytest.raises(PartitionLayoutError, match="'foo'"):
        read(["a=foo/text.txt"], declared={"a": pa.int32()})


def test_differs_from_spark_paths_spell_a_column_not_its_declared_type() -> None:
    """SQL names know no case, and `$partition` shows the path as it is."""
    assert list(read(["a=foo/text.txt"], declared={"A": pa.string()})) == ["a"]


SPARK_SUMMARIES = ("_metadata", "_common_metadata")


@pytest.mark.parametrize(
    "case", [c for c in SPARK["hidden_files"] if "hidden" in c and c["name"] not in SPARK_SUMMARIES], ids=str
)
def test_spark_hidden_files(case: dict[str, Any]) -> None:
    store = make_store([f"t/{case['name']}"])
    assert (tables_by_name(store.objects) == {}) is case["hidden"]


@pytest.mark.parametrize("name", SPARK_SUMMARIES)
def test_differs_from_spark_summary_files_are_never_read(name: str) -> None:
    """Spark opens them for footers; lakeq reads the footer of each file, which cannot be out of date."""
    assert tables_by_name([f"t/{name}"]) == {}


@pytest.mark.parametrize("name", ["p0=0/_metadata", "p0=0/.dummy"])
def test_spark_hidden_files_do_not_break_discovery(name: str) -> None:
    assert found_keys(only_table([f"t/{name}", "t/p0=0/p1=0/f.csv"])) == ["p0", "p1"]


def test_spark_a_root_that_looks_like_a_key_is_no_column() -> None:
    paths = [f"b={n}/c={n}/d={n}/f.csv" for n in range(1, 4)]
    assert found_keys(only_table(paths, root="/dir/key=value")) == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("root", "keys"), [("/d", ["p1", "p2"]), ("/d/p1=1", ["p2"]), ("/d/p1=1/p2=foo", [])]
)
def test_spark_keys_are_those_below_the_root(root: str, keys: list[str]) -> None:
    inside = root.removeprefix("/d").removeprefix("/")
    paths = [f"p1={a}/p2={b}/f.csv" for a in (1, 2) for b in ("foo", "bar")]
    below = [path.removeprefix(inside).removeprefix("/") for path in paths if path.startswith(inside)]
    assert found_keys(only_table(below, root=root)) == keys


@pytest.mark.parametrize("value", SPARK["escaping_roundtrip"]["values"])
@pytest.mark.parametrize("key", [*SPARK["escaping_roundtrip"]["column_names"], "p"])
def test_spark_escaped_names_are_read_back(key: str, value: str) -> None:
    found = read([f"{escape_hive(key)}={escape_hive(value)}/f"])
    assert {name: values.to_pylist() for name, values in found.items()} == {key: [value]}
