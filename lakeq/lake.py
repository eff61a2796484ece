"""Lake: a location and the tables under it. Ask what a query costs, then run it."""

from __future__ import annotations

import datetime as dt
import functools
import threading
from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np
import pyarrow as pa

from lakeq.cache import Cache
from lakeq.catalog.catalog import Catalog
from lakeq.catalog.definitions import LakeDefinition, define_table
from lakeq.catalog.freshness import find_freshness
from lakeq.catalog.partition_chart import PartitionChart, chart_partitions
from lakeq.catalog.table import Table
from lakeq.dataframe.printing import Source
from lakeq.dataframe.sql_result import SqlResult
from lakeq.engines.base import Engine, EngineContext
from lakeq.engines.choice import Engines
from lakeq.engines.duckdb import DuckDBEngine, Scanner
from lakeq.engines.limits import RunLimits, find_run_limits
from lakeq.engines.names import EngineSettings, find_engine_settings
from lakeq.engines.shadow import Shadow
from lakeq.errors import (
    BudgetExceededError,
    ConfigError,
    ForkedProcessError,
    LakeqError,
    ObjectArchivedError,
    UnsupportedVerbError,
)
from lakeq.formats.parquet_keys import ParquetKeys, find_parquet_keys
from lakeq.formats.types import quote_name, sql_type
from lakeq.lake_catalog import LakeCatalog
from lakeq.lake_html import draw_lake, draw_problem
from lakeq.ledger.history import read_history, tabulate
from lakeq.ledger.ledger import open_ledger, strip_secrets
from lakeq.planner.archived import find_archived
from lakeq.planner.bind import Params
from lakeq.planner.budget import (
    LEAST_FOOTERS,
    AskAbove,
    QueryLimits,
    Spent,
    find_ask_above,
    find_limits,
    find_max_footers,
)
from lakeq.planner.build import PlanSettings
from lakeq.planner.dialects.names import DUCKDB, find_dialect
from lakeq.planner.estimate import Estimate
from lakeq.planner.explain import explain_plan, plan_to_dict
from lakeq.planner.parse import load_dialect, write_parameters
from lakeq.planner.plan import ScanPlan
from lakeq.planner.planner import Planner
from lakeq.planner.preview import Preview, plan_draft
from lakeq.planner.pricing import Pricing, find_pricing
from lakeq.planner.storage_prices import find_storage_prices
from lakeq.planner.terms import Terms
from lakeq.storage.caching import MEMORY_BYTES, CachingStore
from lakeq.storage.memory import total_memory
from lakeq.storage.progress import Observer, Reporter
from lakeq.storage.tally import Tally, count_into
from lakeq.storage.workers import begin, stopped_by

if TYPE_CHECKING:
    from lakeq.dataframe.frame import DataFrame, Home


class Lake(LakeCatalog):
    """The tables under one location. Use `connect` to make one; a context manager. Thread-safe.

    A folder on this machine is listed once, at the first question; `refresh` lists it anew. Of remote lakes
    each question lists what it needs, unless `freshness` lets it use an earlier listing.
    """

    def __init__(
        self,
        definition: LakeDefinition,
        scanner: Scanner = "auto",
        pricing: str | Pricing | None = None,
        freshness: str | float | None = None,
        cache: Cache | None = None,
        read_memory: int | None = None,
        progress: Observer | None = None,
        max_footers: int | None = None,
        history: bool | str | None = None,
        limits: RunLimits | None = None,
        keys: ParquetKeys | None = None,
        engines: EngineSettings | None = None,
    ) -> None:
        self._shown = strip_secrets(definition.location)
        footers = find_max_footers(max_footers, definition.limits)
        pricing = find_pricing(pricing, definition.pricing)
        prices = find_storage_prices(definition.pricing)
        archived = find_archived(definition.archived)
        self._limits = definition.limits
        self._dialect = find_dialect(None, definition.dialect)
        cache = cache or Cache(None, None)
        realm = str(definition.storage.get("endpoint_url") or "")
        memory = read_memory or total_memory() // 4
        planning = min(memory // 4, MEMORY_BYTES)  # what planning fetches is held until the query reads it
        wrap = partial(CachingStore, cache=cache.blocks, memory_bytes=planning, realm=realm)
        self._blocks = cache.blocks
        self._is_warm = self._is_saved = False
        keys = keys or find_parquet_keys(None, definition.parquet_keys)
        limits = limits or find_run_limits(definition.limits)
        catalog = Catalog(
            definition,
            find_freshness(freshness),
            cache.catalog_folder,
            wrap,
            Reporter(progress),
            keys=keys,
        )
        super().__init__(catalog, dict(definition.views))
        self._shown = strip_secrets(self.location)
        self._engine = DuckDBEngine(
            catalog.store,
            scanner=scanner,
            cache=cache.blocks,
            read_memory=memory - planning,
            limits=limits,
            keys=keys,
        )
        context = EngineContext(catalog.store, self._engine.answer_schema, definition.storage, limits)
        engines = engines or find_engine_settings(None, None, definition.engine, definition.engines)
        self._engines = Engines(self._engine, engines, context)
        self._terms = Terms(pricing, prices, archived, footers, is_s3=self.location.startswith("s3://"))
        self._ledger = open_ledger(history, definition.history, self.location, pricing)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Whoever interrupts wants to leave now; what was learned is found out again.
        self._close(saves=kind is None or not issubclass(kind, KeyboardInterrupt))

    def __reduce__(self) -> NoReturn:
        raise ForkedProcessError(
            f"A Lake cannot be sent to another process. Send its location, and open it there: "
            f"lakeq.connect({self.location!r}, …)."
        )

    def __repr__(self) -> str:
        return f"Lake({self._shown!r})"  # also of a lake that could not be opened, in a traceback with values

    def _repr_html_(self) -> str:
        """For notebooks: the tables; of a remote lake that asks the store, as `tables` does."""
        try:
            return draw_lake(self.location, *self.survey())
        except LakeqError as error:
            return draw_problem(self.location, str(error))

    @property
    def dialect(self) -> str:
        """The SQL that queries are in which do not say otherwise."""
        return self._dialect

    def close(self) -> None:
        """Stop running queries, keep what was learned of a remote lake, and free what the lake holds."""
        self._close(saves=True)

    def _close(self, saves: bool) -> None:
        if not self._catalog.is_ours:  # a child's copy: nothing of it is there
            return
        self.__dict__.pop("_home", None)  # it names this lake: in a circle, they would be freed late
        self._engines.close()
        self._catalog.close(saves)
        if self._blocks is not None:
            self._blocks.close()

    def chart(self, name: str, sql: str | None = None, most: int = 20) -> PartitionChart:
        """How a table's bytes lie over its days, its months or the values of its first key (the largest
        `most`), and how many of them a query keeps, in any of its references to the table."""
        name = self._known(name)
        kept = [] if sql is None else [s.files for s in self.plan(sql).scans if s.table.name == name]
        entry = self._catalog.view().entry(name)
        if sql is None:
            return chart_partitions(entry.table, entry.index, most=most)
        found = [entry.index.find_files(files).ids_or_all for files in kept]
        if not found:
            raise ConfigError(f"The query does not read table {name!r}. Leave the query out, or correct it.")
        return chart_partitions(entry.table, entry.index, entry.index.take(np.concatenate(found)), most)

    def functions(self) -> tuple[str, ...]:
        """The names of the functions that a query may call, in alphabetical order."""
        return self._engine.functions()

    def register(self, name: str, location: str, **declared: Any) -> Table:
        """Declare a table; what is declared overrides what would be found out.

        `layout="{year:int}/{month:int}/"`, `format`, `delimiter`, `header`, `quote`, `null`,
        `columns={"id": "bigint"}`, `partition_types={"day": "date"}`, `require_partition_filter=["day"]`,
        `time={"column": "ts", "from": ["day"], "lateness": "2h"}`.
        `location` is below the lake's, or complete. Returns the table, or raises its problem.
        """
        if name.casefold() in {view.casefold() for view in self._views}:
            raise ConfigError(f"{name!r} is the name of a view. Choose another")
        self._catalog.register(define_table(name, location, **declared))
        return self._catalog.view().entry(name).table

    def create_view(self, name: str, sql: str, dialect: str | None = None) -> None:
        """Name a query, for later queries of this Lake to select from. The query is checked now."""
        if name.casefold() in {n.casefold() for n in self._catalog.view().names()}:
            raise ConfigError(f"{name!r} is the name of a table. Choose another")
        plan = self.plan(sql, dialect=dialect)
        self._views[name] = sql if plan.dialect == DUCKDB else plan.sql

    def estimate(
        self, sql: str, params: Params = None, exact: bool = False, dialect: str | None = None
    ) -> Estimate:
        """What the query would scan and cost. Reads listings and footers, never rows.

        Of a table that keeps more files than `max_footers`, a sample of the footers is read and `accuracy` is
        `sampled`; all of them if `exact`.
        """
        with count_into(Tally()) as tally:
            return self._terms.price(self.plan(sql, params, exact, dialect), tally)

    def estimate_all(self, queries: Iterable[str], dialect: str | None = None) -> list[Estimate | LakeqError]:
        """The estimate of each query, or the error that it met: all as of one moment, so that what several
        ask for is listed once."""
        dialect, planner = self._find_dialect(dialect), self._make_planner()
        return [self._try_estimate(planner, sql, dialect) for sql in queries]

    def explain(
        self, sql: str, params: Params = None, exact: bool = False, dialect: str | None = None
    ) -> str:
        """The plan of a query as text: what is read, what pruned it, what could not. `exact` as for
        `estimate`."""
        return explain_plan(*self._explain(sql, params, exact, dialect))

    def explain_to_dict(
        self, sql: str, params: Params = None, exact: bool = False, dialect: str | None = None
    ) -> dict[str, Any]:
        """What `explain` says, as plain JSON values."""
        return plan_to_dict(*self._explain(sql, params, exact, dialect))

    def plan(
        self, sql: str, params: Params = None, exact: bool = False, dialect: str | None = None
    ) -> ScanPlan:
        """The plan of a query: frozen, picklable. `exact` as for `estimate`."""
        settings = PlanSettings(max_footers=None if exact else self._terms.max_footers, advises=True)
        dialect = self._find_dialect(dialect)
        return self._make_planner().plan(sql, params, dialect, settings)

    def sql(
        self,
        sql: str,
        params: Params = None,
        max_bytes: int | str | None = None,
        max_cost: Decimal | float | str | None = None,
        dialect: str | None = None,
        engine: str | None = None,
    ) -> SqlResult:
        """Plan a query and check it against the limits; its rows are read when the Result is.

        `params` is a sequence for `?` and `$1`, a mapping for `$name`. BudgetExceededError when it would
        scan more than `max_bytes` bytes or cost more than `max_cost` dollars, S3's requests and retrieval
        among them (defaults: `[limits]` in lakeq.toml, then LAKEQ_MAX_BYTES and LAKEQ_MAX_COST), when a day's
        limit leaves too little, or when it reads a table without a condition that it requires;
        ObjectArchivedError when files must be restored first, unless the lake leaves those out. Without a
        limit, remote files of up to 512 KB are fetched whole while planning, which costs no more requests
        than reading their footers. `dialect` is the SQL that the query is in: `"duckdb"`, `"athena"`,
        `"trino"`, `"spark"` or `"bigquery"` (default: `dialect` in lakeq.toml, then LAKEQ_DIALECT, then
        DuckDB's). `engine` runs it (default: that of the lake); UnsupportedSqlError for what it cannot be
        told.
        """
        limits, name = self.limits(max_bytes, max_cost), self._engines.find_name(engine)
        tally, dialect, planner = Tally(), self._find_dialect(dialect), self._make_planner()
        with self._ledger.planning(sql):
            at_home = self._engines.is_at_home(name)
            make = partial(planner.plan_within, limits, sql, params, dialect, tally, at_home)
            plan, estimate = make(self._engines.uses_index(name))
            chosen = self._engines.choose(name, plan, estimate, limits.are_set)
            if not chosen.engine.opens_files and any(scan.from_index for scan in plan.scans):
                plan, estimate = make(False)  # it reads what the index would have told
        record = self._ledger.open(plan, estimate, limits, chosen.engine.name)
        record.check()
        prepare = partial(self._prepare, planner, limits.are_set, chosen.engine)
        planned = (plan, estimate, chosen, prepare, record, tally)
        return SqlResult(*planned, make_frame=self._frame_of)

    def table(self, name: str) -> DataFrame:
        """A table as a lazy DataFrame; a view too, and what else a query may select from.

        Its columns are looked up now, which may list the table and read some of its footers; rows are read
        when the frame is collected. TableNotFoundError with the nearest names, or the table's own problem.
        """
        from lakeq.dataframe.frame import open_frame  # narwhals is loaded by who uses it

        view = self._catalog.view()
        found = view.find_name(name)
        if found is not None:
            columns = tuple((c.name, sql_type(c.type)) for c in view.table(found).columns)
        else:
            columns = self._make_planner().describe(f"SELECT * FROM {quote_name(name)}")
        return open_frame(self._home, Source(name=found or name), columns)

    def preview(
        self,
        sql: str,
        max_bytes: int | str | None = None,
        max_cost: Decimal | float | str | None = None,
        dialect: str | None = None,
        stopped: threading.Event | None = None,
    ) -> Preview:
        """What a query would scan that is still being typed, and whether `sql` would refuse it.

        From what is known, as far as that goes: listings of any age do, and of many footers about a hundred
        are read. Once `stopped` is set, QueryCancelledError is raised instead of asking the store for more.
        """
        limits = self.limits(max_bytes, max_cost)
        planner, dialect = self._make_planner(any_age=True), self._find_dialect(dialect)
        settings = PlanSettings(max_footers=LEAST_FOOTERS, is_draft=True)
        with count_into(Tally()) as tally, stopped_by(stopped or threading.Event()):
            plan, is_whole = plan_draft(
                lambda text: planner.plan(text, None, dialect, settings, requires_keys=True), sql
            )
        estimate = self._terms.price(plan, tally)
        refusal = None
        try:
            self._terms.check(plan, estimate, limits)
            self._ledger.check(estimate, limits)
        except (BudgetExceededError, ObjectArchivedError) as error:
            refusal = error
        return Preview(estimate, refusal, plan.notes, is_whole)

    def limits(
        self, max_bytes: int | str | None = None, max_cost: Decimal | float | str | None = None
    ) -> QueryLimits:
        """The limits of a query for which these are given, as `sql` finds them."""
        return find_limits(max_bytes, max_cost, self._limits, self._catalog.definitions)

    @property
    def ask_above(self) -> AskAbove:
        """Above what an interactive session asks before it runs a query."""
        return find_ask_above(self._limits)

    @property
    def keeps_sql(self) -> bool:
        """Whether the history keeps queries as they are written."""
        return self._ledger.keeps_sql

    def used_today(self) -> Spent:
        """The bytes and dollars that the queries of today (UTC) have used, of all processes. ConfigError when
        no history is kept."""
        return self._ledger.used_today()

    def history(self, since: str | dt.date | None = None) -> pa.Table:
        """The queries over this lake that were run or refused, a row each in HISTORY_SCHEMA (of
        lakeq.ledger.history), also since a day, a datetime, or a text such as `7d`: when (UTC) and whose, SQL
        and tables, bytes and dollars as estimated and as scanned, and the outcome."""
        return tabulate(read_history(self._ledger.journal, self._ledger.lake, since))

    def _frame_of(self, plan: ScanPlan) -> DataFrame:
        """A planned query as a DataFrame."""
        from lakeq.dataframe.frame import open_frame

        sql = write_parameters(plan.sql, plan.params)
        columns = self._make_planner().describe(f"WITH query AS (\n{sql}\n)\nSELECT * FROM query")
        if not columns:
            raise UnsupportedVerbError(
                "The columns of a PIVOT depend on its rows. Name them to go on: PIVOT … ON column IN (…)"
            )
        return open_frame(self._home, Source(sql=sql), columns)

    @functools.cached_property
    def _home(self) -> Home:
        """Where this lake's frames belong."""
        from lakeq.dataframe.frame import Home

        return Home(self, Shadow())

    def _explain(
        self, sql: str, params: Params, exact: bool, dialect: str | None
    ) -> tuple[ScanPlan, Estimate]:
        with count_into(Tally()) as tally:
            plan = self.plan(sql, params, exact, dialect)
        return plan, self._terms.price(plan, tally)

    def _find_dialect(self, dialect: str | None) -> str:
        return find_dialect(dialect, self._dialect)

    def _try_estimate(self, planner: Planner, sql: str, dialect: str) -> Estimate | LakeqError:
        try:
            settings = PlanSettings(max_footers=self._terms.max_footers, advises=True)
            with count_into(Tally()) as tally:
                return self._terms.price(planner.plan(sql, None, dialect, settings), tally)
        except LakeqError as error:
            return error

    def _make_planner(self, any_age: bool = False) -> Planner:
        """What plans queries over the lake as it is now, or as it was whenever it was listed."""
        view, find_definition = self._catalog.view(any_age), self._catalog.definition
        self._warm_up()
        return Planner(
            view, self._engine, self._views, self._terms, find_definition, functools.cache(self.history)
        )

    def _warm_up(self) -> None:
        """Before the first query: while the lake is listed there is time to load what the query needs."""
        if not self._is_warm:
            self._is_warm = True
            begin(load_dialect)
            begin(partial(self._engine.warm_up, self._catalog.root))

    def _prepare(
        self, planner: Planner, is_limited: bool, engine: Engine, plan: ScanPlan, now: dt.datetime | None
    ) -> ScanPlan:
        """The plan as the engine needs it, at the engine's own time."""
        if engine.opens_files:
            plan = planner.prepare(plan, now, is_limited, fetches_whole=engine is self._engine)
        if not (self._is_saved or self._catalog.root.is_local):
            self._is_saved = True  # the rest at the end: of a large lake that takes seconds
            begin(self._catalog.save)  # while the first query runs
        return plan
