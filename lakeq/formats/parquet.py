"""Parquet: everything that planning needs stands in the footer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from lakeq.errors import CorruptFileError
from lakeq.formats.arrow_reads import ArrowReads
from lakeq.formats.base import (
    ArrowFile,
    Column,
    FileFacts,
    FileSchema,
    ReadOptions,
    RowGroup,
    Source,
)
from lakeq.formats.footer import ENCRYPTED
from lakeq.formats.footer_keys import CRYPTO_BYTES, name_column_keys, name_footer_key
from lakeq.formats.fragments import file_fields, scan_files, scan_schema
from lakeq.formats.parquet_facts import FooterFaultError, read_facts
from lakeq.formats.scan_sql import call_reader

if TYPE_CHECKING:
    import pyarrow.dataset as ds  # loads pandas, where that is installed

TAIL_BYTES = 64 * 1024
_MAGIC, _ENCRYPTED_MAGIC = b"PAR1", b"PARE"
_TRAILER_BYTES = 8


class ParquetFormat:
    """Row groups with exact sizes and, where the statistics can be trusted, bounds."""

    name = "parquet"
    has_footers = True
    reads_fields = True

    def inspect(self, source: Source, options: ReadOptions) -> FileFacts:
        """The footer of `source`: one read of its end, a second only when the footer is longer.

        CorruptFileError for a file that is cut short, encrypted or damaged. Of `options` only `tail` applies,
        the bytes of the first read (64 KiB).
        """
        footer = read_footer(source, options.extra.get("tail", TAIL_BYTES))
        try:
            facts = read_facts(footer)
        except FooterFaultError as fault:
            if str(fault) == ENCRYPTED:
                raise _encrypted(source, "columns", name_column_keys(footer[len(_MAGIC) :])) from None
            raise _corrupt(source, str(fault)) from None
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _corrupt(source, f"its footer cannot be read ({_first_line(error)})") from error
        groups = facts.row_groups or ()
        stored = sum(chunk.bytes for group in groups for chunk in group.chunks.values())
        if stored > source.size or any(g.row_count < 0 or _has_negative(g) for g in groups):
            raise _corrupt(source, f"its footer tells of {stored:,} bytes of data in {source.size:,}")
        return replace(facts, footer_bytes=len(footer) - len(_MAGIC))

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
        files: Sequence[ArrowFile],
        schema: FileSchema,
        partition_columns: Sequence[Column],
        types: Mapping[str, pa.DataType],
        filesystem: pa.fs.FileSystem,
        reads: ArrowReads,
    ) -> ds.Dataset:
        import pyarrow.dataset as ds

        from lakeq.formats.checked_texts import CheckedDataset

        # INT96 is read in microseconds, as DuckDB does: nanoseconds would overflow after 2262.
        reading = ds.ParquetReadOptions(coerce_int96_timestamp_unit="us")
        checking = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
        file_format = ds.ParquetFileFormat(read_options=reading, default_fragment_scan_options=checking)
        fields = file_fields(schema, partition_columns)
        shown = scan_schema(fields, partition_columns)
        return CheckedDataset(scan_files(file_format, files, shown, filesystem))


def read_footer(source: Source, tail_bytes: int = TAIL_BYTES) -> bytes:
    """The footer with its length and magic, from the end of the file, of which so much is read at first."""
    tail = source.read(max(source.size - tail_bytes, 0), min(tail_bytes, source.size))
    if tail[-4:] == _ENCRYPTED_MAGIC:
        length = min(int.from_bytes(tail[-8:-4], "little"), source.size - _TRAILER_BYTES)
        crypto = source.read(source.size - _TRAILER_BYTES - length, min(length, CRYPTO_BYTES))
        raise _encrypted(source, "footer", name_footer_key(crypto))
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


def _encrypted(source: Source, part: str, keys: Sequence[str]) -> CorruptFileError:
    """The error for a file of which a `part` is encrypted with keys of these names (none: not told)."""
    named = (
        f"the keys {', '.join(map(repr, keys))}" if len(keys) > 1 else f"the key {keys[0]!r}" if keys else ""
    )
    how = f"Its {part} {'are' if part == 'columns' else 'is'} encrypted"
    what = f"{how} with {named}" if named else f"{how}, and it does not name the key"
    return CorruptFileError(
        f"Encrypted Parquet is not read: {source.path}. {what}. Store it decrypted, as DuckDB or pyarrow can "
        "with the key, or leave it out.",
        source.path,
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _has_negative(group: RowGroup) -> bool:
    return any(chunk.bytes < 0 for chunk in group.chunks.values())
