"""JSON: what is settled from a head, and that DuckDB and the standard library then read the same."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.errors import CorruptFileError
from lakeq.formats.base import Column, ReadOptions
from lakeq.formats.json import JsonFormat, check_unseen_end, has_unseen_end
from tests.formats.decoders import (
    arrow_dataset,
    assert_decoders_agree,
    inspect,
    names_and_types,
    read_with_arrow,
    read_with_duckdb,
    write,
)

JSON = JsonFormat()


def lines(*records: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_types_come_from_the_values(tmp_path: Path) -> None:
    first = {"i": 1, "f": 1, "b": True, "s": "5", "d": "2026-01-01", "t": "2026-01-01 10:00", "n": None}
    second = {"f": 2.5, "t": "2026-01-01", "z": "2026-01-01T10:00:00Z", "big": 2**64, "late": "x"}
    source = write(tmp_path / "a.json", lines(first, second))
    facts = inspect(JSON, source)
    assert names_and_types(facts.schema) == [
        ("i", "int64"),
        ("f", "double"),
        ("b", "bool"),
        ("s", "string"),
        ("d", "date32[day]"),
        ("t", "timestamp[us]"),
        ("n", "null"),
        ("z", "timestamp[us, tz=UTC]"),
        ("big", "decimal128(38, 0)"),
        ("late", "string"),
    ]
    rows = assert_decoders_agree(JSON, source, facts.schema)
    assert rows[0]["d"] == date(2026, 1, 1)
    assert rows[1]["z"] == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert rows[1]["big"] == 2**64


def test_nested_values_are_structs_and_lists(tmp_path: Path) -> None:
    source = write(
        tmp_path / "a.json",
        lines(
            {"s": {"a": 1, "b": {"c": "2026-01-01"}}, "l": [1, None], "o": [{"x": 1}, {"y": True}], "e": []},
            {"s": None, "l": None, "o": [], "e": None},
            {"s": {"b": None, "d": 1.5}, "l": [], "o": [None]},
        ),
    )
    schema = inspect(JSON, source).schema
    assert names_and_types(schema) == [
        ("s", "struct<a: int64, b: struct<c: date32[day]>, d: double>"),
        ("l", "list<item: int64>"),
        ("o", "list<item: struct<x: int64, y: bool>>"),
        ("e", "list<item: null>"),
    ]
    rows = assert_decoders_agree(JSON, source, schema)
    assert rows[0]["s"] == {"a": 1, "b": {"c": date(2026, 1, 1)}, "d": None}
    assert rows[0]["o"] == [{"x": 1, "y": None}, {"x": None, "y": True}]
    assert rows[2]["o"] == [None]


def test_values_of_several_kinds_are_text(tmp_path: Path) -> None:
    text = (
        '{"v": 1.50}\n{"v": {"a":  [1, "é"]}}\n{"v": "x"}\n{"v": true}\n{"v": null}\n{"v": [1,2]}\n{"v": 7}\n'
    )
    source = write(tmp_path / "a.json", text)
    schema = inspect(JSON, source).schema
    assert names_and_types(schema) == [("v", "string")]
    values = [row["v"] for row in assert_decoders_agree(JSON, source, schema)]
    assert values == ["1.5", '{"a":[1,"é"]}', "x", "true", None, "[1,2]", "7"]


def test_objects_with_very_many_keys_are_maps(tmp_path: Path) -> None:
    source = write(tmp_path / "a.json", lines(*({"m": {f"k{i}": i, f"j{i}": 2}} for i in range(150))))
    schema = inspect(JSON, source).schema
    assert names_and_types(schema) == [("m", "map<string, int64>")]
    assert dict(assert_decoders_agree(JSON, source, schema)[3]["m"]) == {"k3": 3, "j3": 2}


def test_empty_objects_are_rows_without_columns(tmp_path: Path) -> None:
    source = write(tmp_path / "a.json", "{}\n{}\n")
    facts = inspect(JSON, source)
    assert facts.schema.columns == ()
    assert facts.has_rows
    assert read_with_duckdb(JSON, source, facts.schema).num_rows == 2
    key = Column("k", pa.int64())
    dataset = arrow_dataset(JSON, [source], [ds.field("k") == 1], facts.schema, [key])
    assert dataset.to_table().to_pylist() == [{"k": 1}, {"k": 1}]


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ('{"a":1}\n{"a":2}', "newline_delimited"),
        ('{"a":1}\r\n\r\n{"a":2}\r\n', "newline_delimited"),
        ('[{"a":1},{"a":2}]', "array"),
        (' [\n {"a":1},\n {"a":2}\n]\n\n', "array"),
        ('{\n "a": 1\n}\n{\n "a": 2\n}\n', "unstructured"),
        ('{"a":1} {"a":2}', "unstructured"),
    ],
)
def test_the_layout_is_told(tmp_path: Path, text: str, layout: str) -> None:
    source = write(tmp_path / "a", text)
    schema = inspect(JSON, source).schema
    assert schema.option("layout") == layout
    assert assert_decoders_agree(JSON, source, schema) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("text", ["[]", " \n", "[ ]\n"])
def test_no_rows_is_fine(tmp_path: Path, text: str) -> None:
    source = write(tmp_path / "a.json", text)
    facts = inspect(JSON, source)
    assert (facts.schema.columns, facts.has_rows) == ((), False)
    assert read_with_duckdb(JSON, source, facts.schema).num_rows == 0
    assert read_with_arrow(JSON, source, facts.schema).num_rows == 0


def test_declared_columns_are_taken_and_read_even_if_the_head_lacks_them(tmp_path: Path) -> None:
    source = write(tmp_path / "a.json", lines({"A": 1, "b": 1}, {"A": 2}))
    declared = (Column("a", pa.string()), Column("c", pa.int64()))
    schema = inspect(JSON, source, columns=declared).schema
    assert names_and_types(schema) == [("A", "string"), ("b", "int64"), ("c", "int64")]
    assert assert_decoders_agree(JSON, source, schema)[0] == {"A": "1", "b": 1, "c": None}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a":1}\n{"a":\n{"a":3}\n', "line 2: Expecting value"),
        ('{"a":1}\n{"a":2\n{"a":3}\n', "line 2"),
        ('{"a":1}\nnull\n', "line 2: a record must be an object"),
        ('{"a":1}\n[1]\n', "line 2: a record must be an object"),
        ('{"a":1}\n{"a":2} x\n', "line 2: more than one value"),
        ("null", "a record must be an object"),
        ("[1, 2]", "a record must be an object"),
        ('[{"a":1},\n{"a":2},', "line 2"),
        ('[{"a":1},{"a":2}', "expected ','"),
        ('[{"a":1},]', "expected an object"),
        ('[{"a":1}] x', "more text after the array"),
        ('{"a":NaN}', "NaN is not JSON"),
        ('{"a":1,"a":2}', "one key twice"),
        ('{"a":1,"A":2}', "two cases"),
        ('{"a":1}\n{"A":2}\n', "differ only in case"),
        ('{"a":"\\ud83d"}', "half a character"),
        ('{"\\udfaa":0}', "half a character"),  # JSONTestSuite: i_object_key_lone_2nd_surrogate.json
        ("[" * 100_000, "nested too deep|record must be an object"),
        ("<html></html>", "HTML"),
        (b'{"a":"\xe9"}', "UTF-8"),
        ('\ufeff{"a":1}', "byte order mark"),
    ],
)
def test_what_is_not_records_is_named_with_its_line(tmp_path: Path, text: str | bytes, problem: str) -> None:
    source = write(tmp_path / "bad.json", text)
    with pytest.raises(CorruptFileError, match=problem) as raised:
        inspect(JSON, source)
    assert raised.value.path == source.path
    assert source.path in str(raised.value)


@pytest.mark.parametrize("layout", ["newline_delimited", "array", "unstructured"])
def test_a_record_that_the_head_cuts_is_not_judged(tmp_path: Path, layout: str) -> None:
    records = [{"a": i, "s": 'q"\\é\n', "t": True, "l": [1.5e3, None]} for i in range(100)]
    texts = [json.dumps(record, indent=1 if layout == "unstructured" else None) for record in records]
    text = "[" + ",\n".join(texts) + "]" if layout == "array" else "\n".join(texts)
    source = write(tmp_path / "a.json", text)
    expected = [("a", "int64"), ("s", "string"), ("t", "bool"), ("l", "list<item: double>")]
    for sample in range(400, 520):
        facts = inspect(JSON, source, extra={"sample": sample})
        assert facts.schema.option("layout") == layout
        assert names_and_types(facts.schema) == expected


def test_a_long_array_must_end_as_one(tmp_path: Path) -> None:
    whole = "[" + ",\n".join('{"a": 1}' for _ in range(400)) + "]\n"
    assert inspect(JSON, write(tmp_path / "a.json", whole), extra={"sample": 800}).has_rows
    # DuckDB alone reads this as a shorter array.
    cut = write(tmp_path / "cut.json", whole[: whole.rindex(",") + 1])
    with pytest.raises(CorruptFileError, match="ends within its array"):
        inspect(JSON, cut, extra={"sample": 800})


def test_a_long_compressed_array_is_looked_at_to_its_end(tmp_path: Path) -> None:
    whole = json.dumps([{"a": i} for i in range(100_000)])
    for name, text in (("whole", whole), ("cut", whole[: whole.rindex(",") + 1])):
        for pack in (gzip.compress, lambda data: pa.Codec("zstd").compress(data, asbytes=True)):
            source = write(tmp_path / f"{name}.json", pack(text.encode()))
            schema = inspect(JSON, source).schema
            assert has_unseen_end(schema)
            if name == "whole":
                check_unseen_end(source, schema)
                continue
            with pytest.raises(CorruptFileError, match="ends within its array"):
                check_unseen_end(source, schema)
    assert not has_unseen_end(inspect(JSON, write(tmp_path / "plain.json", whole)).schema)


def test_compression_is_told_by_content_and_a_cut_stream_is_broken(tmp_path: Path) -> None:
    packed = gzip.compress(lines(*({"a": i} for i in range(20_000))).encode())
    source = write(tmp_path / "a.json", packed)
    schema = inspect(JSON, source).schema
    assert schema.option("compression") == "gzip"
    assert len(assert_decoders_agree(JSON, source, schema)) == 20_000
    cut = write(tmp_path / "cut.json.gz", packed[:-500])
    with pytest.raises(duckdb.Error):
        read_with_duckdb(JSON, cut, schema)
    with pytest.raises(CorruptFileError, match=r"cut\.json\.gz"):
        read_with_arrow(JSON, cut, schema)


@pytest.mark.parametrize(
    ("kind", "last"),
    [
        (1, 1.5),  # DuckDB alone reads 2
        (1, "x"),
        (1, True),  # and this as 1
        (1, {"a": 1}),
        (True, 5),
        (True, "yes"),
        ("2026-01-01", "2026-01-01T10:00:00"),
        ("2026-01-01T10:00:00", "2026-01-01T10:00:00+02:00"),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00"),
        ({"x": [1]}, {"x": [2, 1.5]}),
        ([{"d": "2026-01-01"}], [None, {"d": "2026-01-01T10:00:00"}]),
        ([1], 1),
        ({"x": 1}, 1),
    ],
)
def test_a_late_value_of_another_type_stops_both_decoders(tmp_path: Path, kind: Any, last: Any) -> None:
    source = write(tmp_path / "late.json", lines(*({"v": kind} for _ in range(300)), {"v": last}))
    schema = inspect(JSON, source, extra={"sample": 800}).schema
    with pytest.raises(duckdb.Error, match=r"late\.json"):
        read_with_duckdb(JSON, source, schema)
    with pytest.raises(CorruptFileError, match=r"late\.json"):
        read_with_arrow(JSON, source, schema)


def test_a_late_bad_line_stops_both_decoders_with_its_line(tmp_path: Path) -> None:
    source = write(tmp_path / "late.json", lines(*({"v": 1} for _ in range(300))) + '{"v": \n{"v": 2}\n')
    schema = inspect(JSON, source, extra={"sample": 800}).schema
    with pytest.raises(duckdb.Error, match=r"late\.json.*line 30[12]"):
        read_with_duckdb(JSON, source, schema)
    with pytest.raises(CorruptFileError):
        read_with_arrow(JSON, source, schema)


def test_a_wider_type_reads_every_value(tmp_path: Path) -> None:
    source = write(tmp_path / "a.json", lines({"a": 1, "d": "2026-01-01", "s": {"x": 1}}))
    schema = inspect(JSON, source).schema
    types = {
        "a": pa.string(),
        "d": pa.timestamp("us"),
        "s": pa.struct([("x", pa.float64()), ("y", pa.list_(pa.date32()))]),
    }
    rows = assert_decoders_agree(JSON, source, schema, types)
    assert rows == [{"a": "1", "d": datetime(2026, 1, 1), "s": {"x": 1.0, "y": None}}]


def test_partition_values_are_constant_columns_of_each_file(tmp_path: Path) -> None:
    sources = [write(tmp_path / f"{i}.json", lines({"a": i, "k": "in the file"})) for i in range(3)]
    schema = inspect(JSON, sources[0]).schema
    columns = [Column("k", pa.int64()), Column("d", pa.date32())]
    conditions = [(ds.field("k") == 7) & (ds.field("d") == pa.scalar(date(2026, 1, i + 1))) for i in range(2)]
    conditions.append((ds.field("k") == 8) & ds.field("d").is_null())
    dataset = arrow_dataset(JSON, sources, conditions, schema, columns)
    assert dataset.to_table().to_pylist() == [
        {"a": 0, "k": 7, "d": date(2026, 1, 1)},
        {"a": 1, "k": 7, "d": date(2026, 1, 2)},
        {"a": 2, "k": 8, "d": None},
    ]


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from(
        [0.5, -2.25, 100.0]
    )  # exponents and controls are spelled differently where they become text
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=25, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=4))
def test_any_records_are_read_alike(tmp_path_factory: pytest.TempPathFactory, values: list[Any]) -> None:
    source = write(tmp_path_factory.mktemp("json") / "a.json", lines(*({"v": value} for value in values)))
    schema = JSON.inspect(source, ReadOptions()).schema
    rows = assert_decoders_agree(JSON, source, schema)
    assert len(rows) == len(values)
