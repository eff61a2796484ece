"""ORC: schema and row count from the footer; decoded by Arrow, for DuckDB has no reader."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from lakeq.errors import CorruptFileError
from lakeq.formats.arrow_reads import ArrowReads
from lakeq.formats.base import ArrowFile, Column, FileFacts, FileSchema, ReadOptions, Source
from lakeq.formats.fragments import file_fields
from lakeq.formats.orc_facts import read_facts
from lakeq.formats.orc_tail import TAIL_BYTES
from lakeq.storage.workers import Workers

if TYPE_CHECKING:
    import pyarrow.dataset as ds  # loads pandas, where that is installed

_STRIPES_AT_ONCE = 32
_DAMAGE = (pa.ArrowException, ArithmeticError, LookupError, OSError, RecursionError, ValueError, zlib.error)


class OrcFormat:
    """Stripes with exact sizes of columns and, where the statistics can be trusted, bounds."""

    name = "orc"
    has_footers = True
    reads_fields = False

    def __init__(self) -> None:
        self._workers = Workers(_STRIPES_AT_ONCE, "lakeq-stripes")

    def inspect(self, source: Source, options: ReadOptions) -> FileFacts:
        """Schema, rows and stripes of `source`, usually in one read of its last 64 KiB; the footers of
        stripes before that are read beside it.

        CorruptFileError for a file that is cut short or damaged, and for the few whose rows are not
        records. Of `options` only `tail` applies, the bytes of the first read.
        """
        try:
            return read_facts(source, options.extra.get("tail", TAIL_BYTES), self._workers)
        except _DAMAGE as error:
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise CorruptFileError(
                f"Not a whole ORC file of records: {source.path}: {reason}. Upload it again, or remove it.",
                source.path,
            ) from error

    def duckdb_scan(
        self,
        paths: str,
        schema: FileSchema,
        hive_types: Mapping[str, str],
        filename: str | None,
    ) -> str | None:
        return None

    def arrow_dataset(
        self,
        files: Sequence[ArrowFile],
        schema: FileSchema,
        partition_columns: Sequence[Column],
        filesystem: pa.fs.FileSystem,
        reads: ArrowReads,
    ) -> ds.Dataset:
        from lakeq.formats.orc_scan import OrcDataset

        fields = file_fields(schema, partition_columns)
        return OrcDataset(files, fields, partition_columns, filesystem, reads)
