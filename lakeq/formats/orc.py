"""ORC: schema and row count from the footer; decoded by Arrow, for DuckDB has no reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.orc

from lakeq.errors import CorruptFileError
from lakeq.formats.base import Column, FileFacts, FileSchema, ReadOptions, Source
from lakeq.formats.fragments import file_fields, scan_files
from lakeq.formats.source_file import SourceFile
from lakeq.formats.types import plain_type

TAIL_BYTES = 64 * 1024


class OrcFormat:
    """Whole files: sizes of columns in stripes are not told by the reader."""

    name = "orc"
    has_footers = False

    def inspect(self, source: Source, options: ReadOptions) -> FileFacts:
        """Schema and row count of `source`, usually in one read of its last 64 KiB.

        CorruptFileError for a file that is cut short or damaged, and for the few whose rows are not
        records. `options` do not apply.
        """
        try:
            file = pyarrow.orc.ORCFile(SourceFile(source, TAIL_BYTES))
            columns = tuple(Column(field.name, plain_type(field.type)) for field in file.schema)
            rows = file.nrows
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise CorruptFileError(
                f"Not a whole ORC file of records: {source.path}: {reason}. Upload it again, or remove it.",
                source.path,
            ) from error
        return FileFacts(FileSchema(columns), row_count=rows, has_rows=rows > 0)

    def duckdb_scan(
        self,
        paths: str,
        schema: FileSchema,
        types: Mapping[str, str],
        hive_types: Mapping[str, str],
        filename: str | None,
    ) -> str | None:
        return None

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
        fields = file_fields(schema, partition_columns)
        file_format = ds.OrcFileFormat()
        return scan_files(file_format, paths, sizes, partitions, fields, partition_columns, filesystem)
