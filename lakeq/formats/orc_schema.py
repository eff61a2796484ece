"""What the ORC files of one schema have in common: their columns, and what each stored column stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.orc

from lakeq.formats.base import Column, FileSchema
from lakeq.formats.orc_tail import MAGIC, write_tail
from lakeq.formats.protobuf import Fields, read_integers, read_last, read_message
from lakeq.formats.types import plain_type

_TYPES = 0x22
_KIND, _NAMES, _PRECISION = 0x08, 0x1A, 0x28
_SUBTYPES = 2
_LIST, _MAP, _STRUCT, _DECIMAL = 10, 11, 12, 14
_MOST_DIGITS = 38


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """One column as ORC counts them: `number` is its place in the file's types, `parent` that of the column
    which holds it (0: the record).

    `path` is dotted, as Parquet spells it. `type` is that of its values where statistics speak of rows: None
    for what is in a list, map or union.
    """

    number: int
    parent: int
    path: str
    type: pa.DataType | None


@dataclass(frozen=True, slots=True)
class OrcSchema:
    """The columns as lakeq gives them, and all that are stored but the record that holds them, by number."""

    columns: FileSchema
    stored: tuple[StoredColumn, ...]


def read_schema(footer: Fields) -> OrcSchema:
    """The schema of a file with this footer, as Arrow reads it.

    pyarrow.ArrowException, OSError, LookupError and ValueError for one that is not well formed.
    """
    return _read_schema(tuple(footer.get(_TYPES, ())))


@lru_cache(maxsize=64)
def _read_schema(encoded: tuple[bytes, ...]) -> OrcSchema:
    types = [read_message(type) for type in encoded]
    for type in types:
        if read_last(type, _KIND) == _DECIMAL and read_last(type, _PRECISION, 0) > _MOST_DIGITS:
            raise ValueError("a decimal of too many digits")  # which would end the process in Arrow
    # A file without rows, to show to Arrow.
    empty = MAGIC + write_tail({0x08: [3], 0x10: [3], _TYPES: list(encoded), 0x30: [0]}, {})
    arrow = pyarrow.orc.ORCFile(pa.BufferReader(empty)).schema
    columns = tuple(Column(field.name, plain_type(field.type)) for field in arrow)
    record = pa.struct([pa.field(column.name, column.type) for column in columns])
    stored = sorted(_find_columns(types, 0, "", record), key=lambda column: column.number)
    if [column.number for column in stored] != list(range(1, len(types))):
        raise ValueError("its types are not one tree")
    return OrcSchema(FileSchema(columns), tuple(stored))


def _find_columns(
    types: list[Fields], number: int, path: str, type: pa.DataType | None
) -> Iterator[StoredColumn]:
    """The columns below one, which is of this Arrow type; None inside of what repeats."""
    kind = read_last(types[number], _KIND, 0)
    inner = read_integers(types[number], _SUBTYPES)
    names = [name.decode() for name in types[number].get(_NAMES, ())]
    if kind == _STRUCT:
        kinds = [None] * len(inner) if type is None else [field.type for field in type]
        prefix = f"{path}." if number else ""
        paths = [prefix + name for name in names]
    else:
        kinds = [None] * len(inner)
        suffixes = {_LIST: ("list.element",), _MAP: ("key_value.key", "key_value.value")}
        paths = [f"{path}.{suffix}" for suffix in suffixes.get(kind, map(str, range(len(inner))))]
    for child, child_path, child_type in zip(inner, paths, kinds, strict=True):
        if child <= number:
            raise ValueError("its types are not one tree")
        yield StoredColumn(child, number, child_path, child_type)
        yield from _find_columns(types, child, child_path, child_type)
