"""Parquet: everything that planning needs stands in the footer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from lakeq.formats.arrow_reads import ArrowReads
from lakeq.formats.base import (
    ArrowFile,
    Column,
    Encryption,
    FileFacts,
    FileSchema,
    ReadOptions,
    RowGroup,
    Source,
)
from lakeq.formats.encrypted_footer import open_footer
from lakeq.formats.footer import ENCRYPTED
from lakeq.formats.fragments import file_fields, scan_files, scan_schema
from lakeq.formats.parquet_facts import FooterFaultError, read_facts
from lakeq.formats.parquet_keys import ParquetKeys
from lakeq.formats.parquet_tail import MAGIC, TAIL_BYTES, corrupt, read_tail
from lakeq.formats.scan_sql import call_reader
from lakeq.formats.types import quote_text, sql_type

if TYPE_CHECKING:
    import pyarrow.dataset as ds  # loads pandas, where that is installed

UNITED = "united"
"""The option of a schema whose columns are looked for by name, each file having some of them."""


class ParquetFormat:
    """Row groups with exact sizes and, where the statistics can be trusted, bounds."""

    name = "parquet"
    has_footers = True
    reads_fields = True

    def inspect(self, source: Source, options: ReadOptions) -> FileFacts:
        """The footer of `source`: one read of its end, a second only when the footer is longer.

        CorruptFileError for a file that is cut short or damaged; ParquetKeyError for one whose footer cannot
        be decrypted. Of `options` only `tail` applies, the bytes of the first read (64 KiB), and `keys`.
        """
        tail = read_tail(source, options.extra.get("tail", TAIL_BYTES))
        facts = _read_facts(source, tail) if tail.endswith(MAGIC) else None
        if facts is None:
            opened = open_footer(tail, source.size, source.path, options.extra.get("keys") or ParquetKeys())
            facts = _read_facts(source, opened.plain)
            if facts is None:
                raise corrupt(source, ENCRYPTED)
            facts = replace(facts, schema=replace(facts.schema, encryption=Encryption(opened.locked)))
        groups = facts.row_groups or ()
        stored = sum(chunk.bytes for group in groups for chunk in group.chunks.values())
        if stored > source.size or any(g.row_count < 0 or _has_negative(g) for g in groups):
            raise corrupt(source, f"its footer tells of {stored:,} bytes of data in {source.size:,}")
        return replace(facts, footer_bytes=len(tail))

    def duckdb_scan(
        self,
        paths: str,
        schema: FileSchema,
        hive_types: Mapping[str, str],
        filename: str | None,
    ) -> str | None:
        # Bounds leave NaN out; unless told so, DuckDB skips row groups by them, and `f > 2` lacks its NaN.
        options = {"can_have_nan": "true"}
        if schema.option(UNITED):
            columns = (
                (quote_text(column.name), quote_text(sql_type(column.type))) for column in schema.columns
            )
            found = (f"{name}: {{name: {name}, type: {kind}, default_value: NULL}}" for name, kind in columns)
            options["schema"] = f"MAP {{{', '.join(found)}}}"
        return call_reader("read_parquet", paths, options, hive_types, filename)

    def arrow_dataset(
        self,
        files: Sequence[ArrowFile],
        schema: FileSchema,
        partition_columns: Sequence[Column],
        filesystem: pa.fs.FileSystem,
        reads: ArrowReads,
    ) -> ds.Dataset:
        import pyarrow.dataset as ds

        from lakeq.formats.checked_texts import CheckedDataset

        # INT96 is read in microseconds, as DuckDB does: nanoseconds would overflow after 2262.
        reading = ds.ParquetReadOptions(coerce_int96_timestamp_unit="us")
        # DuckDB's reader passes over the checksums of pages; where files have them, this one does not.
        checking = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
        file_format = ds.ParquetFileFormat(read_options=reading, default_fragment_scan_options=checking)
        fields = file_fields(schema, partition_columns)
        shown = scan_schema(fields, partition_columns)
        return CheckedDataset(scan_files(file_format, files, shown, filesystem))


def _read_facts(source: Source, footer: bytes) -> FileFacts | None:
    """What a footer tells; None where some of its file is encrypted."""
    try:
        return read_facts(MAGIC + footer)  # a whole file to Arrow, though one without data
    except FooterFaultError as fault:
        if str(fault) == ENCRYPTED:
            return None
        raise corrupt(source, str(fault)) from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise corrupt(source, f"its footer cannot be read ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _has_negative(group: RowGroup) -> bool:
    return any(chunk.bytes < 0 for chunk in group.chunks.values())
