"""Where tables and partitions lie, as engines are told, and what they are called there."""

from __future__ import annotations

import os
import re

from lakeq.ddl.subject import Subject
from lakeq.errors import ConfigError, UnsupportedTableError

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")


def find_location(
    subject: Subject, given: str | None, engine: str, schemes: tuple[str, ...], local: str | None = None
) -> str:
    """Where the engine finds the table's folder, ending in `/`: `given`, or where lakeq does.

    `schemes` are those that the engine reads, () for any; `local` is how it names files of this machine, None
    when it reads none. ConfigError for a location that it cannot read, UnsupportedTableError for one file.
    """
    if subject.is_one_file:
        raise UnsupportedTableError(
            f"Table {subject.table.name!r} is one file, {subject.table.location}, and {engine} reads "
            "whole folders. Move it into a folder of its own.",
            subject.table.name,
            engine,
        )
    location = given if given is not None else subject.table.location
    scheme, mark, _ = location.partition("://")
    if not mark:
        if local is None:
            raise ConfigError(
                f"{engine} does not read files of this machine, as {location}. Say where the table's folder "
                "lies for it: --location s3://bucket/folder/ (location=…)."
            )
        location = local + os.path.abspath(location)
    elif schemes and scheme not in schemes:
        raise ConfigError(
            f"{engine} reads {' and '.join(f'{s}://' for s in schemes)}, not {location}. Say where the "
            "table's folder lies for it: --location s3://bucket/folder/ (location=…)."
        )
    return location.rstrip("/") + "/"


def name_parts(subject: Subject, name: str | None, most: int, engine: str) -> tuple[str, ...]:
    """The parts of `db.table`; the table's own name, without its dots, where none is given. ConfigError when
    there are more than `most`, or one is empty."""
    if name is None:
        return (subject.table.name.replace(".", "_"),)
    parts = tuple(part.strip() for part in name.split("."))
    if not all(parts) or len(parts) > most:
        shape = ".".join(("catalog", "schema", "table")[3 - most :])
        raise ConfigError(f"{name!r} is no name of a table of {engine}. Write it as {shape}.")
    return parts


def check_names(subject: Subject, parts: tuple[str, ...], engine: str, is_strict: bool) -> None:
    """ConfigError for a name of a table that the engine does not take; UnsupportedTableError for a column's.

    Glue and Hive keep the names of columns in one text, parted by commas.
    """
    for part in parts:
        if is_strict and not _PLAIN_NAME.fullmatch(part):
            raise ConfigError(
                f"{engine} takes letters, digits and _ in the name of a table, not {part!r}. Give another: "
                "--name db.table (name=…)."
            )
    for column in (*subject.columns, *subject.keys):
        if re.search(r"[,:;\x00-\x1f]|^\s|\s$", column.name):
            raise UnsupportedTableError(
                f"Column {column.name!r} of table {subject.table.name!r} has a name that {engine} does not "
                f"take. Rename it, or leave it out: --exclude {column.name!r} (exclude=[…]).",
                subject.table.name,
                engine,
            )
