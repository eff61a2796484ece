"""Athena's rule in numbers (the vectors are arithmetic from AWS's wording)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lakeq
from lakeq.errors import ConfigError
from lakeq.planner.pricing import ATHENA, ATHENA_DECIMAL, BIGQUERY, NONE, PRICINGS, find_pricing

VECTORS = [
    (0, 10, "0.00005", 10, "0.0000476837"),
    (1, 10, "0.00005", 10, "0.0000476837"),
    (9_999_999, 10, "0.00005", 10, "0.0000476837"),
    (10_000_000, 10, "0.00005", 10, "0.0000476837"),
    (10_000_001, 11, "0.000055", 10, "0.0000476837"),
    (10_485_760, 11, "0.000055", 10, "0.0000476837"),
    (317_400_000, 318, "0.00159", 303, "0.0014448166"),
    (10**12, 1_000_000, "5", 953_675, "4.5474767685"),
    (10**12 + 1, 1_000_001, "5.000005", 953_675, "4.5474767685"),
]


@pytest.mark.parametrize(("scanned", "decimal_mb", "decimal_cost", "binary_mb", "binary_cost"), VECTORS)
def test_bytes_are_billed_up_to_the_next_megabyte_and_at_least_ten(
    scanned: int, decimal_mb: int, decimal_cost: str, binary_mb: int, binary_cost: str
) -> None:
    assert ATHENA_DECIMAL.billed_bytes(scanned) == decimal_mb * 10**6
    assert ATHENA_DECIMAL.cost(scanned) == Decimal(decimal_cost)
    assert ATHENA.billed_bytes(scanned) == binary_mb * 2**20
    assert round(ATHENA.cost(scanned), 10) == Decimal(binary_cost)


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_more_bytes_never_cost_less(a: int, b: int) -> None:
    low, high = sorted((a, b))
    assert ATHENA.cost(low) <= ATHENA.cost(high)


@pytest.mark.parametrize(
    ("scanned", "megabytes"),
    [((), 10), ((0,), 10), ((1, 1), 20), ((11 * 2**20 + 1, 1), 22), ((5, 2**40), 10 + 2**20)],
)
def test_bigquery_bills_ten_megabytes_for_each_table(scanned: tuple[int, ...], megabytes: int) -> None:
    assert BIGQUERY.billed_bytes(*scanned) == megabytes * 2**20
    assert BIGQUERY.cost(2**40) == Decimal("6.25")


def test_tables_of_one_query_are_rounded_up_together_elsewhere() -> None:
    assert ATHENA.billed_bytes(2**20 * 6, 2**20 * 6 + 1) == 13 * 2**20
    assert NONE.cost(2**50, 1) == 0


def test_a_pricing_is_found_by_name_and_the_settings_price_is_of_their_model() -> None:
    assert find_pricing() is ATHENA and find_pricing("none") is NONE
    assert find_pricing(None, {"model": "bigquery"}) is BIGQUERY
    dear = find_pricing(None, {"dollars_per_terabyte": 6.75})
    assert dear.name == "athena" and dear.cost(2**40) == Decimal("6.75")
    assert find_pricing("bigquery", {"dollars_per_terabyte": 6.75}) is BIGQUERY
    assert find_pricing(ATHENA_DECIMAL, {"model": "none"}) is ATHENA_DECIMAL
    assert all(find_pricing(name).name == name for name in PRICINGS)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("athen", {}, "No pricing called 'athen'"),
        (None, {"model": "oracle"}, "No pricing called 'oracle'"),
        (None, {"dollars_per_terabyte": "cheap"}, "cheap"),
    ],
)
def test_what_is_no_pricing_is_refused(name: str | None, settings: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        find_pricing(name, settings)


def test_athena_bills_a_cte_as_often_as_it_is_used_and_others_once(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    rows = pa.table({"x": np.random.default_rng(1).integers(0, 2**62, 2_000_000)})
    pq.write_table(rows, tmp_path / "t" / "a.parquet", compression="none", use_dictionary=False)
    once, twice = (
        "SELECT sum(x) FROM t",
        "WITH c AS (SELECT x FROM t) SELECT * FROM c a JOIN c b ON a.x = b.x",
    )
    with lakeq.connect(tmp_path, pricing="athena") as lake:
        single, double = lake.estimate(once), lake.estimate(twice)
        assert "  used 2 times: Athena" in lake.explain(twice)
    assert (double.bytes_scanned, double.high) == (2 * single.bytes_scanned, 2 * single.high)
    assert double.accuracy == "upper_bound"
    assert double.cost_usd == ATHENA.cost(2 * single.bytes_scanned)
    with lakeq.connect(tmp_path, pricing="redshift-spectrum") as lake:
        shared = lake.estimate(twice)
    assert (shared.bytes_scanned, shared.high) == (single.bytes_scanned, 2 * single.high)
    assert (shared.accuracy, shared.cost_usd) == ("exact", single.cost_usd)
