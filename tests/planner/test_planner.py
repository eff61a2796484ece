"""A query is planned over what one question sees of a lake; the engine is asked what is SQL, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from lakeq.catalog.catalog import Catalog
from lakeq.catalog.definitions import LakeDefinition, define_table
from lakeq.errors import BudgetExceededError, SqlSyntaxError, UnsupportedSqlError
from lakeq.formats.base import Column
from lakeq.planner.bind import Params
from lakeq.planner.budget import QueryLimits
from lakeq.planner.build import PlanSettings
from lakeq.planner.planner import Planner
from lakeq.planner.pricing import ATHENA
from lakeq.planner.storage_prices import S3_PRICES
from lakeq.planner.terms import Terms
from lakeq.storage.tally import Tally

ROWS = "n,s\n1,a\n"
UNPARSED = "SELECT n FROM t WHERE ((("


class Judge:
    """Finds the tables it was told of in any text, and has `verdict` against every query."""

    def __init__(self, mentioned: tuple[str, ...] | None = None, verdict: Exception | None = None) -> None:
        self.mentioned = mentioned
        self.verdict = verdict
        self.shown: Mapping[str, Sequence[Column]] = {}

    def mentioned_tables(self, sql: str) -> tuple[str, ...] | None:
        return self.mentioned

    def validate(
        self,
        sql: str,
        params: Params,
        tables: Mapping[str, Sequence[Column]],
        views: Sequence[tuple[str, str]],
    ) -> tuple[str, ...]:
        self.shown = tables
        if self.verdict is not None:
            raise self.verdict
        return ()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    for day in (1, 2, 3):
        folder = tmp_path / "t" / f"day={day}"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text(ROWS)
    made = Catalog(LakeDefinition(str(tmp_path)))
    yield made
    made.close()


def make_planner(catalog: Catalog, judge: Judge) -> Planner:
    terms = Terms(ATHENA, S3_PRICES, "error", 50, is_s3=False)
    history = pa.table({"id": ["a"]})
    return Planner(catalog.view(), judge, {}, terms, catalog.definition, lambda: history)


def test_a_query_is_planned_over_the_columns_that_the_engine_is_shown(catalog: Catalog) -> None:
    judge = Judge()
    plan = make_planner(catalog, judge).plan("SELECT n FROM t WHERE day > 1", None, "duckdb", PlanSettings())
    assert [scan.files.count for scan in plan.scans] == [2]
    assert [column.name for column in judge.shown["t"]] == ["n", "s", "day"]


def test_what_only_the_engine_can_take_apart_is_read_whole(catalog: Catalog) -> None:
    plan = make_planner(catalog, Judge(("t", "other"))).plan(UNPARSED, None, "duckdb", PlanSettings())
    assert [(scan.table.name, scan.files.count) for scan in plan.scans] == [("t", 3)]


def test_what_nobody_can_take_apart_is_refused(catalog: Catalog) -> None:
    with pytest.raises(SqlSyntaxError):
        make_planner(catalog, Judge(None)).plan(UNPARSED, None, "duckdb", PlanSettings())


def test_what_the_engine_has_against_a_query_is_raised(catalog: Catalog) -> None:
    judge = Judge(verdict=UnsupportedSqlError("no such thing"))
    with pytest.raises(UnsupportedSqlError, match="no such thing"):
        make_planner(catalog, judge).plan("SELECT n FROM t", None, "duckdb", PlanSettings())


def test_the_rows_of_the_history_are_part_of_the_plan(catalog: Catalog) -> None:
    planner = make_planner(catalog, Judge())
    plan = planner.plan('SELECT id FROM "lakeq$history"', None, "duckdb", PlanSettings())
    assert [table.rows.to_pydict() for table in plan.inline] == [{"id": ["a"]}]


def test_a_plan_within_limits_is_that_or_an_error(catalog: Catalog) -> None:
    planner = make_planner(catalog, Judge())
    sql, size = "SELECT n FROM t WHERE day = 1", len(ROWS)
    plan, estimate = planner.plan_within(QueryLimits(max_bytes=size), sql, None, "duckdb", Tally())
    assert (plan.scans[0].files.size, estimate.bytes_scanned) == (size, size)
    for limits in (QueryLimits(max_bytes=size - 1), QueryLimits(max_cost=Decimal(0))):
        with pytest.raises(BudgetExceededError):
            planner.plan_within(limits, sql, None, "duckdb", Tally())


def test_a_required_condition_is_asked_for_where_a_query_is_to_run(catalog: Catalog) -> None:
    catalog.register(define_table("t", "t", require_partition_filter=["day"]))
    planner = make_planner(catalog, Judge())
    planner.plan("SELECT n FROM t", None, "duckdb", PlanSettings())
    with pytest.raises(BudgetExceededError, match="only read with a filter on day"):
        planner.plan_within(QueryLimits(), "SELECT n FROM t", None, "duckdb", Tally())


def nest(depth: int) -> str:
    return f"SELECT n FROM t WHERE day = 1 AND {'(' * depth}n = 1{')' * depth}"


def test_what_is_nested_too_deeply_for_python_is_read_whole_where_the_engine_can_follow(
    catalog: Catalog,
) -> None:
    plan = make_planner(catalog, Judge(("t",))).plan(nest(1_000), None, "duckdb", PlanSettings())
    (scan,) = plan.scans
    assert (scan.files.count, plan.text) == (3, nest(1_000))
    assert plan.notes == ("The planner cannot take this query apart: nothing was pruned.",)
    assert (
        make_planner(catalog, Judge()).plan(nest(10), None, "duckdb", PlanSettings()).scans[0].files.count
        == 1
    )


def test_what_is_nested_too_deeply_for_the_engine_too_is_refused(catalog: Catalog) -> None:
    with pytest.raises(SqlSyntaxError, match="nested too deeply"):
        make_planner(catalog, Judge(None)).plan(nest(1_000), None, "duckdb", PlanSettings())


def test_a_long_chain_of_conditions_prunes_as_a_short_one(catalog: Catalog) -> None:
    chain = " OR ".join(f"(day = 2 AND n = {number})" for number in range(300))
    plan = make_planner(catalog, Judge()).plan(
        f"SELECT n FROM t WHERE {chain}", None, "duckdb", PlanSettings()
    )
    assert plan.scans[0].files.count == 1
