"""FileFacts from a Parquet footer: read here, as files that share a schema let us, or by Arrow.

Arrow reads any footer and has the last word on which statistics to trust, but it makes an object of every
value. So the common footers are read here, and whatever is not sure to come out the same is left to Arrow.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from lakeq.formats.base import ColumnChunk, FileFacts, FileSchema, RowGroup
from lakeq.formats.footer import find_footer_fault
from lakeq.formats.footer_patterns import (
    CHUNK_END,
    CHUNK_SIZES,
    CHUNK_START,
    GROUP_END,
    GROUP_START,
    HEAD,
    match_at,
    read_integer,
    read_size,
    skip_path,
)
from lakeq.formats.parquet_bounds import Bounds, read_arrow_bounds
from lakeq.formats.parquet_schema import FooterSchema, Leaf, read_columns, read_orders, read_schema
from lakeq.formats.thrift import Fields, read_struct

_NULL_COUNT = 0x36
# Bounds old and new, counts of nulls, distinct values and NaNs, and whether a bound is a value.
_KNOWN_STATISTICS = {0x18, 0x28, _NULL_COUNT, 0x46, 0x58, 0x68, 0x71, 0x81, 0x96}


class _StoredChunk(NamedTuple):
    """A column chunk: type and path, compressed size and offsets of pages as encoded, statistics, and what is
    counted by level, as encoded."""

    column: bytes
    size: bytes
    data: bytes
    dictionary: bytes | None
    statistics: Fields | None
    levels: bytes | None


_StoredGroup = tuple[int, list[_StoredChunk]]

_MAGIC = b"PAR1"
_TRAILER_BYTES = 8


class FooterFaultError(ValueError):
    """A footer that must not reach Arrow; its text is the fault."""


def read_facts(footer: bytes) -> FileFacts:
    """What a footer tells, between its magics as in a file.

    FooterFaultError, other ValueErrors, pyarrow.ArrowException and OSError for one that is damaged.
    """
    facts = read_common_facts(footer)
    return read_facts_by_arrow(footer) if facts is None else facts


def read_common_facts(footer: bytes) -> FileFacts | None:
    """The facts without Arrow but for a schema not met before; None for what only Arrow can judge."""
    data = _strip(footer)
    try:
        head = match_at(HEAD, data, 0)
        groups, end = find_groups(data, head.end(), read_size(head[2]))
        orders = read_orders(data[end:])
        schema = None if orders is None else read_schema(head[1], orders)
        if schema is None:
            return None
        return _facts_of(schema.columns, tuple(_read_group(group, schema) for group in groups))
    except (pa.ArrowException, OSError, LookupError, ValueError, RecursionError):
        return None  # Arrow says what is wrong, or that nothing is


def read_facts_by_arrow(footer: bytes) -> FileFacts:
    """The same facts, or the same errors, from Arrow's objects."""
    metadata = pq.read_metadata(pa.BufferReader(footer))
    fault = find_footer_fault(_strip(footer), metadata.schema)
    if fault is not None:
        raise FooterFaultError(fault)
    schema = read_columns(metadata.schema)
    return _facts_of(schema, tuple(_read_arrow_group(metadata, i) for i in range(metadata.num_row_groups)))


def _strip(footer: bytes) -> bytes:
    return footer[len(_MAGIC) : -_TRAILER_BYTES]


def _facts_of(schema: FileSchema, groups: tuple[RowGroup, ...]) -> FileFacts:
    rows = sum(group.row_count for group in groups)
    return FileFacts(schema, row_count=rows, has_rows=rows > 0, row_groups=groups)


def find_groups(data: bytes, at: int, count: int) -> tuple[list[_StoredGroup], int]:
    """So many row groups from `at` on, and where they end."""
    groups = []
    for _ in range(count):
        start = match_at(GROUP_START, data, at)
        at = start.end()
        chunks = []
        for _ in range(read_size(start[1])):
            chunk, at = _find_chunk(data, at)
            chunks.append(chunk)
        end = match_at(GROUP_END, data, at)
        at = end.end()
        groups.append((read_integer(end[1]), chunks))
    return groups, at


def _find_chunk(data: bytes, at: int) -> tuple[_StoredChunk, int]:
    start = match_at(CHUNK_START, data, at)
    path = start.end()
    sizes = match_at(CHUNK_SIZES, data, skip_path(data, path))
    at = sizes.end()
    statistics = None
    if sizes["statistics"] is not None:
        statistics, at = read_struct(data, at)
    column = start[1] + data[path : sizes.start()]
    dictionary = sizes["dictionary"] or sizes["indexed"] or sizes["plain"]
    end = match_at(CHUNK_END, data, at)
    return _StoredChunk(column, sizes["size"], sizes["data"], dictionary, statistics, end[1]), end.end()


def _read_group(group: _StoredGroup, schema: FooterSchema) -> RowGroup:
    rows, chunks = group
    stored = zip(schema.leaves, chunks, strict=True)
    return RowGroup(rows, _by_path((leaf.path, _read_chunk(chunk, leaf, schema)) for leaf, chunk in stored))


def _read_chunk(chunk: _StoredChunk, leaf: Leaf, schema: FooterSchema) -> ColumnChunk:
    """ValueError for a chunk of another column, or whose statistics are not quite as they should be."""
    statistics = chunk.statistics
    if chunk.column != leaf.encoded_column:
        raise ValueError("a chunk of another column")
    if chunk.levels and not leaf.level_sizes.fullmatch(chunk.levels):
        raise ValueError("counts for other levels")  # with which Arrow would end the process
    size = read_integer(chunk.size)
    dictionary = None if chunk.dictionary is None else read_integer(chunk.dictionary)
    start = _find_start(read_integer(chunk.data), dictionary)
    if statistics is None:
        return ColumnChunk(size, start=start)
    if not (leaf.has_order and statistics.keys() <= _KNOWN_STATISTICS):
        raise ValueError("statistics that only Arrow can judge")
    lower, upper = _read_bounds(statistics.get(schema.lower), statistics.get(schema.upper), leaf)
    # In a list, statistics speak of elements, not of rows.
    if leaf.is_repeated:
        return ColumnChunk(size, start=start)
    return ColumnChunk(size, lower, upper, _check_count(statistics.get(_NULL_COUNT)), start)


def _find_start(data: int, dictionary: int | None) -> int | None:
    """Where the bytes of a chunk begin: at its dictionary, if it has one, which comes before its data."""
    start = dictionary if dictionary is not None and 0 < dictionary < data else data
    return start if start >= 0 else None


def _read_bounds(lower: bytes | None, upper: bytes | None, leaf: Leaf) -> Bounds:
    if lower is None or upper is None:
        return None, None
    if leaf.width is not None and (len(lower) != leaf.width or len(upper) != leaf.width):
        raise ValueError("bounds of another type")
    return (None, None) if leaf.read_bounds is None else leaf.read_bounds(lower, upper)


def _check_count(nulls: int | None) -> int | None:
    if nulls is not None and not -(2**63) <= nulls < 2**63:
        raise ValueError("an integer is too long")
    return nulls


def _read_arrow_group(metadata: pq.FileMetaData, index: int) -> RowGroup:
    group = metadata.row_group(index)
    stored = [(group.column(i), metadata.schema.column(i)) for i in range(group.num_columns)]
    return RowGroup(
        group.num_rows, _by_path((c.path_in_schema, _read_arrow_chunk(c, leaf)) for c, leaf in stored)
    )


def _read_arrow_chunk(stored: pq.ColumnChunkMetaData, leaf: pq.ColumnSchema) -> ColumnChunk:
    size, statistics = stored.total_compressed_size, stored.statistics
    start = _find_start(stored.data_page_offset, stored.dictionary_page_offset)
    # In a list, statistics speak of elements, not of rows.
    if statistics is None or leaf.max_repetition_level > 0:
        return ColumnChunk(size, start=start)
    nulls = statistics.null_count if statistics.has_null_count else None
    lower, upper = read_arrow_bounds(statistics, leaf) if statistics.has_min_max else (None, None)
    return ColumnChunk(size, lower, upper, nulls, start)


def _by_path(stored: Iterable[tuple[str, ColumnChunk]]) -> dict[str, ColumnChunk]:
    chunks: dict[str, ColumnChunk] = {}
    for path, chunk in stored:
        if path in chunks:  # a column named `a.b` beside a struct `a` with a field `b`: told apart by nobody
            chunk = ColumnChunk(chunks[path].bytes + chunk.bytes)
        chunks[path] = chunk
    return chunks
