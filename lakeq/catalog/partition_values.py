"""Partition values: the typed columns that the partition texts of a table become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.partition_texts import RawPartitions
from lakeq.errors import ConfigError, PartitionLayoutError
from lakeq.formats.base import Column
from lakeq.formats.text_types import cast_text, infer_text_type
from lakeq.formats.types import common_type


def type_partitions(
    partitions: RawPartitions,
    declared: Mapping[str, pa.DataType],
    paths: pa.Array,
    location: str = "",
) -> tuple[tuple[Column, ...], tuple[pa.Array, ...]]:
    """The partition columns, and the typed value of every path for each.

    A key that is not `declared` (any case) has the narrowest type that holds all its texts: bigint,
    decimal(38,0), double, date, timestamp, else text. Empty texts are NULL unless the column is text.
    PartitionLayoutError names a text that does not fit its declared type, ConfigError an unknown key.
    """
    wanted = {name.casefold(): kind for name, kind in declared.items()}
    keys = partitions.layout.keys
    unknown = [name for name in declared if name.casefold() not in {key.casefold() for key in keys}]
    if unknown:
        raise ConfigError(
            f"Table at {location!r} has no partition column {unknown[0]!r}; "
            f"it has {', '.join(keys) or 'none'}. Correct its declared partition types."
        )
    columns, values = [], []
    for key, texts in zip(keys, partitions.texts, strict=True):
        column, typed = _type_column(key, texts, wanted.get(key.casefold()), paths, location)
        columns.append(column)
        values.append(typed)
    return tuple(columns), tuple(values)


def widen_texts(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """The texts as values of `kind`; as values of a wider type when some are none of it. '' is NULL but as
    text."""
    filled = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    wide = widen_type(kind, filled)
    return texts if pa.types.is_string(wide) else cast_text(filled, wide)


def widen_type(kind: pa.DataType, texts: pa.Array) -> pa.DataType:
    """The narrowest type that holds the values of `kind` and all of `texts` ('' aside): text in the end."""
    distinct = texts.drop_null().unique()
    distinct = distinct.filter(pc.not_equal(distinct, ""))
    if pa.types.is_null(kind):
        kind = infer_text_type(distinct, zero_padded=True)
    elif not _all_fit(distinct, kind):
        common = common_type(kind, infer_text_type(distinct, zero_padded=True))
        kind = common if common is not None and _all_fit(distinct, common) else pa.string()
    return pa.string() if pa.types.is_null(kind) else kind


def _all_fit(texts: pa.Array, kind: pa.DataType) -> bool:
    try:
        cast_text(texts, kind)
    except ValueError:
        return False
    return True


def _type_column(
    key: str, texts: pa.Array, declared: pa.DataType | None, paths: pa.Array, location: str
) -> tuple[Column, pa.Array]:
    encoded = texts.dictionary_encode()
    distinct = encoded.dictionary
    filled = pc.if_else(pc.equal(distinct, ""), pa.scalar(None, pa.string()), distinct)
    kind = declared if declared is not None else infer_text_type(filled.drop_null(), zero_padded=True)
    if pa.types.is_null(kind) or pa.types.is_string(kind):
        return Column(key, pa.string()), texts
    try:
        return Column(key, kind), cast_text(filled, kind).take(encoded.indices)
    except ValueError as error:
        text = next(
            text
            for text in filled.to_pylist()
            if text is not None and not _all_fit(pa.array([text], pa.string()), kind)
        )
        path = str(paths[pc.index(texts, text).as_py()])
        raise PartitionLayoutError(
            f"Value {text!r} of partition column {key!r} in {path!r} of the table at {location!r} "
            f"is not a {kind}, its declared type. Declare the column as text, or correct the folder.",
            location,
            str(kind),
            path,
        ) from error


def number_partitions(raws: pa.Table) -> np.ndarray[Any, Any]:
    """A number from 1 for each row, the same for the same texts, in the order of the texts, NULL last."""
    numbers = np.zeros(raws.num_rows, dtype=np.int64)
    for column in raws.columns:
        encoded = column.combine_chunks().dictionary_encode()
        ranks = pc.rank(encoded.dictionary, tiebreaker="dense")
        ordered = pc.fill_null(ranks.take(encoded.indices), len(ranks) + 1).to_numpy()
        numbers = np.unique(numbers * (len(ranks) + 2) + ordered.astype(np.int64), return_inverse=True)[1]
    return (numbers + 1).astype(np.int32)
