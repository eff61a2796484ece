"""How the CSV and JSON files of a table are written: other engines read one way a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lakeq.ddl.subject import Subject
from lakeq.errors import UnsupportedTableError


@dataclass(frozen=True, slots=True)
class TextDialect:
    """How all CSV files of a table are written."""

    delimiter: str
    quote: str
    null: str
    skipped: int
    """Lines before the first record: empty ones, and the header."""


def find_dialect(subject: Subject, engine: str) -> TextDialect:
    """The dialect of a table's CSV files; UnsupportedTableError when they have several."""
    known: dict[TextDialect, str] = {}
    for schema, path in subject.schemas:
        told = {name: schema.option(name) for name in ("delimiter", "quote", "null")}
        skipped = schema.option("skip", 0) + int(bool(schema.option("header")))
        known.setdefault(TextDialect(**told, skipped=skipped), path)
    if len(known) > 1:
        paths = list(known.values())
        raise UnsupportedTableError(
            f"CSV files of table {subject.table.name!r} are written in {len(known)} ways, as {paths[0]} and "
            f"{paths[1]}, and {engine} reads one. Declare a table for each, or write it anew as Parquet.",
            subject.table.name,
            engine,
        )
    return next(iter(known), TextDialect(",", '"', "", 0))


def check_json(subject: Subject, engine: str, allowed: Sequence[str]) -> str:
    """The one layout of a table's JSON files; UnsupportedTableError when it is not among those `allowed`."""
    layouts = {schema.option("layout"): path for schema, path in subject.schemas} or {allowed[0]: ""}
    for layout, path in layouts.items():
        if layout not in allowed or len(layouts) > 1:
            raise UnsupportedTableError(
                f"{engine} reads JSON with one object a line, and {path} of table {subject.table.name!r} is "
                "written otherwise. Write it anew: lakeq query … --format ndjson.",
                subject.table.name,
                engine,
            )
    return str(next(iter(layouts)))
