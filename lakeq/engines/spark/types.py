"""Arrow's types as Spark's, in the spelling of Spark's DDL."""

from __future__ import annotations

import pyarrow as pa

from lakeq.formats.types import plain_type

_NAMES: dict[pa.DataType, str] = {
    pa.null(): "STRING",
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
    pa.uint8(): "SMALLINT",
    pa.uint16(): "INT",
    pa.uint32(): "BIGINT",
    pa.uint64(): "DECIMAL(20,0)",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "STRING",
    pa.binary(): "BINARY",
    pa.date32(): "DATE",
}
"""Spark has no unsigned integers: the next wider type holds them, as its own Parquet reader has it."""


def quote_spark_name(name: str) -> str:
    """`name` as an identifier of Spark's SQL."""
    return "`" + name.replace("`", "``") + "`"


def spark_type(type: pa.DataType) -> str | None:
    """The type of Spark's that holds the values of an Arrow type; None: there is none.

    A time to the nanosecond is one to the microsecond in Spark: whoever reads one sees to it that it fits.
    """
    plain = plain_type(type)
    if plain in _NAMES:
        return _NAMES[plain]
    if pa.types.is_timestamp(plain):
        return "TIMESTAMP_NTZ" if plain.tz is None else "TIMESTAMP"
    if pa.types.is_decimal(plain):
        return f"DECIMAL({plain.precision},{plain.scale})"
    return _nested_type(plain) if pa.types.is_nested(plain) else None


def _nested_type(type: pa.DataType) -> str | None:
    if pa.types.is_struct(type):
        fields = [(field.name, spark_type(field.type)) for field in type]
        if not fields or any(told is None for _, told in fields):
            return None
        return f"STRUCT<{', '.join(f'{quote_spark_name(name)}: {told}' for name, told in fields)}>"
    if pa.types.is_map(type):
        key, item = spark_type(type.key_type), spark_type(type.item_type)
        return f"MAP<{key}, {item}>" if key and item else None
    if pa.types.is_list(type):
        value = spark_type(type.value_type)
        return f"ARRAY<{value}>" if value else None
    return None


def holds_nanoseconds(type: pa.DataType) -> bool:
    """Whether values of the type may be finer than Spark's times, at any depth."""
    if pa.types.is_timestamp(type):
        return bool(type.unit == "ns")
    return any(holds_nanoseconds(type.field(i).type) for i in range(type.num_fields))


def shown_type(type: pa.DataType) -> pa.DataType:
    """The type of a table's column as its view has it: times to the nanosecond are to the microsecond."""
    is_fine = pa.types.is_timestamp(type) and type.unit == "ns"
    return pa.timestamp("us", type.tz) if is_fine else type
