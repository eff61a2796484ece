"""The storage class of each file of a table, beside the index: an array that `file_id` indexes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakeq.storage.classes import is_archived

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class ClassShare:
    """The files of one storage class (as lakeq.storage.classes writes it; None: unknown), and their bytes."""

    storage_class: str | None
    files: int
    size: int


class FileClasses:
    """The classes of the files of one table. They are few, so each file has a number of one."""

    def __init__(self, listed: pa.ChunkedArray) -> None:
        """`listed` is the column of a listing."""
        encoded = listed.combine_chunks().dictionary_encode(null_encoding="encode")
        self.names: list[str | None] = encoded.dictionary.to_pylist()
        self._codes: Numbers = encoded.indices.to_numpy().astype(np.int16)

    def column(self, ids: Numbers) -> pa.Array:
        """The classes of these files, as text."""
        codes = pa.array(self._codes[ids].astype(np.int32))
        return pa.DictionaryArray.from_arrays(codes, pa.array(self.names, pa.string())).cast(pa.string())

    def are_archived(self, ids: Numbers) -> Numbers | None:
        """Whether each of these files must be restored before it is read; None: none of the table's must."""
        archived = np.array([is_archived(name) for name in self.names], dtype=bool)
        return archived[self._codes[ids]] if archived.any() else None

    def among(self, ids: Numbers, names: Sequence[str]) -> Numbers:
        """Those of these files that are of one of these classes."""
        wanted = np.array([name in names for name in self.names], dtype=bool)
        found: Numbers = ids[wanted[self._codes[ids]]] if wanted.any() else ids[:0]
        return found

    def tell(self, ids: Numbers, names: Sequence[str | None]) -> None:
        """Each of these files is of the class named beside it."""
        for name in set(names) - set(self.names):
            self.names.append(name)
        places = {name: code for code, name in enumerate(self.names)}
        self._codes[ids] = [places[name] for name in names]


def share_classes(classes: pa.Array, sizes: Numbers) -> tuple[ClassShare, ...]:
    """How many files and bytes there are of each class, in the order of their names, unknown last."""
    encoded = classes.dictionary_encode(null_encoding="encode")
    codes = encoded.indices.to_numpy()
    names = encoded.dictionary.to_pylist()
    counts = np.bincount(codes, minlength=len(names))
    shares = []
    for code in sorted(range(len(names)), key=lambda at: (names[at] is None, names[at] or "")):
        size = int(sizes[codes == code].sum())
        shares.append(ClassShare(names[code], int(counts[code]), size))
    return tuple(shares)
