"""The files that a query holds open, and what they have to do with its failure."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from lakeq.engines.copies import Copies, most_bytes
from lakeq.engines.needs import count_needed
from lakeq.engines.tables import OpenedTable
from lakeq.engines.translation import find_mentioned, translate_file_error
from lakeq.errors import LakeqError, StorageUnavailableError
from lakeq.storage.block_cache import BlockCache, is_literal_path
from lakeq.storage.pieces import PlannedFile
from lakeq.storage.prefetch import ReadPolicy
from lakeq.storage.read_counter import ReadCounter
from lakeq.storage.reads import PlannedFileSystem


class OpenedFiles:
    """The files of one query, from its views to its last row: pinned, counted, and asked when it fails."""

    def __init__(
        self,
        filesystem: PlannedFileSystem,
        tables: Sequence[OpenedTable],
        read_memory: int,
        cache: BlockCache | None = None,
        stops_early: bool = False,
        max_bytes: int | None = None,
        counts: bool = False,
    ) -> None:
        """About `read_memory` bytes are held ahead of the engine. `stops_early`: it may not read all.
        `max_bytes`: it is stopped when it reads more data through the planned filesystem; `counts`: it reads
        everything through that, so no copies are made."""
        self.tables = tuple(tables)
        self._stopped = threading.Event()
        self._stops_early = stops_early
        planned: list[PlannedFile] = []
        sequence = 0
        for table in self.tables:
            planned += table.planned_files(sequence)
            sequence += len(table.groups)
        remote = [table for table in self.tables if not table.store.is_local]
        size = sum(count_needed(table.read, table.needs) for table in remote)
        keeps = cache is not None and size <= most_bytes(cache)
        policy = ReadPolicy(read_memory, stops_early, keeps, max_bytes)
        copies = cache is not None and keeps and not (stops_early or counts) and is_literal_path(cache.folder)
        copies = copies and bool(remote)
        first = {file.sequence: file for file in reversed(planned)}
        # Binding opens the first file of each scan, and a look at DuckDB's plan for its limit all of them. Of
        # the others copies are opened, where they can be made.
        sees_all = not copies or max_bytes is not None
        bound = [f for f in planned if sees_all or f.folder is None or first[f.sequence] is f]
        self._published = filesystem.publish(bound, policy)
        self._later = {file.shown: file for file in planned} if copies else {}
        for file in bound:
            self._later.pop(file.shown, None)
        self._copies: Copies | None = None
        if cache is not None and copies:
            self._copies = Copies(cache, self.counter, read_memory, self._stopped)
            self.counter.expect(sum(file.size for file in self._later.values()), len(self._later))

    @property
    def counter(self) -> ReadCounter:
        """What was read through the planned filesystem."""
        return self._published.counter

    @property
    def scanned(self) -> int:
        """Bytes of data read through the planned filesystem so far, of a query that has a limit; else 0."""
        limit = self._published.limit
        return 0 if limit is None else limit.scanned

    @property
    def are_counted(self) -> bool:
        """Whether every file is read through the planned filesystem."""
        return self._copies is None and not any(g.native for table in self.tables for g in table.groups)

    def start(self) -> None:
        """Begin to fetch what the plan needs. From now on `tables` have the paths that the run is to open."""
        self.check_unchanged()
        if self._copies is not None:
            self._published.prefetch.settle()  # what binding has read is a copy too
            self._copies.make(self.tables)
            self.tables = tuple(self._copies.apply(table) for table in self.tables)
            missing = [file for shown, file in self._later.items() if shown not in self._copies.paths]
            self.counter.expect(-sum(file.size for file in missing), -len(missing))
            self._published.add(missing)
        self._published.start(self._copies.paths if self._copies is not None else ())

    def finish(self) -> None:
        """The query has read all that it wanted. ObjectChangedError as `check_unchanged`, CorruptFileError as
        `check_ends` of tables, but where it may have stopped before the end."""
        self.check_unchanged()
        for table in () if self._stops_early else self.tables:
            table.check_ends()
        self._published.prefetch.settle()

    def stop(self) -> None:
        """Have reads fail from now on, also those that wait for a store."""
        self._stopped.set()
        for table in self.tables:
            table.decoded.stop()
        self._published.stop()

    def check_unchanged(self) -> None:
        """ObjectChangedError when a file is not the one listed. The planned filesystem pins its own."""
        for table in self.tables:
            table.check_unchanged()

    def find_cause(self, text: str) -> LakeqError | None:
        """The error of ours behind DuckDB's words: a read that failed, a file that changed or is damaged."""
        if self._published.error is not None:
            return self._published.error
        try:
            self.check_unchanged()
        except LakeqError as changed:
            return changed
        file = find_mentioned((file for table in self.tables for file in table.opened_files()), text)
        if file is None:
            return None
        if self._copies is not None and self._copies.is_lost(file.opened):
            message = f"The cached copy of '{file.url}' was lost while it was read. Run the query again."
            return StorageUnavailableError(message, file.url)
        return translate_file_error(text, file)

    def close(self) -> None:
        """Withdraw the files from the planned filesystem, and let go of copies."""
        self.stop()
        for table in self.tables:
            table.decoded.settle()
        self._published.close()
        if self._copies is not None:
            self._copies.close()
