"""Typed partition values."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lakeq.catalog.layout import Layout
from lakeq.catalog.partition_texts import split_partitions
from lakeq.catalog.partition_values import type_partitions
from lakeq.errors import ConfigError, PartitionLayoutError


def type_values(texts: list[str], declared: pa.DataType | None = None) -> tuple[pa.DataType, list[Any]]:
    paths = pa.array([f"p={text}/f" for text in texts])
    raw = split_partitions(paths, Layout("hive"))
    columns, values = type_partitions(raw, {} if declared is None else {"P": declared}, paths, "s3://b/t")
    assert values[0].type == columns[0].type
    return columns[0].type, values[0].to_pylist()


NULL = "__HIVE_DEFAULT_PARTITION__"


@pytest.mark.parametrize(
    ("texts", "kind", "values"),
    [
        (["1", "01", "-2"], pa.int64(), [1, 1, -2]),
        (["1", NULL], pa.int64(), [1, None]),
        (["1", ""], pa.int64(), [1, None]),
        (["9223372036854775808", "1"], pa.decimal128(38, 0), [Decimal("9223372036854775808"), Decimal(1)]),
        (["1" * 39], pa.string(), ["1" * 39]),
        (["1.5", "2"], pa.float64(), [1.5, 2.0]),
        (["01", "x"], pa.string(), ["01", "x"]),
        (["2026-11-05"], pa.date32(), [date(2026, 11, 5)]),
        (
            ["2026-11-05", "2026-11-05 10%3A00%3A00"],
            pa.timestamp("us"),
            [datetime(2026, 11, 5), datetime(2026, 11, 5, 10)],
        ),
        (["2026-02-30"], pa.string(), ["2026-02-30"]),
        (["", NULL, "NULL"], pa.string(), ["", None, "NULL"]),
        ([NULL], pa.string(), [None]),
        ([""], pa.string(), [""]),
        (["2026-11-05", "1"], pa.string(), ["2026-11-05", "1"]),
    ],
)
def test_the_narrowest_type_of_all_values_is_found(
    texts: list[str], kind: pa.DataType, values: list[Any]
) -> None:
    assert type_values(texts) == (kind, values)


def test_a_declared_type_wins_over_the_values() -> None:
    assert type_values(["01", "2"], pa.string()) == (pa.string(), ["01", "2"])
    assert type_values(["1"], pa.float64()) == (pa.float64(), [1.0])


def test_a_value_that_does_not_fit_its_declared_type_is_named() -> None:
    with pytest.raises(PartitionLayoutError) as caught:
        type_values(["1", "foo"], pa.int64())
    assert caught.value.found == "p=foo/f"
    assert "'foo'" in str(caught.value)
    assert "s3://b/t" in str(caught.value)


def test_a_declared_type_for_no_key_is_refused() -> None:
    paths = pa.array(["p=1/f"])
    with pytest.raises(ConfigError, match="no partition column 'q'; it has p"):
        type_partitions(split_partitions(paths, Layout("hive")), {"q": pa.int64()}, paths)
