"""Limits of a day: where they are declared, what they refuse, and how much they leave."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.catalog.definitions import define_table, load_definition
from lakeq.errors import BudgetExceededError, ConfigError
from lakeq.planner.budget import (
    AskAbove,
    DayLimit,
    QueryLimits,
    Spent,
    check_day,
    find_ask_above,
    find_limits,
    find_max_footers,
    find_most_bytes,
)
from lakeq.planner.estimate import Estimate, estimate_plan
from lakeq.planner.pricing import ATHENA, BIGQUERY, NONE, PRICINGS, Pricing
from tests.engines.lakes import make_table, open_folder, plan, scan


@pytest.fixture
def estimate(tmp_path: Path) -> Estimate:
    """300 bytes of t and 100 of u."""
    scans = []
    for name, size in (("t", 300), ("u", 100)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f.csv").write_bytes(
            b"a\n" + b"12345678\n" * (size // 10) + b"1" * (size // 10 - 2)
        )
        made = scan(make_table(open_folder(tmp_path), name, "csv", f"{name}/"))
        assert made.files.size == size
        scans.append(made)
    return replace(estimate_plan(plan("SELECT 1", *scans)), cost_usd=Decimal("0.04"))


def test_limits_come_from_the_lake_its_tables_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEQ_MAX_BYTES_PER_DAY", "1GB")
    monkeypatch.setenv("LAKEQ_MAX_COST_PER_DAY", "")
    toml = "[limits]\nmax_cost_per_day = 2.5\n[tables.t]\nmax_bytes_per_day = '1TB'\n[tables.u]\n"
    definition = load_definition(toml, ".")
    assert find_limits(None, None, definition.limits, definition.tables).days == (
        DayLimit(None, 1 << 30, Decimal("2.5")),
        DayLimit("t", 1 << 40, None),
    )
    monkeypatch.delenv("LAKEQ_MAX_BYTES_PER_DAY")
    assert not find_limits(None, None, {}, [define_table("t", "t")]).are_set
    for wrong in ({"max_bytes_per_day": "much"}, {"max_cost_per_day": -1}):
        with pytest.raises(ConfigError):
            find_limits(None, None, wrong)
    with pytest.raises(ConfigError, match="Did you mean 'max_bytes_per_day'"):
        load_definition("[limits]\nmax_byte_per_day = 1\n", ".")


@pytest.mark.parametrize(
    ("declared", "environment", "asks"),
    [
        ({}, "", AskAbove(bytes=100 * 1024**3)),
        ({}, "1TB", AskAbove(bytes=1024**4)),
        ({}, "$1", AskAbove(usd=Decimal(1))),
        ({"ask_above": "$0.50"}, "1TB", AskAbove(usd=Decimal("0.5"))),
        ({"ask_above": 0}, "1TB", AskAbove(bytes=0)),
        ({"ask_above": "off"}, "1TB", AskAbove()),
    ],
)
def test_what_is_asked_about_is_a_size_dollars_or_nothing(
    declared: dict[str, object], environment: str, asks: AskAbove, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEQ_ASK_ABOVE", environment)
    assert find_ask_above(declared) == asks


def test_a_wrong_amount_to_ask_above_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEQ_ASK_ABOVE", "much")
    with pytest.raises(
        ConfigError, match=r"LAKEQ_ASK_ABOVE: ask_above is a size such as 100GB, .* not 'much'"
    ):
        find_ask_above({})
    for wrong in ("$much", -1, "", True):
        with pytest.raises(ConfigError):
            find_ask_above({"ask_above": wrong})
    assert load_definition("[limits]\nask_above = '$2'\n", ".").limits == {"ask_above": "$2"}


def test_the_number_of_footers_is_of_the_environment_where_the_lake_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAKEQ_MAX_FOOTERS", "300")
    assert [find_max_footers(*each) for each in ((500, {}), (None, {"max_footers": 400}), (None, {}))] == [
        500,
        400,
        300,
    ]
    monkeypatch.setenv("LAKEQ_MAX_FOOTERS", "few")
    with pytest.raises(ConfigError, match="LAKEQ_MAX_FOOTERS"):
        find_max_footers(None, {})


@pytest.mark.parametrize(
    ("limit", "used", "words"),
    [
        (
            DayLimit(None, 999, None),
            Spent(600, Decimal(1)),
            "this lake have used 600 bytes .* max_bytes_per_day",
        ),
        (DayLimit(None, None, Decimal("1.03")), Spent(0, Decimal(1)), "add 400 bytes .* max_cost_per_day"),
        (DayLimit("T", 899, None), Spent(600, Decimal(1)), "table 'T' have used .* add 300 bytes"),
        (DayLimit("u", None, Decimal("1.009")), Spent(0, Decimal(1)), "table 'u' have used .*0.01"),
    ],
)
def test_what_would_pass_a_limit_is_refused_and_the_limit_itself_is_not(
    estimate: Estimate, limit: DayLimit, used: Spent, words: str
) -> None:
    with pytest.raises(BudgetExceededError, match=words) as caught:
        check_day(estimate, [limit], lambda table: used)
    assert caught.value.estimate is estimate
    size = None if limit.max_bytes is None else limit.max_bytes + 1
    cost = None if limit.max_cost is None else limit.max_cost + Decimal("0.01")
    check_day(estimate, [DayLimit(limit.table, size, cost)], lambda table: used)
    check_day(estimate, [replace(limit, table="other")], lambda table: used)


def test_a_query_may_scan_the_least_that_any_limit_leaves(estimate: Estimate) -> None:
    def most(
        *limits: DayLimit, size: int | None = None, cost: int | None = None, pricing: Pricing = ATHENA
    ) -> int | None:
        dollars = None if cost is None else Decimal(cost)
        used = {None: Spent(4_000, Decimal(2)), "u": Spent(500, Decimal(0))}
        return find_most_bytes(estimate, QueryLimits(size, dollars, limits), used.__getitem__, pricing)

    lake, table = DayLimit(None, 10_000, None), DayLimit("u", 7_000, None)
    assert most() is None
    assert most(lake, table, DayLimit("other", 1, None)) == 6_000
    assert most(lake, table, size=5) == 5
    assert most(DayLimit(None, None, Decimal(7))) == 1 << 40
    assert most(size=1 << 50, cost=5) == 1 << 40
    assert most(cost=0, pricing=NONE) is None
    assert most(cost=0, pricing=BIGQUERY) == 0


@given(st.sampled_from(list(PRICINGS.values())), st.decimals(0, 10_000, places=6))
def test_what_can_be_paid_costs_no_more_and_the_next_megabyte_does(
    pricing: Pricing, dollars: Decimal
) -> None:
    most = pricing.affordable_bytes(dollars)
    if most is None:
        assert pricing is NONE
    else:
        least = max(pricing.minimum_megabytes, pricing.minimum_megabytes_a_table) * pricing.megabyte
        assert most < least or pricing.cost(most) <= dollars
        assert pricing.cost(most + 1) > dollars
