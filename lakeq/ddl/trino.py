"""DDL of Trino's Hive connector: CREATE TABLE with properties, and procedures that register partitions.

Source: Trino's documentation, "Hive connector"; every statement of tests/ddl ran on Trino 476.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from lakeq.catalog.hive_names import NULL_TEXT, hive_folder
from lakeq.ddl.literals import double_quoted, trino_text
from lakeq.ddl.notes import (
    describe_subject,
    explain_differences,
    explain_keys,
    explain_projections,
    explain_zones,
)
from lakeq.ddl.places import check_names, find_location, name_parts
from lakeq.ddl.projection import Projection, Refusal, location_template, needs_template
from lakeq.ddl.statements import Ddl, list_lines
from lakeq.ddl.subject import Folder, Subject
from lakeq.ddl.text_files import check_json, find_dialect
from lakeq.ddl.trino_columns import StoredColumn, explain_texts, select_values, store_columns
from lakeq.ddl.type_words import TRINO, require_type

_ENGINE = "Trino"
_NAME = ("hive", "default")
_NO_ESCAPE = "\x01"
"""As for Athena: lakeq knows no escapes in CSV."""


def write_trino(
    subject: Subject, name: str | None, location: str | None, projections: tuple[Projection, ...] | Refusal
) -> Ddl:
    """The table, its partitions if they are not projected, and a view where types must be cast."""
    given = name_parts(subject, name, 3, _ENGINE)
    parts = (*_NAME[: 3 - len(given)], *given)
    check_names(subject, parts, _ENGINE, is_strict=False)
    place = find_location(subject, location, _ENGINE, (), local="local://")
    columns = store_columns(subject, TRINO)
    is_view = not all(column.is_plain for column in columns)
    stored = (*parts[:-1], f"{parts[-1]}_raw") if is_view else parts
    quoted = ".".join(map(double_quoted, stored))
    projected = [] if isinstance(projections, Refusal) else projections
    fields = [f"{double_quoted(column.name)} {column.kind}" for column in columns]
    for i, key in enumerate(subject.keys):
        how = f" WITH ({_describe_key(projected[i])})" if projected else ""
        fields.append(f"{double_quoted(key.name)} {require_type(subject.table.name, key, TRINO)}{how}")
    options = [f"external_location = {trino_text(place)}", *_describe_storage(subject)]
    if subject.keys:
        keys = ", ".join(trino_text(key.name.lower()) for key in subject.keys)
        options.append(f"partitioned_by = ARRAY[{keys}]")
    if projected:
        options.append("partition_projection_enabled = true")
        if needs_template(subject.table.layout):
            template = location_template(subject.table.layout, place)
            options.append(f"partition_projection_location_template = {trino_text(template)}")
    statements = [f"CREATE TABLE {quoted} {list_lines(fields)}\nWITH {list_lines(options)}"]
    if _is_by_name(subject):
        statements.insert(0, f"SET SESSION {double_quoted(parts[0])}.orc_use_column_names = true")
    if not projected:
        statements += _register(subject, stored, place)
    if is_view:
        view = ".".join(map(double_quoted, parts))
        statements.append(f"CREATE OR REPLACE VIEW {view} AS\n{select_values(subject, columns, quoted)}")
    return Ddl(
        "trino",
        tuple(statements),
        _write_notes(subject, projections, parts[0], place.startswith("s3"), columns),
    )


def _write_notes(
    subject: Subject,
    projections: tuple[Projection, ...] | Refusal,
    catalog: str,
    is_s3: bool,
    columns: Sequence[StoredColumn],
) -> tuple[str, ...]:
    notes = [describe_subject(subject, _ENGINE), *explain_texts(subject, columns)]
    if subject.keys:
        notes += explain_projections(projections)
        if not isinstance(projections, Refusal):
            settings = ["partition-projection-enabled"]
            settings += [] if is_s3 else ["ignore-absent-partitions"]
            needed = " and ".join(f"hive.{setting}=true" for setting in settings)
            notes.append(f"needs {needed} of the catalog, or --list-partitions")
        elif not _is_plain(subject):
            notes.append("needs hive.allow-register-partition-procedure=true of the catalog")
    if subject.deep is not None:
        notes.append(
            f"needs hive.recursive-directories=true of the catalog, for files such as {subject.deep}"
        )
    if subject.table.format in ("parquet", "orc"):
        if any(pa.types.is_timestamp(column.type) for column in subject.columns):
            setting = f"SET SESSION {catalog}.timestamp_precision = 'MICROSECONDS'"
            notes.append(f"timestamps show milliseconds: {setting} shows microseconds")
        notes += explain_zones(subject, "shown in UTC, without the zone")
    if _is_by_name(subject):
        notes.append("columns of ORC are read by position, unless each session runs the first statement")
    return (*notes, *explain_keys(subject), *explain_differences(subject))


def _is_by_name(subject: Subject) -> bool:
    """Whether columns of ORC must be found by name: Trino finds them by position, and some file has others
    there than the table."""
    declared = [column.name.casefold() for column in subject.columns]
    return subject.table.format == "orc" and any(
        [column.name.casefold() for column in schema.columns] != declared[: len(schema.columns)]
        for schema, _ in subject.schemas
    )


def _describe_storage(subject: Subject) -> list[str]:
    """The properties that say how files are decoded."""
    kind = subject.table.format
    if kind != "csv":
        if kind == "json":
            check_json(subject, _ENGINE, ("newline_delimited",))
        return [f"format = '{kind.upper()}'"]
    dialect = find_dialect(subject, _ENGINE)
    skipped = [f"skip_header_line_count = {dialect.skipped}"] if dialect.skipped else []
    if dialect.quote:
        return [
            "format = 'CSV'",
            f"csv_separator = {trino_text(dialect.delimiter)}",
            f"csv_quote = {trino_text(dialect.quote)}",
            f"csv_escape = {trino_text(_NO_ESCAPE)}",
            *skipped,
        ]
    return [
        "format = 'TEXTFILE'",
        f"textfile_field_separator = {trino_text(dialect.delimiter)}",
        f"null_format = {trino_text(dialect.null)}",
        *skipped,
    ]


def _describe_key(projection: Projection) -> str:
    told = [f"partition_projection_type = '{projection.kind.upper()}'"]
    if projection.kind == "enum":
        told.append(f"partition_projection_values = ARRAY[{', '.join(map(trino_text, projection.values))}]")
    elif projection.kind != "injected":
        bounds = f"{trino_text(projection.low)}, {trino_text(projection.high)}"
        told.append(f"partition_projection_range = ARRAY[{bounds}]")
    if projection.digits:
        told.append(f"partition_projection_digits = {projection.digits}")
    if projection.unit is not None:
        told += [
            f"partition_projection_format = '{projection.form}'",
            "partition_projection_interval = 1",
            f"partition_projection_interval_unit = '{projection.unit}'",
        ]
    return ", ".join(told)


def _is_plain(subject: Subject) -> bool:
    """Whether Trino finds the partitions by itself: `key=value` folders in the order of the keys."""
    return all(
        folder.path
        == "".join(
            f"{hive_folder(key.name.lower(), text)}/"
            for key, text in zip(subject.keys, folder.texts, strict=True)
        )
        for folder in subject.folders
    )


def _register(subject: Subject, parts: Sequence[str], place: str) -> list[str]:
    if not subject.keys:
        return []
    catalog, schema, table = parts
    if _is_plain(subject):
        named = f"schema_name => {trino_text(schema)}, table_name => {trino_text(table)}, mode => 'ADD'"
        return [f"CALL {double_quoted(catalog)}.system.sync_partition_metadata({named})"]
    call = f"CALL {double_quoted(catalog)}.system.register_partition"
    named = f"schema_name => {trino_text(schema)}, table_name => {trino_text(table)}"
    return [f"{call}({named}, {_name_partition(subject, folder, place)})" for folder in subject.folders]


def _name_partition(subject: Subject, folder: Folder, place: str) -> str:
    keys = ", ".join(trino_text(key.name.lower()) for key in subject.keys)
    values = ", ".join(trino_text(NULL_TEXT if value is None else value) for value in folder.values)
    return (
        f"partition_columns => ARRAY[{keys}], partition_values => ARRAY[{values}], "
        f"location => {trino_text(place + folder.path)}"
    )
