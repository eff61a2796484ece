"""The nouns of the catalog: Table, its columns, its layout and what was left out of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from lakeq.catalog.layout import Layout
from lakeq.catalog.time_mapping import TimeMapping
from lakeq.errors import LakeqError
from lakeq.formats.base import Column, ReadOptions
from lakeq.formats.types import sql_type
from lakeq.html.markup import draw_card, draw_details, element, join
from lakeq.html.tables import draw_facts, draw_table
from lakeq.quantities import format_bytes, format_count, format_moment, format_size

PATH_COLUMN = "$path"
SIZE_COLUMN = "$file_size"
MODIFIED_COLUMN = "$file_modified_time"
PARTITION_COLUMN = "$partition"

HIDDEN_COLUMNS = (
    Column(PATH_COLUMN, pa.string()),
    Column(SIZE_COLUMN, pa.int64()),
    Column(MODIFIED_COLUMN, pa.timestamp("us", tz="UTC")),
    Column(PARTITION_COLUMN, pa.string()),
)
"""Columns that every table has and that `*` leaves out (Trino's names)."""


@dataclass(frozen=True, slots=True)
class IgnoredObjects:
    """Objects below a table that are not its data, for one reason."""

    reason: str
    count: int
    size: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        more = ", …" if self.count > len(self.examples) else ""
        return f"{self.count:,} ({format_bytes(self.size)}) {self.reason}: {', '.join(self.examples)}{more}"


@dataclass(frozen=True, slots=True)
class TableFiles:
    """The files of one table as discovery found them, before any of them was opened.

    `files` is LISTING_SCHEMA with, for each partition column i, `raw_<i>` (text as in the path, decoded,
    null for the NULL partition) and `value_<i>` (typed). Sorted by path.
    """

    name: str
    store_root: str
    location: str
    format: str
    layout: Layout
    partition_columns: tuple[Column, ...]
    files: pa.Table
    options: ReadOptions = field(default_factory=ReadOptions)
    evidence: tuple[str, ...] = ()
    ignored: tuple[IgnoredObjects, ...] = ()
    problem: LakeqError | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """What a listing of the whole table counted; `bytes` are stored bytes."""

    files: int
    partitions: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a lake: what it is called, where it lies, and its frozen schema.

    `columns` are all columns in `SELECT *` order, partition columns among them. `problem` is set, and
    the rest may be empty, for a table that was found but cannot be read; using it raises the problem.
    Totals are None while only parts of a remote table were listed; `listed_at` is when the oldest of the
    listings in use was made (seconds since 1970), None for a local folder; `inventory_at` the moment of the
    S3 Inventory among them, None where there is none. `time` is what was declared of the times of the rows in
    a folder.
    """

    name: str
    location: str
    store_root: str
    format: str
    layout: Layout
    columns: tuple[Column, ...]
    partition_columns: tuple[Column, ...]
    files_total: int | None
    partitions_total: int | None
    bytes_total: int | None
    options: ReadOptions = field(default_factory=ReadOptions)
    evidence: tuple[str, ...] = ()
    ignored: tuple[IgnoredObjects, ...] = ()
    problem: LakeqError | None = None
    listed_at: float | None = None
    time: TimeMapping | None = None
    inventory_at: float | None = None

    @property
    def source(self) -> str | None:
        """As of when the files are known, and from what; None for a folder on this machine."""
        if self.inventory_at is None:
            return format_moment(self.listed_at)
        return f"S3 Inventory of {format_moment(self.inventory_at)}, but for what was listed since"

    @property
    def schema(self) -> pa.Schema:
        """The columns as an Arrow schema, in `SELECT *` order."""
        return pa.schema([pa.field(c.name, c.type) for c in self.columns])

    @property
    def data_columns(self) -> tuple[Column, ...]:
        """The columns that come from the files: a partition column hides one of its name."""
        keys = {column.name.casefold() for column in self.partition_columns}
        return tuple(column for column in self.columns if column.name.casefold() not in keys)

    def column(self, name: str) -> Column | None:
        """The column of this name, any case; hidden columns too; None when there is none."""
        folded = name.casefold()
        every = (*self.columns, *HIDDEN_COLUMNS)
        return next((c for c in every if c.name.casefold() == folded), None)

    def columns_at(self, path: str) -> tuple[Column, ...]:
        """The columns that a dotted path may name, or lie in: `a.b` is column "a.b", or a field of `a`."""
        parts = path.split(".")
        found = (self.column(".".join(parts[:length])) for length in range(len(parts), 0, -1))
        return tuple(column for column in found if column is not None)

    def _repr_html_(self) -> str:
        """For notebooks: where the table lies, how large it is, its layout with the evidence, its columns."""
        keys = {column.name for column in self.partition_columns}
        columns = [(c.name, sql_type(c.type), "path" if c.name in keys else "file") for c in self.columns]
        facts = [
            ("problem", None if self.problem is None else str(self.problem)),
            ("location", self.location),
            ("layout", self.layout.template or self.layout.kind),
            ("", join(element("div", sentence) for sentence in self.evidence)),
            ("partitions", format_count(self.partitions_total)),
            ("files", format_count(self.files_total)),
            ("size", format_size(self.bytes_total)),
            ("time", None if self.time is None else f"{self.time} (from {', '.join(self.time.keys)})"),
            ("listed", self.source),
            ("ignored", join(element("div", str(objects)) for objects in self.ignored)),
        ]
        title = join([element("span", self.name, style="font-size: 1.15em"), f" · {self.format}"])
        listed = draw_details(f"{len(columns):,} columns", draw_table(("column", "type", "from"), columns))
        return draw_card(title, draw_facts(facts), listed)
