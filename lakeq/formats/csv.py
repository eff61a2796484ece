"""CSV and its kin: dialect, names and types are settled from a file's head, and from then on declared."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv

from lakeq.errors import ConfigError, CorruptFileError
from lakeq.formats.arrow_reads import ArrowReads
from lakeq.formats.base import ArrowFile, Column, FileFacts, FileSchema, ReadOptions, Source
from lakeq.formats.fragments import Rows, hold_rows, text_fields
from lakeq.formats.head import HEAD_BYTES, decode_head, read_head
from lakeq.formats.scan_sql import call_text_reader, check_text
from lakeq.formats.types import cast_text, infer_text_type, quote_text, sql_type

if TYPE_CHECKING:
    import pyarrow.dataset as ds  # loads pandas, where that is installed

DELIMITERS = (",", "\t", "|", ";", "\x01")
_LINE_BYTES = 2_000_000
"""The longest line that DuckDB reads."""
_PIECE_BYTES = 16 * _LINE_BYTES
"""It reads large files in pieces of so much."""

_IDENTIFIER = re.compile(r"[^\W\d][\w .()%/#$-]{0,149}")


@dataclass(frozen=True, slots=True)
class Row:
    """One record and the line of the file on which it ends, from 1."""

    cells: list[str]
    line: int


class CsvFormat:
    """Delimited text, quoted as in RFC 4180, in UTF-8, plain or compressed with gzip or zstd."""

    name = "csv"
    has_footers = False
    reads_fields = False

    def inspect(self, source: Source, options: ReadOptions) -> FileFacts:
        """Dialect, names and types from the head of `source`; what `options` declare is not guessed.

        A column without a value in the head has the null type. CorruptFileError names the line of a row
        with more or fewer cells than the first.
        """
        head = read_head(source, options.extra.get("sample", HEAD_BYTES))
        text = decode_head(head, source.path)
        quote = '"' if options.quote is None else options.quote
        delimiter = options.delimiter or sniff_delimiter(text, quote) or ","
        _check_dialect(delimiter, quote)
        rows = read_rows(text, delimiter, quote, source.path, is_whole=head.is_whole)
        if head.compression == "none" and source.size > _PIECE_BYTES:
            _check_last_line(source)
        header = options.header if options.header is not None else _guess_header(rows, options.columns)
        null = options.null or ""
        names = _name_columns(rows, header, options.columns, source.path)
        body = rows[1:] if header else rows
        columns = _type_columns(names, body, null, options.columns or ())
        dialect = {"delimiter": delimiter, "quote": quote, "header": header, "null": null}
        blank = _count_blank_lines(text) if rows else 0
        skip = [("skip", blank)] if blank else []
        schema = FileSchema(columns, (*dialect.items(), ("compression", head.compression), *skip))
        return FileFacts(schema, has_rows=bool(body) or (None if not head.is_whole else False))

    def duckdb_scan(
        self,
        paths: str,
        schema: FileSchema,
        hive_types: Mapping[str, str],
        filename: str | None,
    ) -> str | None:
        quote = quote_text(schema.option("quote"))
        options = {
            "auto_detect": "false",
            "delim": quote_text(schema.option("delimiter")),
            "quote": quote,
            "escape": quote,
            "header": str(schema.option("header")).lower(),
            "nullstr": f"[{quote_text(schema.option('null'))}]",
            "compression": quote_text(schema.option("compression")),
            "strict_mode": "true",
            "null_padding": "false",
            "ignore_errors": "false",
            # It would take the first of empty lines for the header, and the header for a row.
            "skip": str(schema.option("skip", 0)),
            # In pieces DuckDB loses a last line that is longer than one; a compressed file has none.
            "parallel": str(schema.option("compression") == "none").lower(),
        }
        wanted = {column.name: sql_type(column.type) for column in schema.columns}
        check = check_text if schema.option("null") == "" else check_any
        return call_text_reader("read_csv", paths, options, wanted, hive_types, filename, check)

    def arrow_dataset(
        self,
        files: Sequence[ArrowFile],
        schema: FileSchema,
        partition_columns: Sequence[Column],
        filesystem: pa.fs.FileSystem,
        reads: ArrowReads,
    ) -> ds.Dataset:
        """All files decoded into memory at once: cells as text first, then cast exactly."""
        fields = text_fields(schema, partition_columns)
        decoded = [_decode_file(file.path, schema, fields, filesystem) for file in files]
        return hold_rows(decoded, [file.partition for file in files], fields, partition_columns)


def _check_last_line(source: Source) -> None:
    """CorruptFileError for a last line that is too long for DuckDB, which loses it where it is longer than a
    piece; of lines before it says so."""
    for length in (_LINE_BYTES // 32, 2 * _LINE_BYTES):
        if b"\n" in source.read(source.size - length, length).rstrip().replace(b"\r", b"\n"):
            return
    message = f"Broken CSV: {source.path}: its last line is longer than 2 MB. Mend the file, or remove it."
    raise CorruptFileError(message, source.path)


def check_any(type: pa.DataType, text: str) -> str | None:
    """As `check_text`, for every type but text: where NULL has its own spelling, empty cells of other types
    are NULL all the same, and the reader cannot say so."""
    if pa.types.is_string(type):
        return None
    return check_text(type, text) or f"TRY_CAST({text} AS {sql_type(type)}) IS NOT NULL"


def sniff_delimiter(text: str, quote: str = '"') -> str | None:
    """The delimiter that gives most rows, the first among them, one number of cells above one."""
    best: tuple[float, int] = (0.0, 0)
    found = None
    for delimiter in DELIMITERS:
        rows = list(_try_split(text, delimiter, quote))
        widths = Counter(len(row.cells) for row in rows)
        width = len(rows[0].cells) if rows else 0
        score = (widths[width] / len(rows), width) if width > 1 else (0.0, 0)
        if score > best and score[0] >= 0.5:
            best, found = score, delimiter
    return found


def read_rows(text: str, delimiter: str, quote: str, path: str, *, is_whole: bool) -> list[Row]:
    """The records of a head; empty lines do not count.

    The last record is left out when the head is not the whole file, for it may be cut.
    """
    rows: list[Row] = []
    try:
        for row in _split_rows(text, delimiter, quote, strict=True):
            rows.append(row)
        rows = rows if is_whole else rows[:-1]
    except csv.Error as error:
        # A head that ends inside quotes was cut there: the rows before are whole.
        if is_whole or "unexpected end" not in str(error):
            line = rows[-1].line + 1 if rows else 1
            raise _broken(path, line, f"quotes do not match ({error})") from error
    width = len(rows[0].cells) if rows else 0
    ragged = next((row for row in rows if len(row.cells) != width), None)
    if ragged is not None:
        raise _broken(path, ragged.line, f"{len(ragged.cells)} cells where the first row has {width}")
    return rows


def _count_blank_lines(text: str) -> int:
    """How many empty lines stand before the first record."""
    before = text[: len(text) - len(text.lstrip("\r\n"))]
    return len(re.findall(r"\r\n|\n|\r", before))


def _split_rows(text: str, delimiter: str, quote: str, *, strict: bool) -> Iterator[Row]:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        strict=strict,
    )
    return (Row(cells, reader.line_num) for cells in reader if cells)


def _try_split(text: str, delimiter: str, quote: str) -> Iterator[Row]:
    try:
        yield from _split_rows(text, delimiter, quote, strict=False)
    except csv.Error:  # a field too long for one: not this delimiter, or quotes that never close
        return


def _check_dialect(delimiter: str, quote: str) -> None:
    for what, text in (("delimiter", delimiter), ("quote", quote or '"')):
        if len(text) != 1 or text in "\r\n":
            raise ConfigError(f"The {what} of CSV must be one character, not {text!r}.")


def _guess_header(rows: Sequence[Row], declared: Sequence[Column] | None) -> bool:
    """Whether the first row names the columns, by the rule of the Glue crawler.

    It does when none of its cells is a number or a time and some column below is; or, where all is text,
    when its cells look like names and do not come again in their columns. With declared columns: when it
    holds one of their names.
    """
    if not rows:
        return False
    first, rest = rows[0].cells, [row.cells for row in rows[1:]]
    if declared is not None:
        return not {cell.casefold() for cell in first}.isdisjoint(c.name.casefold() for c in declared)
    if any(_is_typed([cell]) for cell in first):
        return False
    columns = list(zip(*rest, strict=True)) or [()] * len(first)
    if any(cell and _is_typed(column) for cell, column in zip(first, columns, strict=True)):
        return True
    names = {cell.casefold() for cell in first}
    return len(names) == len(first) and all(
        _IDENTIFIER.fullmatch(cell) and cell not in column
        for cell, column in zip(first, columns, strict=True)
    )


def _is_typed(cells: Sequence[str]) -> bool:
    type = infer_text_type(pa.array(cells, pa.string()), zero_padded=True)
    return not (pa.types.is_null(type) or pa.types.is_string(type))


def _name_columns(
    rows: Sequence[Row], header: bool, declared: Sequence[Column] | None, path: str
) -> tuple[str, ...]:
    if not rows:
        return tuple(column.name for column in declared or ()) if not header else ()
    first = rows[0].cells
    if header:
        names = _unique_names(first)
        known = {column.name.casefold() for column in declared or ()}
        if known and known.isdisjoint(name.casefold() for name in names):
            raise _broken(path, 1, f"the header names {', '.join(names)} and none of the declared columns")
        return names
    if declared is None:
        return tuple(f"column{i}" for i in range(len(first)))
    if len(declared) != len(first):
        raise _broken(path, 1, f"{len(first)} cells where {len(declared)} columns are declared")
    return tuple(column.name for column in declared)


def _unique_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Header cells as names that SQL can tell apart: empty ones are numbered, repeated ones get `_1`, …"""
    names: list[str] = []
    taken = {cell.casefold() for cell in cells}
    seen: set[str] = set()
    for i, cell in enumerate(cells):
        name, suffix = cell or f"column{i}", 0
        while name.casefold() in seen or (suffix and name.casefold() in taken):
            suffix += 1
            name = f"{cell or f'column{i}'}_{suffix}"
        seen.add(name.casefold())
        names.append(name)
    return tuple(names)


def _type_columns(
    names: Sequence[str], rows: Sequence[Row], null: str, declared: Sequence[Column]
) -> tuple[Column, ...]:
    types = {column.name.casefold(): column.type for column in declared}
    columns = []
    for i, name in enumerate(names):
        type = types.get(name.casefold())
        if type is None:
            cells = [None if row.cells[i] == null else row.cells[i] for row in rows]
            type = infer_text_type(pa.array(cells, pa.string()), zero_padded=False)
        columns.append(Column(name, type))
    return tuple(columns)


def _broken(path: str, line: int, problem: str) -> CorruptFileError:
    return CorruptFileError(
        f"Broken CSV: {path}, line {line:,}: {problem}. Mend the file, or declare delimiter=, quote=, "
        "header= or columns=.",
        path,
    )


def _decode_file(
    path: str, schema: FileSchema, fields: Sequence[pa.Field], filesystem: pa.fs.FileSystem
) -> Rows:
    names = [column.name for column in schema.columns]
    compression = schema.option("compression")
    if not names:
        return pa.table({}), 0  # only empty lines
    skip = schema.option("skip", 0)
    reading = pyarrow.csv.ReadOptions(column_names=names, block_size=16 << 20, skip_rows=skip)
    parsing = pyarrow.csv.ParseOptions(
        delimiter=schema.option("delimiter"),
        quote_char=schema.option("quote") or False,
        newlines_in_values=True,
        ignore_empty_lines=len(names) > 1,
    )
    converting = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[schema.option("null")],
        strings_can_be_null=True,
    )
    try:
        codec = None if compression == "none" else compression
        with filesystem.open_input_stream(path, compression=codec) as stream:
            # All cells are text, so the header is one more row of them.
            table = pyarrow.csv.read_csv(stream, reading, parsing, converting).slice(schema.option("header"))
        arrays = [cast_text(table.column(field.name), field.type) for field in fields]
        return pa.table(arrays, schema=pa.schema(fields)), table.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        message = f"Broken CSV: {path}: {error}. Mend the file, or declare its columns and dialect."
        raise CorruptFileError(message, path) from error
