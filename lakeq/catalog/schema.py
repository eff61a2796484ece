"""Settle the schema of a table: the union of its files' columns, widened, with the partition keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from lakeq.errors import SchemaConflictError
from lakeq.formats.base import Column, FileSchema
from lakeq.formats.types import common_type, settle_type, sql_type

Settled = tuple[tuple[Column, ...], tuple[str, ...]]
"""The columns of a table, and a sentence for each that had to be reconciled."""


@dataclass(slots=True)
class _Seen:
    """One column as the files met so far have it."""

    name: str
    type: pa.DataType
    path: str
    mixed: dict[str, str] = field(default_factory=dict)


def settle_schema(
    table: str,
    schemas: Mapping[FileSchema, str],
    partition_columns: Sequence[Column],
    declared: Sequence[Column] | None,
) -> Settled:
    """The columns of a table in `SELECT *` order, and a sentence for each that had to be reconciled.

    `schemas` gives each distinct file schema with the path of one file that has it. Columns come in the
    order they are met, names fold their case, types widen to one that holds all; a column that is a
    partition key takes the key's type; keys that no file has come last. A column whose types have nothing in
    common is SchemaConflictError naming two files. Declared types win. A column of an empty name is left out:
    SQL cannot tell it.
    """
    seen: dict[str, _Seen] = {}
    for schema, path in schemas.items():
        for column in schema.columns:
            merge_column(table, seen, column, path)
    nameless = seen.pop("", None)
    wanted = {column.name.casefold(): column.type for column in declared or ()}
    keys = {column.name.casefold(): column for column in partition_columns}
    columns = [
        keys[folded] if folded in keys else Column(s.name, wanted.get(folded, settle_type(s.type)))
        for folded, s in seen.items()
    ]
    present = {column.name.casefold() for column in columns}
    columns += [c for c in declared or () if c.name.casefold() not in present | set(keys)]
    columns += [column for column in partition_columns if column.name.casefold() not in present]
    told = [] if nameless is None else [f"a column without a name is left out ('{nameless.path}')"]
    return tuple(columns), (*explain_mixture(seen, keys), *told)


def merge_column(table: str, seen: dict[str, _Seen], column: Column, path: str) -> None:
    """Widen what is known of a column by its type in one more file."""
    known = seen.get(column.name.casefold())
    if known is None:
        seen[column.name.casefold()] = _Seen(column.name, column.type, path)
        return
    if known.type == column.type:
        return
    common = common_type(known.type, column.type)
    if common is None:
        types = (sql_type(known.type), sql_type(column.type))
        raise SchemaConflictError(
            f"Column {column.name!r} of table {table!r} is {types[0]} in {known.path} but {types[1]} "
            f"in {path}, which no type can hold. Move one of the files, or declare a table for each kind in "
            "lakeq.toml",
            column.name,
            types,
            (known.path, path),
        )
    if not (pa.types.is_null(known.type) or pa.types.is_null(column.type)):
        known.mixed.setdefault(sql_type(known.type), known.path)
        known.mixed.setdefault(sql_type(column.type), path)
    known.type = common


def explain_mixture(seen: Mapping[str, _Seen], keys: Mapping[str, Column]) -> list[str]:
    """A sentence for each column whose files disagree, and for each partition key that files hold too."""
    sentences = []
    for folded, column in seen.items():
        if folded in keys:
            sentences.append(f"key {column.name} is also a column of the files: the path's value is used")
        elif column.mixed:
            where = ", ".join(f"{kind} in {path}" for kind, path in column.mixed.items())
            sentences.append(f"column {column.name} is {where}: read as {sql_type(settle_type(column.type))}")
    return sentences
