"""The Spark engine: hands a plan to a Spark session as views over exactly the planned files."""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
import uuid
import weakref
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lakeq.engines.base import EngineContext, PlannedSession, Session
from lakeq.engines.groups import TableRead, merge_scans
from lakeq.engines.spark.faults import tell_reason, translate_analysis
from lakeq.engines.spark.jobs import ClassicJob, ConnectJob, Job
from lakeq.engines.spark.listing import written_for_spark
from lakeq.engines.spark.quiet import unlogged_errors
from lakeq.engines.spark.results import PreparedQuery, SparkResult
from lakeq.engines.spark.s3a import find_bucket_options, is_s3
from lakeq.engines.spark.starting import Started, start_session
from lakeq.engines.spark.target import SparkTarget
from lakeq.engines.spark.types import quote_spark_name, shown_type
from lakeq.engines.spark.versions import check_s3a
from lakeq.engines.spark.views import SparkTable, create_view, describe_table
from lakeq.engines.unchanged import check_files
from lakeq.errors import EngineError, LakeqError
from lakeq.planner.plan import ScanPlan
from lakeq.planner.writing import write_query

_CONF = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.streaming.fileStreamSink.ignoreMetadata": "false",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.json.enableExactStringParsing": "true",
    "spark.sql.execution.arrow.useLargeVarTypes": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
}
"""What an answer depends on, set in the session of each query: it has settings of its own."""

_WORKER_SECONDS = 60.0
"""A standalone cluster has workers by then, or nobody takes the query."""


class SparkEngine:
    """Runs plans in a Spark session, each in a session made from it, so that neither its settings nor its
    views are touched. The session is started at the first query, and ended by `close` if it was."""

    name = "spark"
    opens_files = True

    def __init__(self, target: SparkTarget, context: EngineContext) -> None:
        self._target = target
        self._context = context
        self._lock = threading.Lock()
        self._started: Started | None = None
        self._is_closed = False
        self._numbers = itertools.count()
        self._running: weakref.WeakSet[SparkResult] = weakref.WeakSet()

    def check(self, plan: ScanPlan) -> None:
        """See Engine.check. Spark is not asked."""
        self._write(plan)

    def session(self, plan: ScanPlan) -> Session:
        """See Engine.session."""
        return PlannedSession(self, plan.clock)

    def execute(self, plan: ScanPlan, max_bytes: int | None = None) -> SparkResult:
        """See Engine.execute. Spark tells what it has read as its tasks end, so a query may read more than
        `max_bytes` before it is stopped; its rows are withheld then."""
        began, limits = time.perf_counter(), self._context.limits
        sql, names = self._write(plan)
        tables = self._describe(plan)
        schema = self._context.answer_schema(plan)
        session = self._open_session(any(is_s3(table.store.root) for table in tables))
        with written_for_spark():
            folder = tempfile.TemporaryDirectory(prefix="lakeq-spark-", ignore_cleanup_errors=True)
        release = partial(self._release, session, list(names.values()), folder)
        try:
            with unlogged_errors():
                self._create_views(session, tables, names, Path(folder.name))
                frame = session.sql(sql)
                if limits.row_limit is not None:
                    frame = frame.limit(limits.row_limit + 1)
        except LakeqError:
            release()
            raise
        except Exception as error:  # PySpark's, py4j's and gRPC's have no tree in common
            release()
            raise translate_analysis(error, plan.sql) from error
        job = self._make_job(session)
        query = PreparedQuery(plan.sql, frame, job, schema, partial(_check_tables, tables), release)
        result = SparkResult(query, limits, max_bytes, time.perf_counter() - began)
        self._running.add(result)
        return result

    def close(self) -> None:
        """Stop what runs, and the session if it was started here."""
        with self._lock:
            self._is_closed = True
            started, self._started = self._started, None
        for result in list(self._running):
            result.close()
        if started is not None:
            started.close()

    def _make_job(self, session: Any) -> Job:
        tag = f"lakeq-{uuid.uuid4()}"
        if self._target.is_connect:
            return ConnectJob(session, tag)
        # Other clusters may start workers for a query, which takes its time.
        is_standalone = self._target.session is None and self._target.url.startswith("spark://")
        return ClassicJob(session, tag, _WORKER_SECONDS if is_standalone else None)

    def _write(self, plan: ScanPlan) -> tuple[str, dict[str, str]]:
        """The query for Spark, and the names of the views that it selects from, by those of the tables."""
        token = f"lakeq_q{next(self._numbers)}"
        tables = [read.table for read in merge_scans(plan)]
        names = {table.name: f"{token}_{number}" for number, table in enumerate(tables)}
        quoted = {name: quote_spark_name(view) for name, view in names.items()}
        shown = {t.name: [replace(c, type=shown_type(c.type)) for c in t.columns] for t in tables}
        return write_query(plan, "spark", quoted, shown), names

    def _describe(self, plan: ScanPlan) -> list[SparkTable]:
        wanted: dict[str, set[str]] = {}
        for scan in plan.scans:
            asked = wanted.setdefault(scan.table.name.casefold(), set())
            for path in (*scan.columns, *scan.partition_keys):
                parts = path.casefold().split(".")
                asked.update(".".join(parts[:n]) for n in range(1, len(parts) + 1))
        return [
            self._describe_table(read, frozenset(wanted[read.table.name.casefold()]))
            for read in merge_scans(plan)
        ]

    def _describe_table(self, read: TableRead, wanted: frozenset[str]) -> SparkTable:
        return describe_table(read, self._context.store(read.table.store_root), wanted)

    def _create_views(
        self, session: Any, tables: list[SparkTable], names: dict[str, str], folder: Path
    ) -> None:
        for table in tables:
            options = find_bucket_options(table.store.root, self._context.storage)
            by_path = self._target.is_connect
            create_view(session, table, names[table.read.table.name], folder, options, by_path)

    def _open_session(self, needs_s3: bool) -> Any:
        """A session for one query, with its own settings and views."""
        with self._lock:
            if self._is_closed:
                raise EngineError("This engine is closed. Open the lake again.", "spark")
            if self._started is None or (self._started.is_ended and self._target.session is None):
                self._started = start_session(self._target, needs_s3)
            base = self._started.session
        try:
            if needs_s3 and not self._target.is_connect:
                check_s3a(base)
            # Spark Connect has newSession since 4.3, and no settings of the old one are in it.
            session = (getattr(base, "newSession", None) or base.cloneSession)()
            given = self._target.conf if self._target.is_connect else {}
            for name, value in {**given, **_CONF}.items():
                session.conf.set(name, value)
        except LakeqError:
            raise
        except Exception as error:  # of any of the three, as above
            raise EngineError(
                f"Spark's session cannot be used: {tell_reason(str(error))}. Start another, and open the "
                "lake again.",
                "spark",
            ) from error
        return session

    def _release(self, session: Any, views: list[str], folder: tempfile.TemporaryDirectory[str]) -> None:
        with suppress(Exception):
            if self._target.is_connect:  # stop() would end a server in this process too
                session.client.release_session()
                session.client.close()
            else:
                for view in views:
                    session.catalog.dropTempView(view)
        folder.cleanup()


def _check_tables(tables: list[SparkTable]) -> None:
    for table in tables:
        check_files(table.read, table.store)
