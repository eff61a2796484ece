"""FileFacts from the footers of an ORC file: a row group for each stripe."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.orc

from lakeq.formats.base import GROUP_FOOTER, Column, ColumnChunk, FileFacts, FileSchema, RowGroup, Source
from lakeq.formats.orc_bounds import read_bounds
from lakeq.formats.orc_schema import OrcSchema, read_schema
from lakeq.formats.orc_stripes import ColumnData, StripeFooter, read_stripe_footers
from lakeq.formats.orc_tail import Stripe, Tail, read_stripes, read_tail
from lakeq.formats.protobuf import Fields, read_last, read_message
from lakeq.formats.source_file import SourceFile
from lakeq.formats.types import plain_type
from lakeq.storage.workers import Workers

_ROWS_INDEXED, _ENCRYPTION = 0x40, 0x52
_STRIPE_STATISTICS, _COLUMN_STATISTICS, _VALUE_COUNT, _HAS_NULL = 0x0A, 0x0A, 0x08, 0x50
_MOST_ROWS = 1 << 63


def read_facts(source: Source, tail_bytes: int, workers: Workers) -> FileFacts:
    """What the footers of `source` tell, usually in one read of so much of its end; the footers of stripes
    before that are read beside it.

    TailFaultError, pyarrow.ArrowException, OSError, LookupError, other ValueErrors and zlib.error for a file
    that is damaged.
    """
    tail = read_tail(source.read, source.size, tail_bytes)
    if not tail.is_readable:
        return _read_facts_by_arrow(source, tail)
    footer = tail.read_footer()
    stripes = read_stripes(footer, tail.start)
    schema = read_schema(footer)
    footers = read_stripe_footers(source.read, tail, stripes, workers)
    statistics = _read_statistics(tail, footer, len(stripes))
    groups = tuple(
        _read_group(*parts, schema, tail.writer_version)
        for parts in zip(stripes, footers, statistics, strict=True)
    )
    return _facts_of(schema.columns, groups, tail)


def _facts_of(schema: FileSchema, groups: tuple[RowGroup, ...], tail: Tail) -> FileFacts:
    rows = sum(group.row_count for group in groups)
    if rows >= _MOST_ROWS:
        raise ValueError("its stripes have more rows than can be counted")
    return FileFacts(schema, rows, rows > 0, groups, tail.size - tail.start)


def _read_facts_by_arrow(source: Source, tail: Tail) -> FileFacts:
    """The facts of a file whose footers only Arrow can decompress, which tells the schema and the number of
    rows. Each column then counts as all there is before the tail."""
    file = pyarrow.orc.ORCFile(SourceFile(source, tail.size - tail.start))
    schema = FileSchema(tuple(Column(field.name, plain_type(field.type)) for field in file.schema))
    chunks = {column.name: ColumnChunk(tail.start) for column in schema.columns}
    chunks[GROUP_FOOTER] = ColumnChunk(0)
    return _facts_of(schema, (RowGroup(file.nrows, chunks),), tail)


def _read_statistics(tail: Tail, footer: Fields, count: int) -> Sequence[Sequence[bytes]]:
    """The encoded statistics of each stripe's columns, by number; none where they are not to be trusted."""
    metadata = tail.read_metadata()
    stored = [
        read_message(stripe).get(_COLUMN_STATISTICS, ()) for stripe in metadata.get(_STRIPE_STATISTICS, ())
    ]
    # Writers that make no row index count no values either, and say that there are none. Of encrypted columns
    # the plain statistics tell of what stands in for them.
    is_told = read_last(footer, _ROWS_INDEXED, 0) > 0 and _ENCRYPTION not in footer
    return stored if is_told and len(stored) == count else ((),) * count


def _read_group(
    stripe: Stripe, footer: StripeFooter, statistics: Sequence[bytes], schema: OrcSchema, writer_version: int
) -> RowGroup:
    chunks: dict[str, ColumnChunk] = {}
    whole = {0}
    for column in schema.stored:
        data = footer.columns.get(column.number, ColumnData(0, None))
        known = statistics[column.number] if column.number < len(statistics) else b""
        chunk = ColumnChunk(data.bytes, start=data.start)
        if column.type is not None and known:
            told = read_message(known)
            # Within a struct that is NULL itself, some writers count a value and some do not.
            nulls = _count_nulls(told, stripe.row_count) if column.parent in whole else None
            if nulls == 0:
                whole.add(column.number)
            lower, upper = read_bounds(told, column.type, writer_version, footer.is_utc)
            chunk = ColumnChunk(data.bytes, lower, upper, nulls, data.start)
        if column.path in chunks:  # a column named `a.b` beside a struct `a` with a field `b`
            chunk = ColumnChunk(chunks[column.path].bytes + chunk.bytes)
        chunks[column.path] = chunk
    chunks[GROUP_FOOTER] = ColumnChunk(stripe.footer_bytes, start=stripe.footer_start)
    return RowGroup(stripe.row_count, chunks)


def _count_nulls(statistics: Fields, rows: int) -> int | None:
    values = read_last(statistics, _VALUE_COUNT)
    is_told = values == rows or read_last(statistics, _HAS_NULL, 0)
    return rows - values if values is not None and is_told and 0 <= values <= rows else None
