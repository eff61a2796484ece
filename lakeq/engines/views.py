"""The view that stands for a table while a query runs, as SQL text over exactly the planned files.

Files of one FileSchema are one scan. The scans of a table are united, each with its columns cast to the
table's frozen types and the columns it lacks as typed NULLs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.fs

from lakeq.catalog.table import HIDDEN_COLUMNS, MODIFIED_COLUMN, PARTITION_COLUMN, PATH_COLUMN, SIZE_COLUMN
from lakeq.engines.groups import (
    PLANNED_SCHEME,
    FileGroup,
    TableRead,
    name_partitions,
    partition_key,
)
from lakeq.engines.tables import OpenedTable
from lakeq.errors import ExecutionError
from lakeq.formats.base import TEXT_FORMATS, ArrowFile, Column, Format
from lakeq.formats.detect import FORMATS
from lakeq.formats.types import quote_name, quote_text, sql_type
from lakeq.planner.time_parts import HiddenBounds, hide_bounds

if TYPE_CHECKING:
    import pyarrow.dataset as ds  # loads pandas, where that is installed

FILE_COLUMN = "lakeq_file"
"""The column in which a scan names the file of each row, where hidden columns need it."""
ROW_COLUMN = "lakeq_row"
"""The first column of an Arrow dataset, true of each row: where a query asks for none, that one is read."""


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as a query sees it: `sql` over scans of `paths` (lists of paths, by the name of a session
    variable) and over what is `registered` (Arrow datasets and tables, by name)."""

    name: str
    sql: str
    paths: Mapping[str, Sequence[str]] = field(default_factory=dict)
    registered: Mapping[str, Any] = field(default_factory=dict)

    def follow(self, opened: OpenedTable) -> TableView:
        """The same view, over the paths that `opened` has by now."""
        if not self.paths:
            return self
        paths = {scan_name(opened, number): group.paths for number, group in enumerate(opened.groups)}
        registered = dict(self.registered)
        if (files := files_name(opened)) in registered:
            registered[files] = _describe_files(opened)
        return replace(self, paths=paths, registered=registered)


@dataclass(frozen=True, slots=True)
class _Scan:
    """One scan: what to select from, what each partition column that is asked for is called there, and which
    columns (folded) are read as text, whatever they hold."""

    source: str
    group: FileGroup
    keys: Mapping[str, str]
    unread: frozenset[str] = frozenset()


def empty_select(name: str, columns: Sequence[Column]) -> str:
    """A query with the columns of a table and no rows. ExecutionError for a table without columns."""
    if not columns:
        raise ExecutionError(f"Table '{name}' has no columns. Declare them with columns=.")
    nulls = ", ".join(f"CAST(NULL AS {sql_type(c.type)}) AS {quote_name(c.name)}" for c in columns)
    return f"SELECT {nulls} WHERE false"


def build_view(opened: OpenedTable, planned: pa.fs.FileSystem, hidden_bounds: HiddenBounds) -> TableView:
    """The view over the files of `opened`; `planned` is how Arrow opens those of the planned filesystem."""
    read, decoder = opened.read, FORMATS[opened.read.table.format]
    hidden = tuple(column for column in HIDDEN_COLUMNS if column.name in read.hidden)
    if not opened.groups or not read.table.columns:
        return TableView(read.table.name, empty_select(read.table.name, (*read.table.columns, *hidden)))
    paths: dict[str, Sequence[str]] = {}
    registered: dict[str, Any] = {}
    selects = []
    for number, group in enumerate(opened.groups):
        name = scan_name(opened, number)
        if opened.by_arrow:
            scan = _Scan(quote_name(name), group, _made_up_keys(read))
            filesystem = pa.fs.LocalFileSystem() if group.native else planned
            registered[name] = _dataset(opened, group, decoder, filesystem, bool(hidden))
        else:
            scan = _duckdb_scan(read, group, decoder, name, bool(hidden))
            paths[name] = group.paths
        selects.append(
            _select(read, scan, bool(hidden), hidden_bounds) + ("" if opened.by_arrow else _check(read, scan))
        )
    sql = selects[0] if len(selects) == 1 else _unite(read, selects, bool(hidden))
    if hidden:
        files = files_name(opened)
        registered[files] = _describe_files(opened)
        shown = ", ".join(quote_name(column.name) for column in (*read.table.columns, *hidden))
        sql = f"SELECT {shown} FROM ({sql}) JOIN {quote_name(files)} USING ({FILE_COLUMN})"
    return TableView(read.table.name, sql, paths, registered)


def scan_name(opened: OpenedTable, number: int) -> str:
    """What stands for the files of a group: a variable with their paths, or an Arrow dataset."""
    return f"{opened.tag}_{number}"


def files_name(opened: OpenedTable) -> str:
    """The table of the hidden columns of the files."""
    return f"{opened.tag}_files"


def _unite(read: TableRead, selects: Sequence[str], with_file: bool) -> str:
    """The rows of several scans. Of a union of which nothing is asked DuckDB still reads the first column:
    let that be a partition column that the plan has, which costs no byte."""
    cheap = [read.table.partition_columns[i].name for i in read.keys]
    rest = [column.name for column in read.table.columns if column.name not in cheap]
    reordered = ", ".join([*map(quote_name, [*cheap, *rest]), *([FILE_COLUMN] if with_file else [])])
    union = " UNION ALL ".join(f"SELECT {reordered} FROM ({select})" for select in selects)
    shown = [quote_name(c.name) for c in read.table.columns] + [FILE_COLUMN] * with_file
    return f"SELECT {', '.join(shown)} FROM ({union})"


def _check(read: TableRead, scan: _Scan) -> str:
    """A condition that is always true and needs every cell of a text file to be parsed.

    A query that reads no column, as `count(*)`, must not call whole what any SELECT would find broken. Texts
    of CSV are broken where they are not UTF-8; DuckDB's JSON reader sees that of whole lines.
    """
    if read.asked or read.table.format not in TEXT_FORMATS:
        return ""
    is_json = read.table.format == "json"
    columns = scan.group.schema.columns
    parsed = [c.name for c in columns if not (is_json and pa.types.is_string(c.type))]
    return f" WHERE hash({', '.join(map(quote_name, parsed))}) IS NOT NULL" if parsed else ""


def _made_up_keys(read: TableRead) -> dict[str, str]:
    return {read.table.partition_columns[i].name: partition_key(i) for i in read.keys}


def _duckdb_scan(read: TableRead, group: FileGroup, decoder: Format, name: str, with_file: bool) -> _Scan:
    columns = {column.name: column for column in read.table.partition_columns}
    keys = {name: name for name in columns} if group.native else _made_up_keys(read)
    hive_types = {key: sql_type(columns[name].type) for name, key in keys.items()}
    unread = _unread(read, group)
    columns_read = [
        replace(column, type=pa.string()) if column.name.casefold() in unread else column
        for column in group.schema.columns
    ]
    schema = replace(group.schema, columns=tuple(columns_read))
    file_column = FILE_COLUMN if with_file else None
    # The list of paths stays out of the text, so that binding the view need not look at every file.
    paths = f"getvariable({quote_text(name)})"
    source = decoder.duckdb_scan(paths, schema, hive_types, file_column)
    if source is None:
        raise ExecutionError(f"Format {decoder.name} has no reader in DuckDB. Use scanner='arrow'.")
    return _Scan(source, group, keys, unread)


def _unread(read: TableRead, group: FileGroup) -> frozenset[str]:
    """The columns of text files (folded) that nobody asks for. DuckDB binds the check of each column whether
    it is read or not (1 ms a column, several times a query): these have none."""
    if not read.asked or read.table.format not in TEXT_FORMATS:
        return frozenset()
    asked = {name.casefold() for name in read.asked}
    flat = (c.name.casefold() for c in group.schema.columns if not pa.types.is_nested(c.type))
    return frozenset(name for name in flat if name not in asked)


def _select(read: TableRead, scan: _Scan, with_file: bool, hidden_bounds: HiddenBounds) -> str:
    """The scan's rows with the table's columns in the table's types. The path wins over the file."""
    not_asked = {c.name.casefold(): _not_asked(c) for c in read.table.partition_columns}
    keys = {name.casefold(): quote_name(key) for name, key in scan.keys.items()}
    # Of columns that differ in case alone, DuckDB gives the first the name.
    stored = {c.name.casefold(): quote_name(c.name) for c in reversed(scan.group.schema.columns)}
    sources = {**stored, **not_asked, **keys}
    shown = []
    for column in read.table.columns:
        value = sources.get(column.name.casefold(), "NULL")
        cast = "TRY_CAST" if column.name.casefold() in scan.unread else "CAST"
        value = f"{cast}({value} AS {sql_type(column.type)})"
        if column.type in hidden_bounds:
            value = hide_bounds(value)
        shown.append(f"{value} AS {quote_name(column.name)}")
    if with_file:
        shown.append(FILE_COLUMN)
    return f"SELECT {', '.join(shown)} FROM {scan.source}"


def _not_asked(column: Column) -> str:
    """What stands for a partition column that the plan says nobody asks for: should the plan be wrong, the
    query fails."""
    return f"CAST({quote_text(f'The plan left {column.name} out.')} AS TINYINT)"


def _dataset(
    opened: OpenedTable, group: FileGroup, decoder: Format, filesystem: pa.fs.FileSystem, with_file: bool
) -> ds.Dataset:
    read, files = opened.read, group.files
    columns = [Column(ROW_COLUMN, pa.bool_())]
    columns += [replace(read.table.partition_columns[i], name=partition_key(i)) for i in read.keys]
    values = [[True] * files.num_rows, *(files[f"value_{i}"].to_pylist() for i in read.keys)]
    if with_file:
        columns.append(Column(FILE_COLUMN, pa.string()))
        values.append(list(group.paths))
    paths = [path.removeprefix(PLANNED_SCHEME) for path in group.paths]
    rows = zip(*values, strict=True)
    partitions = [_constants(columns, row) for row in rows]
    sizes, counts = files["size"].to_pylist(), files["row_count"].to_pylist()
    shown = map(ArrowFile, paths, sizes, partitions, counts, _kept_groups(read, files))
    return decoder.arrow_dataset(list(shown), group.schema, columns, filesystem, opened.decoded)


def _kept_groups(read: TableRead, files: pa.Table) -> list[frozenset[int] | None]:
    """The row groups to read of each file, by where their footers begin; None: all."""
    ids = files["file_id"].to_pylist()
    if read.group_footers is None:
        return [None] * len(ids)
    kept: dict[int, set[int | None]] = {}
    footers = (read.group_footers[name].to_pylist() for name in ("file_id", "start"))
    for file_id, start in zip(*footers, strict=True):
        kept.setdefault(file_id, set()).add(start)
    groups = [frozenset(start for start in kept.get(i, ()) if start is not None) for i in ids]
    # Where the footers of a file could not be found, nothing of it is left out.
    return [known if known and None not in kept[i] else None for i, known in zip(ids, groups, strict=True)]


def _constants(columns: Sequence[Column], values: Sequence[Any]) -> ds.Expression:
    """The expression that is true of a file whose rows all have these values."""
    import pyarrow.dataset as ds

    equal = [
        ds.field(column.name).is_null()
        if value is None
        else ds.field(column.name) == pa.scalar(value, column.type)
        for column, value in zip(columns, values, strict=True)
    ]
    return reduce(and_, equal) if equal else ds.scalar(True)


def _describe_files(opened: OpenedTable) -> pa.Table:
    """The hidden columns of each file, by the name that a scan gives the file."""
    read, groups = opened.read, opened.groups
    files = pa.concat_tables([group.files for group in groups])
    return pa.table(
        {
            FILE_COLUMN: [path for group in groups for path in group.paths],
            PATH_COLUMN: [opened.store.url(path) for path in files["path"].to_pylist()],
            SIZE_COLUMN: files["size"],
            MODIFIED_COLUMN: files["modified"],
            PARTITION_COLUMN: name_partitions(read.table, files),
        }
    )
