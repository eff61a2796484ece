"""One query on Athena: started, watched, read by pages, stopped when it must be."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from uuid import uuid4

from lakeq.engines.athena.faults import no_cutoff, over_budget, tell_cutoff, translate_end
from lakeq.engines.athena.target import AthenaTarget
from lakeq.engines.limits import RunLimits
from lakeq.engines.remote import Rows
from lakeq.errors import (
    AccessDeniedError,
    ExecutionError,
    LakeqError,
    QueryCancelledError,
    ResourceLimitError,
)
from lakeq.quantities import format_seconds
from lakeq.storage.athena import AthenaClient, Place

LEAST_CUTOFF = 10_000_000
"""The lowest that a workgroup may cut off at, in bytes (AWS: BytesScannedCutoffPerQuery)."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
"""Seconds between two looks at a query that runs."""
SNAPSHOT_NOTE = (
    "Athena read the files that it found there itself, which may be newer than those of the estimate."
)


class AthenaQuery:
    """See RemoteQuery. Athena has no limit for one query but its workgroup's, so one that has scanned more
    than `max_bytes` is stopped at the next look, and what the workgroup lets it scan is told, or required."""

    engine = "athena"
    share: float | None = None

    def __init__(
        self, client: AthenaClient, target: AthenaTarget, sql: str, max_bytes: int | None, limits: RunLimits
    ) -> None:
        self._client = client
        self._target = target
        self._sql = sql
        self._max_bytes = max_bytes
        self._limits = limits
        self._execution = ""
        self._runs = False
        self._stopped = threading.Event()
        self.bytes_scanned = 0
        self._notes: tuple[str, ...] = (SNAPSHOT_NOTE,)

    @property
    def notes(self) -> tuple[str, ...]:
        """See RemoteQuery."""
        return self._notes

    def pages(self) -> Generator[Rows, None, None]:
        """See RemoteQuery."""
        self._check_cutoff()
        self._start()
        try:
            self._wait()
            self._runs = False
            yield from self._read()
        finally:
            self.stop()

    def stop(self) -> None:
        """See RemoteQuery."""
        self._stopped.set()
        if self._runs and self._execution:
            self._runs = False
            with suppress(LakeqError):  # the answer to the reader is that of the query
                self._client.stop(self._execution)

    def _start(self) -> None:
        target, token = self._target, uuid4().hex
        place = Place(target.workgroup, target.database, target.catalog, target.output)
        self._runs = True
        try:
            self._execution = self._client.start(self._sql, place, token)
        except LakeqError:
            raise
        except BaseException:  # Ctrl-C: it may run, and its id be on the way
            with suppress(LakeqError):
                self._execution = self._client.start(self._sql, place, token)
            self.stop()
            raise

    def _check_cutoff(self) -> None:
        if self._max_bytes is None:
            return
        try:
            cutoff = self._client.find_cutoff(self._target.workgroup)
        except AccessDeniedError:
            if self._target.require_cutoff:
                raise
            cutoff = None
        if cutoff is not None and cutoff <= max(self._max_bytes, LEAST_CUTOFF):
            return
        if self._target.require_cutoff:
            raise no_cutoff(self._target.workgroup, cutoff, max(self._max_bytes, LEAST_CUTOFF))
        self._notes += (tell_cutoff(self._target.workgroup, cutoff, max(self._max_bytes, LEAST_CUTOFF)),)

    def _wait(self) -> None:
        """Until it has succeeded."""
        pause, began = _FIRST_PAUSE, time.monotonic()
        while True:
            if self._stopped.is_set():
                raise QueryCancelledError("Query cancelled.", self.engine)
            found = self._client.look(self._execution)
            self.bytes_scanned = found.scanned
            if found.state == "SUCCEEDED":
                return
            if found.state in ("FAILED", "CANCELLED"):
                self._runs = False
                raise translate_end(found, self._sql, self._max_bytes)
            if self._max_bytes is not None and found.scanned > self._max_bytes:
                raise over_budget(found.scanned, self._max_bytes)
            self._check_time(time.monotonic() - began)
            self._stopped.wait(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _check_time(self, seconds: float) -> None:
        limit = self._limits.time_limit
        if limit is not None and seconds > limit:
            raise ResourceLimitError(
                f"Query stopped: Athena took longer than the {format_seconds(limit)} that time_limit allows. "
                "Raise time_limit, or read less.",
                "time",
                self.engine,
            )

    def _read(self) -> Iterator[Rows]:
        page = self._client.read(self._execution)
        if not page.rows or page.rows[0] != list(page.names):
            raise ExecutionError("Athena's answer does not begin with its columns' names.", self.engine)
        rows = page.rows[1:]
        while True:
            if rows:
                yield rows
            if page.token is None:
                return
            if self._stopped.is_set():
                raise QueryCancelledError("Query cancelled.", self.engine)
            page = self._client.read(self._execution, page.token)
            rows = page.rows
