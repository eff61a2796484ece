"""Partition cases of Arrow, as transcribed in tests/data/cases.

Where lakeq's rule agrees, every case is run. Where it differs on purpose, a test says so and why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from lakeq.catalog.hive_names import NULL_TEXT, escape_hive
from lakeq.catalog.layout import Layout, parse_template
from lakeq.catalog.partition_texts import split_directories
from lakeq.errors import ConfigError, PartitionLayoutError
from tests.catalog.memory_store import make_store, only_table, tables_by_name
from tests.conformance.partition_cases import found_keys, load_cases, read

ARROW = load_cases("arrow_partition")

ARROW_TYPES = {
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "string": pa.string(),
    "timestamp[s]": pa.timestamp("s"),
    "dictionary<int8,string>": pa.string(),
}


def arrow_path(path: str) -> str:
    return f"{path.strip('/')}/f".lstrip("/")


def arrow_null(path: str, null_text: str) -> str:
    """The path with Arrow's configurable NULL text replaced by Hive's, which is the only one here."""
    return re.sub(rf"={re.escape(null_text)}(?=/|$)", f"={NULL_TEXT}", path)


def positional(schema: Mapping[str, str]) -> Layout:
    keys = tuple(schema)
    template = "".join(f"{{{key}}}/" for key in keys)
    return Layout("template", keys, template, tuple(ARROW_TYPES[kind] for kind in schema.values()))


POSITIONAL = ARROW["positional_declared"]
TOO_SHORT = ("/3/", "", "/3.25/")


@pytest.mark.parametrize("case", [c for c in POSITIONAL["cases"] if c["path"] not in TOO_SHORT], ids=str)
def test_arrow_positional_values(case: dict[str, Any]) -> None:
    layout = positional(POSITIONAL["schema"])
    if "error" in case:
        with pytest.raises(PartitionLayoutError):
            read([arrow_path(case["path"])], layout)
        return
    found = read([arrow_path(case["path"])], layout)
    assert {key: values[0].as_py() for key, values in found.items()} == case["values"]


@pytest.mark.parametrize("path", TOO_SHORT)
def test_differs_from_arrow_a_missing_level_is_an_error(path: str) -> None:
    """Arrow reads missing keys as NULL; a stray file one level up is then data in silence (SPARK-49163)."""
    with pytest.raises(PartitionLayoutError, match="different depths"):
        read([arrow_path(path)], positional(POSITIONAL["schema"]))


@pytest.mark.parametrize("case", ARROW["positional_discovery"]["cases"], ids=str)
def test_arrow_positional_types(case: dict[str, Any]) -> None:
    """Two differ: a missing level is an error, and integers beyond int32 stay integers."""
    layout = parse_template("{alpha}/{beta}/")
    paths = [arrow_path(path) for path in case["paths"] if path != "oops.txt"] or ["oops.txt"]
    if "error" in case or "/hello" in case["paths"]:
        with pytest.raises(PartitionLayoutError, match="different depths"):
            read(paths, layout)
        return
    wider = case["paths"] == ["/3760212050/1"]
    kinds = [pa.int64() if kind == "int32" or wider else pa.string() for kind in case["types"]]
    assert [values.type for values in read(paths, layout).values()] == kinds


def test_arrow_positional_times() -> None:
    (case,) = ARROW["positional_typed"]["cases"]
    found = read([arrow_path(case["path"])], parse_template("{year:int}/{month:int}/{day:date}/"))
    expected = {**case["values"], "day": date.fromisoformat(case["values"]["day"])}
    assert {key: values[0].as_py() for key, values in found.items()} == expected


def test_arrow_a_file_name_is_no_partition() -> None:
    case = ARROW["positional_filename_not_partition"]
    assert read([case["file"]], parse_template("{first}/"))["first"].to_pylist() == [case["values"]["first"]]


@pytest.mark.parametrize(
    "case", [c for c in ARROW["positional_existing_schema"]["cases"] if "/2" not in c["paths"]], ids=str
)
def test_arrow_positional_declared_types(case: dict[str, Any]) -> None:
    layout = positional(ARROW["positional_existing_schema"]["schema"])
    paths = [arrow_path(path) for path in case["paths"]]
    if case.get("ok"):
        assert len(read(paths, layout)["alpha"]) == len(paths)
    else:
        with pytest.raises(PartitionLayoutError, match="declared type"):
            read(paths, layout)


HIVE_DECLARED = [
    (ARROW[group]["schema"], case)
    for group in ("hive_declared", "hive_declared_python")
    for case in ARROW[group]["cases"]
]


@pytest.mark.parametrize(("schema", "case"), HIVE_DECLARED, ids=str)
def test_arrow_hive_values(schema: dict[str, str], case: dict[str, Any]) -> None:
    """Keys that are missing differ: Arrow reads NULL, here each is an error. So does an unknown key."""
    path = arrow_path(arrow_null(case["path"], "xyz"))
    declared = {key: ARROW_TYPES[kind] for key, kind in schema.items()}
    if set(case.get("values", ())) != set(schema) or "ignored" in path:
        template = "".join(f"{key}={{{key}}}/" for key in schema)
        layout = Layout("hive", tuple(schema), template, tuple(declared.values()))
        with pytest.raises(PartitionLayoutError):
            read([path], layout)
        return
    found = read([path], declared=declared)
    assert {key: values[0].as_py() for key, values in found.items()} == case["values"]


ARROW_STRICT = ("gamma", "unexpected")


@pytest.mark.parametrize("case", ARROW["hive_discovery"]["cases"], ids=str)
def test_arrow_hive_types(case: dict[str, Any]) -> None:
    """Three differ: a plain folder above a key and differing keys are errors, NULLs alone are text; and
    integers beyond int32 stay integers."""
    paths = [arrow_path(arrow_null(path, "xyz")) for path in case["paths"]]
    if any(word in path for path in paths for word in ARROW_STRICT):
        with pytest.raises(PartitionLayoutError):
            read(paths)
        return
    found = {key: values.type for key, values in read(paths).items()}
    if "error" in case:
        assert found == {"alpha": pa.string()}
        return
    wide = "/alpha=3760212050" in case["paths"]
    assert found == {
        key: pa.int64() if kind == "int32" or wide else pa.string() for key, kind in case["types"].items()
    }


@pytest.mark.parametrize("case", ARROW["hive_existing_schema"]["cases"], ids=str)
def test_arrow_hive_declared_types(case: dict[str, Any]) -> None:
    """One differs: paths with differing keys are an error."""
    declared = {key: ARROW_TYPES[kind] for key, kind in ARROW["hive_existing_schema"]["schema"].items()}
    paths = [arrow_path(path) for path in case["paths"]]
    if case.get("ok") and case["paths"] != ["/a=0", "/b=1"]:
        assert len(read(paths, declared=declared)["a"]) == len(paths)
    else:
        with pytest.raises((PartitionLayoutError, ConfigError)):
            read(paths, declared=declared)


ENCODED = [
    case for case in ARROW["percent_decoding"]["cases"] if case["style"].startswith(("hive", "positional"))
]


@pytest.mark.parametrize(
    "case", [c for c in ENCODED if c.get("error") and "raw bytes" not in c["style"]], ids=str
)
def test_arrow_names_that_are_not_utf8_are_errors(case: dict[str, Any]) -> None:
    layout = parse_template("{a}/{b}/{c}/") if case["style"] == "positional" else None
    with pytest.raises(PartitionLayoutError, match="not UTF-8"):
        read([arrow_path(case["path"])], layout)


@pytest.mark.parametrize(
    ("path", "text"), [(case["path"], case["values"]["str"]) for case in ENCODED[:2]], ids=str
)
def test_arrow_percent_escapes_are_decoded(path: str, text: str | None) -> None:
    found = read([arrow_path(arrow_null(path, "$"))])
    assert found["date"].to_pylist() == [datetime(2021, 5, 4)]
    assert found["time"].to_pylist() == [datetime(2021, 5, 4, 7, 27)]
    assert found["str"].to_pylist() == [text]


def test_arrow_keys_are_decoded() -> None:
    (case,) = [c for c in ENCODED if "columns" in c]
    assert list(read([arrow_path(case["path"])])) == case["columns"]


def test_arrow_positional_values_are_decoded() -> None:
    (case,) = [c for c in ENCODED if c["style"] == "positional" and "values" in c]
    found = read([arrow_path(case["path"])], parse_template("{date}/{time}/{str}/"))
    assert {key: values[0].as_py() for key, values in found.items()} == {
        "date": datetime(2021, 5, 4),
        "time": datetime(2021, 5, 4, 7, 27),
        "str": case["values"]["str"],
    }


def test_differs_from_arrow_an_escaped_null_text_is_text() -> None:
    """As DuckDB writes it: only so can the text itself be a value."""
    path = f"str=%5F{NULL_TEXT[1:]}/f"
    assert read([path])["str"].to_pylist() == [NULL_TEXT]


def test_arrow_slashes_are_written_escaped() -> None:
    (case,) = [c for c in ENCODED if c.get("ref") == "ARROW-18269"]
    assert f"part={escape_hive(case['values'][0])}" == case["encoded"]


def test_differs_from_arrow_spaces_are_written_as_they_are() -> None:
    """Hive does not escape them. Both spellings are read."""
    assert escape_hive("ant bee") == "ant bee"
    assert read(["bar=ant%20bee/f"])["bar"].to_pylist() == ["ant bee"]


def test_arrow_keys_above_the_root_are_no_columns() -> None:
    assert found_keys(only_table(["a=1/file.csv"], root="/a=ignored/base")) == ["a"]


@pytest.mark.parametrize("root", ["/data", "/_shouldnt_be_ignored/.dataset"])
def test_arrow_hidden_names_below_the_root_are_ignored(root: str) -> None:
    names = [".", "_", "_$folder$/dat", "_SUCCESS", "kept.csv", "kept_too/dat"]
    tables = tables_by_name([f"t/{name}" for name in names], root=root)
    assert sorted(path for t in tables.values() for path in t.files.column("path").to_pylist()) == [
        "t/kept.csv",
        "t/kept_too/dat",
    ]


def test_arrow_a_hidden_looking_key_is_kept() -> None:
    assert found_keys(only_table(["t/_part=1/f.csv"])) == ["_part"]


@pytest.mark.parametrize("case", [c for c in ARROW["discovery_files"] if c.get("error")], ids=str)
def test_arrow_values_that_do_not_fit_a_declared_schema_are_errors(case: dict[str, Any]) -> None:
    declared = {key: ARROW_TYPES[kind] for key, kind in case["schema"].items()}
    with pytest.raises((PartitionLayoutError, ConfigError)):
        read(case["files"], declared=declared)


@pytest.mark.parametrize(
    "case", [c for c in ARROW["discovery_files"] if "schema" in c and c.get("ok")], ids=str
)
def test_differs_from_arrow_differing_keys_are_errors_even_when_declared(case: dict[str, Any]) -> None:
    """A file without a key would have a NULL that nobody wrote."""
    with pytest.raises(PartitionLayoutError):
        read(case["files"], declared={key: ARROW_TYPES[kind] for key, kind in case["schema"].items()})


@pytest.mark.parametrize(("path", "base", "directory"), ARROW["strip_prefix"])
def test_arrow_directories_below_a_base(path: str, base: str, directory: str) -> None:
    inside = path.removeprefix(base).removeprefix("/")
    (found,) = split_directories(pa.array([inside], pa.string())).to_pylist()
    assert found == (f"{directory}/" if directory else "")


def test_arrow_discovery_and_typing_open_no_file() -> None:
    store = make_store([f"t/a={a}/b={b}/f.csv" for a in range(3) for b in range(3)])
    assert found_keys(tables_by_name(store.objects)["t"]) == ["a", "b"]
    assert store.opened == []


def test_arrow_positional_and_hive_levels_in_one_path() -> None:
    """One differs: an integer of any width in a template is a bigint, as Hive keys are."""
    case = ARROW["chained_layout"]
    layout = parse_template(
        "{year:smallint}/{month:tinyint}/{day:tinyint}/{hour:tinyint}/alpha={alpha:int}/beta={beta:real}/"
    )
    found = read([arrow_path(case["path"])], layout)
    assert {key: values.type for key, values in found.items()} == {
        key: pa.int64() if kind.startswith("int") else ARROW_TYPES[kind]
        for key, kind in case["schema"].items()
    }
    assert [values[0].as_py() for values in found.values()] == [1999, 12, 31, 0, 0, 3.25]
    with pytest.raises(PartitionLayoutError, match="'20X6'"):
        read([arrow_path(case["bad"])], layout)
