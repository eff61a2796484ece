"""What was told of many files at once, as Arrow: how facts leave one index, are merged, and enter another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.row_groups import RowGroupTable, row_group_schema
from lakeq.formats.base import FileSchema

Numbers = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

VERSION = ("path", "etag", "size")
"""The columns that together name one version of one file."""

_FILE_FIELDS = pa.schema(
    [
        ("path", pa.string()),
        ("etag", pa.string()),
        ("size", pa.int64()),
        ("schema", pa.int32()),
        ("row_count", pa.int64()),
        ("has_rows", pa.bool_()),
    ]
)


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """Facts of file versions whose row groups have the same columns, sorted by path.

    `rows` has a row for each row group: the file's path, etag and size, `schema` (which counts `schemas`
    from 0), row_count and has_rows, then the columns of a RowGroupTable of `leaves`. A file without row
    groups is one row in which those are null. All rows of a file are here, or none.
    """

    schemas: tuple[FileSchema, ...]
    leaves: tuple[str, ...]
    rows: pa.Table

    @property
    def group_columns(self) -> pa.Table:
        """The columns of `rows` that tell of row groups."""
        return self.rows.select(range(len(_FILE_FIELDS), self.rows.num_columns))

    @property
    def schema_numbers(self) -> Numbers:
        """`schema` of each row."""
        numbers: Numbers = self.rows["schema"].to_numpy()
        return numbers

    @property
    def has_group(self) -> Mask:
        """Whether a row tells of a row group."""
        valid: Mask = pc.is_valid(self.rows["rows"]).to_numpy()
        return valid

    def examples(self) -> dict[FileSchema, str]:
        """Each schema in use with the first path that has it, in the order of these paths."""
        numbers, firsts = np.unique(self.schema_numbers, return_index=True)
        order = np.argsort(firsts)
        paths = self.rows["path"].take(pa.array(firsts[order])).to_pylist()
        return dict(zip((self.schemas[n] for n in numbers[order]), paths, strict=True))


def fact_fields(schema: FileSchema, leaves: Sequence[str]) -> pa.Schema:
    """The columns of KnownFacts.rows for files of this schema with these stored leaves."""
    groups = row_group_schema(RowGroupTable("", schema, tuple(leaves)))
    return pa.schema([*_FILE_FIELDS, *list(groups)[1:]])


def keep_rows(facts: KnownFacts, mask: Mask) -> KnownFacts:
    """The facts of these rows, and the schemas that they use."""
    if mask.all():
        return facts
    rows = facts.rows.filter(pa.array(mask))
    used, numbers = np.unique(rows["schema"].to_numpy(), return_inverse=True)
    return KnownFacts(tuple(facts.schemas[n] for n in used), facts.leaves, _number_schemas(rows, numbers))


def unite_facts(parts: Sequence[KnownFacts]) -> KnownFacts:
    """All of these facts, which have the same columns, sorted by path."""
    schemas = tuple(dict.fromkeys(schema for part in parts for schema in part.schemas))
    places = {schema: number for number, schema in enumerate(schemas)}
    tables = []
    for part in parts:
        numbers = np.array([places[schema] for schema in part.schemas], dtype=np.int32)
        tables.append(_number_schemas(part.rows, numbers[part.schema_numbers]))
    rows = pa.concat_tables(tables).combine_chunks()
    return KnownFacts(schemas, parts[0].leaves, rows.take(pc.sort_indices(rows["path"])))


def find_versions(rows: pa.Table, versions: pa.Table) -> Numbers:
    """Where the version of each of `rows` stands in `versions`; -1 for one that is not there."""
    found = pc.index_in(rows["path"], value_set=versions["path"]).combine_chunks()
    is_same = pa.array(np.ones(rows.num_rows, dtype=bool))
    for name in VERSION[1:]:
        listed = versions[name].combine_chunks().take(found)
        is_same = pc.and_(is_same, pc.fill_null(pc.equal(rows[name].combine_chunks(), listed), False))
    positions: Numbers = pc.if_else(is_same, pc.fill_null(found, -1), -1).to_numpy()
    return positions


def gather_facts(
    files: pa.Table, schemas: Sequence[FileSchema], groups: Iterable[tuple[RowGroupTable, pa.Table]]
) -> list[KnownFacts]:
    """The facts of `files` (file_id, which sorts them, version, schema_id, row_count, has_rows) with their
    rows of each row-group table.

    A file with rows in two of them is left out: halves of it could be remembered and forgotten one by one.
    """
    ids = files["file_id"].to_numpy()
    tables_of = np.zeros(len(ids), dtype=np.int32)
    places = []
    for table, rows in groups:
        at = np.searchsorted(ids, rows["file_id"].to_numpy())
        tables_of[np.unique(at)] += 1
        places.append((table, rows, at))
    gathered = []
    for table, rows, at in places:
        alone = tables_of[at] == 1
        told = files.take(pa.array(at[alone]))
        fields = fact_fields(table.schema, table.leaves)
        stored = rows.filter(pa.array(alone)).columns[1 : 1 + len(fields) - len(_FILE_FIELDS)]
        numbers = np.zeros(told.num_rows, dtype=np.int32)
        gathered.append(
            KnownFacts((table.schema,), table.leaves, _join_columns(told, numbers, stored, fields))
        )
    bare = files.filter(pa.array(tables_of == 0))
    used, numbers = np.unique(bare["schema_id"].to_numpy(), return_inverse=True)
    kinds = tuple(schemas[i] for i in used)
    if kinds:
        fields = fact_fields(kinds[0], ())
        gathered.append(
            KnownFacts(kinds, (), _join_columns(bare, numbers, [pa.nulls(bare.num_rows, pa.int64())], fields))
        )
    return [unite_facts([facts]) for facts in gathered if facts.rows.num_rows]


def _join_columns(
    files: pa.Table, numbers: Numbers, stored: Sequence[pa.Array], fields: pa.Schema
) -> pa.Table:
    """Rows of KnownFacts. Columns are taken by place: DuckDB renames those that differ in case alone."""
    columns = [
        *(files[name] for name in VERSION),
        pa.array(numbers.astype(np.int32)),
        files["row_count"],
        files["has_rows"],
        *stored,
    ]
    return pa.table(
        [column.cast(field.type) for column, field in zip(columns, fields, strict=True)], schema=fields
    )


def _number_schemas(rows: pa.Table, numbers: Numbers) -> pa.Table:
    return rows.set_column(_FILE_FIELDS.get_field_index("schema"), "schema", pa.array(numbers, pa.int32()))
