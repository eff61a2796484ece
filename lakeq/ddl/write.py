"""Write a table's DDL for an engine: the door of this room."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from lakeq.catalog.entry import TableEntry
from lakeq.ddl.athena import write_athena
from lakeq.ddl.projection import Projection, Refusal, find_projections
from lakeq.ddl.redshift import write_redshift
from lakeq.ddl.spark import write_spark
from lakeq.ddl.statements import Ddl
from lakeq.ddl.subject import Subject, survey_table
from lakeq.ddl.trino import write_trino
from lakeq.errors import ConfigError

DIALECTS = ("athena", "trino", "spark", "redshift-spectrum")


def write_ddl(
    entry: TableEntry,
    dialect: str,
    name: str | None = None,
    location: str | None = None,
    exclude: Iterable[str] = (),
    lists_partitions: bool = False,
    places: Mapping[str, str] = MappingProxyType({}),
    today: dt.date | None = None,
) -> Ddl:
    """The statements that make an engine see the table as lakeq does; see `lake.ddl`. `places` are the
    locations of all tables, by name; `today` (UTC) is the day of the NOW up to which days are projected."""
    if dialect not in DIALECTS:
        raise ConfigError(f"No DDL is written for {dialect!r}, but for {', '.join(DIALECTS)}.")
    subject = survey_table(entry, exclude, places)
    if dialect == "spark":
        return write_spark(subject, name, location)
    if dialect == "redshift-spectrum":
        return write_redshift(subject, name, location)
    today = today or dt.datetime.now(dt.UTC).date()
    projections = _project(subject, lists_partitions, today, has_months=dialect == "athena")
    write = write_athena if dialect == "athena" else write_trino
    return write(subject, name, location, projections)


def _project(
    subject: Subject, lists_partitions: bool, today: dt.date, has_months: bool
) -> tuple[Projection, ...] | Refusal:
    if lists_partitions:
        return Refusal("it was so wished")
    return find_projections(subject, today, has_months)
