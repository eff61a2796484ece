"""Types between three worlds: Arrow (which lakeq speaks), SQL (which DuckDB speaks), and what users write."""

from __future__ import annotations

from functools import lru_cache

import pyarrow as pa

from lakeq.formats.text_types import cast_text, infer_text_type
from lakeq.formats.type_names import parse_type

__all__ = [
    "cast_text",
    "common_type",
    "infer_text_type",
    "parse_type",
    "plain_type",
    "quote_name",
    "quote_text",
    "settle_type",
    "sql_type",
]

UTC = "UTC"

_SQL_NAMES: dict[pa.DataType, str] = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint8(): "UTINYINT",
    pa.uint16(): "USMALLINT",
    pa.uint32(): "UINTEGER",
    pa.uint64(): "UBIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.date32(): "DATE",
    pa.time64("us"): "TIME",
    pa.time64("ns"): "TIME_NS",
    pa.timestamp("s"): "TIMESTAMP_S",
    pa.timestamp("ms"): "TIMESTAMP_MS",
    pa.timestamp("us"): "TIMESTAMP",
    pa.timestamp("ns"): "TIMESTAMP_NS",
    pa.timestamp("ns", UTC): "TIMESTAMPTZ_NS",
    pa.uuid(): "UUID",
}


def quote_name(name: str) -> str:
    """`name` as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """`text` as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


@lru_cache(maxsize=4096)  # each query names the types of every column of its tables several times
def sql_type(type: pa.DataType) -> str:
    """The DuckDB name of an Arrow type. The null type, which holds anything, is VARCHAR."""
    plain = plain_type(type)
    if plain in _SQL_NAMES:
        return _SQL_NAMES[plain]
    if pa.types.is_timestamp(plain):
        return "TIMESTAMP WITH TIME ZONE"
    if pa.types.is_decimal(plain):
        return f"DECIMAL({plain.precision},{plain.scale})"
    if pa.types.is_duration(plain) or pa.types.is_interval(plain):
        return "INTERVAL"
    if pa.types.is_struct(plain):
        return f"STRUCT({', '.join(f'{quote_name(f.name)} {sql_type(f.type)}' for f in plain)})"
    if pa.types.is_list(plain):
        return f"{sql_type(plain.value_type)}[]"
    if pa.types.is_map(plain):
        return f"MAP({sql_type(plain.key_type)}, {sql_type(plain.item_type)})"
    return "VARCHAR"


@lru_cache(maxsize=4096)
def plain_type(type: pa.DataType) -> pa.DataType:
    """The same values in the one spelling that lakeq uses, nested types included.

    Encodings vanish (dictionary, large, view, fixed size), zones become UTC, and types that DuckDB lacks
    become what it reads them as (half floats FLOAT, decimals over 38 digits DOUBLE). Field metadata and
    nullability are dropped.
    """
    if isinstance(type, pa.BaseExtensionType):
        return type if type == pa.uuid() else plain_type(type.storage_type)
    if pa.types.is_nested(type) and not pa.types.is_union(type):
        return _plain_nested_type(type)
    if pa.types.is_dictionary(type) or pa.types.is_run_end_encoded(type):
        return plain_type(type.value_type)
    return _plain_scalar_type(type)


def settle_type(type: pa.DataType) -> pa.DataType:
    """`type` with text for what no value has told yet, the null type, at any depth."""
    if pa.types.is_null(type):
        return pa.string()
    if pa.types.is_struct(type):
        return pa.struct([pa.field(f.name, settle_type(f.type)) for f in type])
    if pa.types.is_map(type):
        return pa.map_(settle_type(type.key_type), settle_type(type.item_type))
    return pa.list_(settle_type(type.value_type)) if pa.types.is_list(type) else type


def _plain_scalar_type(type: pa.DataType) -> pa.DataType:
    rules = (
        ((pa.types.is_large_string, pa.types.is_string_view), pa.string()),
        ((pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view), pa.binary()),
        ((pa.types.is_float16,), pa.float32()),
        ((pa.types.is_date64,), pa.date32()),
        ((pa.types.is_time32,), pa.time64("us")),
    )
    for tests, plain in rules:
        if any(test(type) for test in tests):
            return plain
    if pa.types.is_timestamp(type) and type.tz is not None:
        return pa.timestamp(type.unit, UTC)
    if pa.types.is_decimal(type):
        return pa.decimal128(type.precision, type.scale) if type.precision <= 38 else pa.float64()
    return type


def _plain_nested_type(type: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(type):
        return pa.struct([pa.field(f.name, plain_type(f.type)) for f in type])
    if pa.types.is_map(type):
        return pa.map_(plain_type(type.key_type), plain_type(type.item_type))
    return pa.list_(plain_type(type.value_type))


def common_type(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    """The narrowest type that holds the values of both; None for a conflict (scalar against nested).

    Numbers stay numbers (int64 with double is double, uint64 with a signed type is decimal(20,0)), dates
    become timestamps, null takes any type, structs are united by field. Two scalars with nothing else in
    common, a naive and a zoned timestamp among them, are text.
    """
    a, b = plain_type(a), plain_type(b)
    if a == b or pa.types.is_null(b):
        return a
    if pa.types.is_null(a):
        return b
    if pa.types.is_nested(a) or pa.types.is_nested(b):
        return _common_nested_type(a, b)
    if _is_number(a) and _is_number(b):
        return _common_number_type(a, b)
    return _common_time_type(a, b) or pa.string()


def _common_nested_type(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    if pa.types.is_struct(a) and pa.types.is_struct(b):
        return _common_struct_type(a, b)
    if pa.types.is_list(a) and pa.types.is_list(b):
        value = common_type(a.value_type, b.value_type)
        return None if value is None else pa.list_(value)
    if pa.types.is_map(a) and pa.types.is_map(b):
        key, item = common_type(a.key_type, b.key_type), common_type(a.item_type, b.item_type)
        return None if key is None or item is None else pa.map_(key, item)
    return None


def _common_struct_type(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    # SQL names know no case, so neither do the fields: the first spelling stays.
    fields = {f.name.casefold(): f for f in a}
    for field in b:
        known = fields.get(field.name.casefold())
        type = field.type if known is None else common_type(known.type, field.type)
        if type is None:
            return None
        fields[field.name.casefold()] = pa.field(known.name if known is not None else field.name, type)
    return pa.struct(list(fields.values()))


def _is_number(type: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type) or pa.types.is_floating(type) or pa.types.is_decimal(type))


def _common_number_type(a: pa.DataType, b: pa.DataType) -> pa.DataType:
    if pa.types.is_floating(a) and pa.types.is_floating(b):
        return a if a.bit_width >= b.bit_width else b
    if pa.types.is_floating(a) or pa.types.is_floating(b):
        return pa.float64()
    if pa.types.is_integer(a) and pa.types.is_integer(b):
        return _common_integer_type(a, b)
    (digits_a, scale_a), (digits_b, scale_b) = _decimal_shape(a), _decimal_shape(b)
    scale = max(scale_a, scale_b)
    precision = max(digits_a, digits_b) + scale
    return pa.decimal128(precision, scale) if precision <= 38 else pa.float64()


def _common_integer_type(a: pa.DataType, b: pa.DataType) -> pa.DataType:
    signed_a, signed_b = pa.types.is_signed_integer(a), pa.types.is_signed_integer(b)
    if signed_a == signed_b:
        return a if a.bit_width >= b.bit_width else b
    signed, unsigned = (a, b) if signed_a else (b, a)
    bits = max(signed.bit_width, 2 * unsigned.bit_width)
    wider = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
    return wider.get(bits, pa.decimal128(20, 0))


def _decimal_shape(type: pa.DataType) -> tuple[int, int]:
    """Digits before and after the point."""
    if pa.types.is_decimal(type):
        return type.precision - type.scale, type.scale
    return {8: 3, 16: 5, 32: 10, 64: 20 if pa.types.is_unsigned_integer(type) else 19}[type.bit_width], 0


def _common_time_type(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    times = (pa.time64("us"), pa.time64("ns"))
    if a in times and b in times:
        return pa.time64("ns")
    dates = [type for type in (a, b) if pa.types.is_date(type)]
    stamps = [type for type in (a, b) if pa.types.is_timestamp(type)]
    if len(dates) + len(stamps) < 2 or len({type.tz for type in stamps}) != 1 or (dates and stamps[0].tz):
        return None
    units = ("s", "ms", "us", "ns")
    return pa.timestamp(max((type.unit for type in stamps), key=units.index), stamps[0].tz)
