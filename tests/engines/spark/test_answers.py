"""An answer has DuckDB's names and types, or is an error: no value is changed for it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lakeq.engines.spark.answers import conform_answer
from lakeq.errors import ExecutionError

NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "found", "wanted"),
    [
        ([1, None], pa.int64(), pa.decimal128(38, 0)),
        ([1, 255], pa.int16(), pa.uint8()),
        ([Decimal("1.50")], pa.decimal128(20, 4), pa.decimal128(9, 2)),
        ([1.5, NAN, None], pa.float64(), pa.float32()),
        ([dt.datetime(2025, 1, 1)], pa.timestamp("us"), pa.timestamp("ns")),
        ([{"a": 1}], pa.struct([("a", pa.int32())]), pa.struct([("a", pa.int64())])),
        ([[1]], pa.list_(pa.int32()), pa.list_(pa.int64())),
        ([None], pa.null(), pa.string()),
    ],
)
def test_values_that_fit_get_the_type(values: list[Any], found: pa.DataType, wanted: pa.DataType) -> None:
    answer = pa.table([pa.array(values, found)], names=["x"])
    told = conform_answer(answer, pa.schema([("total", wanted)]))
    assert told.schema == pa.schema([("total", wanted)])
    assert repr(told["total"].to_pylist()) == repr(pa.array(values, found).cast(wanted).to_pylist())


@pytest.mark.parametrize(
    ("values", "found", "wanted"),
    [
        ([300], pa.int64(), pa.uint8()),
        ([Decimal("1.005")], pa.decimal128(20, 4), pa.decimal128(9, 2)),
        ([0.1], pa.float64(), pa.float32()),
        (["1"], pa.string(), pa.int64()),
        ([1], pa.int64(), pa.string()),
        ([Decimal("0.1")], pa.decimal128(9, 2), pa.float64()),
        ([dt.datetime(2025, 1, 1)], pa.timestamp("us", "UTC"), pa.timestamp("us")),
        ([True], pa.bool_(), pa.int64()),
    ],
)
def test_values_that_would_change_are_an_error(
    values: list[Any], found: pa.DataType, wanted: pa.DataType
) -> None:
    answer = pa.table([pa.array(values, found)], names=["x"])
    with pytest.raises(ExecutionError, match=r"column 'total'.*engine='duckdb'"):
        conform_answer(answer, pa.schema([("total", wanted)]))


def test_other_columns_than_duckdbs_are_an_error() -> None:
    with pytest.raises(ExecutionError, match="1 columns where the query has 2"):
        conform_answer(pa.table({"a": [1]}), pa.schema([("a", pa.int64()), ("b", pa.int64())]))
