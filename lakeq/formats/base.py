"""What a file format must do: say what a file holds, and how an engine reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from lakeq.formats.arrow_reads import ArrowReads

if TYPE_CHECKING:
    import pyarrow.dataset as ds  # loads pandas, where that is installed


@dataclass(frozen=True, slots=True)
class Column:
    """A named, typed column; the type is an Arrow type."""

    name: str
    type: pa.DataType


TEXT_FORMATS = ("csv", "json")
"""Formats whose types are told from the heads of their files."""


@dataclass(frozen=True, slots=True)
class Locked:
    """A column, by its dotted path, that cannot be decrypted: the name of its key ("": the file does not tell
    it), and the reason, as what follows "the key, which"."""

    column: str
    key: str
    reason: str

    @property
    def key_words(self) -> str:
        return f"the key {self.key!r}" if self.key else "a key that the file does not name"


@dataclass(frozen=True, slots=True)
class Encryption:
    """A file that is encrypted in itself, and what of it cannot be read."""

    locked: tuple[Locked, ...] = ()


@dataclass(frozen=True, slots=True)
class FileSchema:
    """The columns of one file in their order, and how its bytes are to be decoded.

    `options` are the format's own: for CSV `delimiter`, `quote`, `header`, `null`, `compression`, and
    `skip`, the number of empty lines before the first record, if there are any;
    for JSON `layout` (`newline_delimited`, `array`, `unstructured`) and `compression`; for a scan of
    Parquet files that differ, `united`. Of a plain file `encryption` is None. Files with equal FileSchemas
    are read by one scan.
    """

    columns: tuple[Column, ...]
    options: tuple[tuple[str, Any], ...] = ()
    encryption: Encryption | None = None

    def option(self, name: str, default: Any = None) -> Any:
        return dict(self.options).get(name, default)


@dataclass(frozen=True, slots=True)
class ColumnChunk:
    """One leaf column in one row group. Bounds are None where unknown or not to be trusted; `start` is where
    its `bytes` begin in the file.

    Bounds are Python values that `pyarrow.array([...], type)` takes for the file column's own type
    (integers for dates and timestamps are allowed, in the type's unit).
    """

    bytes: int
    lower: Any = None
    upper: Any = None
    null_count: int | None = None
    start: int | None = None


GROUP_FOOTER = "."
"""The path under which `RowGroup.chunks` has the row group's own footer, in a format where it has one."""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows stored together. `chunks` maps a leaf's dotted path (`a`, `s.x`, `l.list.element`) to it. In ORC
    what holds leaves (`s`, `l`) has a chunk too: where it is NULL, how long it is."""

    row_count: int
    chunks: Mapping[str, ColumnChunk]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the footer or the head of one file tells.

    `row_count` is None when only a scan would tell; `has_rows` is None when not even that there is
    one row is known. `row_groups`, of ORC the stripes, is None for formats without exact footers.
    `footer_bytes` is how much of the file's end the footer takes, where one was read.
    """

    schema: FileSchema
    row_count: int | None = None
    has_rows: bool | None = None
    row_groups: tuple[RowGroup, ...] | None = None
    footer_bytes: int | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a user declared about a table's files; None means: find out.

    `columns` are the data columns in order (for headerless CSV: by position; else by name). `extra` may
    hold `sample`, the number of (decompressed) bytes of a text file to look at, `tail`, how many bytes of a
    file's end to read for its footer at first, and `keys`, the ParquetKeys.
    """

    delimiter: str | None = None
    header: bool | None = None
    quote: str | None = None
    null: str | None = None
    columns: tuple[Column, ...] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArrowFile:
    """One file as Arrow decodes it. `partition` is the expression that is true of all its rows.

    `row_count` is None where it is not known. `groups` are the row groups to read, each by where its own
    footer begins; None: all.
    """

    path: str
    size: int
    partition: ds.Expression
    row_count: int | None = None
    groups: frozenset[int] | None = None


class Source(Protocol):
    """One stored file, for looking inside. Reads are pinned to the listed version."""

    @property
    def path(self) -> str:
        """Full name, for error messages."""

    @property
    def size(self) -> int:
        """Stored (compressed) size in bytes."""

    def read(self, start: int, length: int) -> bytes:
        """Exactly `length` bytes from `start`."""


class Format(Protocol):
    """One file format. Stateless."""

    @property
    def name(self) -> str:
        """`parquet`, `orc`, `csv` or `json`."""

    @property
    def has_footers(self) -> bool:
        """Whether `inspect` gives exact row groups from a footer."""

    @property
    def reads_fields(self) -> bool:
        """Whether of a struct only those fields are read that a query uses."""

    def inspect(self, source: Source, options: ReadOptions) -> FileFacts:
        """Read the footer or the head of `source`. CorruptFileError names the file and what is wrong."""

    def duckdb_scan(
        self,
        paths: str,
        schema: FileSchema,
        hive_types: Mapping[str, str],
        filename: str | None,
    ) -> str | None:
        """A DuckDB table function call (SQL text) that reads files, all of `schema`; None: use Arrow.

        `paths` is the SQL expression that gives the list of their paths.

        Text formats parse straight into the types of `schema`. `hive_types` are the partition
        columns, in Hive form in the paths, with their SQL types; empty: no Hive parsing. `filename`
        names a column that shows the path, if given. Options are always spelled out: nothing is sniffed.
        """

    def arrow_dataset(
        self,
        files: Sequence[ArrowFile],
        schema: FileSchema,
        partition_columns: Sequence[Column],
        filesystem: pa.fs.FileSystem,
        reads: ArrowReads,
    ) -> ds.Dataset:
        """A pyarrow dataset over the same files, one fragment a file carrying its partition expression.

        Its schema is `partition_columns` and the columns of `schema` (text formats parse into its types).
        The independent decoder, and the only one for ORC, which leaves out row groups that are not to be read
        and tells `reads` what it asks for.
        """
