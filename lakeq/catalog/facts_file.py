"""KnownFacts as the bytes of a Parquet file that notices any damage."""

from __future__ import annotations

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lakeq.catalog.known_facts import KnownFacts, fact_fields
from lakeq.catalog.whole_files import is_sealed, seal
from lakeq.formats.base import Column, FileSchema

FORMAT = 2
"""Counts up when what is stored, or what inspecting a file tells, is no longer what it was."""

_HEADER = b"lakeq.facts"
_ROWS_TOGETHER = 16_384
"""Rows that are read together: the files of one partition should not cost reading all."""


def encode_facts(facts: KnownFacts) -> bytes:
    """A Parquet file with these facts."""
    header = {
        "format": FORMAT,
        "leaves": facts.leaves,
        "schemas": [_encode_schema(schema) for schema in facts.schemas],
        "examples": [facts.examples()[schema] for schema in facts.schemas],
    }
    rows = facts.rows.replace_schema_metadata({_HEADER: json.dumps(header)})
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows,
        sink,
        row_group_size=_ROWS_TOGETHER,
        compression="zstd",
        use_dictionary=False,
        column_encoding={"path": "DELTA_BYTE_ARRAY"},
    )
    return seal(sink.getvalue().to_pybytes())


def decode_facts(data: bytes, paths: pa.Array | None = None) -> KnownFacts | None:
    """The facts in a file of `encode_facts`; with `paths`, which are sorted, at least those of these paths.

    None for what is no such file, is damaged, or was written in another format.
    """
    if not is_sealed(data):
        return None
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        header = _read_header(file)
        if header is None:
            return None
        schemas, leaves = tuple(map(_decode_schema, header["schemas"])), tuple(header["leaves"])
        rows = file.read_row_groups(_find_row_groups(file.metadata, paths))
        fields = fact_fields(schemas[0], leaves)
        # Facts of row groups that this version keeps in other columns are not known.
        if rows.schema.names != fields.names or any(fact_fields(s, leaves) != fields for s in schemas):
            return None
        # Parquet has no seconds: they come back as milliseconds.
        return KnownFacts(schemas, leaves, rows.replace_schema_metadata().cast(fields).combine_chunks())
    except (OSError, LookupError, TypeError, ValueError, pa.ArrowException):
        return None


def decode_examples(data: bytes) -> dict[FileSchema, str]:
    """The schemas in a file of `encode_facts`, each with one path that has it; none when it is not one."""
    if not is_sealed(data):
        return {}
    try:
        header = _read_header(pq.ParquetFile(pa.BufferReader(data)))
        if header is None:
            return {}
        return dict(zip(map(_decode_schema, header["schemas"]), header["examples"], strict=True))
    except (OSError, LookupError, TypeError, ValueError, pa.ArrowException):
        return {}


def _read_header(file: pq.ParquetFile) -> Mapping[str, Any] | None:
    header = json.loads((file.schema_arrow.metadata or {})[_HEADER])
    return header if header["format"] == FORMAT else None


def _find_row_groups(metadata: pq.FileMetaData, paths: pa.Array | None) -> list[int]:
    """The row groups in which one of these sorted paths may be."""
    if paths is None:
        return list(range(metadata.num_row_groups))

    def may_hold(number: int) -> bool:
        bounds = metadata.row_group(number).column(0).statistics
        if bounds is None or not bounds.has_min_max:  # a path too long for a bound
            return True
        places, key = range(len(paths)), lambda row: paths[row].as_py()
        return bisect_left(places, bounds.min, key=key) < bisect_right(places, bounds.max, key=key)

    return [number for number in range(metadata.num_row_groups) if may_hold(number)]


def _encode_schema(schema: FileSchema) -> dict[str, Any]:
    columns = pa.schema([pa.field(column.name, column.type) for column in schema.columns])
    return {
        "columns": base64.b64encode(columns.serialize()).decode(),
        "options": schema.options,
    }


def _decode_schema(stored: Mapping[str, Any]) -> FileSchema:
    columns = pa.ipc.read_schema(pa.BufferReader(base64.b64decode(stored["columns"])))
    return FileSchema(
        tuple(Column(field.name, field.type) for field in columns), _restore_tuples(stored["options"])
    )


def _restore_tuples(value: Any) -> Any:
    """A value out of JSON with tuples for its lists: options are hashed, so they have no lists."""
    return tuple(map(_restore_tuples, value)) if isinstance(value, list) else value
