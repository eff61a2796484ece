"""What the files that share a Parquet schema have in common: their columns, and how bounds are to be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.parquet as pq

from lakeq.formats.base import Column, FileSchema
from lakeq.formats.footer_patterns import level_sizes
from lakeq.formats.parquet_bounds import BoundsReader, choose_bounds_reader
from lakeq.formats.thrift import BINARY, Fields, encode_bytes, encode_structs, read_list, read_struct
from lakeq.formats.types import plain_type

_PHYSICAL_TYPES = {
    name: number
    for number, name in enumerate(
        ("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
    )
}
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "FLOAT": 4, "DOUBLE": 8}
_ORDERED = {
    *("None", "Int", "Float16", "Decimal", "Date", "Time", "Timestamp"),
    *("String", "Enum", "JSON", "BSON", "UUID"),
}
_KEY_VALUES, _CREATED_BY, _COLUMN_ORDERS = 0x59, 0x68, 0x79
_KEY, _VALUE = 0x18, 0x28
_NAME, _CHILDREN = 0x48, 0x55
_OLD_UPPER, _OLD_LOWER, _UPPER, _LOWER = 0x18, 0x28, 0x58, 0x68
_LONG_END = 64 * 1024  # bytes
_DEEPEST = 14  # names in a path that is encoded as a short list
_ARROW_SCHEMA = b"ARROW:schema"
_TYPE_ORDER: Fields = {0x1C: {}}
_ENCODED_TYPE_ORDER = b"\x1c\x00\x00"

# Arrow distrusts some statistics of these writers until parquet-mr 1.10 and parquet-cpp 1.3.
_DOUBTED_WRITER = re.compile(rb"parquet-(?:mr|cpp(?!-arrow))", re.IGNORECASE)
_MENDED_WRITER = re.compile(
    rb"parquet-(?:mr version 1\.[1-9]\d|cpp version 1\.[3-9])\.\d+(?:-SNAPSHOT)?(?: \(build [0-9a-f]*\))?"
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf column of a schema.

    `encoded_column` is its type and path as column chunks state them; `width` the size of a stored value
    where all have one size. `is_repeated`: in a list, where statistics speak of elements, not of rows.
    `has_order`: of a type of which Arrow shows all statistics; of others it takes some for wrong.
    `read_bounds` is None where bounds count for nothing. `level_sizes` is what counts by level must be like.
    """

    path: str
    encoded_column: bytes
    width: int | None
    is_repeated: bool
    has_order: bool
    read_bounds: BoundsReader | None
    level_sizes: re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class FooterSchema:
    """The columns as lakeq gives them, and the leaves in the order of the file's column chunks.

    `lower` and `upper` are the fields of statistics that hold the bounds.
    """

    columns: FileSchema
    leaves: tuple[Leaf, ...]
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class Orders:
    """What stands at the end of a footer and bears on its columns: Arrow's own schema, if it is there, and
    for how many columns bounds are in the order of their type, if that is stated."""

    arrow_schema: bytes | None
    count: int | None


def read_orders(end: bytes) -> Orders | None:
    """What the end of a footer tells, after the row groups.

    None where only Arrow can judge the statistics: in another order, by a writer that it trusts in part, or
    encrypted. LookupError and ValueError for what is not well formed.
    """
    # Some writers store a Bloom filter of megabytes here, of each file another: not worth remembering.
    return _read_orders(end) if len(end) > _LONG_END else _recall_orders(end)


@lru_cache(maxsize=64)
def _recall_orders(end: bytes) -> Orders | None:
    return _read_orders(end)


def _read_orders(end: bytes) -> Orders | None:
    fields, stop = read_struct(end, 0, number=0x40)
    if stop != len(end) or not fields.keys() <= {_KEY_VALUES, _CREATED_BY, _COLUMN_ORDERS}:
        return None
    writer = fields.get(_CREATED_BY, b"")
    if _DOUBTED_WRITER.search(writer) and not _MENDED_WRITER.fullmatch(writer):
        return None
    # Of the metadata, types depend on Arrow's schema alone; the rest may differ from file to file.
    pairs = fields.get(_KEY_VALUES, ())
    if not all(isinstance(pair, dict) and pair.keys() <= {_KEY, _VALUE} for pair in pairs):
        return None
    arrow_schemas = [pair.get(_VALUE, b"") for pair in pairs if pair[_KEY] == _ARROW_SCHEMA]
    orders = fields.get(_COLUMN_ORDERS)
    if len(arrow_schemas) > 1 or any(order != _TYPE_ORDER for order in orders or ()):
        return None
    return Orders(arrow_schemas[0] if arrow_schemas else None, None if orders is None else len(orders))


@lru_cache(maxsize=64)
def read_schema(elements: bytes, orders: Orders) -> FooterSchema | None:
    """The schema of the files whose footers have these (encoded) elements, as Arrow reads it.

    None where only some columns have an order, or one is very deep. pyarrow.ArrowException, OSError,
    LookupError and ValueError for a schema that is not well formed.
    """
    decoded, end = read_list(elements, 0)
    if end != len(elements):
        raise ValueError("the schema has more elements than it says")
    schema = pq.read_metadata(pa.BufferReader(_make_file(elements, orders))).schema
    leaves = [schema.column(i) for i in range(len(schema))]
    if orders.count not in (None, len(leaves)):
        return None
    paths = [path[1:] for path in _find_paths(iter(decoded))]  # without the root
    if len(paths) != len(leaves) or any(len(path) > _DEEPEST for path in paths):
        return None
    columns = read_columns(schema)
    if orders.count is None:
        # Bounds from before there were orders count where all writers understood the same by them.
        old = (_read_leaf(*pair, only_signed=True) for pair in zip(leaves, paths, strict=True))
        return FooterSchema(columns, tuple(old), _OLD_LOWER, _OLD_UPPER)
    return FooterSchema(columns, tuple(map(_read_leaf, leaves, paths)), _LOWER, _UPPER)


def _make_file(elements: bytes, orders: Orders) -> bytes:
    """A Parquet file of this schema without rows, to show to Arrow."""
    pairs = []
    if orders.arrow_schema is not None:
        key, value = encode_bytes(_ARROW_SCHEMA), encode_bytes(orders.arrow_schema)
        pairs.append(b"\x18" + key + b"\x18" + value + b"\x00")
    fields: tuple[bytes, ...] = (
        b"\x15\x04",  # 1: version 2
        b"\x19" + elements,
        b"\x16\x00",  # 3: no rows
        b"\x19" + encode_structs([]),  # 4: no row groups
        b"\x19" + encode_structs(pairs),
    )
    if orders.count is not None:
        fields += (b"\x29" + encode_structs([_ENCODED_TYPE_ORDER] * orders.count),)  # 7
    footer = b"".join(fields) + b"\x00"
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def _read_leaf(leaf: pq.ColumnSchema, path: list[bytes], *, only_signed: bool = False) -> Leaf:
    physical = leaf.physical_type
    logical = json.loads(leaf.logical_type.to_json())
    is_unsigned = logical["Type"] == "String" or not logical.get("isSigned", True)
    head = bytes([_PHYSICAL_TYPES[physical] << 1, len(path) << 4 | BINARY])
    return Leaf(
        path=leaf.path,
        encoded_column=head + b"".join(map(encode_bytes, path)),
        width=leaf.length if physical == "FIXED_LEN_BYTE_ARRAY" else _WIDTHS.get(physical),
        is_repeated=leaf.max_repetition_level > 0,
        has_order=physical != "INT96" and logical["Type"] in _ORDERED,
        read_bounds=None if only_signed and is_unsigned else choose_bounds_reader(physical, logical),
        level_sizes=level_sizes(
            leaf.max_repetition_level + 1, leaf.max_definition_level + 1, physical == "BYTE_ARRAY"
        ),
    )


def _find_paths(elements: Iterator[Fields]) -> Iterator[list[bytes]]:
    """The names down to each leaf under the next element, its own name first."""
    element = next(elements)
    name = element[_NAME]
    children = element.get(_CHILDREN, 0)
    if not children:
        yield [name]
    for _ in range(children):
        for path in _find_paths(elements):
            yield [name, *path]


def read_columns(schema: pq.ParquetSchema) -> FileSchema:
    """The columns with the types in which DuckDB reads them."""
    leaves = iter([schema.column(i) for i in range(len(schema))])
    arrow = schema.to_arrow_schema()
    return FileSchema(tuple(Column(field.name, _read_type(field.type, leaves)) for field in arrow))


def _read_type(type: pa.DataType, leaves: Iterator[pq.ColumnSchema]) -> pa.DataType:
    """The type as DuckDB reads it: Arrow's own, mended leaf by leaf where the two differ."""
    if pa.types.is_struct(type):
        return pa.struct([pa.field(f.name, _read_type(f.type, leaves)) for f in type])
    if pa.types.is_map(type):
        return pa.map_(_read_type(type.key_type, leaves), _read_type(type.item_type, leaves))
    if pa.types.is_nested(type):
        return pa.list_(_read_type(type.value_type, leaves))
    return _read_leaf_type(plain_type(type), next(leaves))


def _read_leaf_type(type: pa.DataType, leaf: pq.ColumnSchema) -> pa.DataType:
    if leaf.physical_type == "INT96":
        return pa.timestamp("us")
    if leaf.converted_type == "INTERVAL":  # twelve bytes to Arrow
        return pa.month_day_nano_interval()
    if pa.types.is_timestamp(type):
        unit = "ns" if type.unit == "ns" else "us"
        # Files from before logical types do not say whether a time is UTC; DuckDB takes it as naive.
        stated = not json.loads(leaf.logical_type.to_json()).get("is_from_converted_type", False)
        return pa.timestamp(unit, type.tz if stated else None)
    if pa.types.is_duration(type):
        return pa.int64()  # known from Arrow's own annotation only
    return type
