"""Planner: how the text of a query becomes a plan, over a lake as one question sees it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import pyarrow as pa

from lakeq.catalog.definitions import TableDefinition
from lakeq.catalog.table import HIDDEN_COLUMNS
from lakeq.catalog.view import CatalogView
from lakeq.errors import (
    ColumnNotFoundError,
    ConfigError,
    LakeqError,
    QueryError,
    SqlSyntaxError,
    TableNotFoundError,
)
from lakeq.formats.base import Column
from lakeq.planner.archived import note_archived
from lakeq.planner.bind import BoundQuery, Params, bind_query, bind_unparsed
from lakeq.planner.budget import QueryLimits, check_required_keys
from lakeq.planner.build import PlanSettings, build_plan
from lakeq.planner.dialects.binding import bind_dialect, told_in
from lakeq.planner.estimate import Estimate
from lakeq.planner.locked import check_keys
from lakeq.planner.metadata import HISTORY_TABLE, metadata_rows
from lakeq.planner.parse import DIALECT, nested_too_deeply
from lakeq.planner.plan import ScanPlan
from lakeq.planner.terms import Terms
from lakeq.storage.tally import Tally, count_into

_REPLANS = 4
"""Times a query is planned anew because footers read on the way widened a schema."""


class SqlJudge(Protocol):
    """What is asked of the engine while a query is planned: it has the last word on what is SQL."""

    def mentioned_tables(self, sql: str) -> tuple[str, ...] | None:
        """The names that may stand for tables in `sql`; None when it cannot be taken apart."""

    def validate(
        self,
        sql: str,
        params: Params,
        tables: Mapping[str, Sequence[Column]],
        views: Sequence[tuple[str, str]],
    ) -> tuple[str, ...]:
        """The names of the columns of `sql` over tables with these columns and no rows. Raises what the
        engine has against it."""

    def describe(
        self,
        sql: str,
        params: Params,
        tables: Mapping[str, Sequence[Column]],
        views: Sequence[tuple[str, str]],
    ) -> tuple[tuple[str, str], ...]:
        """As `validate`; each column with its DuckDB type."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans queries over the lake as `catalog` sees it.

    `views` are queries by the name that others select from; `find_definition` gives what was declared of a
    table; `read_history` the rows of HISTORY_TABLE.
    """

    catalog: CatalogView
    judge: SqlJudge
    views: Mapping[str, str]
    terms: Terms
    find_definition: Callable[[str], TableDefinition | None]
    read_history: Callable[[], pa.Table]

    def plan(
        self,
        sql: str,
        params: Params,
        dialect: str,
        settings: PlanSettings,
        now: dt.datetime | None = None,
        requires_keys: bool = False,
    ) -> ScanPlan:
        """The plan of a query that asks at `now` (None: the time it is): bound and pruned, and anew when
        files looked into on the way widened a schema.

        `requires_keys`: refuse a query that reads a table without a condition that the table requires.
        """
        now = now or dt.datetime.now(dt.UTC)
        for _ in range(_REPLANS):
            bound = self._bind(sql, params, dialect, now)
            try:
                with told_in(sql, dialect):
                    self._validate(bound, params)
            except ColumnNotFoundError:
                if settings.is_draft or not self._read_schemas(bound):
                    raise
                continue
            except QueryError as error:
                if not settings.is_draft:
                    raise
                bound = replace(bound, notes=(*bound.notes, str(error)))
            if requires_keys:
                self._check_required(bound)
            plan = self._build(bound, params, settings)
            if plan is not None:
                return note_archived(plan, self.terms.archived)
        raise ConfigError("The schema of a table kept changing while the query was planned. Refresh the lake")

    def describe(self, sql: str) -> tuple[tuple[str, str], ...]:
        """The names and DuckDB types of the columns that a query in DuckDB's SQL gives; none where they
        depend on its rows. Raises as `plan` does."""
        bound = self._bind(sql, None, DIALECT, dt.datetime.now(dt.UTC))
        return self.judge.describe(bound.runnable, None, *self._rehearse(bound))

    def plan_within(
        self,
        limits: QueryLimits,
        sql: str,
        params: Params,
        dialect: str,
        tally: Tally,
        runs_here: bool = True,
        uses_index: bool = True,
    ) -> tuple[ScanPlan, Estimate]:
        """The plan of a query that is to run, and its estimate. What is asked of the store goes into `tally`.
        `runs_here`: what is fetched while planning need not be fetched to run it. `uses_index` as in
        PlanSettings.

        BudgetExceededError when it is over the limits, or has no condition that a table requires;
        ObjectArchivedError when files must be restored first, unless the terms leave those out.
        """
        settings = PlanSettings(
            fetches_whole=runs_here and not limits.are_set, is_limited=limits.are_set, uses_index=uses_index
        )
        # A sample may be enough to refuse; what is to run needs every footer.
        sampled = replace(settings, max_footers=self.terms.max_footers if limits.are_set else None)
        for chosen in (sampled, settings):
            with count_into(tally):
                plan = self.plan(sql, params, dialect, chosen, requires_keys=True)
            estimate = self.terms.price(plan, tally)
            self.terms.check(plan, estimate, limits)
            if all(scan.sampled is None for scan in plan.scans):
                break
        return plan, estimate

    def prepare(
        self, plan: ScanPlan, now: dt.datetime | None, is_limited: bool, fetches_whole: bool = True
    ) -> ScanPlan:
        """The plan as the engine needs it: at the engine's own time (None: it does not matter), every file's
        schema known. Raises as `plan_within` does for archived files; `is_limited` and `fetches_whole` as in
        PlanSettings."""
        settings = PlanSettings(fetches_whole=fetches_whole, is_limited=is_limited)
        replan = partial(self.plan, plan.text, plan.params, plan.dialect, settings)
        if plan.clock is not None and now is not None and plan.clock != now:
            plan = replan(now)
        before = {scan.table.name: self.catalog.table(scan.table.name).columns for scan in plan.scans}
        for scan in plan.scans:
            if not scan.from_index:
                self.catalog.inspect(scan.files, fetches_whole)
                check_keys(scan.table, scan.files, scan.columns)
        widened = any(self.catalog.table(name).columns != columns for name, columns in before.items())
        plan = replan(plan.clock) if widened else plan
        self.terms.check_files(plan)  # planned anew, at another time
        return plan

    def _bind(self, sql: str, params: Params, dialect: str, now: dt.datetime) -> BoundQuery:
        """The bound query; a table that is not known is looked for once more: it may have come since."""
        bind = partial(self._bind_text, params=params, now=now)
        bind_anew = partial(
            bind_dialect, sql, dialect, bind, self.catalog.names(), self.catalog.table, self.views
        )
        try:
            return bind_anew()
        except TableNotFoundError:
            if not self.catalog.look_again():
                raise
        return bind_anew()

    def _bind_text(self, sql: str, params: Params, now: dt.datetime) -> BoundQuery:
        """A query in DuckDB's SQL bound to tables; the engine has the last word on what is SQL."""
        names = self.catalog.names()
        try:
            return bind_query(sql, params, names, self.catalog.table, self.views, now)
        except SqlSyntaxError:
            whole = self._bind_whole(sql)
            if whole is None:
                raise
            return whole
        except RecursionError as error:
            whole = self._bind_whole(sql)
            if whole is None:
                raise nested_too_deeply(sql) from error
            return whole

    def _bind_whole(self, sql: str) -> BoundQuery | None:
        """A query that the engine can take apart alone, over whole tables; None when it cannot either."""
        mentioned = self.judge.mentioned_tables(sql)
        if mentioned is None:
            return None
        return bind_unparsed(sql, mentioned, self.catalog.names(), self.catalog.table)

    def _build(self, bound: BoundQuery, params: Params, settings: PlanSettings) -> ScanPlan | None:
        """See `build_plan`; conditions nested deeper than Python can follow prune nothing."""
        build = partial(
            build_plan,
            params=params,
            catalog=self.catalog,
            views=self.views,
            read_metadata=self._read_metadata,
            settings=settings,
        )
        try:
            return build(bound)
        except RecursionError:
            whole = self._bind_whole(bound.runnable)
            if whole is None:
                raise nested_too_deeply(bound.sql) from None
            return build(replace(whole, sql=bound.sql, dialect=bound.dialect))

    def _validate(self, bound: BoundQuery, params: Params) -> None:
        """Raise what the engine has against the query, over tables of these columns and no rows."""
        self.judge.validate(bound.runnable, params, *self._rehearse(bound))

    def _rehearse(self, bound: BoundQuery) -> tuple[dict[str, list[Column]], list[tuple[str, str]]]:
        """The columns of the tables, and the views, that the engine needs to bind the query."""
        columns: dict[str, list[Column]] = {}
        for reference in bound.references:
            table = self.catalog.table(reference.table)
            known = columns.setdefault(table.name, list(table.columns))
            known += [c for c in HIDDEN_COLUMNS if c.name in reference.columns and c not in known]
        for name in bound.metadata:
            columns[name] = [Column(f.name, f.type) for f in self._read_metadata(name).schema]
        return columns, [(name, self.views[name]) for name in bound.views]

    def _read_schemas(self, bound: BoundQuery) -> bool:
        """Look into every file of the tables of a query; True when that widened a schema."""
        widened = [_read_whole_schema(self.catalog, reference.table) for reference in bound.references]
        return any(widened)

    def _check_required(self, bound: BoundQuery) -> None:
        """Refuse what reads a table without a condition that it requires."""
        for reference in bound.references:
            definition = self.find_definition(reference.table)
            if definition is not None and definition.require_partition_filter is not None:
                table = self.catalog.table(reference.table)
                check_required_keys(table, reference, definition.require_partition_filter)

    def _read_metadata(self, name: str) -> pa.Table:
        return self.read_history() if name.casefold() == HISTORY_TABLE else metadata_rows(name, self.catalog)


def _read_whole_schema(catalog: CatalogView, name: str) -> bool:
    """Look into every file of a table, where only a part was; True when that widened the schema."""
    before = catalog.table(name).columns
    try:
        entry = catalog.entry(name)
        catalog.inspect(entry.split_archived(entry.index.all)[0])
    except LakeqError:
        return False  # a broken file has nothing to add; the query's own error is the one to show
    return catalog.table(name).columns != before
