"""A check of a Parquet footer before Arrow looks at its column chunks.

Arrow ends the whole process, by an exception that its Python layer does not catch, when a chunk's type is not
that of its column, when a chunk is encrypted under a plain footer, or when its statistics do not fit the
column. So the few fields concerned are read here first. Field numbers are those of parquet.thrift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from lakeq.formats.thrift import Fields, read_struct

_BYTE_ARRAY, _FIXED_BYTE_ARRAY = 6, 7
_OLD_BOUNDS, _BOUNDS = (0x18, 0x28), (0x58, 0x68)
_WIDTHS = {0: 1, 1: 4, 2: 8, 3: 12, 4: 4, 5: 8}

ENCRYPTED = "columns of it are encrypted"


@dataclass(frozen=True, slots=True)
class _Leaf:
    """What a column chunk must fit: its type, the bytes of a value (0 if they vary), the fields of its
    statistics that hold bounds, and how many levels of repetition and definition there are."""

    type: int
    width: int
    bounds: tuple[int, int]
    levels: tuple[int, int]


def find_footer_fault(footer: bytes, schema: pq.ParquetSchema) -> str | None:
    """What would end the process in this serialised FileMetaData; None when nothing would.

    `schema` is what Arrow, which reads so much without harm, found in it.
    """
    try:
        fields = read_struct(footer, 0)[0]
        metadata = _by_number(fields)
        leaves = _find_leaves(metadata[2], fields.get(0x79), schema)
        if 8 in metadata:
            return ENCRYPTED
        for group in metadata.get(4, ()):
            fault = _find_group_fault(_by_number(group), leaves)
            if fault is not None:
                return fault
    except (IndexError, KeyError, AttributeError, ValueError, TypeError, RecursionError) as error:
        return f"its footer is not well formed ({error})"
    return None


def _by_number(fields: Fields) -> dict[int, Any]:
    """The fields by number alone: one of a wrong kind is a fault here, whatever Arrow makes of it."""
    return {key >> 4: value for key, value in fields.items()}


def _find_leaves(
    encoded: Sequence[Fields], orders: Sequence[Fields] | None, schema: pq.ParquetSchema
) -> list[_Leaf]:
    elements = [_by_number(element) for element in encoded]
    types = [e[1] for e in elements if e.get(1) is not None and not e.get(5)]
    leaves = []
    for i, type in enumerate(types):
        leaf = schema.column(i)
        width = leaf.length if type == _FIXED_BYTE_ARRAY else _WIDTHS.get(type, 0)
        bounds = _OLD_BOUNDS if orders is None or 0x1C not in orders[i] else _BOUNDS
        levels = leaf.max_repetition_level + 1, leaf.max_definition_level + 1
        leaves.append(_Leaf(type, width, bounds, levels))
    return leaves


def _find_group_fault(group: dict[int, Any], leaves: Sequence[_Leaf]) -> str | None:
    chunks = group.get(1, [])
    if len(chunks) != len(leaves):
        return f"a row group has {len(chunks)} columns where the schema has {len(leaves)}"
    for encoded, leaf in zip(chunks, leaves, strict=True):
        chunk = _by_number(encoded)
        if 8 in chunk or 9 in chunk:
            return ENCRYPTED
        data = _by_number(chunk.get(3, {}))
        if data.get(1) != leaf.type:
            return "a column is stored in another type than the schema says"
        if _is_bound_cut(data.get(12, {}), leaf) or not _do_sizes_fit(data.get(16, {}), leaf):
            return "the statistics of a column do not fit its type"
    return None


def _is_bound_cut(statistics: Fields, leaf: _Leaf) -> bool:
    """Whether there are bounds, but not as long as a value."""
    bounds = [statistics[key] for key in leaf.bounds if key in statistics]
    return len(bounds) == 2 and min(map(len, bounds)) < leaf.width


def _do_sizes_fit(sizes: Fields, leaf: _Leaf) -> bool:
    """Whether there is a count for each level, or none, and bytes are counted for byte arrays only."""
    if 0x16 in sizes and leaf.type != _BYTE_ARRAY:
        return False
    histograms = sizes.get(0x29, ()), sizes.get(0x39, ())
    return all(len(counts) in (0, levels) for counts, levels in zip(histograms, leaf.levels, strict=True))
