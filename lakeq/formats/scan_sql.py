"""SQL text of DuckDB's file readers, and of casts that refuse what does not fit.

DuckDB's own casts change values in silence: 1.5 read into BIGINT is 2, a time read into DATE loses the
hours, a time with a zone read into TIMESTAMP loses the zone. Types come from the head of a file, so later
rows may hold just that. Such columns are read as text, checked and then cast; for 1.5 million rows that
cost nothing that could be measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from lakeq.formats.text_types import DATE_PATTERN, TIMESTAMP_PATTERN, ZONED_PATTERN
from lakeq.formats.types import parse_type, quote_name, quote_text, sql_type

_FILE_COLUMN = "lakeq_read_from"
# Readers want a column, though a file of empty lines or of `{}` has none; of just one, an empty line is a
# value.
_NO_COLUMNS = {"lakeq_no_column_1": "VARCHAR", "lakeq_no_column_2": "VARCHAR"}

Check = Callable[[pa.DataType, str], str | None]
"""The SQL condition under which a text (SQL expression) is a value of a scalar type; None: the reader's own
parsing is right."""


def list_literal(texts: Sequence[str]) -> str:
    """`['text', …]`, as readers take paths."""
    return f"[{', '.join(map(quote_text, texts))}]"


def call_reader(
    reader: str,
    paths: str,
    options: Mapping[str, str],
    hive_types: Mapping[str, str],
    filename: str | None,
) -> str:
    """A call of `reader` with `options` as SQL text; Hive columns only as given, nothing guessed."""
    every = dict(options)
    every["hive_partitioning"] = "true" if hive_types else "false"
    if hive_types:
        every["hive_types_autocast"] = "false"
        every["hive_types"] = struct_literal(hive_types)
    if filename is not None:
        every["filename"] = quote_text(filename)
    return f"{reader}({paths}, " + ", ".join(f"{name}={value}" for name, value in every.items()) + ")"


def struct_literal(texts: Mapping[str, str]) -> str:
    """`{'name': 'text', …}`, as readers take columns and their types."""
    return "{" + ", ".join(f"{quote_text(name)}: {quote_text(text)}" for name, text in texts.items()) + "}"


def call_text_reader(
    reader: str,
    paths: str,
    options: Mapping[str, str],
    types: Mapping[str, str],
    hive_types: Mapping[str, str],
    filename: str | None,
    check: Check,
) -> str:
    """A call of `reader` for text files with columns of `types`, in which every cast that `check` names is
    exact: a text that is not a value of its column's type stops the query and is named with its file; an
    empty one is NULL."""
    wanted = {name: parse_type(type) for name, type in (types or _NO_COLUMNS).items()}
    read = {name: _text_type(type, check) for name, type in wanted.items()}
    columns = struct_literal({name: sql_type(type) for name, type in read.items()})
    casts = [name for name in wanted if read[name] != wanted[name]]
    if not casts:
        return call_reader(reader, paths, {"columns": columns, **options}, hive_types, filename)
    file_column = filename or _FILE_COLUMN
    call = call_reader(reader, paths, {"columns": columns, **options}, hive_types, file_column)
    replaced = ", ".join(
        f"{_Cast(name, file_column, check).sql(quote_name(name), wanted[name])} AS {quote_name(name)}"
        for name in casts
    )
    hidden = "" if filename else f" EXCLUDE ({quote_name(_FILE_COLUMN)})"
    return f"(SELECT *{hidden} REPLACE ({replaced}) FROM {call})"


def check_text(type: pa.DataType, text: str) -> str | None:
    """The condition for the types that DuckDB's readers parse too leniently from any text format."""
    name = sql_type(type)
    if pa.types.is_integer(type):
        # Equal as DOUBLE: no fraction was rounded away.
        return f"TRY_CAST({text} AS {name}) = TRY_CAST({text} AS DOUBLE)"
    if pa.types.is_decimal(type):
        fraction = rf"(?:\.[0-9]{{0,{type.scale}}}0*)?"
        return check_pattern(type, text, f"-?[0-9]+{fraction}")
    if pa.types.is_date(type):
        return check_pattern(type, text, DATE_PATTERN)
    if pa.types.is_timestamp(type):
        return check_pattern(type, text, TIMESTAMP_PATTERN if type.tz is None else ZONED_PATTERN)
    return None


def check_pattern(type: pa.DataType, text: str, pattern: str) -> str:
    """The condition that `text` matches `pattern` and can be cast to `type`."""
    is_castable = f"TRY_CAST({text} AS {sql_type(type)}) IS NOT NULL"
    return f"regexp_full_match({text}, {quote_text(pattern)}) AND {is_castable}"


def _text_type(type: pa.DataType, check: Check) -> pa.DataType:
    """`type` with the scalars that are to be checked as text."""
    if pa.types.is_struct(type):
        return pa.struct([pa.field(f.name, _text_type(f.type, check)) for f in type])
    if pa.types.is_map(type):
        return pa.map_(_text_type(type.key_type, check), _text_type(type.item_type, check))
    if pa.types.is_list(type):
        return pa.list_(_text_type(type.value_type, check))
    return type if check(type, "") is None else pa.string()


@dataclass(frozen=True, slots=True)
class _Cast:
    """The exact casts of one column."""

    column: str
    file_column: str
    check: Check

    def sql(self, text: str, type: pa.DataType, depth: int = 0) -> str:
        """The SQL expression of `text` (an expression of `_text_type`) as a value of `type`."""
        if _text_type(type, self.check) == type:
            return text
        inner = f"x{depth}"
        if pa.types.is_struct(type):
            fields = ", ".join(
                f"{quote_name(f.name)} := "
                + self.sql(f"struct_extract({text}, {quote_text(f.name)})", f.type, depth + 1)
                for f in type
            )
            return f"CASE WHEN {text} IS NOT NULL THEN struct_pack({fields}) END"
        if pa.types.is_list(type):
            return f"list_transform({text}, lambda {inner}: {self.sql(inner, type.value_type, depth + 1)})"
        if pa.types.is_map(type):
            keys = self.sql(f"map_keys({text})", pa.list_(type.key_type), depth + 1)
            items = self.sql(f"map_values({text})", pa.list_(type.item_type), depth + 1)
            return f"CASE WHEN {text} IS NOT NULL THEN map({keys}, {items}) END"
        return self._scalar_sql(text, type)

    def _scalar_sql(self, text: str, type: pa.DataType) -> str:
        name = sql_type(type)
        before = quote_text(f'Column {quote_name(self.column)} holds "')
        between = quote_text(f'", which is not {name}, in file "')
        message = f"{before} || {text} || {between} || {quote_name(self.file_column)} || '\".'"
        # error() would do, but is volatile to DuckDB: no filter passes it and joins become cross products.
        return (
            f"CASE WHEN {self.check(type, text)} THEN CAST({text} AS {name}) "
            f"WHEN {text} <> '' THEN CAST({message} AS {name}) END"
        )
