"""Leaves of nested columns, casts that keep an order, and the SQL that reads row groups in one type."""

from __future__ import annotations

import pyarrow as pa
import pytest

from lakeq.catalog.row_groups import (
    RowGroupTable,
    bound_array,
    keeps_order,
    leaf_types,
    row_group_schema,
    select_row_groups,
)
from lakeq.formats.base import Column, FileSchema

INNER = pa.struct([("c", pa.string()), ("d", pa.list_(pa.int64()))])
NESTED = Column("s", pa.struct([("a", pa.int64()), ("b", INNER)]))
TABLE = RowGroupTable(
    "groups", FileSchema((Column("x", pa.int32()), NESTED)), ("x", "s.a", "s.b.c", "s.b.d.list.element")
)


def test_structs_are_opened_and_lists_stay_one_leaf() -> None:
    assert leaf_types(NESTED) == [
        ("s.a", pa.int64()),
        ("s.b.c", pa.string()),
        ("s.b.d", pa.list_(pa.int64())),
    ]
    assert leaf_types(Column("x", pa.int32())) == [("x", pa.int32())]
    assert TABLE.types == {"x": pa.int32(), "s.a": pa.int64(), "s.b.c": pa.string()}


def test_what_has_no_bounds_has_no_columns_for_them() -> None:
    names = row_group_schema(TABLE).names
    assert names[:2] == ["file_id", "rows"]
    assert [name for name in names if name.startswith("lo:")] == ["lo:x", "lo:s.a", "lo:s.b.c"]
    assert [name for name in names if name.startswith("b:")][-1] == "b:s.b.d.list.element"


def test_bounds_of_a_column_without_a_type_are_unknown_ones_of_a_type_that_sql_has() -> None:
    assert bound_array([None, None], pa.null()).equals(pa.nulls(2, pa.bool_()))
    assert bound_array([1, None], pa.int32()).equals(pa.array([1, None], pa.int32()))


NAIVE, ZONED = pa.timestamp("us"), pa.timestamp("us", "UTC")


@pytest.mark.parametrize(
    ("source", "target", "kept"),
    [
        (pa.int32(), pa.int64(), True), (pa.int64(), pa.float64(), True), (pa.float32(), pa.decimal128(9, 2), True), (pa.decimal128(9, 2), pa.int64(), True),
        (pa.int64(), pa.string(), False), (pa.string(), pa.int64(), False), (pa.string(), pa.string(), True), (pa.bool_(), pa.int64(), False),
        (pa.date32(), NAIVE, True), (NAIVE, pa.timestamp("ns"), True), (NAIVE, ZONED, False), (ZONED, NAIVE, False), (ZONED, pa.timestamp("ms", "UTC"), False),
        (pa.date32(), ZONED, False), (pa.date32(), pa.string(), False), (NAIVE, pa.date32(), False), (pa.int64(), NAIVE, False),
    ],
)  # fmt: skip
def test_bounds_stay_bounds_where_a_cast_keeps_the_order(
    source: pa.DataType, target: pa.DataType, kept: bool
) -> None:
    assert keeps_order(source, target) is kept


def test_row_groups_are_read_in_the_types_of_the_table() -> None:
    types = {"X": pa.int64(), "s.a": pa.string(), "new": pa.int64(), "s": pa.struct([])}
    sql = select_row_groups(TABLE, ["X", "new"], ["X", "s", "s.a", "new"], types, ["file_id", "p0"])
    assert sql == (
        'SELECT file_id, p0, rows, "b:x" AS "b:X", "o:x" AS "o:X", 0::BIGINT AS "b:new", NULL::BIGINT AS "o:new", '
        '"n:x" AS "n:X", CAST("lo:x" AS BIGINT) AS "lo:X", CAST("hi:x" AS BIGINT) AS "hi:X", '
        'NULL::BIGINT AS "n:s", "n:s.a" AS "n:s.a", CAST(NULL AS VARCHAR) AS "lo:s.a", CAST(NULL AS VARCHAR) AS "hi:s.a", '
        'rows AS "n:new", CAST(NULL AS BIGINT) AS "lo:new", CAST(NULL AS BIGINT) AS "hi:new" FROM groups'
    )
