"""Subject: what statements must say of a table, found out once for every engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from lakeq.catalog.entry import TableEntry
from lakeq.catalog.hive_names import NULL_TEXT
from lakeq.catalog.layout import template_segments
from lakeq.catalog.partition_texts import split_directories
from lakeq.catalog.table import Table
from lakeq.errors import ConfigError, UnsupportedTableError
from lakeq.formats.base import Column, FileSchema
from lakeq.formats.types import sql_type
from lakeq.texts import spell_values


@dataclass(frozen=True, slots=True)
class Folder:
    """One partition: its folder below the table's, which ends in `/`, and for each key the text in the path
    (decoded) and the value, as texts. None is NULL."""

    path: str
    texts: tuple[str | None, ...]
    values: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """A table as statements describe it.

    `columns` are those in the files, without `excluded` ones and, but for CSV, without the keys. `schemas`
    give each schema of the files looked into with the path of one that has it. `deep` is a file that lies
    below its partition's folder, `misnamed` are compressed files whose names do not say so, `archived` counts
    files that must be restored first, `unseen` those that were not looked into. `inner` are the names of
    tables that lie in this one's folder.
    """

    table: Table
    columns: tuple[Column, ...]
    folders: tuple[Folder, ...]
    schemas: tuple[tuple[FileSchema, str], ...]
    is_one_file: bool
    deep: str | None
    misnamed: tuple[str, ...]
    archived: int
    unseen: int
    inner: tuple[str, ...]

    @property
    def keys(self) -> tuple[Column, ...]:
        return self.table.partition_columns


def survey_table(
    entry: TableEntry, excluded: Iterable[str] = (), places: Mapping[str, str] = MappingProxyType({})
) -> Subject:
    """What statements must say of the table; `places` are the locations of all tables, by name.

    UnsupportedTableError when two folders are one partition, which no metastore can say, or a value is a text
    that none can hold; ConfigError for an unknown column.
    """
    table, index = entry.table, entry.index
    files = index.all.to_table()
    _, archived = index.split_archived(index.all)
    folders, deep = _find_folders(table, files)
    _check_folders(table, folders)
    schemas = tuple((schema, path) for schema, path in entry.known.schemas.items() if schema.columns)
    schemas = tuple(sorted(schemas, key=lambda known: known[1]))
    return Subject(
        table,
        _choose_columns(table, schemas, tuple(excluded)),
        folders,
        schemas,
        _is_one_file(table, files),
        deep,
        _find_misnamed(index.schemas, files),
        0 if archived is None else archived.count,
        index.count - index.inspected,
        tuple(name for name, place in places.items() if place.startswith(f"{table.location.rstrip('/')}/")),
    )


def _is_one_file(table: Table, files: pa.Table) -> bool:
    first = files["path"][0].as_py() if files.num_rows else ""
    return f"{table.store_root.rstrip('/')}/{first}" == table.location


def _find_folders(table: Table, files: pa.Table) -> tuple[tuple[Folder, ...], str | None]:
    """The partitions in the order of their paths, and a file that lies deeper than its partition's folder."""
    place = table.location.rstrip("/")[len(table.store_root.rstrip("/")) :].lstrip("/")
    start = len(place) + 1 if place else 0
    depth = len(template_segments(table.layout.template)) if table.partition_columns else 0
    encoded = split_directories(files["path"].combine_chunks())
    directories = [path[start:] for path in encoded.dictionary.to_pylist()]
    _, first = np.unique(encoded.indices.to_numpy(), return_index=True)
    rows = files.take(pa.array(first))
    numbers = range(len(table.partition_columns))
    texts = [rows[f"raw_{i}"].to_pylist() for i in numbers]
    values = [spell_values(rows[f"value_{i}"].combine_chunks()).to_pylist() for i in numbers]
    folders: dict[str, Folder] = {}
    deep = None
    codes = encoded.indices.to_numpy()[first]
    for row, code in enumerate(codes.tolist()):
        parts = directories[code].split("/")[:-1]
        if len(parts) > depth and deep is None:
            deep = rows["path"][row].as_py()
        path = "".join(f"{part}/" for part in parts[:depth])
        if path not in folders:
            folders[path] = Folder(
                path, tuple(column[row] for column in texts), tuple(column[row] for column in values)
            )
    return (tuple(folders.values()) if depth else ()), deep


def _check_folders(table: Table, folders: Iterable[Folder]) -> None:
    seen: dict[tuple[str | None, ...], str] = {}
    for folder in folders:
        other = seen.setdefault(folder.values, folder.path)
        if other != folder.path:
            raise UnsupportedTableError(
                f"Table {table.name!r} has one partition in two folders, {other!r} and {folder.path!r}, and "
                "engines know one folder a partition. Move the files into one of them, or declare its keys "
                "as text under 'partition_types'.",
                table.name,
            )
        for key, value in zip(table.partition_columns, folder.values, strict=True):
            if value in ("", NULL_TEXT):
                raise UnsupportedTableError(
                    f"Table {table.name!r} has the text {value!r} as a value of {key.name!r} in "
                    f"{folder.path!r}, which engines take for no value. Rename the folder.",
                    table.name,
                )


def _choose_columns(
    table: Table, schemas: Iterable[tuple[FileSchema, str]], excluded: tuple[str, ...]
) -> tuple[Column, ...]:
    """The columns to declare beside the keys, in the table's order."""
    keys = {key.name.casefold() for key in table.partition_columns}
    left_out = {name.casefold() for name in excluded}
    for name in excluded:
        if name.casefold() not in {column.name.casefold() for column in table.columns}:
            raise ConfigError(
                f"Table {table.name!r} has no column {name!r} to leave out. It has: "
                f"{', '.join(column.name for column in table.columns)}."
            )
        if name.casefold() in keys:
            raise ConfigError(
                f"{name!r} is a partition column of table {table.name!r}: it cannot be left out."
            )
    if table.format == "csv":
        return _order_by_position(table, schemas, left_out)
    return tuple(c for c in table.columns if c.name.casefold() not in keys | left_out)


def _order_by_position(
    table: Table, schemas: Iterable[tuple[FileSchema, str]], left_out: set[str]
) -> tuple[Column, ...]:
    """The columns as they stand in the files, which engines read by position.

    UnsupportedTableError where files disagree about it, or a column that others follow is left out.
    """
    longest: tuple[str, ...] = ()
    known: dict[tuple[str, ...], str] = {}
    for schema, path in schemas:
        names = tuple(column.name.casefold() for column in schema.columns)
        known.setdefault(names, path)
        longest = max(longest, names, key=len)
    for names, path in known.items():
        if names != longest[: len(names)]:
            raise UnsupportedTableError(
                f"CSV files of table {table.name!r} have their columns in different places, as {path} and "
                f"{known[longest]} do, and other engines read CSV by position. Write the table anew as "
                "Parquet, or declare a table for each kind of file.",
                table.name,
            )
    present = {column.name.casefold(): column for column in table.columns}
    keys = {key.name.casefold() for key in table.partition_columns}
    ordered = [_name_apart(present[name]) if name in keys else present[name] for name in longest]
    ordered += [c for c in table.columns if c.name.casefold() not in {*longest, *keys}]
    while ordered and ordered[-1].name.casefold() in left_out:
        ordered.pop()
    for column in ordered:
        if column.name.casefold() in left_out:
            raise UnsupportedTableError(
                f"Column {column.name!r} of table {table.name!r} cannot be left out: others follow it in the "
                "files, and engines read CSV by position. Leave those out too.",
                table.name,
            )
    return tuple(ordered)


def _name_apart(key: Column) -> Column:
    """The column of the files that has the name of a key, under another name."""
    return Column(f"{key.name}_in_file", pa.string())


def _find_misnamed(schemas: tuple[FileSchema, ...], files: pa.Table) -> tuple[str, ...]:
    """Files of text whose compression engines cannot tell, for they tell it from the name."""
    if not any(schema.option("compression") for schema in schemas):
        return ()
    suffixes = {"none": (), "gzip": (".gz",), "zstd": (".zst", ".zstd")}
    found = []
    for path, number in zip(files["path"].to_pylist(), files["schema_id"].to_pylist(), strict=True):
        codec = None if number is None else schemas[number].option("compression")
        if codec is None:
            continue
        told = next((name for name, ends in suffixes.items() if ends and path.endswith(ends)), "none")
        if told != codec:
            found.append(path)
    return tuple(found)


def explain_types(subject: Subject) -> list[str]:
    """A sentence for each column that some file holds in a type that engines do not read as the table's."""
    if subject.table.format not in ("parquet", "orc"):
        return []
    wanted = {column.name.casefold(): column for column in subject.columns}
    found: dict[str, str] = {}
    for schema, path in subject.schemas:
        for column in schema.columns:
            told = wanted.get(column.name.casefold())
            if told is not None and not _is_read_as(column.type, told.type):
                found.setdefault(
                    told.name,
                    f"column {told.name} is {sql_type(column.type)} in {path} and {sql_type(told.type)} in "
                    "the table: the engine may refuse such files, or give NULL",
                )
    return list(found.values())


def _is_read_as(stored: pa.DataType, told: pa.DataType) -> bool:
    """Whether Trino 476 and Spark 4 were seen to read a stored type as another, of Parquet and ORC."""
    if stored == told or pa.types.is_null(stored):
        return True
    if pa.types.is_signed_integer(stored) and pa.types.is_signed_integer(told):
        return bool(stored.bit_width <= told.bit_width)
    return bool(pa.types.is_float32(stored) and pa.types.is_float64(told))
