"""Athena's DDL: Hive's CREATE EXTERNAL TABLE, with partition projection where it gives back every folder.

Sources: Amazon Athena User Guide, "CREATE TABLE", "Partition projection", "Open CSV SerDe", "Handle schema
updates" (ORC by name) and "Query restored Amazon S3 Glacier objects".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lakeq.catalog.hive_names import NULL_TEXT
from lakeq.ddl.literals import back_quoted, double_quoted, hive_text
from lakeq.ddl.notes import (
    describe_subject,
    explain_differences,
    explain_keys,
    explain_projections,
    explain_zones,
)
from lakeq.ddl.places import check_names, find_location, name_parts
from lakeq.ddl.projection import Projection, Refusal, location_template, needs_template
from lakeq.ddl.statements import Ddl, batch_clauses, list_lines
from lakeq.ddl.subject import Folder, Subject
from lakeq.ddl.text_files import check_json, find_dialect
from lakeq.ddl.trino_columns import StoredColumn, explain_texts, select_values, store_columns
from lakeq.ddl.type_words import HIVE, require_type

_ENGINE = "Athena"
_HIVE = "org.apache.hadoop.hive"
_TEXT = (
    "STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'\n"
    f"  OUTPUTFORMAT '{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat'"
)
_ORC = (
    f"STORED AS INPUTFORMAT '{_HIVE}.ql.io.orc.OrcInputFormat'\n"
    f"  OUTPUTFORMAT '{_HIVE}.ql.io.orc.OrcOutputFormat'"
)
_NO_ESCAPE = "\x01"
"""A character that no CSV holds: lakeq knows no escapes in it, and the SerDe's own is the backslash."""


def write_athena(
    subject: Subject, name: str | None, location: str | None, projections: tuple[Projection, ...] | Refusal
) -> Ddl:
    """The table, its partitions if they are not projected, and a view where types must be cast."""
    parts = name_parts(subject, name, 2, _ENGINE)
    check_names(subject, parts, _ENGINE, is_strict=True)
    place = find_location(subject, location, _ENGINE, ("s3",))
    columns = store_columns(subject, HIVE)
    is_view = not all(column.is_plain for column in columns)
    stored = (*parts[:-1], f"{parts[-1]}_raw") if is_view else parts
    quoted = ".".join(map(back_quoted, stored))
    keys = [f"{back_quoted(key.name)} {require_type(subject.table.name, key, HIVE)}" for key in subject.keys]
    skipped, storage = _describe_storage(subject)
    properties = {**skipped, **_describe_projection(subject, place, projections)}
    if subject.archived:
        properties["read_restored_glacier_objects"] = "true"
    clauses = [
        f"CREATE EXTERNAL TABLE {quoted} {list_lines(f'{back_quoted(c.name)} {c.kind}' for c in columns)}",
        f"PARTITIONED BY {list_lines(keys)}" if keys else "",
        storage,
        f"LOCATION {hive_text(place)}",
        f"TBLPROPERTIES {_write_properties(properties)}" if properties else "",
    ]
    statements = ["\n".join(filter(None, clauses))]
    if isinstance(projections, Refusal):
        head = f"ALTER TABLE {quoted} ADD IF NOT EXISTS"
        statements += batch_clauses(head, [_add(subject, folder, place) for folder in subject.folders])
    if is_view:
        source = ".".join(map(double_quoted, stored))
        view = ".".join(map(double_quoted, parts))
        statements.append(f"CREATE OR REPLACE VIEW {view} AS\n{select_values(subject, columns, source)}")
    return Ddl("athena", tuple(statements), _write_notes(subject, projections, columns))


def _write_notes(
    subject: Subject, projections: tuple[Projection, ...] | Refusal, columns: Sequence[StoredColumn]
) -> tuple[str, ...]:
    return (
        describe_subject(subject, _ENGINE),
        *(explain_projections(projections) if subject.keys else ()),
        *explain_texts(subject, columns),
        *explain_zones(subject, "shown in UTC, without the zone"),
        *explain_keys(subject),
        *explain_differences(subject),
    )


def _describe_storage(subject: Subject) -> tuple[dict[str, str], str]:
    """Properties of the table, and the clauses that say how its files are decoded."""
    kind = subject.table.format
    if kind == "parquet":
        return {}, "STORED AS PARQUET"
    if kind == "orc":
        return {}, _serde("ql.io.orc.OrcSerde", {"orc.column.index.access": "false"}, _ORC)
    if kind == "json":
        check_json(subject, _ENGINE, ("newline_delimited",))
        return {}, f"ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'\n{_TEXT}"
    dialect = find_dialect(subject, _ENGINE)
    skipped = {"skip.header.line.count": str(dialect.skipped)} if dialect.skipped else {}
    if dialect.quote:
        options = {
            "separatorChar": dialect.delimiter,
            "quoteChar": dialect.quote,
            "escapeChar": _NO_ESCAPE,
        }
        return skipped, _serde("serde2.OpenCSVSerde", options, _TEXT)
    options = {
        "field.delim": dialect.delimiter,
        "serialization.format": dialect.delimiter,
        "serialization.null.format": dialect.null,
    }
    return skipped, _serde("serde2.lazy.LazySimpleSerDe", options, _TEXT)


def _serde(name: str, options: Mapping[str, str], stored: str) -> str:
    return f"ROW FORMAT SERDE '{_HIVE}.{name}'\nWITH SERDEPROPERTIES {_write_properties(options)}\n{stored}"


def _describe_projection(
    subject: Subject, place: str, projections: Sequence[Projection] | Refusal
) -> dict[str, str]:
    """The properties by which Athena computes the partitions."""
    if isinstance(projections, Refusal) or not subject.keys:
        return {}
    properties = {"projection.enabled": "true"}
    for key, projection in zip(subject.keys, projections, strict=True):
        named = {"type": projection.kind, **_describe_range(projection)}
        properties.update({f"projection.{key.name.lower()}.{name}": text for name, text in named.items()})
    if needs_template(subject.table.layout):
        properties["storage.location.template"] = location_template(subject.table.layout, place)
    return properties


def _describe_range(projection: Projection) -> dict[str, str]:
    if projection.kind == "enum":
        return {"values": ",".join(projection.values)}
    if projection.kind == "injected":
        return {}
    told = {"range": f"{projection.low},{projection.high}"}
    if projection.digits:
        told["digits"] = str(projection.digits)
    if projection.unit is not None:
        told |= {"format": projection.form, "interval": "1", "interval.unit": projection.unit}
    return told


def _add(subject: Subject, folder: Folder, place: str) -> str:
    values = ", ".join(
        f"{back_quoted(key.name)} = {hive_text(NULL_TEXT if value is None else value)}"
        for key, value in zip(subject.keys, folder.values, strict=True)
    )
    return f"PARTITION ({values}) LOCATION {hive_text(place + folder.path)}"


def _write_properties(properties: Mapping[str, str]) -> str:
    return list_lines(f"{hive_text(name)} = {hive_text(text)}" for name, text in properties.items())
