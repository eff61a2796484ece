"""What the tests of partition cases share: the case files, and paths read as partition columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakeq.catalog.hive_names import NULL_TEXT, escape_hive
from lakeq.catalog.layout import Layout
from lakeq.catalog.partition_texts import split_partitions
from lakeq.catalog.partition_values import type_partitions
from lakeq.catalog.table import TableFiles

CASES = Path(__file__).parents[1] / "data" / "cases"


def load_cases(system: str) -> dict[str, Any]:
    """The content of one case file."""
    content: dict[str, Any] = json.loads((CASES / f"{system}_cases.json").read_text(encoding="utf-8"))
    return content


def type_values(
    texts: list[str | None], declared: pa.DataType | None = None
) -> tuple[pa.DataType, list[Any]]:
    """Type and values of one partition column whose folders are spelled with these texts."""
    paths = [f"p={NULL_TEXT if text is None else escape_hive(text)}/f" for text in texts]
    found = read(paths, declared={} if declared is None else {"p": declared})["p"]
    return found.type, found.to_pylist()


def read(
    paths: list[str], layout: Layout | None = None, declared: Mapping[str, pa.DataType] | None = None
) -> dict[str, pa.Array]:
    """The typed partition columns of paths below a table's root."""
    array = pa.array(paths, pa.string())
    raw = split_partitions(array, layout or Layout("hive"), "t")
    columns, values = type_partitions(raw, {**raw.layout.declared_types, **(declared or {})}, array, "t")
    return {column.name: value for column, value in zip(columns, values, strict=True)}


def found_keys(table: TableFiles) -> list[str]:
    """The partition columns of a table without a problem."""
    assert table.problem is None, table.problem
    return [column.name for column in table.partition_columns]
