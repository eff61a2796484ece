"""One query on a Trino: told once, its pages read, its counts followed, stopped when it must be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, TypeVar

from trino.auth import Authentication, BasicAuthentication, JWTAuthentication
from trino.client import ClientSession, TrinoRequest
from trino.client import TrinoQuery as ClientQuery

from lakeq.engines.limits import RunLimits
from lakeq.engines.remote import Rows
from lakeq.engines.trino.faults import over_budget, translate_fault
from lakeq.engines.trino.target import TrinoTarget
from lakeq.errors import LakeqError, QueryCancelledError

_PAGE_ROWS = 65536
_ATTEMPTS = 3
"""How often a request is tried that no server answers, or a busy one."""
SNAPSHOT_NOTE = (
    "Trino read the files that it found there itself, which may be newer than those of the estimate."
)

T = TypeVar("T")


class TrinoQuery:
    """See RemoteQuery. With `max_bytes` the query has them as Trino's own limit."""

    engine = "trino"

    def __init__(
        self,
        target: TrinoTarget,
        sql: str,
        session: Mapping[str, str],
        max_bytes: int | None,
        limits: RunLimits,
    ) -> None:
        """`session` are properties of Trino's session that the query needs; the target's own go first."""
        self._target = target
        self._sql = sql
        self._session = session
        self._max_bytes = max_bytes
        self._limits = limits
        self._query: ClientQuery | None = None
        self._stopped = threading.Event()
        self.bytes_scanned = 0
        self.share: float | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """See RemoteQuery."""
        return (SNAPSHOT_NOTE,)

    def pages(self) -> Generator[Rows, None, None]:
        """See RemoteQuery."""
        with TrinoRequest.http.Session() as session:
            session.verify = self._target.ca_bundle or True
            request = self._try(self._open_request, session)
            # Values stay as JSON has them: Python's own types would round times and know no year 0.
            self._query = ClientQuery(
                request, self._sql, legacy_primitive_types=True, stats_callback=self._follow
            )
            try:
                rows = iter(self._try(self._query.execute).rows)
                while True:
                    while page := self._try(lambda rows=rows: list(islice(rows, _PAGE_ROWS))):
                        yield page
                    if self._query.finished:
                        return
                    rows = iter(self._try(self._query.fetch))
            finally:
                self.stop()

    def stop(self) -> None:
        """See RemoteQuery."""
        self._stopped.set()
        query = self._query
        if query is not None and not query.finished and not query.cancelled:
            # Whatever is wrong with the server now, the answer to the reader is that of the query.
            with suppress(Exception):
                query.cancel()

    def _open_request(self, session: Any) -> TrinoRequest:
        target = self._target
        properties = {name: value for name, value in {**self._session, **target.session}.items() if value}
        if self._max_bytes is not None:
            properties["query_max_scan_physical_bytes"] = f"{self._max_bytes}B"
        if self._limits.time_limit is not None:
            properties["query_max_run_time"] = f"{max(self._limits.time_limit, 0.001):.3f}s"
        client = ClientSession(
            user=target.user,
            catalog=target.catalog,
            schema=target.schema,
            source="lakeq",
            properties=properties,
            timezone="UTC",
            encoding="json",
        )
        return TrinoRequest(
            target.host,
            target.port,
            client,
            http_session=session,
            http_scheme=target.scheme,
            auth=self._find_auth(),
            max_attempts=_ATTEMPTS,
        )

    def _find_auth(self) -> Authentication | None:
        target = self._target
        if target.password_env:
            return BasicAuthentication(target.user, target.read_secret(target.password_env))
        if target.token_env:
            return JWTAuthentication(target.read_secret(target.token_env))
        return None

    def _follow(self, stats: dict[str, Any]) -> None:
        """Called by the client for each answer of the server, before its rows are handed out."""
        self.bytes_scanned = int(stats.get("physicalInputBytes") or 0)
        done = stats.get("progressPercentage")
        self.share = None if done is None else min(float(done) / 100, 1.0)
        if self._stopped.is_set():
            raise QueryCancelledError("Query cancelled.", self.engine)
        if self._max_bytes is not None and self.bytes_scanned > self._max_bytes:
            raise over_budget(self.bytes_scanned, self._max_bytes)

    def _try(self, step: Callable[..., T], *arguments: Any) -> T:
        """The outcome of a step, its failure told in our words."""
        try:
            return step(*arguments)
        except LakeqError:
            raise
        except Exception as error:
            raise translate_fault(
                error, self._target, self._sql, self.bytes_scanned, self._max_bytes
            ) from error
