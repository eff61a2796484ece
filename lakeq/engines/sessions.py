"""One query's connection: its clock, the views made on it, and the way from a plan to a result."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.fs
from duckdb import DuckDBPyConnection, DuckDBPyRelation

from lakeq.engines.connection import QueryCheck, bind_query, closed_engine, create_views, find_closing
from lakeq.engines.files import OpenedFiles
from lakeq.engines.passes import Operators, read_operators, reads_others, stays_within
from lakeq.engines.profile import Profile, read_profile
from lakeq.engines.results import DuckDBResult
from lakeq.engines.statements import runs_when_bound
from lakeq.engines.translation import translate_run_error
from lakeq.engines.views import TableView, build_view
from lakeq.errors import ExecutionError, LakeqError
from lakeq.formats.types import quote_name
from lakeq.planner.plan import ScanPlan
from lakeq.planner.scan import scan_bytes
from lakeq.planner.time_parts import HiddenBounds
from lakeq.storage.reads import PlannedFileSystem

SESSION_SETTINGS = ("enable_profiling", "enable_progress_bar", "enable_progress_bar_print")
"""The settings that a session makes: they are of one connection, so they stay changeable in a database whose
settings are locked."""

_SETTINGS = (
    "PRAGMA enable_profiling='no_output'; SET enable_progress_bar=true; SET enable_progress_bar_print=false"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Bound:
    """A query as bound over files that are opened for it; `profile` is that of one which has run."""

    files: OpenedFiles
    views: tuple[TableView, ...]
    relation: DuckDBPyRelation
    profile: Profile | None


class Session:
    """Runs one plan. As a context, or by `close`, it lets go of what it holds unless its plan was run.

    `now` is the time that SQL's clock shows from the session's start to the end of its query; None in a
    session that was opened without a clock.
    """

    def __init__(
        self,
        connection: DuckDBPyConnection,
        open_plan: Callable[[ScanPlan, int | None, bool], OpenedFiles],
        filesystem: PlannedFileSystem,
        running: weakref.WeakSet[DuckDBResult],
        check: QueryCheck,
        holds_clock: bool,
        row_limit: int | None = None,
    ) -> None:
        self._connection = connection
        self._open_plan = open_plan
        self._filesystem = filesystem
        self._running = running
        self._check = check
        self._row_limit = row_limit
        self._release = weakref.finalize(self, find_closing(connection))
        self.now: datetime | None = None
        connection.execute(_SETTINGS)
        if holds_clock:
            connection.begin()
            microseconds = connection.execute("SELECT epoch_us(now())").fetchall()[0][0]
            self.now = _EPOCH + timedelta(microseconds=microseconds)

    def execute(self, plan: ScanPlan, max_bytes: int | None = None) -> DuckDBResult:
        """See DuckDBEngine.execute. The result takes the connection over, so a session runs one plan."""
        if not self._release.alive:
            raise ExecutionError("This session has run its plan, or was closed. Open another.")
        if plan.clock is not None and plan.clock != self.now:
            raise ExecutionError(
                "The plan was made at another time. Run it in the session that gave its clock."
            )
        began = time.perf_counter()
        try:
            bound = self._open_within(plan, max_bytes)
        except duckdb.ConnectionException as error:
            raise closed_engine() from error
        files, views, relation = bound.files, bound.views, bound.relation
        self._release.detach()
        result = DuckDBResult(
            sql=plan.sql,
            connection=self._connection,
            relation=relation,
            start=lambda: self._start(views, files),
            profile=bound.profile,
            files=files,
            row_limit=self._row_limit,
            seconds=time.perf_counter() - began,
        )
        self._running.add(result)
        return result

    def close(self) -> None:
        """Let go of the connection, unless a result has it."""
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open_within(self, plan: ScanPlan, max_bytes: int | None) -> _Bound:
        """The query bound over its files, whose reads are counted unless it is sure to keep the limit."""
        self._check(self._connection, plan.sql)
        early = runs_when_bound(self._connection, plan.sql)
        counts = max_bytes is not None and (early or sum(map(scan_bytes, plan.scans)) > max_bytes)
        bound = self._open(plan, max_bytes, counts, early)
        if max_bytes is None or bound.files.are_counted:
            return bound
        operators = self._read_operators(plan, bound)
        others = operators is not None and reads_others(operators, plan)
        if (
            operators is not None
            and not others
            and stays_within(operators, plan, bound.files.tables, max_bytes)
        ):
            return bound
        bound.files.close()
        return self._open(_forget_chunks(plan) if others else plan, max_bytes, True, early)

    def _open(self, plan: ScanPlan, max_bytes: int | None, counts: bool, early: bool) -> _Bound:
        """The query bound over its files; one that runs `early` has run."""
        files = self._open_plan(plan, max_bytes, counts)
        try:
            views = self._create_tables(plan, files)
            if early:
                self._start(views, files)
            relation = self._bind(plan, files)
            profile = read_profile(self._connection) if early else None
        except BaseException:
            files.close()
            self.close()
            raise
        return _Bound(files, views, relation, profile)

    def _read_operators(self, plan: ScanPlan, bound: _Bound) -> Operators | None:
        try:
            for view in bound.views:
                for name, paths in view.paths.items():
                    self._set_variable(name, paths)
            operators = read_operators(self._connection, plan)
            if operators is None:
                # DuckDB makes no plan over a file that is gone, and that ends the transaction of the clock.
                bound.files.check_unchanged()
        except BaseException:
            bound.files.close()
            self.close()
            raise
        return operators

    def _create_tables(self, plan: ScanPlan, files: OpenedFiles) -> tuple[TableView, ...]:
        """A view for each table. Binding opens one file a scan, and only the run sees them all."""
        planned = pa.fs.PyFileSystem(pa.fs.FSSpecHandler(self._filesystem))
        scanned = {table.read.table.name.casefold() for table in files.tables}
        try:
            for inline in plan.inline:
                if inline.name.casefold() not in scanned:
                    self._connection.register(inline.name, inline.rows)
            hidden = HiddenBounds([plan.sql, *(view.sql for view in plan.views)])
            views = tuple(build_view(table, planned, hidden) for table in files.tables)
            for view in views:
                self._create_table(view)
        except (duckdb.Error, LakeqError) as error:
            raise files.find_cause(str(error)) or translate_run_error(str(error), plan.sql) from error
        return views

    def _create_table(self, view: TableView) -> None:
        for name, paths in view.paths.items():
            self._set_variable(name, paths[:1])
        for name, source in view.registered.items():
            self._connection.register(name, source)
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote_name(view.name)} AS {view.sql}")

    def _bind(self, plan: ScanPlan, files: OpenedFiles) -> DuckDBPyRelation:
        try:
            create_views(self._connection, plan.views, self._check)
            return bind_query(self._connection, plan.sql, plan.params)
        except LakeqError as error:
            cause = files.find_cause(str(error.__cause__))
            if cause is None:
                raise
            raise cause from error

    def _start(self, views: Sequence[TableView], files: OpenedFiles) -> None:
        """Begin to fetch, and let the views see all files, not only those that binding looked into."""
        files.start()
        for view, table in zip(views, files.tables, strict=True):
            now = view.follow(table)
            for name, paths in now.paths.items():
                if len(paths) > 1 or paths != view.paths[name]:  # else it sees the one file already
                    self._set_variable(name, paths)
            for name, source in now.registered.items():
                if source is not view.registered[name]:
                    self._connection.register(name, source)

    def _set_variable(self, name: str, paths: Sequence[str]) -> None:
        self._connection.execute(f"SET VARIABLE {name} = ?::VARCHAR[]", [list(paths)])


def _forget_chunks(plan: ScanPlan) -> ScanPlan:
    """The plan of which reads are not measured by the columns that it has: all that is read counts."""
    return replace(plan, scans=tuple(replace(scan, chunks=None) for scan in plan.scans))
