"""Prices of S3: AWS's, and those of a lakeq.toml."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lakeq.errors import ConfigError
from lakeq.planner.requests import ClassReads
from lakeq.planner.storage_cost import EGRESS, GET, HEAD, LIST, RETRIEVAL, price_reads
from lakeq.planner.storage_prices import GIGABYTE, S3_PRICES, find_storage_prices

GETS = 1_000


@pytest.mark.parametrize(
    ("storage_class", "dollars"),
    [
        ("STANDARD", "0.0004"),
        ("REDUCED_REDUNDANCY", "0.0004"),
        ("INTELLIGENT_TIERING", "0.0004"),
        ("STANDARD_IA", "10.001"),
        ("ONEZONE_IA", "10.001"),
        ("GLACIER_IR", "30.01"),
        ("EXPRESS_ONEZONE", "0.60003"),
        ("GLACIER restored", "0.0004"),
        ("DEEP_ARCHIVE restored", "0.0004"),
        (None, "0.0004"),
        ("A_CLASS_TO_COME", "0.0004"),
    ],
)
def test_a_thousand_gigabytes_in_a_thousand_requests(storage_class: str | None, dollars: str) -> None:
    reads = ClassReads(storage_class, GETS, 1_000 * GIGABYTE, is_exact=True)
    assert price_reads([reads], {}, S3_PRICES).usd == Decimal(dollars)


def test_each_line_stands_by_itself_and_all_add_up() -> None:
    reads = [
        ClassReads("STANDARD", 3, 2**20, is_exact=True),
        ClassReads("STANDARD_IA", 7, 2 * GIGABYTE, is_exact=False),
    ]
    cost = price_reads(reads, {"list": 4, "head": 2, "get": 99}, find_storage_prices(egress="internet"))
    lines = [(line.name, line.storage_class, line.quantity, line.usd, line.is_exact) for line in cost.lines]
    assert lines == [
        (LIST, None, 4, Decimal("0.00002"), True),
        (HEAD, None, 2, Decimal("0.0000008"), True),
        (GET, "STANDARD", 3, Decimal("0.0000012"), True),
        (GET, "STANDARD_IA", 7, Decimal("0.000007"), False),
        (RETRIEVAL, "STANDARD_IA", 2 * GIGABYTE, Decimal("0.02"), False),
        (EGRESS, None, 2 * GIGABYTE + 2**20, Decimal("0.09") * (2 * GIGABYTE + 2**20) / GIGABYTE, False),
    ]
    assert cost.usd + cost.egress_usd == sum(line.usd for line in cost.lines)
    assert cost.egress_usd == lines[-1][3]
    assert cost.count(GET) == 10


def test_nothing_read_costs_nothing() -> None:
    assert price_reads([], {}, S3_PRICES).lines == ()


def test_settings_are_the_prices_of_another_region() -> None:
    prices = find_storage_prices(
        {
            "model": "athena",
            "egress": 0.02,
            "requests": {"list": 0.0054},
            "storage": {"STANDARD_IA": {"retrieval": 0.012}, "GLACIER": {"restore_hours": 6}},
        }
    )
    assert (prices.list, prices.egress) == (Decimal("0.0054"), Decimal("0.02"))
    ia, glacier = prices.of("STANDARD_IA"), prices.of("GLACIER")
    assert (ia.retrieval, ia.get) == (Decimal("0.012"), Decimal("0.001"))
    assert (glacier.restore_hours, glacier.restore) == (6, Decimal("0.01"))
    assert find_storage_prices({"egress": 0.02}, egress="internet").egress == Decimal("0.09")
    assert find_storage_prices() == S3_PRICES


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"requests": {"lists": 1}}, "Did you mean 'list'"),
        ({"requests": 1}, "must be a table"),
        ({"storage": {"STANDARD-IA": {}}}, "Did you mean 'STANDARD_IA'"),
        ({"storage": {"STANDARD_IA": {"retreival": 1}}}, "Did you mean 'retrieval'"),
        ({"storage": {"STANDARD_IA": 0.01}}, "must be a table"),
        ({"storage": {"STANDARD_IA": {"get": "cheap"}}}, "Not an amount"),
        ({"storage": {"STANDARD_IA": {"get": -1}}}, "Not an amount"),
        ({"storage": {"GLACIER": {"restore_hours": 1.5}}}, "whole number"),
        ({"egress": "moon"}, "Not an amount"),
    ],
)
def test_what_is_no_price_is_an_error(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        find_storage_prices(settings)
