"""Some files of a table, and what a condition leaves of them: what a plan holds of an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakeq.formats.base import FileSchema

Numbers = npt.NDArray[Any]


class IndexedFiles(Protocol):
    """The index of a table, as selections of its files and its row groups see it."""

    count: int
    """How many files there are."""

    @property
    def schemas(self) -> tuple[FileSchema, ...]:
        """The distinct schemas of the files inspected so far."""

    def read_files(self, ids: pa.Array | None) -> pa.Table:
        """The rows of FileSelection.to_table for these file_ids (None: all)."""

    def read_keys(self, ids: pa.Array | None, keys: Sequence[int]) -> pa.Table:
        """The rows of FileSelection.read_keys for these file_ids."""

    def read_sizes(self, ids: pa.Array | None) -> Numbers:
        """The sizes in bytes of these files."""

    def read_classes(self, ids: pa.Array | None) -> pa.Array:
        """The storage classes of these files."""

    def take(self, ids: Numbers) -> FileSelection:
        """The files whose `file_id` is among these."""


class FileSelection:
    """Some files of one table, as the index knew them when they were selected. Picklable."""

    __slots__ = ("_ids", "_index", "_schemas", "_table", "condition", "count", "partitions", "size")

    def __init__(
        self,
        index: IndexedFiles,
        ids: pa.Array | None,
        count: int,
        size: int,
        partitions: int,
        condition: str | None = None,
    ) -> None:
        """`condition` is the SQL over the index that selects just these files, where there is one."""
        self._index: IndexedFiles | None = index
        self.condition = condition
        self._ids = ids
        self._table: pa.Table | None = None
        self._schemas: tuple[FileSchema, ...] = ()
        self.count = count
        self.size = size
        self.partitions = partitions

    @property
    def schemas(self) -> tuple[FileSchema, ...]:
        """The distinct file schemas of the table; `schema_id` indexes them."""
        return self._index.schemas if self._index is not None else self._schemas

    @property
    def largest(self) -> int:
        """The size in bytes of the largest file; 0 for none."""
        return int(self.sizes.max(initial=0))

    @property
    def sizes(self) -> Numbers:
        """The size in bytes of each file, in the order of `to_table`."""
        if self._index is not None:
            return self._index.read_sizes(self._ids)
        sizes: Numbers = self.to_table()["size"].to_numpy()
        return sizes

    @property
    def classes(self) -> pa.Array:
        """The storage class of each file, in the order of `to_table`; null where unknown."""
        if self._index is not None:
            return self._index.read_classes(self._ids)
        return self.to_table()["storage_class"].combine_chunks()

    @property
    def index(self) -> IndexedFiles | None:
        """The index that the files are of; None once the selection travelled."""
        return self._index

    @property
    def ids(self) -> pa.Array | None:
        """The `file_id`s selected; None stands for every file of the table."""
        return self._ids

    @property
    def ids_or_all(self) -> Numbers:
        """The `file_id`s selected, written out where they are every file's."""
        return np.arange(self.count, dtype=np.int32) if self._ids is None else self._ids.to_numpy()

    def to_table(self) -> pa.Table:
        """One row a file: file_id, path, size, etag, modified, storage_class, schema_id, has_rows, row_count,
        and `raw_<i>`, `value_<i>` for each partition column. Sorted by file_id, which follows the path."""
        if self._index is not None:
            return self._index.read_files(self._ids)
        assert self._table is not None
        return self._table

    def read_keys(self, keys: Sequence[int]) -> pa.Table:
        """The values that the partition columns of these numbers have together, each once: `value_<i>`."""
        if self._index is not None:
            return self._index.read_keys(self._ids, keys)
        names = [f"value_{i}" for i in keys]
        return self.to_table().select(names).group_by(names).aggregate([])

    def __getstate__(self) -> tuple[Any, ...]:
        return (self.to_table(), self.schemas, self.count, self.size, self.partitions)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._table, self._schemas, self.count, self.size, self.partitions = state
        self._index = self.condition = None
        self._ids = self._table.column("file_id").combine_chunks()

    def __repr__(self) -> str:
        return f"FileSelection({self.count} files, {self.size} bytes)"


@dataclass(frozen=True, slots=True)
class Measure:
    """Row groups and stored column bytes that a condition leaves of a selection of files."""

    files: FileSelection
    row_groups: int
    row_groups_total: int
    column_bytes: int


def unite_files(selections: Sequence[FileSelection]) -> tuple[Numbers, Numbers, pa.Array]:
    """The `file_id`, size and storage class of each file that any of these selections of a table has."""
    ids = np.concatenate([selection.ids_or_all for selection in selections])
    sizes = np.concatenate([selection.sizes for selection in selections]).astype(np.int64)
    classes = pa.concat_arrays([selection.classes for selection in selections])
    if len(selections) == 1:
        return ids, sizes, classes
    once, first = np.unique(ids, return_index=True)
    return once, sizes[first], classes.take(pa.array(first))
