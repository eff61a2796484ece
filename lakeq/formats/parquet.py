"""Parquet: everything that planning needs stands in the footer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from lakeq.errors import CorruptFileError
from lakeq.formats.base import Column, ColumnChunk, FileFacts, FileSchema, ReadOptions, RowGroup, Source
from lakeq.formats.footer import ENCRYPTED, find_footer_fault
from lakeq.formats.fragments import file_fields, scan_files
from lakeq.formats.scan_sql import call_reader
from lakeq.formats.types import plain_type

TAIL_BYTES = 64 * 1024
_MAGIC, _ENCRYPTED_MAGIC = b"PAR1", b"PARE"
_TRAILER_BYTES = 8


class ParquetFormat:
    """Row groups with exact sizes and, where the statistics can be trusted, bounds."""

    name = "parquet"
    has_footers = True

    def inspect(self, source: Source, options: ReadOptions) -> FileFacts:
        """The footer of `source`: one read of 64 KiB, a second only when the footer is longer.

        CorruptFileError for a file that is cut short, encrypted or damaged. `options` do not apply.
        """
        footer = read_footer(source)
        try:
            metadata = pq.read_metadata(pa.BufferReader(footer))
            fault = find_footer_fault(footer[len(_MAGIC) : -_TRAILER_BYTES])
            if fault is not None:
                raise _encrypted(source) if fault == ENCRYPTED else _corrupt(source, fault)
            schema = FileSchema(_read_columns(metadata))
            groups = tuple(_read_row_group(metadata, i) for i in range(metadata.num_row_groups))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _corrupt(source, f"its footer cannot be read ({_first_line(error)})") from error
        stored = sum(chunk.bytes for group in groups for chunk in group.chunks.values())
        if stored > source.size or any(g.row_count < 0 or _has_negative(g) for g in groups):
            raise _corrupt(source, f"its footer tells of {stored:,} bytes of data in {source.size:,}")
        rows = sum(group.row_count for group in groups)
        return FileFacts(schema, row_count=rows, has_rows=rows > 0, row_groups=groups)

    def duckdb_scan(
        self,
        paths: str,
        schema: FileSchema,
        types: Mapping[str, str],
        hive_types: Mapping[str, str],
        filename: str | None,
    ) -> str | None:
        return call_reader("read_parquet", paths, {}, hive_types, filename)

    def arrow_dataset(
        self,
        paths: Sequence[str],
        sizes: Sequence[int],
        partitions: Sequence[ds.Expression],
        schema: FileSchema,
        partition_columns: Sequence[Column],
        types: Mapping[str, pa.DataType],
        filesystem: pa.fs.FileSystem,
    ) -> ds.Dataset:
        # INT96 is read in microseconds, as DuckDB does: nanoseconds would overflow after 2262.
        reading = ds.ParquetReadOptions(coerce_int96_timestamp_unit="us")
        file_format = ds.ParquetFileFormat(read_options=reading)
        fields = file_fields(schema, partition_columns)
        return scan_files(file_format, paths, sizes, partitions, fields, partition_columns, filesystem)


def read_footer(source: Source) -> bytes:
    """The footer with its length and magic, from the end of the file."""
    tail = source.read(max(source.size - TAIL_BYTES, 0), min(TAIL_BYTES, source.size))
    if tail[-4:] == _ENCRYPTED_MAGIC:
        raise _encrypted(source)
    if tail[-4:] != _MAGIC:
        raise _corrupt(source, "it does not end with a Parquet footer")
    length = int.from_bytes(tail[-8:-4], "little") + _TRAILER_BYTES
    if length == _TRAILER_BYTES or length + len(_MAGIC) > source.size:
        raise _corrupt(source, f"its footer claims {length:,} of {source.size:,} bytes")
    if length > len(tail):
        tail = source.read(source.size - length, length - len(tail)) + tail
    # A whole file to the library, though one without data.
    return _MAGIC + tail[-length:]


def _corrupt(source: Source, problem: str) -> CorruptFileError:
    return CorruptFileError(
        f"Not a whole Parquet file: {source.path}: {problem}. Upload it again, or remove it.", source.path
    )


def _encrypted(source: Source) -> CorruptFileError:
    message = f"Encrypted Parquet is not read: {source.path}. Store it decrypted, or leave it out."
    return CorruptFileError(message, source.path)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _has_negative(group: RowGroup) -> bool:
    return any(chunk.bytes < 0 for chunk in group.chunks.values())


def _read_columns(metadata: pq.FileMetaData) -> tuple[Column, ...]:
    leaves = iter([metadata.schema.column(i) for i in range(metadata.num_columns)])
    arrow = metadata.schema.to_arrow_schema()
    return tuple(Column(field.name, _read_type(field.type, leaves)) for field in arrow)


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
    if pa.types.is_timestamp(type):
        unit = "ns" if type.unit == "ns" else "us"
        # Files from before logical types do not say whether a time is UTC; DuckDB takes it as naive.
        stated = not json.loads(leaf.logical_type.to_json()).get("is_from_converted_type", False)
        return pa.timestamp(unit, type.tz if stated else None)
    if pa.types.is_duration(type):
        return pa.int64()  # known from Arrow's own annotation only
    return type


def _read_row_group(metadata: pq.FileMetaData, index: int) -> RowGroup:
    group = metadata.row_group(index)
    chunks: dict[str, ColumnChunk] = {}
    for i in range(group.num_columns):
        stored = group.column(i)
        path = stored.path_in_schema
        chunk = _read_chunk(stored, metadata.schema.column(i))
        if path in chunks:  # a column named `a.b` beside a struct `a` with a field `b`: told apart by nobody
            chunk = ColumnChunk(chunks[path].bytes + chunk.bytes)
        chunks[path] = chunk
    return RowGroup(group.num_rows, chunks)


def _read_chunk(stored: pq.ColumnChunkMetaData, leaf: pq.ColumnSchema) -> ColumnChunk:
    size, statistics = stored.total_compressed_size, stored.statistics
    # In a list, statistics speak of elements, not of rows.
    if statistics is None or leaf.max_repetition_level > 0:
        return ColumnChunk(size)
    nulls = statistics.null_count if statistics.has_null_count else None
    lower, upper = _read_bounds(statistics, leaf) if statistics.has_min_max else (None, None)
    return ColumnChunk(size, lower, upper, nulls)


def _read_bounds(statistics: pq.Statistics, leaf: pq.ColumnSchema) -> tuple[Any, Any]:
    """Lower and upper bound in the column's own unit; None where order or meaning is not certain."""
    logical = json.loads(leaf.logical_type.to_json())
    kind, physical = logical["Type"], leaf.physical_type
    if kind == "String":
        lower, upper = _decode(statistics.min_raw), _decode(statistics.max_raw)
    elif kind == "Decimal" and logical["precision"] <= 38:
        lower, upper = statistics.min, statistics.max
    elif kind == "Timestamp" and physical == "INT64":
        scale = 1000 if logical["timeUnit"] == "milliseconds" else 1
        lower, upper = statistics.min_raw * scale, statistics.max_raw * scale
    elif kind == "Date":
        lower, upper = statistics.min_raw, statistics.max_raw
    elif kind in ("Int", "None") and physical in ("INT32", "INT64", "BOOLEAN"):
        lower, upper = statistics.min, statistics.max
    elif kind == "None" and physical in ("FLOAT", "DOUBLE"):
        # NaN is the greatest value and statistics leave it out: no upper bound.
        lower, upper = statistics.min, None
        return (None, None) if lower != lower else (lower, upper)
    else:
        return None, None
    return (None, None) if _contradict(lower, upper) else (lower, upper)


def _contradict(lower: Any, upper: Any) -> bool:
    """Whether bounds cannot both be right, as some old writers left them."""
    if isinstance(lower, int) and not -(2**63) <= lower <= upper < 2**64:
        return True
    return isinstance(lower, int | str | Decimal) and upper is not None and lower > upper


def _decode(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:  # cut inside a character
        return None
