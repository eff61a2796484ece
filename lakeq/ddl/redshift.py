"""DDL of Redshift Spectrum: CREATE EXTERNAL TABLE in an external schema; partitions are always listed.

Source: Amazon Redshift Database Developer Guide, "CREATE EXTERNAL TABLE", "ALTER TABLE external-partition".
"""

from __future__ import annotations

from lakeq.ddl.literals import double_quoted, redshift_text
from lakeq.ddl.notes import describe_subject, explain_differences, explain_keys, explain_zones
from lakeq.ddl.places import check_names, find_location, name_parts
from lakeq.ddl.statements import Ddl, batch_clauses, list_lines
from lakeq.ddl.subject import Folder, Subject
from lakeq.ddl.text_files import check_json, find_dialect
from lakeq.ddl.type_words import REDSHIFT, check_fields, require_type
from lakeq.errors import UnsupportedTableError

_ENGINE = "Redshift Spectrum"
_SCHEMA = "spectrum"


def write_redshift(subject: Subject, name: str | None, location: str | None) -> Ddl:
    """The table and its partitions."""
    given = name_parts(subject, name, 2, _ENGINE)
    parts = given if len(given) == 2 else (_SCHEMA, *given)
    check_names(subject, parts, _ENGINE, is_strict=True)
    place = find_location(subject, location, _ENGINE, ("s3",))
    quoted = ".".join(map(double_quoted, parts))
    for column in subject.columns:
        check_fields(subject.table.name, column, REDSHIFT)
    fields, keys = (
        [f"{double_quoted(c.name)} {require_type(subject.table.name, c, REDSHIFT)}" for c in columns]
        for columns in (subject.columns, subject.keys)
    )
    properties, storage = _describe_storage(subject)
    clauses = [
        f"CREATE EXTERNAL TABLE {quoted} {list_lines(fields)}",
        f"PARTITIONED BY {list_lines(keys)}" if keys else "",
        storage,
        f"LOCATION {redshift_text(place)}",
        f"TABLE PROPERTIES ({', '.join(properties)})" if properties else "",
    ]
    head = f"ALTER TABLE {quoted} ADD IF NOT EXISTS"
    added = batch_clauses(head, [_add(subject, folder, place) for folder in subject.folders])
    return Ddl("redshift-spectrum", ("\n".join(filter(None, clauses)), *added), _write_notes(subject))


def _write_notes(subject: Subject) -> tuple[str, ...]:
    notes = [describe_subject(subject, _ENGINE)]
    if subject.keys:
        notes.append("partitions are those of today: write the statements anew when there are new ones")
    notes += explain_zones(subject, "shown in UTC, without the zone")
    notes.append('selecting "$path" or "$size" is billed as a scan')
    return (*notes, *explain_keys(subject), *explain_differences(subject))


def _describe_storage(subject: Subject) -> tuple[list[str], str]:
    """Properties of the table, and the clauses that say how its files are decoded. ORC is read by name."""
    kind = subject.table.format
    if kind in ("parquet", "orc"):
        return [], f"STORED AS {kind.upper()}"
    if kind == "json":
        layout = check_json(subject, _ENGINE, ("newline_delimited", "array"))
        outer = "\nWITH SERDEPROPERTIES ('strip.outer.array' = 'true')" if layout == "array" else ""
        return [], f"ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'{outer}\nSTORED AS TEXTFILE"
    dialect = find_dialect(subject, _ENGINE)
    properties = [f"'skip.header.line.count' = '{dialect.skipped}'"] if dialect.skipped else []
    properties.append(f"'serialization.null.format' = {redshift_text(dialect.null)}")
    if not dialect.quote:
        delimiter = redshift_text(dialect.delimiter)
        return properties, f"ROW FORMAT DELIMITED\nFIELDS TERMINATED BY {delimiter}\nSTORED AS TEXTFILE"
    options = [
        f"'separatorChar' = {redshift_text(dialect.delimiter)}",
        f"'quoteChar' = {redshift_text(dialect.quote)}",
        "'escapeChar' = '\\001'",
        "'wholeFile' = 'true'",
    ]
    serde = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
    return (
        properties,
        f"ROW FORMAT SERDE '{serde}'\nWITH SERDEPROPERTIES {list_lines(options)}\nSTORED AS TEXTFILE",
    )


def _add(subject: Subject, folder: Folder, place: str) -> str:
    if None in folder.values:
        name = subject.keys[folder.values.index(None)].name
        raise UnsupportedTableError(
            f"{name!r} is NULL in {folder.path!r} of table {subject.table.name!r}, which {_ENGINE} cannot "
            "say. Make the table in Athena's catalog, which Redshift reads too: --dialect athena.",
            subject.table.name,
            _ENGINE,
        )
    values = ", ".join(
        f"{double_quoted(key.name)} = {redshift_text(str(value))}"
        for key, value in zip(subject.keys, folder.values, strict=True)
    )
    return f"PARTITION ({values}) LOCATION {redshift_text(place + folder.path)}"
