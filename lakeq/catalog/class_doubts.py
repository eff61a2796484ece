"""Files of which a listing does not tell whether they can be read: then the store is asked, one by one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.index import FileIndex
from lakeq.catalog.selection import FileSelection
from lakeq.errors import AccessDeniedError
from lakeq.storage.base import ClassStore
from lakeq.storage.classes import ARCHIVES, LEAST_ARCHIVE_DAYS, TIERED

_DAY_SECONDS = 86_400


class ClassDoubts:
    """Which files of one table the store was asked about, and since which listing."""

    def __init__(self) -> None:
        self._asked: set[int] = set()
        self._listed_at: float | None = None

    def settle(
        self, index: FileIndex, selection: FileSelection, store: ClassStore, listed_at: float | None
    ) -> None:
        """Have the index know what HEAD tells of the doubtful ones of these files, each asked about once
        since `listed_at`.

        Doubtful are those that INTELLIGENT_TIERING may have archived, and archived ones of a server that is
        not known to list restored copies. A file that nobody may ask about stays what the listing says."""
        if self._listed_at != listed_at:
            self._asked, self._listed_at = set(), listed_at
        ids = index.classes.among(selection.ids_or_all, self._doubted(index, store))
        fresh = pa.array([i for i in ids.tolist() if i not in self._asked], pa.int32())
        rows = index.read_files(fresh) if len(fresh) else None
        if rows is None:
            return
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
        self._asked.update(fresh.to_pylist())

    @staticmethod
    def _doubted(index: FileIndex, store: ClassStore) -> Sequence[str]:
        names = [name for name in index.classes.names if name is not None]
        archived = [name for name in names if name.split(" ")[0] in ARCHIVES]
        # The store is asked what it tells only where that matters.
        doubted = archived if archived and not store.tells_restores else []
        return [*doubted, *(name for name in names if name.split(" ")[0] == TIERED)]
