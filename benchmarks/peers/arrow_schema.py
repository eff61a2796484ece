"""A table's columns as Arrow has them."""

from __future__ import annotations

import pyarrow as pa
from questions import Table


def make_schema(table: Table) -> pa.Schema:
    """The columns of the files, without the partition columns."""
    money = {"decimal(15, 2)": pa.decimal128(15, 2)}
    return pa.schema([(name, money.get(alias, alias)) for name, alias in table.types.items()])


def make_key_schema(table: Table) -> pa.Schema:
    """The partition columns."""
    return pa.schema([(key, pa.int64()) for key in table.keys])
