"""Arrow's types in the words of each engine's DDL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

from lakeq.ddl.literals import back_quoted, double_quoted
from lakeq.errors import UnsupportedTableError
from lakeq.formats.base import Column
from lakeq.formats.types import plain_type, sql_type

_FIELD = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class TypeWords:
    """The words of one engine. `zoned` is what holds timestamps with a time zone; `field` writes a field of a
    struct from its name and type. Types that are in none of these the engine has not."""

    engine: str
    scalars: Mapping[pa.DataType, str]
    timestamp: str
    zoned: str
    decimal: str
    struct: str
    list: str
    map: str
    field: Callable[[str, str], str]


def spell_type(kind: pa.DataType, words: TypeWords) -> str | None:
    """The type in an engine's words; None when it has no such type."""
    kind = plain_type(kind)
    if kind in words.scalars:
        return words.scalars[kind]
    if pa.types.is_timestamp(kind):
        return words.timestamp if kind.tz is None else words.zoned
    if pa.types.is_decimal(kind):
        return words.decimal.format(kind.precision, kind.scale)
    if pa.types.is_struct(kind):
        parts = [(field.name, spell_type(field.type, words)) for field in kind]
        fields = [words.field(name, part) for name, part in parts if part is not None]
        return words.struct.format(", ".join(fields)) if len(fields) == len(parts) else None
    if pa.types.is_list(kind):
        inner = spell_type(kind.value_type, words)
        return None if inner is None else words.list.format(inner)
    if pa.types.is_map(kind):
        key, item = spell_type(kind.key_type, words), spell_type(kind.item_type, words)
        return None if key is None or item is None else words.map.format(key, item)
    return None


def require_type(table: str, column: Column, words: TypeWords) -> str:
    """As spell_type; UnsupportedTableError names the column for which there is no type."""
    spelled = spell_type(column.type, words)
    if spelled is None:
        raise UnsupportedTableError(
            f"Column {column.name!r} of table {table!r} is {sql_type(column.type)}, for which {words.engine} "
            f"has no type. Leave it out: --exclude {column.name} (exclude=[{column.name!r}]).",
            table,
            words.engine,
        )
    return spelled


def check_fields(table: str, column: Column, words: TypeWords) -> None:
    """UnsupportedTableError for a field of a struct whose name cannot be written in Hive's types."""
    odd = next((name for name in _field_names(column.type) if not _FIELD.fullmatch(name)), None)
    if odd is not None:
        raise UnsupportedTableError(
            f"Column {column.name!r} of table {table!r} has a field {odd!r}, a name that {words.engine} does "
            f"not take. Leave the column out: --exclude {column.name} (exclude=[{column.name!r}]).",
            table,
            words.engine,
        )


def _field_names(kind: pa.DataType) -> list[str]:
    if not (pa.types.is_struct(kind) or pa.types.is_list(kind) or pa.types.is_map(kind)):
        return []
    fields = [kind.field(i) for i in range(kind.num_fields)]
    own = [field.name for field in fields] if pa.types.is_struct(kind) else []
    return own + [name for field in fields for name in _field_names(field.type)]


_INTEGERS = {
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.uint8(): "smallint",
    pa.uint16(): "int",
    pa.uint32(): "bigint",
}

HIVE = TypeWords(
    engine="Athena",
    scalars=MappingProxyType(
        {
            **_INTEGERS,
            pa.bool_(): "boolean",
            pa.float32(): "float",
            pa.float64(): "double",
            pa.string(): "string",
            pa.binary(): "binary",
            pa.date32(): "date",
        }
    ),
    timestamp="timestamp",
    zoned="timestamp",
    decimal="decimal({},{})",
    struct="struct<{}>",
    list="array<{}>",
    map="map<{},{}>",
    field=lambda name, kind: f"{name}:{kind}",
)

TRINO = TypeWords(
    engine="Trino",
    scalars=MappingProxyType(
        {
            **_INTEGERS,
            pa.int32(): "integer",
            pa.uint16(): "integer",
            pa.bool_(): "boolean",
            pa.float32(): "real",
            pa.float64(): "double",
            pa.string(): "varchar",
            pa.binary(): "varbinary",
            pa.date32(): "date",
        }
    ),
    timestamp="timestamp(3)",
    zoned="timestamp(3)",
    decimal="decimal({},{})",
    struct="row({})",
    list="array({})",
    map="map({}, {})",
    field=lambda name, kind: f"{double_quoted(name)} {kind}",
)

SPARK = TypeWords(
    engine="Spark",
    scalars=MappingProxyType(
        {
            **{kind: word.upper() for kind, word in _INTEGERS.items()},
            pa.uint64(): "DECIMAL(20,0)",
            pa.bool_(): "BOOLEAN",
            pa.float32(): "FLOAT",
            pa.float64(): "DOUBLE",
            pa.string(): "STRING",
            pa.binary(): "BINARY",
            pa.date32(): "DATE",
        }
    ),
    timestamp="TIMESTAMP_NTZ",
    zoned="TIMESTAMP",
    decimal="DECIMAL({},{})",
    struct="STRUCT<{}>",
    list="ARRAY<{}>",
    map="MAP<{}, {}>",
    field=lambda name, kind: f"{back_quoted(name)}: {kind}",
)

REDSHIFT = TypeWords(
    engine="Redshift Spectrum",
    scalars=MappingProxyType(
        {
            **_INTEGERS,
            pa.int8(): "smallint",
            pa.bool_(): "boolean",
            pa.float32(): "real",
            pa.float64(): "double precision",
            pa.string(): "varchar(65535)",
            pa.binary(): "varbyte(65535)",
            pa.date32(): "date",
        }
    ),
    timestamp="timestamp",
    zoned="timestamp",
    decimal="decimal({},{})",
    struct="struct<{}>",
    list="array<{}>",
    map="map<{},{}>",
    field=lambda name, kind: f"{name}:{kind}",
)
