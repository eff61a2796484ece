"""Columns of Athena and Trino: as they are stored, and the expression that makes of each what lakeq sees.

Both read CSV as texts, times in JSON only in one form, and unsigned integers of Parquet as signed ones. The
table is then one of what is stored, and a view beside it has the table's name and its types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from lakeq.ddl.literals import double_quoted, trino_text
from lakeq.ddl.subject import Subject
from lakeq.ddl.text_files import find_dialect
from lakeq.ddl.type_words import TRINO, TypeWords, check_fields, require_type
from lakeq.errors import UnsupportedTableError
from lakeq.formats.base import Column
from lakeq.formats.types import sql_type


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column of the files: its type there in DDL, and what makes lakeq's value of it."""

    name: str
    kind: str
    value: str

    @property
    def is_plain(self) -> bool:
        return self.value == double_quoted(self.name)


def store_columns(subject: Subject, words: TypeWords) -> tuple[StoredColumn, ...]:
    """The columns of the table's files for Athena or Trino (`words`)."""
    table = subject.table
    null = find_dialect(subject, words.engine).null if table.format == "csv" else ""
    is_text = table.format in ("csv", "json")
    stored = []
    for column in subject.columns:
        if words is not TRINO:
            check_fields(table.name, column, words)
        if table.format == "csv":
            kind, value = require_type(table.name, _as_text(column), words), _cast(column, null, words)
        elif is_text and _is_time(column.type):
            kind, value = require_type(table.name, _as_text(column), words), _cast(column, "", words)
        elif is_text:
            told = Column(column.name, _times_as_text(column.type))
            kind, value = require_type(table.name, told, words), double_quoted(column.name)
        else:
            kind, value = _store_binary(table.name, table.format, column, words)
        stored.append(StoredColumn(column.name, kind, value))
    return tuple(stored)


def select_values(subject: Subject, columns: Sequence[StoredColumn], source: str) -> str:
    """The SELECT that gives the table as lakeq has it, over the table of what is stored."""
    values = {column.name.casefold(): column for column in columns}
    items = []
    for column in subject.table.columns:
        stored = values.get(column.name.casefold())
        name = double_quoted(column.name)
        if stored is None and column not in subject.keys:
            continue  # left out
        items.append(name if stored is None or stored.is_plain else f"{stored.value} AS {name}")
    return "SELECT\n" + ",\n".join(f"  {item}" for item in items) + f"\nFROM {source}"


def explain_texts(subject: Subject, columns: Sequence[StoredColumn]) -> list[str]:
    """What Athena and Trino see otherwise of files of text, and that types are those of a view."""
    notes = []
    if not all(column.is_plain for column in columns):
        notes.append("the table's types are those of the view: files are read as the table …_raw says")
    if subject.table.format == "csv" and any(schema.option("quote") for schema, _ in subject.schemas):
        notes.append("a line break within quotes ends the row: write such files anew")
    if subject.table.format == "json":
        nested = [
            c.name for c in subject.columns if c.type != _times_as_text(c.type) and not _is_time(c.type)
        ]
        notes += [f"times within {name} are texts" for name in nested]
    return notes


def _as_text(column: Column) -> Column:
    return Column(column.name, pa.string())


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _times_as_text(kind: pa.DataType) -> pa.DataType:
    """The type with texts for the dates and timestamps in it."""
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _times_as_text(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(_times_as_text(kind.value_type))
    if pa.types.is_map(kind):
        return pa.map_(kind.key_type, _times_as_text(kind.item_type))
    return pa.string() if _is_time(kind) else kind


def _cast(column: Column, null: str, words: TypeWords) -> str:
    """A cell of text as a value; what is no value of the type fails, as it does in lakeq."""
    text = double_quoted(column.name)
    cell = f"NULLIF({text}, {trino_text(null)})"
    kind = column.type
    if pa.types.is_string(kind):
        return cell
    cell = cell if not null else f"NULLIF({cell}, '')"
    if pa.types.is_binary(kind):
        return f"to_utf8({cell})"
    if not pa.types.is_timestamp(kind):
        if kind == pa.uint64():
            return f"CAST({cell} AS decimal(20,0))"
        return f"CAST({cell} AS {require_type('', column, TRINO)})"
    spaced, digits = f"replace({cell}, 'T', ' ')", 6 if words is TRINO else 3
    if kind.tz is None:
        return f"CAST({spaced} AS timestamp({digits}))"
    zoned = f"CAST({spaced} AS timestamp({digits}) with time zone)"
    # A view of Athena has no type with a time zone.
    return zoned if words is TRINO else f"CAST({zoned} AT TIME ZONE 'UTC' AS timestamp({digits}))"


def _store_binary(table: str, file_format: str, column: Column, words: TypeWords) -> tuple[str, str]:
    """A column of Parquet or ORC. Unsigned integers are read as if they were signed."""
    name = double_quoted(column.name)
    if file_format == "parquet" and column.type == pa.uint32():
        return "bigint", f"CASE WHEN {name} < 0 THEN {name} + 4294967296 ELSE {name} END"
    if file_format == "parquet" and column.type == pa.uint64():
        wide = f"CAST({name} AS decimal(20,0))"
        return "bigint", f"CASE WHEN {name} < 0 THEN {wide} + DECIMAL '18446744073709551616' ELSE {wide} END"
    has_zone = pa.types.is_timestamp(column.type) and column.type.tz is not None
    if (file_format == "orc" and has_zone) or _has_unsigned(column.type):
        raise UnsupportedTableError(
            f"Column {column.name!r} of table {table!r} is {sql_type(column.type)}, which {words.engine} "
            f"does not read from {file_format} files. Leave it out: --exclude {column.name} "
            f"(exclude=[{column.name!r}]).",
            table,
            words.engine,
        )
    return require_type(table, column, words), name


def _has_unsigned(kind: pa.DataType) -> bool:
    """Whether there are large unsigned integers within a nested type."""
    if pa.types.is_struct(kind) or pa.types.is_list(kind) or pa.types.is_map(kind):
        parts = [kind.field(i).type for i in range(kind.num_fields)]
        return any(part in (pa.uint32(), pa.uint64()) or _has_unsigned(part) for part in parts)
    return False
