"""Spark's DDL: tables of its own file sources, which read lakeq's types as they are.

Source: Spark's SQL reference; every statement of tests/ddl runs on Spark 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from lakeq.catalog.hive_names import hive_folder
from lakeq.ddl.literals import back_quoted, hive_text
from lakeq.ddl.notes import describe_subject, explain_differences, explain_keys, explain_zones
from lakeq.ddl.places import find_location, name_parts
from lakeq.ddl.statements import Ddl, batch_clauses, list_lines
from lakeq.ddl.subject import Folder, Subject
from lakeq.ddl.text_files import check_json, find_dialect
from lakeq.ddl.type_words import SPARK, require_type
from lakeq.errors import UnsupportedTableError
from lakeq.formats.base import Column

_ENGINE = "Spark"


def write_spark(subject: Subject, name: str | None, location: str | None) -> Ddl:
    """The table and its partitions."""
    table = subject.table
    quoted = ".".join(map(back_quoted, name_parts(subject, name, 3, _ENGINE)))
    place = find_location(subject, location, _ENGINE, (), local="file://")
    _check(subject)
    fields = [f"{back_quoted(c.name)} {_spell(subject, c)}" for c in (*subject.columns, *subject.keys)]
    options = _describe_options(subject)
    clauses = [
        f"CREATE TABLE {quoted} {list_lines(fields)}",
        f"USING {table.format}",
        f"OPTIONS {list_lines(f'{hive_text(k)} = {hive_text(v)}' for k, v in options)}" if options else "",
        f"PARTITIONED BY ({', '.join(back_quoted(key.name) for key in subject.keys)})"
        if subject.keys
        else "",
        f"LOCATION {hive_text(place)}",
    ]
    statements = ["\n".join(filter(None, clauses)), *_add_partitions(subject, quoted, place)]
    return Ddl("spark", tuple(statements), _write_notes(subject))


def _write_notes(subject: Subject) -> tuple[str, ...]:
    notes = [describe_subject(subject, _ENGINE)]
    if subject.keys:
        told = "run MSCK REPAIR TABLE again" if _is_plain(subject) else "write the statements anew"
        notes.append(f"partitions are those of today: {told} when there are new ones")
    notes += explain_zones(subject, "shown in the time zone of the session")
    if subject.table.format == "orc" and any(
        pa.types.is_timestamp(c.type) and c.type.tz is None for c in subject.columns
    ):
        notes.append("timestamps of ORC are TIMESTAMP: they show the time in the files in every zone")
    if subject.table.format == "json":
        notes += _explain_spellings(subject)
    return (*notes, *explain_keys(subject), *explain_differences(subject))


def _explain_spellings(subject: Subject) -> list[str]:
    """A sentence for each key of JSON that a file spells in another case, which to Spark is another key."""
    told = {column.name for column in subject.columns}
    folded = {name.casefold(): name for name in told}
    other = {
        column.name: path
        for schema, path in subject.schemas
        for column in schema.columns
        if column.name not in told and column.name.casefold() in folded
    }
    return [
        f"{path} spells {folded[name.casefold()]} as {name}, which Spark leaves NULL"
        for name, path in other.items()
    ]


def _spell(subject: Subject, column: Column) -> str:
    """Spark reads the timestamps of ORC as TIMESTAMP only."""
    kind = require_type(subject.table.name, column, SPARK)
    return kind.replace("TIMESTAMP_NTZ", "TIMESTAMP") if subject.table.format == "orc" else kind


def _check(subject: Subject) -> None:
    """UnsupportedTableError for what Spark does not read."""
    table = subject.table
    if subject.keys and subject.deep is not None:
        raise UnsupportedTableError(
            f"Table {table.name!r} has files below the folders of its partitions, as {subject.deep}, where "
            "Spark does not look. Move them up, or declare a layout with a key for that folder.",
            table.name,
            _ENGINE,
        )
    for column in subject.columns if table.format == "parquet" else ():
        if _has_nanoseconds(column.type):
            raise UnsupportedTableError(
                f"Column {column.name!r} of table {table.name!r} is a timestamp in nanoseconds, which Spark "
                f"does not read from Parquet. Leave it out: --exclude {column.name} "
                f"(exclude=[{column.name!r}]).",
                table.name,
                _ENGINE,
            )


def _has_nanoseconds(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind) or pa.types.is_list(kind) or pa.types.is_map(kind):
        return any(_has_nanoseconds(kind.field(i).type) for i in range(kind.num_fields))
    return bool(pa.types.is_timestamp(kind) and kind.unit == "ns")


def _describe_options(subject: Subject) -> list[tuple[str, str]]:
    """How Spark reads the files: what does not fit fails, as in lakeq."""
    options: list[tuple[str, str]] = []
    if subject.deep is not None:
        options.append(("recursiveFileLookup", "true"))
    if subject.table.format == "json":
        layout = check_json(subject, _ENGINE, ("newline_delimited", "array"))
        options += [("mode", "FAILFAST"), *([("multiLine", "true")] if layout == "array" else [])]
    if subject.table.format == "csv":
        dialect = find_dialect(subject, _ENGINE)
        options += [
            ("sep", dialect.delimiter),
            ("quote", dialect.quote),
            ("escape", dialect.quote),
            ("nullValue", dialect.null),
            ("header", str(_has_header(subject)).lower()),
            ("multiLine", str(bool(dialect.quote)).lower()),
            ("mode", "FAILFAST"),
        ]
    return options


def _has_header(subject: Subject) -> bool:
    return any(schema.option("header") for schema, _ in subject.schemas)


def _is_plain(subject: Subject) -> bool:
    """Whether Spark finds the partitions by itself: `key=value` folders in the order of the keys."""
    return all(
        folder.path
        == "".join(
            f"{hive_folder(key.name, text)}/" for key, text in zip(subject.keys, folder.texts, strict=True)
        )
        for folder in subject.folders
    )


def _add_partitions(subject: Subject, quoted: str, place: str) -> Sequence[str]:
    if not subject.keys:
        return []
    if _is_plain(subject):
        return [f"MSCK REPAIR TABLE {quoted}"]
    head = f"ALTER TABLE {quoted} ADD IF NOT EXISTS"
    return batch_clauses(head, [_add(subject, folder, place) for folder in subject.folders])


def _add(subject: Subject, folder: Folder, place: str) -> str:
    values = ", ".join(
        f"{back_quoted(key.name)} = {'NULL' if value is None else hive_text(value)}"
        for key, value in zip(subject.keys, folder.values, strict=True)
    )
    return f"PARTITION ({values}) LOCATION {hive_text(place + folder.path)}"
