"""The view that stands for a table in a Spark session, over exactly the planned files.

As in DuckDB: files of one schema are one relation; the relations of a table are united, each with its columns
cast to the table's frozen types. What only the path tells (partition values, hidden columns) is joined to the
rows by the name of their file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakeq.catalog.table import HIDDEN_COLUMNS, MODIFIED_COLUMN, PARTITION_COLUMN, PATH_COLUMN, SIZE_COLUMN
from lakeq.engines.groups import FileGroup, TableRead, group_files, name_partitions
from lakeq.engines.spark.listing import write_listing
from lakeq.engines.spark.paths import name_for_reader, name_for_spark
from lakeq.engines.spark.readers import (
    StoredColumn,
    choose_options,
    find_obstacle,
    read_schema,
    store_column,
)
from lakeq.engines.spark.texts import quote_spark_text, write_error, write_refusal
from lakeq.engines.spark.types import quote_spark_name, spark_type
from lakeq.errors import ExecutionError, UnsupportedSqlError
from lakeq.formats.base import Column
from lakeq.storage.base import Store

_FILE = "lakeq_file"
"""The column with the name of a row's file, in a relation and in what is known of files."""

_UNNAMED = quote_spark_text("Spark names a file in another way than it was planned: ")


@dataclass(frozen=True, slots=True)
class SparkTable:
    """A table whose files Spark is to read: its groups of files, each file with its name for Spark, and the
    columns of each group as they are read.

    `columns` are those that the view shows, hidden ones among them.
    """

    read: TableRead
    store: Store
    groups: tuple[FileGroup, ...]
    names: tuple[tuple[str, ...], ...]
    stored: tuple[Mapping[str, StoredColumn], ...]
    columns: tuple[Column, ...]

    @property
    def joins_files(self) -> bool:
        """Whether a column is asked for that only the path tells."""
        return bool(self.read.keys or self.read.hidden)


def describe_table(read: TableRead, store: Store, wanted: frozenset[str]) -> SparkTable:
    """The table as Spark reads it, where a query asks for the columns `wanted` (in small letters).

    UnsupportedSqlError for files and columns that Spark would read in another way than DuckDB, or not at all.
    """
    table, names, every = read.table, [], []
    groups = group_files(read, store, "", by_path=False, may_open=True)
    for group in groups:
        urls = [store.url(path) for path in group.files["path"].to_pylist()]
        obstacle = find_obstacle(table.format, group.schema, urls)
        if obstacle:
            raise _refuse(f"Spark cannot read files of table '{table.name}', because {obstacle}")
        names.append(tuple(map(name_for_spark, urls)))
        every.append(_store_columns(read, group, wanted))
    hidden = tuple(column for column in HIDDEN_COLUMNS if column.name in read.hidden)
    shown = [c for c in table.columns if spark_type(c.type) is not None]
    lost = next((c for c in table.columns if c not in shown and c.name.casefold() in wanted), None)
    if lost is not None:
        raise _refuse(f"Spark has no type for column '{lost.name}' of table '{table.name}' ({lost.type})")
    if not (*shown, *hidden):
        raise ExecutionError(f"Table '{table.name}' has no columns. Declare them with columns=.")
    return SparkTable(read, store, groups, tuple(names), tuple(every), (*shown, *hidden))


def create_view(
    session: Any, table: SparkTable, view: str, folder: Path, options: Mapping[str, str], by_path: bool
) -> None:
    """Make the temporary view `view`, which shows the rows of `table`. Lists of files are written below
    `folder`; `options` are those of the store; `by_path`: Spark is not where it could read them, and
    is given the paths, of which it asks the store what they are."""
    if not table.groups:
        nulls = ", ".join(
            f"CAST(NULL AS {spark_type(c.type)}) AS {quote_spark_name(c.name)}" for c in table.columns
        )
        session.sql(f"SELECT {nulls} WHERE false").createOrReplaceTempView(view)
        return
    selects = []
    for number, group in enumerate(table.groups):
        name = f"{view}_{number}"
        relation = _read_files(session, table, number, folder / name, options, by_path)
        if table.joins_files:
            relation = relation.selectExpr("*", f"_metadata.file_path AS {_FILE}")
        relation.createOrReplaceTempView(name)
        selects.append(_select(table, group, table.stored[number], name, f"{view}_files"))
    if table.joins_files:
        session.createDataFrame(_describe_files(table)).createOrReplaceTempView(f"{view}_files")
    session.sql(" UNION ALL ".join(selects)).createOrReplaceTempView(view)


def _read_files(
    session: Any, table: SparkTable, number: int, folder: Path, store: Mapping[str, str], by_path: bool
) -> Any:
    format, group = table.read.table.format, table.groups[number]
    options = {**choose_options(format, group.schema), **store}
    reader = session.read.format(format).schema(read_schema(table.stored[number]))
    if by_path:
        return reader.options(**options).load([name_for_reader(name) for name in table.names[number]])
    write_listing(folder, table.names[number], group.files)
    return reader.options(**options).load(str(folder))


def _store_columns(read: TableRead, group: FileGroup, wanted: frozenset[str]) -> dict[str, StoredColumn]:
    """How the columns of a group are read; those are left out that Spark cannot read and nobody asks for,
    unless their places count."""
    keys = {column.name.casefold() for column in read.table.partition_columns}
    types = {c.name.casefold(): c.type for c in read.table.columns if c.name.casefold() not in keys}
    stored: dict[str, StoredColumn] = {}
    for column in group.schema.columns:
        folded = column.name.casefold()
        if folded in (name.casefold() for name in stored):
            continue  # of columns that differ in case alone, DuckDB gives the first the name
        found = store_column(read.table.format, group.schema, column, types.get(folded, column.type))
        if isinstance(found, StoredColumn):
            stored[column.name] = found
        elif folded in wanted and folded in types:
            raise _refuse(
                f"Spark cannot read column '{column.name}' of table '{read.table.name}', because {found}"
            )
        elif read.table.format == "csv":
            stored[column.name] = StoredColumn("STRING", "NULL")
    return stored


def _select(
    table: SparkTable, group: FileGroup, stored: Mapping[str, StoredColumn], name: str, files: str
) -> str:
    """The rows of a relation with the table's columns in the table's types. The path wins over the file."""
    values = {name.casefold(): column.value for name, column in stored.items()}
    keys = {table.read.table.partition_columns[i].name.casefold(): f"lakeq_{i}" for i in table.read.keys}
    partition = {column.name.casefold() for column in table.read.table.partition_columns}
    hidden = {column.name for column in HIDDEN_COLUMNS}
    present = {column.name.casefold() for column in group.schema.columns}
    shown = []
    for column in table.columns:
        folded, type = column.name.casefold(), spark_type(column.type) or "STRING"
        if folded in keys or column.name in hidden:
            value = f"f.{quote_spark_name(keys.get(folded, f'lakeq_{column.name}'))}"
            lost = write_error(f"concat({_UNNAMED}, {name}.{_FILE})", type)
            value = f"CASE WHEN f.{_FILE} IS NULL THEN {lost} ELSE {value} END"
        elif folded in partition:
            value = write_refusal(f"The plan left {column.name} out", type)
        elif folded in present and folded not in values:
            value = write_refusal(f"Spark cannot read column {column.name}", type)
        else:
            value = values.get(folded, "NULL")
        shown.append(f"CAST({value} AS {type}) AS {quote_spark_name(column.name)}")
    if not table.joins_files:
        return f"SELECT {', '.join(shown)} FROM {name}"
    join = f"{name} LEFT JOIN {files} AS f ON {name}.{_FILE} = f.{_FILE}"
    return f"SELECT /*+ BROADCAST(f) */ {', '.join(shown)} FROM {join}"


def _describe_files(table: SparkTable) -> pa.Table:
    """What the path of each file tells, by the name that Spark gives the file."""
    files = pa.concat_tables([group.files for group in table.groups])
    described: dict[str, Any] = {_FILE: [name for names in table.names for name in names]}
    for i in table.read.keys:
        described[f"lakeq_{i}"] = files[f"value_{i}"]
    if table.read.hidden:
        described[f"lakeq_{PATH_COLUMN}"] = [table.store.url(path) for path in files["path"].to_pylist()]
        described[f"lakeq_{SIZE_COLUMN}"] = files["size"]
        described[f"lakeq_{MODIFIED_COLUMN}"] = files["modified"]
        described[f"lakeq_{PARTITION_COLUMN}"] = name_partitions(table.read.table, files)
    return pa.table(described)


def _refuse(words: str) -> UnsupportedSqlError:
    return UnsupportedSqlError(f"{words}. Run the query with engine='duckdb'.")
