"""What looking into files told, file by file, beside the index: arrays that `file_id` indexes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakeq.formats.base import FileFacts

Ids = npt.NDArray[Any]
"""File ids, as a numpy array of integers."""

_UNKNOWN = -1


class FactArrays:
    """Schema, row count and emptiness of each file of a table, as far as they are known."""

    def __init__(self, count: int) -> None:
        """Nothing is known of `count` files."""
        self._schema_ids = np.full(count, _UNKNOWN, dtype=np.int32)
        self._row_counts = np.full(count, _UNKNOWN, dtype=np.int64)
        self._has_rows = np.full(count, _UNKNOWN, dtype=np.int8)
        self._is_learned = np.zeros(count, dtype=bool)

    def knows(self, file_id: int) -> bool:
        """Whether the file was looked into."""
        return bool(self._schema_ids[file_id] != _UNKNOWN)

    def are_unknown(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Whether each of these files was not looked into."""
        unknown: npt.NDArray[np.bool_] = self._schema_ids[ids] == _UNKNOWN
        return unknown

    def unknown_among(self, ids: pa.Array | None) -> pa.Array:
        """Those of these files (None: of all) that were not looked into."""
        if ids is None:
            return pa.array(np.flatnonzero(self._schema_ids == _UNKNOWN), pa.int32())
        numbers = ids.to_numpy()
        return pa.array(numbers[self._schema_ids[numbers] == _UNKNOWN], pa.int32())

    def record(self, ids: Sequence[int], schema_ids: Sequence[int], facts: Sequence[FileFacts]) -> None:
        """Keep what these files told when they were looked into. What encrypted ones told is not there to be
        learned: it would be remembered in the clear."""
        row_counts = pa.array([f.row_count for f in facts], pa.int64())
        has_rows = pa.array([f.has_rows for f in facts], pa.bool_())
        self.fill(np.array(ids), np.array(schema_ids), row_counts, has_rows)
        self._is_learned[np.array(ids)] = [fact.schema.encryption is None for fact in facts]

    def fill(self, ids: Ids, schema_ids: Ids, row_counts: pa.Array, has_rows: pa.Array) -> None:
        """Keep what is known of these files from before, null for unknown."""
        self._row_counts[ids] = pc.fill_null(row_counts, _UNKNOWN).to_numpy()
        self._has_rows[ids] = pc.fill_null(has_rows.cast(pa.int8()), _UNKNOWN).to_numpy()
        self._schema_ids[ids] = schema_ids

    def learned(self) -> pa.Array:
        """The files looked into that were not yet marked as remembered."""
        return pa.array(np.flatnonzero(self._is_learned), pa.int32())

    def mark_remembered(self, ids: pa.Array) -> None:
        """What these files told is kept elsewhere too."""
        self._is_learned[ids.to_numpy()] = False

    def columns(self, ids: Ids) -> dict[str, pa.Array]:
        """`schema_id`, `has_rows` and `row_count` of these files, null where unknown."""
        has_rows = self._has_rows[ids]
        return {
            "schema_id": _nullable(self._schema_ids[ids]),
            "has_rows": pc.equal(_nullable(has_rows), pa.scalar(1, pa.int8())),
            "row_count": _nullable(self._row_counts[ids]),
        }

    def count_rows(self, partitions: Ids, count: int) -> list[int | None]:
        """The rows of each partition from 1 to `count`, `partitions` being each file's; None where a file's
        are unknown."""
        known = self._row_counts != _UNKNOWN
        totals = np.zeros(count + 1, dtype=np.int64)
        np.add.at(totals, partitions[known], self._row_counts[known])
        incomplete = set(partitions[~known].tolist())
        return [None if number in incomplete else int(totals[number]) for number in range(1, count + 1)]


def _nullable(values: npt.NDArray[Any]) -> pa.Array:
    return pa.array(values, mask=values == _UNKNOWN)
