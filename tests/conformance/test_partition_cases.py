"""Partition cases of DuckDB, Polars, DataFusion and our own, as transcribed in tests/data/cases.

Where lakeq's rule agrees, every case is run. Where it differs on purpose, a test says so and why.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from lakeq.catalog.definitions import define_table
from lakeq.catalog.hive_names import NULL_TEXT, escape_hive
from lakeq.catalog.layout import Layout, parse_template
from lakeq.catalog.partition_texts import split_partitions
from lakeq.errors import ConfigError, LakeqError, PartitionLayoutError
from tests.catalog.memory_store import PARQUET, only_table, tables_by_name
from tests.conformance.partition_cases import found_keys, load_cases, read, type_values

DUCKDB = load_cases("duckdb_hive")
POLARS = load_cases("polars_hive")
DATAFUSION = load_cases("datafusion_partition")
OWN = load_cases("lakeq_own")

# --- DuckDB -----------------------------------------------------------------------------------------

DUCKDB_TYPES = {"BIGINT": pa.int64(), "VARCHAR": pa.string(), "TIMESTAMP": pa.timestamp("us")}


@pytest.mark.parametrize(
    "case", [c for c in DUCKDB["type_rules"] if isinstance(c.get("inferred"), str)], ids=str
)
def test_duckdb_inferred_types(case: dict[str, Any]) -> None:
    assert type_values(case["values"])[0] == DUCKDB_TYPES[case["inferred"]]


@pytest.mark.parametrize("day", ["2026-11-05"])
def test_duckdb_types_of_several_keys(day: str) -> None:
    path = f"season=1/director=ann/aired={day}/f"
    assert [v.type for v in read([path]).values()] == [pa.int64(), pa.string(), pa.date32()]
    declared = read([path], declared={"season": pa.int16(), "aired": pa.date32()})
    assert [v.type for v in declared.values()] == [pa.int16(), pa.string(), pa.date32()]
    with pytest.raises(PartitionLayoutError):
        read([path], declared={"season": pa.date32()})
    with pytest.raises(ConfigError, match="'seasons'"):
        read([path], declared={"seasons": pa.int16()})


def test_duckdb_a_value_that_cannot_be_cast_is_an_error() -> None:
    (case,) = [c for c in DUCKDB["type_rules"] if c.get("declared") == "smallint"]
    with pytest.raises(PartitionLayoutError):
        type_values(case["values"], pa.int16())


def test_duckdb_null_and_the_text_that_reads_like_it() -> None:
    case = DUCKDB["null_rules"][0]
    found = read([f"{folder}/f" for folder in case["dirs"]])["p"].to_pylist()
    assert found == [value for value, _ in case["read_back"]]


def test_duckdb_the_default_partition_is_null_for_every_type() -> None:
    case = DUCKDB["null_rules"][1]
    found = read([case["path"]], declared={key: pa.int32() for key in case["declared"]})
    assert [values[0].as_py() for values in found.values()] == case["row"][1:]


def test_duckdb_empty_and_null_texts_are_texts() -> None:
    assert read(["key=a/f", "key=/f", "key=NULL/f"])["key"].to_pylist() == ["a", "", "NULL"]


def test_differs_from_duckdb_null_text_makes_a_column_text() -> None:
    """DuckDB reads `NULL` as NULL in a typed column; here only the default partition is NULL, as in Spark."""
    assert type_values(["NULL", "1"]) == (pa.string(), ["NULL", "1"])


def test_duckdb_keys_stand_in_any_order() -> None:
    found = read(["part=a/date=2012-01-01/f", "date=2013-01-01/part=b/f"])
    assert found["part"].to_pylist() == ["a", "b"]
    assert found["date"].to_pylist() == [date(2012, 1, 1), date(2013, 1, 1)]


@pytest.mark.parametrize(
    "paths",
    [
        ["part=a/date=2012-01-01/f", "party=b/date=2013-01-01/f"],
        ["folder1/date=2012-01-01/f", "part=b/date=2013-01-01/f"],
        ["a=1/f", "f"],
    ],
)
def test_duckdb_mismatching_keys_are_an_error(paths: list[str]) -> None:
    with pytest.raises(PartitionLayoutError):
        read(paths)


def test_differs_from_duckdb_a_key_twice_in_a_path_is_an_error() -> None:
    """DuckDB takes the first in silence."""
    with pytest.raises(PartitionLayoutError, match="one key twice"):
        read(["x=1/x=2/test.parquet"])


def test_differs_from_duckdb_a_value_may_hold_an_equals_sign() -> None:
    """DuckDB takes `a=1=2` for no partition; Spark and Hive split at the first sign."""
    assert read(["a=1=2/f"])["a"].to_pylist() == ["1=2"]


def test_differs_from_duckdb_an_unhidden_question_mark_is_part_of_the_value() -> None:
    """DuckDB takes it for the begin of a URL's query; keys of object stores may hold it."""
    assert read(["a=x?y/f"])["a"].to_pylist() == ["x?y"]


def test_differs_from_duckdb_keys_are_decoded_as_values_are() -> None:
    """DuckDB decodes values alone; Hive escapes both when it writes."""
    assert list(read(["a%3Ab=x%3Ay/f"])) == ["a:b"]


def test_duckdb_partitions_of_other_files_are_left_out() -> None:
    names = {"a": ["dir.txt"], "b": ["test.csv"], "c": ["test.csv", "test.parquet"], "d": ["test.parquet"]}
    paths = [f"part={part}/{name}" for part, files in names.items() for name in files]
    table = only_table(paths, define_table("t", ".", format="parquet"))
    assert table.files.column("value_0").to_pylist() == ["c", "d"]


@pytest.mark.parametrize("value", DUCKDB["escape_roundtrip"]["values"])
def test_duckdb_escaped_values_are_read_back(value: str) -> None:
    assert type_values([value]) == (pa.string(), [value])


# --- Polars -----------------------------------------------------------------------------------------

POLARS_TYPES = {"Int64": pa.int64(), "Float64": pa.float64(), "String": pa.string()}


@pytest.mark.parametrize("case", POLARS["inference"], ids=str)
def test_polars_inferred_types(case: dict[str, Any]) -> None:
    paths = [path if path.endswith(".bin") else f"{path}f" for path in case["files"]]
    found = read(paths)["a"]
    assert (found.type, found.to_pylist()) == (POLARS_TYPES[case["dtype"]], case["values"])


@pytest.mark.parametrize(("root", "keys"), [("", ["a", "b"]), ("a=1/", ["b"]), ("a=1/b=1/", [])])
def test_polars_keys_are_those_below_the_root(root: str, keys: list[str]) -> None:
    folders = POLARS["directory_scan"]["layout"]
    paths = [f"{folder}/data.csv".removeprefix(root) for folder in folders if f"{folder}/".startswith(root)]
    assert found_keys(only_table(paths)) == keys


def test_polars_an_equals_sign_in_a_file_name_is_no_key() -> None:
    case = POLARS["filename_with_equals"]
    assert list(read([case["file"]])) == case["columns"]


@pytest.mark.parametrize("text", [*map(chr, range(32, 127)), *POLARS["roundtrip_values"]["utf8"]])
def test_polars_every_character_is_a_value(text: str) -> None:
    kind = pa.int64() if text.isdigit() else pa.string()
    assert type_values([text]) == (kind, [int(text) if text.isdigit() else text])


@pytest.mark.parametrize("name", ["date1", "date2"])
@pytest.mark.parametrize("escaped", [True, False])
def test_polars_dates_with_nulls(name: str, escaped: bool) -> None:
    texts = POLARS["dates"][name]
    spelled = [NULL_TEXT if t is None else escape_hive(t) if escaped else t for t in texts]
    found = read([f"d={text}/f" for text in spelled])["d"]
    moments = [None if text is None else datetime.fromisoformat(text) for text in texts]
    days = [moment and moment.date() for moment in moments]
    assert found.to_pylist() == (days if name == "date1" else moments)


# --- DataFusion -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "path", "keys", "values"), [c for c in DATAFUSION["parse"] if c[3] is not None]
)
def test_datafusion_values_of_a_path(table: str, path: str, keys: list[str], values: list[str]) -> None:
    inside = path.removeprefix(table.rstrip("/")).removeprefix("/")
    layout = parse_template("".join(f"{key}={{{key}}}/" for key in keys)) if keys else Layout("flat")
    if len(keys) < inside.count("="):
        with pytest.raises(PartitionLayoutError, match="as declared"):
            read([inside], layout)  # differs: DataFusion passes over a key that was not declared
        return
    assert [v[0].as_py() for v in read([inside], layout).values()] == values


@pytest.mark.parametrize(
    ("table", "path", "keys"),
    [
        (t, p, keys)
        for t, p, keys, values in DATAFUSION["parse"]
        if values is None and t != "bucket/othertable"
    ],
)
def test_datafusion_paths_without_the_keys_are_errors(table: str, path: str, keys: list[str]) -> None:
    """DataFusion passes over such files in silence."""
    inside = path.removeprefix(table).removeprefix("/")
    with pytest.raises(PartitionLayoutError):
        read([inside], parse_template("".join(f"{key}={{{key}}}/" for key in keys)))


@pytest.mark.parametrize("case", DATAFUSION["pruned_list"], ids=lambda c: c["objects"][0][0])
def test_differs_from_datafusion_files_without_the_keys_break_the_table(case: dict[str, Any]) -> None:
    """Stray files are an error, not data that is passed over in silence."""
    objects = {path.removeprefix("tablepath/"): PARQUET if size else b"" for path, size in case["objects"]}
    assert isinstance(only_table(objects).problem, PartitionLayoutError)


def test_datafusion_zero_padding_is_kept_as_text_and_lost_as_integers() -> None:
    files = next(c for c in DATAFUSION["sql"] if "files" in c)["files"]
    paths = [f"{folder}/f" for folder in files]
    assert read(paths, declared={"month": pa.string()})["month"].to_pylist() == ["09", "10", "10"]
    assert read(paths)["month"].to_pylist() == [9, 10, 10]


# --- our own ----------------------------------------------------------------------------------------

OWN_KINDS = {"int64": pa.int64(), "integer": pa.int64(), "date": pa.date32()}


@pytest.mark.parametrize("case", OWN["value_text_traps"], ids=lambda c: c["text"])
def test_texts_that_trap_parsers(case: dict[str, Any]) -> None:
    """Documented choices: `+5`, `1e5` and `true` are text, `007` is 7 with its text kept, `1.0` is double."""
    chosen = {"007": pa.int64(), "01": pa.int64(), "1.0": pa.float64()}
    chosen |= {"9223372036854775808": pa.decimal128(38, 0), "2024-01-01T00:00:00Z": pa.timestamp("us", "UTC")}
    kind = chosen.get(case["text"], OWN_KINDS.get(case.get("must_be"), pa.string()))
    raw = split_partitions(pa.array([f"p={escape_hive(case['text'])}/f"]), Layout("hive"))
    assert raw.texts[0].to_pylist() == [case["text"]]
    assert type_values([case["text"]])[0] == kind


@pytest.mark.parametrize("key", ["select", "a b", 'a"b', "k" * 300, "%3D", "é"])
def test_keys_that_trap_parsers(key: str) -> None:
    assert list(read([f"{escape_hive(key)}=1/f"])) == [key]


@pytest.mark.parametrize("paths", [["=1/f"], ["a=1/A=2/f"]])
def test_keys_that_are_errors(paths: list[str]) -> None:
    with pytest.raises(LakeqError):
        read(paths)


@pytest.mark.parametrize("case", OWN["lakeq_prefix_traps"], ids=lambda c: c["objects"][0])
def test_paths_that_trap_prefixes(case: dict[str, Any]) -> None:
    """Values are compared, never rebuilt as text; a table's folder does not hold its neighbour's files."""
    if "prefix" in case:
        table = tables_by_name(case["objects"][1:], define_table("t", "t", format="csv"))["t"]
        assert table.files.column("path").to_pylist() == ["t/p=1/f"]
        return
    name, _, literal = case["filter"].partition(" = ")
    values = read([path.removeprefix("t/") for path in case["objects"]])[name].to_pylist()
    wanted: Any = literal.removeprefix("TIMESTAMP ").strip("'")
    if literal.isdigit():
        wanted = int(literal)
    elif literal.startswith("TIMESTAMP"):
        wanted = datetime.fromisoformat(wanted)
    assert values.count(wanted) == case["files"]


def test_markers_and_empty_objects_are_no_data() -> None:
    objects = {"t/": b"x", "t_$folder$": b"", "t/a=1/": b"", "t/a=1/f.csv": b"", "t/a=1/g.csv": b"a,b\n1,2\n"}
    table = only_table(objects)
    assert table.files.column("path").to_pylist() == ["t/a=1/g.csv"]
    assert sum(group.count for group in table.ignored) == 3


@pytest.mark.parametrize("name", ["a b", "a+b", "100%", "<&>'", "😊", "é", "e\u0301", "x//y"])
def test_odd_names_are_kept_as_they_are(name: str) -> None:
    table = only_table([f"t/k={name}/f.csv"])
    assert table.files.column("path").to_pylist() == [f"t/k={name}/f.csv"]
