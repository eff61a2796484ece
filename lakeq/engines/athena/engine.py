"""The engine that hands queries to Athena."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import pyarrow as pa

from lakeq.engines.answers import find_answer_schema
from lakeq.engines.athena.query import AthenaQuery
from lakeq.engines.athena.target import AthenaTarget, parse_target
from lakeq.engines.base import EngineContext, PlannedSession
from lakeq.engines.remote import RemoteResult
from lakeq.engines.tables_there import name_tables, type_tables
from lakeq.errors import UnsupportedSqlError
from lakeq.formats.detect import FORMATS
from lakeq.planner.plan import ScanPlan
from lakeq.planner.writing import write_query
from lakeq.storage.athena import AthenaClient

_KEYS = ("key", "secret", "token")


def open_engine(target: Any, context: EngineContext) -> AthenaEngine:
    """Athena as a mapping says (AthenaTarget); None: workgroup `primary`, database `default`. Nothing is
    asked of it yet. ConfigError for a target that cannot be one."""
    return AthenaEngine(parse_target(target), context)


class AthenaEngine:
    """Runs plans on Athena, many at once from many threads. It reads the files that it finds itself, and AWS
    charges for what it scans."""

    name = "athena"
    opens_files = False

    def __init__(self, target: AthenaTarget, context: EngineContext) -> None:
        self._target = target
        self._context = context
        self._running: weakref.WeakSet[RemoteResult] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._client: AthenaClient | None = None

    def check(self, plan: ScanPlan) -> None:
        """See Engine."""
        self._find_schema(plan)
        self.write(plan)

    def write(self, plan: ScanPlan) -> str:
        """The query as Athena is told it. UnsupportedSqlError for what it cannot be told."""
        names = name_tables(plan.scans, self._target.name_table)
        return write_query(plan, "athena", names, type_tables(plan.scans, FORMATS))

    def session(self, plan: ScanPlan) -> PlannedSession:
        """See Engine."""
        return PlannedSession(self, plan.clock)

    def execute(self, plan: ScanPlan, max_bytes: int | None = None) -> RemoteResult:
        """See Engine."""
        schema, sql = self._find_schema(plan), self.write(plan)
        limits = self._context.limits
        query = AthenaQuery(self._open_client(), self._target, sql, max_bytes, limits)
        result = RemoteResult(query, schema, bytes.fromhex, limits)
        self._running.add(result)
        return result

    def close(self) -> None:
        """See Engine."""
        for result in list(self._running):
            result.cancel()
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _find_schema(self, plan: ScanPlan) -> pa.Schema:
        schema = find_answer_schema(plan, self._context, self.name)
        for field in schema:
            if pa.types.is_nested(field.type):
                raise UnsupportedSqlError(
                    f"Column {field.name!r} is of type {field.type}, whose values Athena spells without "
                    "telling text from numbers. Select its fields, or run it with engine='duckdb'.",
                    plan.text,
                )
        return schema

    def _open_client(self) -> AthenaClient:
        """The client, as whoever the target says, else as the lake's store is asked."""
        with self._lock:
            if self._client is None:
                target, storage = self._target, self._context.storage
                keys = {} if target.profile else {name: storage.get(name) for name in _KEYS}
                region = target.region or storage.get("region") or ""
                profile = target.profile or ("" if keys.get("key") else storage.get("profile") or "")
                self._client = AthenaClient(region, profile, target.endpoint_url, keys)
            return self._client
