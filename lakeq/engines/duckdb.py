"""The DuckDB engine: runs the user's own SQL over views of exactly the planned files."""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Literal, Self

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection

from lakeq.catalog.table import HIDDEN_COLUMNS
from lakeq.engines.connection import (
    Params,
    QueryCheck,
    bind_query,
    closed_engine,
    create_views,
    find_closing,
    lock_settings,
)
from lakeq.engines.files import OpenedFiles
from lakeq.engines.functions import list_functions
from lakeq.engines.groups import PLANNED_SCHEME
from lakeq.engines.limits import RunLimits
from lakeq.engines.results import DuckDBResult
from lakeq.engines.sessions import SESSION_SETTINGS, Session
from lakeq.engines.spills import find_spill_folder, remove_spills
from lakeq.engines.statements import find_names, runs_when_bound
from lakeq.engines.tables import open_tables
from lakeq.engines.views import empty_select
from lakeq.errors import EngineError
from lakeq.formats.base import Column
from lakeq.formats.parquet_keys import ParquetKeys
from lakeq.formats.types import quote_name, quote_text
from lakeq.planner.plan import ScanPlan, View
from lakeq.storage.base import Store
from lakeq.storage.block_cache import BlockCache, is_literal_path
from lakeq.storage.caching import CachingStore
from lakeq.storage.forks import check_process
from lakeq.storage.memory import total_memory
from lakeq.storage.reads import PlannedFileSystem

Scanner = Literal["auto", "arrow"]

_FIXED_CONFIG = {
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "enable_external_file_cache": "false",
}

_WRONG_OPTIMIZERS = ("late_materialization", "window_self_join", "top_n_window_elimination")
"""Optimizers of DuckDB 2.0 that give wrong answers over Hive partitions: the first and the last find rows
again by the number of their file, which a filter from a join has changed by then; one takes two scans for the
same that differ in the files left."""


class DuckDBEngine:
    """Runs plans in DuckDB, many at once from many threads. Close it, or leave that to the interpreter's end.

    `stores` gives the store of a table's `store_root`. `scanner="arrow"` decodes every format with pyarrow,
    the independent decoder; `auto` leaves all but ORC to DuckDB. `temp_directory` is where large intermediate
    results go. A query over one of the `limits` ends with ResourceLimitError.

    `cache` keeps what is fetched of remote files, and lends DuckDB its copies of small ones. About
    `read_memory` bytes of them are held in memory for a query that runs; None: a fourth of the machine's.
    `keys` open encrypted Parquet.
    """

    name = "duckdb"
    opens_files = True

    def __init__(
        self,
        stores: Callable[[str], Store],
        scanner: Scanner = "auto",
        temp_directory: str | None = None,
        cache: BlockCache | None = None,
        read_memory: int | None = None,
        limits: RunLimits | None = None,
        keys: ParquetKeys | None = None,
    ) -> None:
        self._stores = stores
        self._cache = cache
        self._read_memory = read_memory or total_memory() // 4
        self._by_arrow = scanner == "arrow"
        self._limits = limits or RunLimits()
        self._keys = keys
        self._config: dict[str, str] = {
            **_FIXED_CONFIG,
            "temp_directory": temp_directory or find_spill_folder(),
            **self._limits.configure(),
        }
        self._check = QueryCheck()
        self._lock = threading.Lock()
        self._planned = PlannedFileSystem()
        self._tokens = itertools.count()
        self._running: weakref.WeakSet[DuckDBResult] = weakref.WeakSet()
        self._database: _Database | None = None
        self._databases: list[_Database] = []
        self._rehearsal: _Rehearsal | None = None
        self._closed = False
        self._process = os.getpid()
        self._functions: tuple[str, ...] | None = None

    def warm_up(self, root: Store) -> None:
        """Open what the first query over tables in `root` is going to need."""
        with suppress(EngineError), self._lock:
            self._open_database(frozenset({root.root}) if root.is_local else frozenset())
            self._rehearse()

    def session(self, plan: ScanPlan) -> Session:
        """A connection whose clock stands still: plan anew with its `now`, then run that plan in it.

        `plan` tells which tables are read, and so which folders the connection may open.
        """
        return self._open_session(self._local_roots(plan), holds_clock=True)

    def execute(self, plan: ScanPlan, max_bytes: int | None = None) -> DuckDBResult:
        """Bind `plan.sql` over exactly the planned files; it runs when its batches are read.

        With `max_bytes` it is stopped by BudgetExceededError before the read that would scan more.

        QueryError and its kin when DuckDB does not accept the SQL; ExecutionError for a plan made with a
        clock, which only the session that gave the clock can run.
        """
        with self._open_session(self._local_roots(plan), holds_clock=False) as session:
            return session.execute(plan, max_bytes)

    def check(self, plan: ScanPlan) -> None:
        """Nothing is in the way of a plan: every query is bound here when it is planned."""

    def answer_schema(self, plan: ScanPlan) -> pa.Schema | None:
        """The columns of the answer to a plan; None where they depend on its rows. Bound without reading
        anything."""
        tables: dict[str, list[Column]] = {}
        for scan in plan.scans:
            known = tables.setdefault(scan.table.name, list(scan.table.columns))
            known += [c for c in HIDDEN_COLUMNS if c.name in scan.hidden_columns and c not in known]
        for inline in plan.inline:
            tables.setdefault(inline.name, [Column(f.name, f.type) for f in inline.rows.schema])
        with self._lock:
            frozen = {name: tuple(columns) for name, columns in tables.items()}
            connection = self._rehearse().show(frozen, plan.views)
            if runs_when_bound(connection, plan.sql):
                return None
            return bind_query(connection, plan.sql, plan.params).limit(0).to_arrow_table().schema

    def validate(
        self,
        sql: str,
        params: Params,
        tables: Mapping[str, Sequence[Column]],
        views: Sequence[tuple[str, str]] = (),
    ) -> tuple[str, ...]:
        """The names of the columns of `sql` over tables with these columns, and views by name and text.

        Bound without reading anything. Raises as `execute` does. The columns of a PIVOT without IN are
        values of its rows: it is not bound here, and has no names.
        """
        return tuple(name for name, _ in self.describe(sql, params, tables, views))

    def describe(
        self,
        sql: str,
        params: Params,
        tables: Mapping[str, Sequence[Column]],
        views: Sequence[tuple[str, str]] = (),
    ) -> tuple[tuple[str, str], ...]:
        """As `validate`; each column with its DuckDB type."""
        with self._lock:
            frozen = {name: tuple(columns) for name, columns in tables.items()}
            connection = self._rehearse().show(frozen, tuple(View(*view) for view in views))
            self._check(connection, sql)
            if runs_when_bound(connection, sql):
                return ()
            relation = bind_query(connection, sql, params)
            return tuple(zip(relation.columns, map(str, relation.types), strict=True))

    def mentioned_tables(self, sql: str) -> tuple[str, ...] | None:
        """The names that may stand for tables in `sql`, more rather than fewer; None when DuckDB cannot
        take it apart either."""
        with self._lock:
            return find_names(self._rehearse().connection, sql)

    def functions(self) -> tuple[str, ...]:
        """The names of the functions that a query may call, in alphabetical order."""
        check_process(self._process, "This engine")
        with self._lock:
            if self._functions is None:
                self._functions = list_functions(self._rehearse().connection)
            return self._functions

    def close(self) -> None:
        """Stop what runs and free it. The engine cannot be used again. A child's copy is left as it is."""
        if os.getpid() != self._process:
            return
        with self._lock:
            self._closed = True
            databases, self._databases, self._database = self._databases, [], None
            rehearsal, self._rehearsal = self._rehearsal, None
        for result in list(self._running):
            result.stop()
        if rehearsal is not None:
            rehearsal.close()
        self._planned.close()
        for database in databases:
            database.close()  # but for one that a reader keeps who did not stop in time

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rehearse(self) -> _Rehearsal:
        if self._rehearsal is None:
            self._rehearsal = _Rehearsal(self._open_database(frozenset()).connection.cursor(), self._check)
        return self._rehearsal

    def _local_roots(self, plan: ScanPlan) -> frozenset[str]:
        stores = [self._stores(root) for root in {scan.table.store_root for scan in plan.scans}]
        return frozenset(store.root for store in stores if store.is_local)

    def _open_session(self, roots: frozenset[str], holds_clock: bool) -> Session:
        check_process(self._process, "This engine")
        with self._lock:
            database = self._open_database(roots)
            connection = database.connection.cursor()
        # Tables below other folders than the database's are read as well, if not by DuckDB itself.
        open_plan = partial(self._open_plan, roots=database.roots)
        rows = self._limits.row_limit
        return Session(connection, open_plan, self._planned, self._running, self._check, holds_clock, rows)

    def _open_plan(
        self, plan: ScanPlan, max_bytes: int | None, counts: bool, roots: frozenset[str]
    ) -> OpenedFiles:
        token, is_limited = f"q{next(self._tokens)}", max_bytes is not None
        how = (roots, token, is_limited, counts, self._keys)
        tables = open_tables(plan, self._store, self._by_arrow, *how)
        early = plan.stops_early
        return OpenedFiles(self._planned, tables, self._read_memory, self._cache, early, max_bytes, counts)

    def _store(self, root: str) -> Store:
        """The store at `root`, read through the cache."""
        store = self._stores(root)
        if store.is_local or isinstance(store, CachingStore) or self._cache is None:
            return store
        return CachingStore(store, self._cache, memory_bytes=0)

    def _open_database(self, roots: frozenset[str]) -> _Database:
        """The database, opened anew when it may not read below `roots` yet: one that runs cannot be told."""
        if self._closed:
            raise closed_engine()
        if not self._databases:
            remove_spills()
        if self._database is None or not roots <= self._database.roots:
            known = self._database.roots if self._database else frozenset()
            copies = {self._cache.folder} if self._cache and is_literal_path(self._cache.folder) else set()
            self._database = _Database(self._config, self._planned, roots | known, copies)
            self._databases.append(self._database)  # an earlier one serves the connections made from it
        return self._database


class _Database:
    """A DuckDB in memory that may read the planned filesystem, below `roots` and below `copies`."""

    def __init__(
        self,
        config: Mapping[str, str],
        filesystem: PlannedFileSystem,
        roots: frozenset[str],
        copies: Iterable[str],
    ) -> None:
        self.roots = roots
        folders = [PLANNED_SCHEME, *(root.rstrip("/") + "/" for root in sorted({*roots, *copies}))]
        try:
            self.connection: DuckDBPyConnection = duckdb.connect(":memory:", config=dict(config))
            self.connection.register_filesystem(filesystem)
            listed = ", ".join(map(quote_text, folders))
            self.connection.execute(f"SET allowed_directories=[{listed}]; SET enable_external_access=false")
            self.connection.execute(f"SET GLOBAL disabled_optimizers='{','.join(_WRONG_OPTIMIZERS)}'")
            lock_settings(self.connection, SESSION_SETTINGS)
        except duckdb.Error as error:
            raise EngineError(f"DuckDB cannot be started: {error}") from error
        self.close = weakref.finalize(self, find_closing(self.connection))


class _Rehearsal:
    """A connection with an empty table for each name, kept from one validation to the next."""

    def __init__(self, connection: DuckDBPyConnection, check: QueryCheck) -> None:
        self.connection = connection
        self._check = check
        self.close = weakref.finalize(self, find_closing(connection))
        self._names: list[str] = []
        self._shown: tuple[Mapping[str, Sequence[Column]], Sequence[View]] | None = None

    def show(self, tables: Mapping[str, Sequence[Column]], views: Sequence[View]) -> DuckDBPyConnection:
        """The connection, with exactly `tables` and `views` on it."""
        if self._shown != (tables, views):
            self._shown = None
            while self._names:
                self.connection.execute(f"DROP VIEW IF EXISTS {quote_name(self._names.pop())}")
            self._names += [*tables, *(view.name for view in views)]
            empty = [View(name, empty_select(name, columns)) for name, columns in tables.items()]
            create_views(self.connection, [*empty, *views], self._check)
            self._shown = (tables, views)
        return self.connection
