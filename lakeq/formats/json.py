"""JSON records: keys and types are settled from the head of a file, and from then on declared."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from lakeq.errors import CorruptFileError
from lakeq.formats.arrow_reads import ArrowReads
from lakeq.formats.base import ArrowFile, Column, FileFacts, FileSchema, ReadOptions, Source
from lakeq.formats.fragments import Rows, hold_rows, text_fields
from lakeq.formats.head import HEAD_BYTES, Head, decode_head, read_head
from lakeq.formats.json_values import (
    JsonSyntaxError,
    Record,
    convert_values,
    infer_json_type,
    read_records,
    tell_layout,
)
from lakeq.formats.scan_sql import call_text_reader, check_pattern, check_text
from lakeq.formats.source_file import SourceFile
from lakeq.formats.types import quote_text, sql_type

if TYPE_CHECKING:
    import pyarrow.dataset as ds  # loads pandas, where that is installed

_END_BYTES = 256
_PIECE_BYTES = 1 << 20


class JsonFormat:
    """Objects, one a line, in one array, or one after the other; plain or compressed with gzip or zstd."""

    name = "json"
    has_footers = False
    reads_fields = False

    def inspect(self, source: Source, options: ReadOptions) -> FileFacts:
        """Keys and types from the head of `source`; declared columns are taken as declared.

        Keys that first appear after the head are not columns. CorruptFileError names the line of what is
        not JSON or not an object.
        """
        head = read_head(source, options.extra.get("sample", HEAD_BYTES))
        text = decode_head(head, source.path)
        if head.data.startswith(codecs.BOM_UTF8):
            raise _broken(source.path, 1, "it begins with a byte order mark, which JSON must not")
        layout = tell_layout(text)
        try:
            records = list(read_records(text, layout, is_whole=head.is_whole))
            columns = _type_columns(records, options.columns or ())
        except JsonSyntaxError as error:
            raise _broken(source.path, text.count("\n", 0, error.offset) + 1, str(error)) from error
        except UnicodeEncodeError as error:
            raise _broken(source.path, 1, "a string holds half a character (a lone surrogate)") from error
        if layout == "array":
            _check_array_end(source, head)
        schema = FileSchema(columns, (("layout", layout), ("compression", head.compression)))
        return FileFacts(schema, has_rows=bool(records) or (False if head.is_whole else None))

    def duckdb_scan(
        self,
        paths: str,
        schema: FileSchema,
        hive_types: Mapping[str, str],
        filename: str | None,
    ) -> str | None:
        options = {
            "auto_detect": "false",
            "format": quote_text(schema.option("layout")),
            "records": "true",
            "compression": quote_text(schema.option("compression")),
            "ignore_errors": "false",
            "maximum_object_size": str(16 << 20),
        }
        wanted = {column.name: sql_type(column.type) for column in schema.columns}
        return call_text_reader("read_json", paths, options, wanted, hive_types, filename, check_json)

    def arrow_dataset(
        self,
        files: Sequence[ArrowFile],
        schema: FileSchema,
        partition_columns: Sequence[Column],
        filesystem: pa.fs.FileSystem,
        reads: ArrowReads,
    ) -> ds.Dataset:
        """All files decoded into memory at once, by the standard library."""
        fields = text_fields(schema, partition_columns)
        decoded = [_decode_file(file.path, schema, fields, filesystem) for file in files]
        return hold_rows(decoded, [file.partition for file in files], fields, partition_columns)


def check_json(type: pa.DataType, text: str) -> str | None:
    """As `check_text`; DuckDB also takes any number for a boolean."""
    if pa.types.is_boolean(type):
        return check_pattern(type, text, "true|false")
    return check_text(type, text)


def _type_columns(records: Sequence[Record], declared: Sequence[Column]) -> tuple[Column, ...]:
    """Every key of the records in the order of appearance, then what is declared beside them.

    JsonSyntaxError for keys that SQL cannot tell apart, UnicodeEncodeError for lone surrogates.
    """
    keys = dict.fromkeys(key for record in records for key in record)
    folded: dict[str, str] = {}
    "".join(keys).encode()
    for key in keys:
        if folded.setdefault(key.casefold(), key) != key:
            raise JsonSyntaxError(f"keys {folded[key.casefold()]!r} and {key!r} differ only in case", 0)
    known = {column.name.casefold(): column for column in declared}
    columns = [
        Column(key, known[key.casefold()].type)
        if key.casefold() in known
        else Column(key, infer_json_type([record.get(key) for record in records]))
        for key in keys
    ]
    return (*columns, *(column for name, column in known.items() if name not in folded))


def has_unseen_end(schema: FileSchema) -> bool:
    """Whether files of this schema are arrays of which neither `inspect` nor DuckDB sees whether they are
    cut: to see their end is to read all that is before it."""
    return bool(schema.option("layout") == "array" and schema.option("compression") != "none")


def check_unseen_end(source: Source, schema: FileSchema) -> None:
    """CorruptFileError for a compressed array that is cut; reads all of `source`, a piece at a time."""
    compression, end = schema.option("compression"), b""
    stored = pa.BufferedInputStream(pa.PythonFile(SourceFile(source), "r"), _PIECE_BYTES)
    try:
        with pa.CompressedInputStream(stored, compression) as stream:
            while piece := stream.read(_PIECE_BYTES):
                end = (end + piece)[-_END_BYTES:]
    except (pa.ArrowException, OSError) as error:
        message = f"Broken {compression} stream: {source.path} ({error}). Upload it again, or remove it."
        raise CorruptFileError(message, source.path) from error
    _check_end(source.path, end)


def _check_array_end(source: Source, head: Head) -> None:
    if not head.is_whole and head.compression == "none":
        _check_end(source.path, source.read(max(source.size - _END_BYTES, 0), min(_END_BYTES, source.size)))


def _check_end(path: str, end: bytes) -> None:
    """A long array must end as one: DuckDB reads one that is cut after a comma as if it were whole."""
    if not end.rstrip().endswith(b"]"):
        message = f"Broken JSON: {path} ends within its array. Upload it again, or remove it."
        raise CorruptFileError(message, path)


def _broken(path: str, line: int, problem: str) -> CorruptFileError:
    message = f"Broken JSON: {path}, line {line:,}: {problem}. Mend the file, or remove it."
    return CorruptFileError(message, path)


def _decode_file(
    path: str, schema: FileSchema, fields: Sequence[pa.Field], filesystem: pa.fs.FileSystem
) -> Rows:
    compression = schema.option("compression")
    try:
        with filesystem.open_input_stream(path, None if compression == "none" else compression) as stream:
            text = stream.read().decode()
        records = list(read_records(text, schema.option("layout"), is_whole=True))
        arrays = [convert_values([record.get(f.name) for record in records], f.type) for f in fields]
    except (pa.ArrowException, OSError, ValueError) as error:
        message = f"Broken JSON: {path}: {error}. Mend the file, or declare its columns."
        raise CorruptFileError(message, path) from error
    return pa.table(arrays, schema=pa.schema(fields)), len(records)
