"""Files of which a listing does not tell whether they can be read: then the store is asked, one by one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.index import FileIndex
from lakeq.catalog.selection import FileSelection
from lakeq.errors import AccessDeniedError
from lakeq.storage.base import ClassStore
from lakeq.storage.classes import ARCHIVES, LEAST_ARCHIVE_DAYS, TIERED

_DAY_SECONDS = 86_400
_READABLE_SECONDS = 3_600
"""What was readable is taken to be so for a while: archiving is a matter of months."""


class ClassDoubts:
    """Which files of one index the store was asked about, since which listing, and when."""

    def __init__(self) -> None:
        self._asked = np.zeros(0, dtype=bool)
        self._listed_at: float | None = None
        self._began = float("-inf")

    def settle(
        self,
        index: FileIndex,
        selection: FileSelection,
        store: ClassStore,
        listed_at: float | None,
        is_inventory: bool = False,
    ) -> None:
        """Have the index know what HEAD tells of those of these files whose class is in doubt.
        `is_inventory`: some of the files are known from one, which does not tell of restored copies.

        INTELLIGENT_TIERING may have archived a file; and of an archived file there may be a restored copy, of
        which a server is not known to tell in a listing. An archived file is asked about once since
        `listed_at`, a readable one once in an hour; what nobody may ask about stays as listed."""
        self._forget(index, listed_at)
        ids = index.classes.among(selection.ids_or_all, self._doubted(index, store, is_inventory))
        fresh = ids[~self._asked[ids]]
        if not len(fresh):
            return
        self._asked[fresh] = True
        rows = index.read_files(pa.array(fresh, pa.int32()))
        written_before = pa.scalar(time.time() - LEAST_ARCHIVE_DAYS * _DAY_SECONDS)
        is_old = pc.less(pc.divide(rows["modified"].cast(pa.int64()), 1e6), written_before)
        is_tiered = pc.equal(rows["storage_class"], TIERED)
        rows = rows.filter(pc.or_(pc.invert(is_tiered), pc.fill_null(is_old, True)))
        listed = rows["storage_class"].to_pylist()

        def ask(item: tuple[str, str]) -> str:
            path, told = item
            with suppress(AccessDeniedError):
                return store.read_class(path) or told
            return told

        found = store.workers.map(ask, zip(rows["path"].to_pylist(), listed, strict=True))
        index.classes.tell(rows["file_id"].to_numpy(), found)

    def _forget(self, index: FileIndex, listed_at: float | None) -> None:
        """Doubt anew what may have changed since."""
        if self._listed_at == listed_at and len(self._asked) == index.count:
            return
        self._listed_at = listed_at
        now = time.monotonic()
        archived = index.classes.are_archived(np.arange(index.count))
        if now - self._began > _READABLE_SECONDS or len(self._asked) != index.count:
            self._asked, self._began = np.zeros(index.count, dtype=bool), now
        elif archived is not None:
            self._asked[archived] = False

    @staticmethod
    def _doubted(index: FileIndex, store: ClassStore, is_inventory: bool) -> Sequence[str]:
        names = [name for name in index.classes.names if name is not None]
        archived = [name for name in names if name.split(" ")[0] in ARCHIVES]
        # The store is asked what it tells only where that matters.
        doubted = archived if archived and (is_inventory or not store.tells_restores) else []
        return [*doubted, *(name for name in names if name.split(" ")[0] == TIERED)]
