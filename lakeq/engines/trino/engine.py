"""The engine that hands queries to a Trino."""

from __future__ import annotations

import base64
import weakref
from typing import Any

import pyarrow as pa

from lakeq.engines.answers import find_answer_schema
from lakeq.engines.base import EngineContext, PlannedSession
from lakeq.engines.remote import RemoteResult
from lakeq.engines.tables_there import name_tables, type_tables
from lakeq.engines.trino.query import TrinoQuery
from lakeq.engines.trino.target import TrinoTarget, parse_target
from lakeq.planner.plan import ScanPlan
from lakeq.planner.writing import write_query

_ZONELESS = ("parquet", "orc")
"""Formats whose times with a zone the Hive connector shows without; those in text come through a view."""


def open_engine(target: Any, context: EngineContext) -> TrinoEngine:
    """Trino at a URL, or at what a mapping says (TrinoTarget). Nothing is asked of it yet. ConfigError for a
    target that cannot be one."""
    return TrinoEngine(parse_target(target), context)


class TrinoEngine:
    """Runs plans on a Trino, many at once from many threads. It reads the files that it finds itself."""

    name = "trino"
    opens_files = False

    def __init__(self, target: TrinoTarget, context: EngineContext) -> None:
        self._target = target
        self._context = context
        self._running: weakref.WeakSet[RemoteResult] = weakref.WeakSet()

    def check(self, plan: ScanPlan) -> None:
        """See Engine."""
        find_answer_schema(plan, self._context, self.name)
        self.write(plan)

    def write(self, plan: ScanPlan) -> str:
        """The query as Trino is told it. UnsupportedSqlError for what it cannot be told."""
        names = name_tables(plan.scans, self._target.name_table)
        return write_query(plan, "trino", names, type_tables(plan.scans, _ZONELESS))

    def session(self, plan: ScanPlan) -> PlannedSession:
        """See Engine."""
        return PlannedSession(self, plan.clock)

    def execute(self, plan: ScanPlan, max_bytes: int | None = None) -> RemoteResult:
        """See Engine."""
        schema = find_answer_schema(plan, self._context, self.name)
        limits, session = self._context.limits, find_session(plan, self._target.catalog)
        query = TrinoQuery(self._target, self.write(plan), session, max_bytes, limits)
        result = RemoteResult(query, schema, base64.b64decode, limits)
        self._running.add(result)
        return result

    def close(self) -> None:
        """See Engine."""
        for result in list(self._running):
            result.cancel()


def find_session(plan: ScanPlan, catalog: str) -> dict[str, str]:
    """What the Hive connector must be told to see the tables of a plan as lakeq does: else it cuts times to
    milliseconds, and takes the columns of ORC by their position."""
    session = {}
    tables = [scan.table for scan in plan.scans]
    if any(holds_times(column.type) for table in tables for column in table.columns):
        session[f"{catalog}.timestamp_precision"] = "MICROSECONDS"
    if any(table.format == "orc" for table in tables):
        session[f"{catalog}.orc_use_column_names"] = "true"
    return session


def holds_times(kind: pa.DataType) -> bool:
    """Whether values of this type have timestamps in them."""
    if pa.types.is_map(kind):
        return holds_times(kind.key_type) or holds_times(kind.item_type)
    if pa.types.is_nested(kind):
        return any(holds_times(kind.field(i).type) for i in range(kind.num_fields))
    return bool(pa.types.is_timestamp(kind))
