"""The union of the files' schemas."""

from __future__ import annotations

import pyarrow as pa
import pytest

from lakeq.catalog.schema import settle_schema
from lakeq.errors import SchemaConflictError
from lakeq.formats.base import Column, FileSchema


def schema(**columns: pa.DataType) -> FileSchema:
    return FileSchema(tuple(Column(name, kind) for name, kind in columns.items()))


def settle(
    *schemas: FileSchema, keys: tuple[Column, ...] = (), declared: tuple[Column, ...] | None = None
) -> dict[str, str]:
    columns, _ = settle_schema("t", {s: f"file{i}" for i, s in enumerate(schemas)}, keys, declared)
    return {column.name: str(column.type) for column in columns}


def test_columns_of_all_files_are_united_and_widened() -> None:
    first, second = (
        schema(a=pa.int32(), b=pa.date32()),
        schema(A=pa.float64(), b=pa.timestamp("us"), c=pa.string()),
    )
    assert settle(first, second) == {"a": "double", "b": "timestamp[us]", "c": "string"}


def test_text_is_the_last_resort_and_is_reported() -> None:
    columns, sentences = settle_schema("t", {schema(a=pa.int64()): "x", schema(a=pa.string()): "y"}, (), None)
    assert columns[0].type == pa.string()
    assert sentences == ("column a is BIGINT in x, VARCHAR in y: read as VARCHAR",)


def test_types_with_nothing_in_common_name_both_files() -> None:
    with pytest.raises(SchemaConflictError, match=r"file0.*file1") as caught:
        settle(schema(a=pa.int64()), schema(a=pa.struct([("x", pa.int64())])))
    assert caught.value.column == "a"
    assert caught.value.paths == ("file0", "file1")


def test_a_key_that_is_also_in_the_files_takes_the_paths_type_and_keeps_its_place() -> None:
    keys = (Column("year", pa.int64()), Column("day", pa.int64()))
    assert settle(schema(year=pa.string(), x=pa.int64()), keys=keys) == {
        "year": "int64",
        "x": "int64",
        "day": "int64",
    }


def test_a_column_that_no_value_showed_is_text() -> None:
    assert settle(schema(a=pa.null(), b=pa.list_(pa.null()))) == {"a": "string", "b": "list<item: string>"}
    assert settle(schema(a=pa.null()), schema(a=pa.int64())) == {"a": "int64"}


def test_declared_types_win() -> None:
    assert settle(schema(a=pa.int64()), declared=(Column("a", pa.string()),)) == {"a": "string"}
