"""Athena's rule in numbers (the vectors are arithmetic from AWS's wording)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.planner.pricing import ATHENA, ATHENA_DECIMAL

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
