"""Lake: a location and the tables under it. Ask what a query costs, then run it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from lakeq.catalog.catalog import Catalog
from lakeq.catalog.definitions import LakeDefinition, define_table, load_definition
from lakeq.catalog.table import HIDDEN_COLUMNS, IgnoredObjects, Table
from lakeq.engines.duckdb import DuckDBEngine, Scanner
from lakeq.errors import BudgetExceededError, ColumnNotFoundError, ConfigError, LakeqError, SqlSyntaxError
from lakeq.formats.base import Column
from lakeq.planner.bind import BoundQuery, Params, bind_query, bind_unparsed, table_not_found
from lakeq.planner.build import build_plan
from lakeq.planner.estimate import Estimate, estimate_plan
from lakeq.planner.explain import explain_plan
from lakeq.planner.metadata import describe_files, metadata_rows
from lakeq.planner.plan import ScanPlan
from lakeq.planner.pricing import ATHENA, PRICINGS, Pricing
from lakeq.quantities import format_bytes, format_dollars, parse_bytes, parse_dollars
from lakeq.result import Result

_REPLANS = 4
"""Times a query is planned anew because footers read on the way widened a schema."""


def connect(
    location: str | Path,
    *,
    scanner: Scanner = "auto",
    threads: int | None = None,
    memory_limit: str | None = None,
    pricing: str | Pricing | None = None,
    **storage_options: Any,
) -> Lake:
    """A Lake over a folder, `s3://bucket/prefix`, another fsspec URL, or a `lakeq.toml` that names its
    tables.

    `scanner="arrow"` decodes every format through pyarrow instead of DuckDB's own readers. `pricing` is
    `"athena"` (default) or `"athena-decimal"`. Storage options: endpoint_url, profile, region,
    anonymous, key, secret, token, …. Nothing is read yet, but a folder that does not exist is an error.
    """
    text = str(location)
    if text.endswith(".toml") and "://" not in text:
        definition = load_definition(Path(text))
    else:
        definition = LakeDefinition(location=text)
    storage = {**definition.storage, **storage_options}
    definition = LakeDefinition(
        definition.location,
        definition.tables,
        definition.views,
        storage,
        definition.pricing,
        definition.limits,
    )
    return Lake(definition, scanner, threads, memory_limit, pricing)


class Lake:
    """The tables under one location. Use `connect` to make one; a context manager. Thread-safe.

    A Lake answers from the listing it made at the first question: `refresh` makes a new one.
    """

    def __init__(
        self,
        definition: LakeDefinition,
        scanner: Scanner = "auto",
        threads: int | None = None,
        memory_limit: str | None = None,
        pricing: str | Pricing | None = None,
    ) -> None:
        self._pricing = find_pricing(pricing or definition.pricing.get("model"))
        self._limits = definition.limits
        self._views = dict(definition.views)
        self._catalog = Catalog(definition)
        self._engine = DuckDBEngine(
            self._catalog.store, scanner=scanner, threads=threads, memory_limit=memory_limit
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Lake({self.location!r})"

    @property
    def location(self) -> str:
        """The root of the lake: an absolute path or a URL."""
        return self._catalog.root.root

    def close(self) -> None:
        """Stop running queries and free what the lake holds."""
        self._engine.close()
        self._catalog.close()

    def refresh(self) -> None:
        """List the lake anew before the next question."""
        self._catalog.refresh()

    def tables(self) -> list[Table]:
        """Every table, by name. One that cannot be read carries its `problem` instead of columns."""
        return self._catalog.tables()

    def describe(self, name: str) -> Table:
        """One table: format, layout and the evidence for it, columns, sizes, what was ignored.

        TableNotFoundError, or the table's own problem.
        """
        return self._catalog.table(self._known(name))

    def partitions(self, name: str) -> pa.Table:
        """One row a partition: its keys, `files`, `bytes`, and `row_count` where footers told."""
        return metadata_rows(f"{self._known(name)}$partitions", self._catalog)

    def files(self, name: str) -> pa.Table:
        """One row a file: path, size, modified, etag, storage_class, partition keys, row_count."""
        table = self.describe(name)
        return describe_files(table, self._catalog.index(table.name).all.to_table())

    def ignored(self, name: str | None = None) -> tuple[IgnoredObjects, ...]:
        """What was left out of a table, or of the whole lake outside its tables, with reasons."""
        return self._catalog.ignored if name is None else self.describe(name).ignored

    def register(self, name: str, location: str, **declared: Any) -> Table:
        """Declare a table; what is declared overrides what would be found out.

        `layout="{year:int}/{month:int}/"`, `format`, `delimiter`, `header`, `quote`, `null`,
        `columns={"id": "bigint"}`, `partition_types={"day": "date"}`. `location` is below the lake's, or
        complete. Returns the table, or raises its problem.
        """
        if name.casefold() in {view.casefold() for view in self._views}:
            raise ConfigError(f"{name!r} is the name of a view. Choose another")
        self._catalog.register(define_table(name, location, **declared))
        return self._catalog.table(name)

    def create_view(self, name: str, sql: str) -> None:
        """Name a query, for later queries of this Lake to select from. The query is checked now."""
        if name.casefold() in {n.casefold() for n in self._catalog.names()}:
            raise ConfigError(f"{name!r} is the name of a table. Choose another")
        self._plan(sql, None, utc_now())
        self._views[name] = sql

    def estimate(self, sql: str, params: Params = None) -> Estimate:
        """What the query would scan and cost. Reads listings and footers, never rows."""
        return estimate_plan(self._plan(sql, params, utc_now()), self._pricing)

    def explain(self, sql: str, params: Params = None) -> str:
        """The plan of a query as text: what is read, what pruned it, what could not."""
        plan = self._plan(sql, params, utc_now())
        return explain_plan(plan, estimate_plan(plan, self._pricing))

    def plan(self, sql: str, params: Params = None) -> ScanPlan:
        """The plan of a query: frozen, picklable."""
        return self._plan(sql, params, utc_now())

    def sql(
        self,
        sql: str,
        params: Params = None,
        max_bytes: int | str | None = None,
        max_cost: Decimal | float | str | None = None,
    ) -> Result:
        """Plan a query and check it against the limits; reading starts when the Result is read.

        `params` is a sequence for `?` and `$1`, a mapping for `$name`. BudgetExceededError when it would
        scan more than `max_bytes` bytes or cost more than `max_cost` dollars (defaults: `[limits]` in
        lakeq.toml).
        """
        plan = self._plan(sql, params, utc_now())
        estimate = estimate_plan(plan, self._pricing)
        most_bytes = self._limits.get("max_bytes") if max_bytes is None else max_bytes
        most_dollars = self._limits.get("max_cost") if max_cost is None else max_cost
        check_budget(
            estimate,
            None if most_bytes is None else parse_bytes(str(most_bytes)),
            None if most_dollars is None else parse_dollars(str(most_dollars)),
        )
        return Result(plan, estimate, self._engine, self._prepare)

    def _known(self, name: str) -> str:
        """The table's name as the lake spells it; TableNotFoundError with the nearest names."""
        names = self._catalog.names()
        found = next((n for n in names if n.casefold() == name.casefold()), None)
        if found is None:
            raise table_not_found(name, names)
        return found

    def _bind(self, sql: str, params: Params, now: dt.datetime) -> BoundQuery:
        """The query bound to tables; DuckDB has the last word on what is SQL."""
        names = self._catalog.names()
        try:
            return bind_query(sql, params, names, self._catalog.table, self._views, now)
        except SqlSyntaxError:
            mentioned = self._engine.mentioned_tables(sql)
            if mentioned is None:
                raise
            return bind_unparsed(sql, mentioned, names, self._catalog.table)

    def _validate(self, bound: BoundQuery, params: Params) -> None:
        """Raise what DuckDB has against the query, over tables of these columns and no rows."""
        columns: dict[str, list[Column]] = {}
        for reference in bound.references:
            table = self._catalog.table(reference.table)
            known = columns.setdefault(table.name, list(table.columns))
            known += [c for c in HIDDEN_COLUMNS if c.name in reference.columns and c not in known]
        for name in bound.metadata:
            schema = metadata_rows(name, self._catalog).schema
            columns[name] = [Column(f.name, f.type) for f in schema]
        views = [(name, self._views[name]) for name in bound.views]
        self._engine.validate(bound.runnable, params, columns, views)

    def _plan(self, sql: str, params: Params, now: dt.datetime) -> ScanPlan:
        """Bind and prune; anew when files looked into on the way widened a schema."""
        for _ in range(_REPLANS):
            bound = self._bind(sql, params, now)
            try:
                self._validate(bound, params)
            except ColumnNotFoundError:
                told = [self._read_whole_schema(reference.table) for reference in bound.references]
                if not any(told):
                    raise
                continue
            plan = build_plan(bound, params, self._catalog, self._views)
            if plan is not None:
                return plan
        raise ConfigError("The schema of a table kept changing while the query was planned. Refresh the lake")

    def _read_whole_schema(self, name: str) -> bool:
        """Look into every file of a table, where only a part was; True when that widened the schema."""
        try:
            return self._catalog.inspect(name, self._catalog.index(name).all)
        except LakeqError:
            return False  # a broken file has nothing to add; the query's own error is the one to show

    def _prepare(self, plan: ScanPlan, now: dt.datetime | None) -> ScanPlan:
        """The plan as the engine needs it: at the engine's own time, every file's schema known."""
        if plan.clock is not None and now is not None and plan.clock != now:
            plan = self._plan(plan.text, plan.params, now)
        widened = [self._catalog.inspect(s.table.name, s.files) for s in plan.scans if not s.from_index]
        return self._plan(plan.text, plan.params, plan.clock or utc_now()) if any(widened) else plan


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def find_pricing(pricing: str | Pricing | None) -> Pricing:
    """The Pricing of this name; Athena's by default."""
    if isinstance(pricing, Pricing):
        return pricing
    if pricing is None:
        return ATHENA
    if pricing not in PRICINGS:
        raise ConfigError(f"No pricing called {pricing!r}. There are: {', '.join(PRICINGS)}")
    return PRICINGS[pricing]


def check_budget(estimate: Estimate, max_bytes: int | None, max_cost: Decimal | None) -> None:
    """BudgetExceededError when the estimate is over a limit. Nothing was read by then."""
    unfiltered = [scan.table for scan in estimate.scans if not scan.predicate]
    keys = list(dict.fromkeys(column.name for table in unfiltered for column in table.partition_columns))
    advice = f"Add a filter on {' or '.join(keys[:3])}, or raise" if keys else "Narrow the filter, or raise"
    size, cost = format_bytes(estimate.bytes_scanned), format_dollars(estimate.cost_usd)
    refused = f"Query not run: it would scan {size} ({cost}), over the limit of"
    if max_bytes is not None and estimate.bytes_scanned > max_bytes:
        message = f"{refused} {format_bytes(max_bytes)}. {advice} max_bytes."
        raise BudgetExceededError(message, estimate, max_bytes)
    if max_cost is not None and estimate.cost_usd > max_cost:
        message = f"{refused} {format_dollars(max_cost)}. {advice} max_cost."
        raise BudgetExceededError(message, estimate, max_cost)
