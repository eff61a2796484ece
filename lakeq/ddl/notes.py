"""What is to be known of statements: what the engine sees otherwise than lakeq."""

from __future__ import annotations

import pyarrow as pa

from lakeq.catalog.objects import UNKNOWN_FORMAT
from lakeq.ddl.projection import Projection, Refusal
from lakeq.ddl.subject import Subject, explain_types
from lakeq.quantities import format_bytes

_SEEN_BY_ALL = (UNKNOWN_FORMAT, "could not be opened to tell its format")


def describe_subject(subject: Subject, engine: str) -> str:
    """The first line: which table it is, and for whom."""
    table = subject.table
    size = "" if table.bytes_total is None else f", {format_bytes(table.bytes_total)}"
    files = "" if table.files_total is None else f": {table.files_total:,} files{size}"
    return f"{table.name} at {table.location} for {engine}{files}"


def explain_differences(subject: Subject) -> list[str]:
    """What any engine sees otherwise than lakeq, a sentence each."""
    notes = explain_types(subject)
    notes += [f"the engine reads files that lakeq leaves out: {ignored}" for ignored in _find_odd(subject)]
    if subject.inner:
        notes.append(
            f"the engine reads the files of {', '.join(subject.inner)} too, which lie in the table's folder"
        )
    if subject.archived:
        notes.append(
            f"{subject.archived:,} files are archived: restore them first, or the engine passes over them, "
            "or fails"
        )
    if subject.misnamed:
        notes.append(
            f"{len(subject.misnamed):,} files are compressed otherwise than their names say, which the "
            f"engine believes: {subject.misnamed[0]}"
        )
    if subject.unseen:
        notes.append(f"{subject.unseen:,} files were not looked into: their columns may be others")
    if any(schema.encryption is not None for schema, _ in subject.schemas):
        notes.append("files are encrypted: the engine needs their keys")
    return notes


def _find_odd(subject: Subject) -> list[str]:
    """Objects below the table which engines take for its data, by reason."""
    return [
        str(objects)
        for objects in subject.table.ignored
        if objects.reason in _SEEN_BY_ALL or objects.reason.startswith("not ")
    ]


def explain_keys(subject: Subject) -> list[str]:
    """A sentence for each key that the files hold too."""
    held = {column.name.casefold() for schema, _ in subject.schemas for column in schema.columns}
    return [
        f"{key.name} is also a column of the files: the path's value is used"
        for key in subject.keys
        if key.name.casefold() in held
    ]


def explain_zones(subject: Subject, how: str) -> list[str]:
    """One sentence on the columns that have a time zone, if any: `how` the engine shows them."""
    zoned = [c.name for c in subject.columns if pa.types.is_timestamp(c.type) and c.type.tz is not None]
    return [f"{', '.join(zoned)}: {how}"] if zoned else []


def explain_projections(found: tuple[Projection, ...] | Refusal) -> list[str]:
    """What is not in a projection, or why there is none."""
    if isinstance(found, Refusal):
        return [
            f"partitions are listed, for {found.reason}; write the statements anew when there are new ones"
        ]
    return [projection.note for projection in found if projection.note]
